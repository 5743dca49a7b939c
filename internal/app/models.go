package app

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sync"

	"flowgate/internal/agent/planner"
	"flowgate/internal/agent/planner/llm"
	"flowgate/internal/auth"
	"flowgate/internal/config"
	"flowgate/internal/workflow"
)

// models finds the language model for a turn: the operator's by configuration,
// or one that the user has a credential for. Safe for concurrent use.
type models struct {
	core  *Core
	users *http.Client // guarded: users name addresses
	own   *http.Client

	mu   sync.Mutex
	made map[string]llm.Model // of the operator, by name
}

func newModels(c *Core, e *Engine) *models {
	return &models{core: c, users: e.Guard.Client(), own: operatorsClient(), made: map[string]llm.Model{}}
}

// operatorsClient reaches the address that the operator configured, wherever
// it is.
func operatorsClient() *http.Client {
	t := http.DefaultTransport.(*http.Transport).Clone() //nolint:forcetypeassert // it is one
	return &http.Client{Transport: t}
}

// operatorsModel are the options of a model by configuration.
func operatorsModel(c *config.Config, name string) llm.Options {
	return llm.Options{Provider: c.LLMProvider, Model: name, Key: c.LLMAPIKey, BaseURL: c.LLMBaseURL, Label: name}
}

// forTurn returns the model for a request, nil when none is set up.
func (m *models) forTurn(ctx context.Context, r planner.Request) (llm.Model, error) {
	if r.CredentialID != "" {
		return m.ofUser(ctx, r)
	}
	c := m.core.Config
	if c.LLMProvider == "none" {
		if r.Model != "" {
			return nil, noModel(r.Model, nil)
		}
		return nil, nil
	}
	known := append([]string{c.LLMModel}, c.LLMModels...)
	name := r.Model
	if name == "" {
		name = c.LLMModel
	}
	if !slices.Contains(known, name) {
		return nil, noModel(name, known)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if made := m.made[name]; made != nil {
		return made, nil
	}
	o := operatorsModel(c, name)
	o.Client, o.Metrics, o.Tracer, o.Logger = m.own, m.core.Metrics, m.core.Tracer, m.core.Log
	made, err := llm.New(o)
	if err != nil {
		return nil, err
	}
	m.made[name] = made
	return made, nil
}

func noModel(name string, known []string) error {
	if len(known) == 0 {
		return workflow.Errorf(workflow.CodeInvalid, "model: There is no model %q here: none is set up. Name a credential of yours for it (model_credential), or leave model out for the offline planner.", name).WithReason(planner.ReasonChoice)
	}
	return workflow.Errorf(workflow.CodeInvalid, "model: There is no model %q; choose one of %v, or name a credential of yours for it (model_credential).", name, known).WithReason(planner.ReasonChoice)
}

// providersOf are the types of credentials for models.
var providersOf = []struct{ kind, provider string }{{"openAiApi", llm.OpenAI}, {"anthropicApi", llm.Anthropic}}

// ofUser returns a model that the user has a credential for. Its address is
// the user's to name, and so reached by the guarded client.
func (m *models) ofUser(ctx context.Context, r planner.Request) (llm.Model, error) {
	if r.Model == "" {
		return nil, workflow.Errorf(workflow.CodeInvalid, "model: Name the model to reach with your credential.").WithReason(planner.ReasonChoice)
	}
	for _, p := range providersOf {
		values, err := m.core.Vault.Fields(ctx, r.OwnerID, p.kind, workflow.CredentialRef{ID: r.CredentialID})
		if workflow.CodeOf(err) == workflow.CodeNotFound {
			continue
		}
		if err != nil {
			return nil, err
		}
		return llm.New(llm.Options{Provider: p.provider, Model: r.Model, Key: values["apiKey"], BaseURL: values["url"], Organization: values["organizationId"],
			Client: m.users, Metrics: m.core.Metrics, Tracer: m.core.Tracer, Logger: m.core.Log})
	}
	return nil, workflow.Errorf(workflow.CodeInvalid, "model_credential: You have no credential of the type openAiApi or anthropicApi with the id %q.", r.CredentialID).WithReason(planner.ReasonChoice)
}

// budgetOf is what one turn may use up.
func budgetOf(c *config.Config) planner.Budget {
	return planner.Budget{Calls: c.LLMMaxCalls, Tokens: c.LLMMaxTokens, Time: c.LLMTimeout, Cost: c.LLMMaxCost, InputPrice: c.LLMInputPrice, OutputPrice: c.LLMOutputPrice}
}

// looker is how a model looks at what the user has: by the service, as an
// identity that may do what the turn's caller may and no more.
func looker(call func(ctx context.Context, name string, args json.RawMessage) (any, error)) func(context.Context, planner.Look) (string, error) {
	return func(ctx context.Context, l planner.Look) (string, error) {
		id := &auth.Identity{Subject: l.OwnerID, Kind: auth.KindAPIKey, Tier: auth.TierMCP, ClientName: "workflow agent",
			Scopes: slices.DeleteFunc(slices.Clone(l.Scopes), func(s string) bool { return s == auth.ScopeToolsExecute })} // which stands for all of them
		out, err := call(auth.WithIdentity(ctx, id), l.Tool, l.Args)
		if err != nil {
			return "", err
		}
		data, err := json.Marshal(out)
		if err != nil {
			return "", fmt.Errorf("encode what %s answered: %w", l.Tool, err)
		}
		return string(data), nil
	}
}
