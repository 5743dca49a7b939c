package service

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"flowgate/internal/auth"
	"flowgate/internal/telemetry"
	"flowgate/internal/workflow"
	"flowgate/store"
)

// Capability is one thing the product can do: a row from which an MCP tool, a
// REST route, an authorization rule and documentation follow.
type Capability struct {
	Name        string // the MCP tool's name: get_workflow
	Title       string
	Description string // for a model: what, when, what next
	Scope       string // the fine scope that allows it; tools:execute does, too
	Group       string // heading in documentation

	ReadOnly    bool
	Destructive bool
	Idempotent  bool
	OpenWorld   bool // may reach systems beyond this one

	Routes []Route // under /api/app; may be empty
	// RESTOnly keeps the capability from models: it is no MCP tool and cannot
	// be invoked by the façade, for instance since secrets are among its
	// arguments. Its routes are the only way in.
	RESTOnly bool
	// Admin keeps the capability to the role admin.
	Admin bool
	// Raw marks a request or an answer that is not JSON, such as a file or a
	// stream: the door serves it by itself, under the same rules.
	Raw bool

	Input  *Schema // of the arguments object
	Output *Schema // of the result object

	// Text is the compact twin of a result, for models. Never nil.
	Text func(result any) string

	waits bool // may be held open until an execution or a turn ends; arguments with wait_seconds imply it

	call func(ctx context.Context, args json.RawMessage) (any, error)
	ask  func(ctx context.Context, args json.RawMessage) (*Question, error) // nil: nobody is asked
}

// Route is one REST address of a capability. Path parameters in braces,
// query parameters and the JSON body's fields together make the arguments,
// the path winning over the query, the query over the body.
type Route struct {
	Method string
	Path   string         // below /api/app: "/workflows/{workflow_id}"
	Status int            // of success
	Fixed  map[string]any // arguments this address sets by itself
}

func (c *Capability) check() error {
	var missing []string
	for field, ok := range map[string]bool{
		"Name": c.Name != "", "Title": c.Title != "", "Description": c.Description != "", "Group": c.Group != "",
		"Scope": slices.Contains(auth.Scopes(), c.Scope), "Input": c.Input != nil && c.Input.err == nil, "Output": c.Output != nil && c.Output.err == nil,
		"Text": c.Text != nil, "call": c.call != nil, "Routes": !c.RESTOnly || len(c.Routes) > 0,
	} {
		if !ok {
			missing = append(missing, field)
		}
	}
	slices.Sort(missing)
	if len(missing) > 0 {
		return fmt.Errorf("capability %q is not declared fully: %s", c.Name, strings.Join(missing, ", "))
	}
	return nil
}

// row completes a capability from the method that does its work: the schemas
// of arguments and result follow from the method's types.
func row[In, Out any](c Capability, method func(context.Context, In) (*Out, error), text func(*Out) string) *Capability {
	c.Input, c.Output = SchemaOf[In](), SchemaOf[Out]()
	c.waits = c.waits || c.Input.Property("wait_seconds") != ""
	c.Text = func(result any) string {
		out, ok := result.(*Out)
		if !ok {
			return ""
		}
		return text(out)
	}
	c.call = func(ctx context.Context, args json.RawMessage) (any, error) {
		var in In
		if err := c.Input.Decode(args, &in); err != nil {
			return nil, err
		}
		return method(ctx, in)
	}
	return &c
}

// Authorize decides whether id may use c: the one rule for every door. Nil
// means yes.
func Authorize(id *auth.Identity, c *Capability) error {
	switch {
	case id == nil:
		return workflow.Errorf(workflow.CodeUnauthorized, "sign in or send an API key").WithReason("missing_token")
	case c.Admin && !id.Admin:
		return workflow.Errorf(workflow.CodeForbidden, "this is for the role admin; the operator gives it with: flowgate users promote").WithReason("admin_required")
	case id.Kind == auth.KindAnonymous && id.Tier == auth.TierApp && c.Scope == auth.ScopeKeysWrite:
		return workflow.Errorf(workflow.CodeForbidden, "guests cannot let others in: give your account an email address first").WithReason("guests_not_allowed")
	case id.Kind == auth.KindLocal, id.Tier == auth.TierApp && (id.Kind == auth.KindUser || id.Kind == auth.KindAnonymous):
		return nil // their own rows: every query is bound to the subject
	case (id.Kind == auth.KindAPIKey || id.ClientID != "") && id.Tier != auth.TierApp && (id.HasScope(auth.ScopeToolsExecute) || id.HasScope(c.Scope)):
		return nil
	}
	message := "%s needs the scope %s, which this key does not have; its owner can make a key that has it"
	if id.ClientID != "" {
		message = "%s needs the scope %s, which you have not given this client; give it with PUT /api/app/oauth-grants/" + id.ClientID
	}
	err := workflow.Errorf(workflow.CodeScope, message, c.Name, c.Scope)
	err.Details = map[string]any{"required_scope": c.Scope}
	return err
}

// Visible returns the tools to show to id: what it may call, or, to a key
// whose only scope is tools:read, the whole catalogue.
func (s *Service) Visible(id *auth.Identity) []*Capability {
	all := reader(id)
	var out []*Capability
	for _, c := range s.table {
		if !c.RESTOnly && (all || Authorize(id, c) == nil) {
			out = append(out, c)
		}
	}
	return out
}

// Call does what the named capability does for the caller in ctx, with the
// arguments object args. The result is a pointer to the capability's output
// struct. With Perform it is the only way in: it authorizes, checks the
// arguments against the schema, acts, and records all of it in the audit log.
func (s *Service) Call(ctx context.Context, name string, args json.RawMessage) (any, error) {
	c, err := s.lookUp(ctx, name)
	if err != nil {
		return nil, err
	}
	return s.Do(ctx, c, args)
}

// Do is Call for a capability that was looked up for the caller in ctx, so
// that it is not looked up again.
func (s *Service) Do(ctx context.Context, c *Capability, args json.RawMessage) (any, error) {
	return s.perform(ctx, c, args, func(ctx context.Context) (any, error) { return c.call(ctx, args) })
}

// Perform does fn as the named row, which is Raw, for the caller in ctx: under
// the rules of Call, and recorded like it. args tell the log what was asked.
func (s *Service) Perform(ctx context.Context, name string, args any, fn func(context.Context) error) error {
	c := s.index[name]
	if c == nil {
		return workflow.Errorf(workflow.CodeInternal, "there is no capability %s", name)
	}
	data, err := json.Marshal(args)
	if err != nil {
		return err
	}
	_, err = s.perform(ctx, c, data, func(ctx context.Context) (any, error) { return nil, fn(ctx) })
	return err
}

func (s *Service) perform(ctx context.Context, c *Capability, args json.RawMessage, do func(context.Context) (any, error)) (any, error) {
	began := time.Now()
	ctx, span := s.Tracer.Start(ctx, c.label(), telemetry.Internal)
	defer span.End()
	var result any
	err := Authorize(auth.FromContext(ctx), c)
	if err == nil {
		result, err = s.bounded(ctx, c, args, do)
	} else {
		s.Refused(ctx, c.Name, args, err)
	}
	s.observe(c, err, time.Since(began), span)
	if err != nil {
		return nil, err
	}
	return result, nil
}

// Peek is Do for looking again at what the caller asked to be told of: it
// authorizes, but neither records nor counts. What changes something is not
// peeked at.
func (s *Service) Peek(ctx context.Context, c *Capability, args json.RawMessage) (any, error) {
	if !c.ReadOnly {
		return nil, workflow.Errorf(workflow.CodeInternal, "%s cannot be peeked at", c.Name)
	}
	if err := Authorize(auth.FromContext(ctx), c); err != nil {
		return nil, err
	}
	return c.call(ctx, args)
}

// observe records how a call ended.
func (s *Service) observe(c *Capability, err error, took time.Duration, span telemetry.Span) {
	if err == nil {
		s.Metrics.Capability(c.label(), "ok", took)
		return
	}
	code := workflow.CodeOf(err)
	s.Metrics.Capability(c.label(), string(code), took)
	span.Fail(string(code))
	var failed *store.Failure
	if errors.As(err, &failed) && (code == workflow.CodeUnavailable || code == workflow.CodeInternal) {
		s.Metrics.StoreError(failed.Backend, string(code))
	}
}

// label names c where names have to come from a small set: workflows that are
// tools share one.
func (c *Capability) label() string {
	if strings.HasPrefix(c.Name, runPrefix) {
		return runPrefix + "*"
	}
	return c.Name
}

// lookUp finds a row, or one of the caller's workflows that are tools.
func (s *Service) lookUp(ctx context.Context, name string) (*Capability, error) {
	if c := s.index[name]; c != nil {
		return c, nil
	}
	return s.ToolFor(ctx, name)
}

// ToolFor returns the tool of that name for the caller in ctx: a row of the
// table, or one of the caller's workflows. CodeNotFound when there is none.
func (s *Service) ToolFor(ctx context.Context, name string) (*Capability, error) {
	if c := s.Tool(name); c != nil {
		return c, nil
	}
	if strings.HasPrefix(name, runPrefix) {
		list, err := s.RunTools(ctx)
		if err != nil {
			return nil, err
		}
		for _, c := range list {
			if c.Name == name {
				return c, nil
			}
		}
	}
	return nil, workflow.Errorf(workflow.CodeNotFound, "there is no tool named %q%s", name, s.suggest(name)).WithReason("tool_not_found")
}

// VisibleRunTools returns those of the caller's tools that are workflows, if
// it may see them by the rule of Visible.
func (s *Service) VisibleRunTools(ctx context.Context) ([]*Capability, error) {
	id := auth.FromContext(ctx)
	if !reader(id) && Authorize(id, &Capability{Scope: auth.ScopeWorkflowsExecute}) != nil {
		return nil, nil
	}
	return s.RunTools(ctx)
}

// reader reports whether id is a key that reads the catalogue and nothing else.
func reader(id *auth.Identity) bool {
	return id != nil && len(id.Scopes) == 1 && id.HasScope(auth.ScopeToolsRead)
}

func (s *Service) suggest(name string) string {
	for _, c := range s.Tools() {
		if strings.Contains(c.Name, name) || (name != "" && strings.Contains(name, c.Name)) {
			return "; did you mean " + c.Name + "?"
		}
	}
	return ""
}

// owner is the subject whose rows a call sees.
func owner(ctx context.Context) string {
	if id := auth.FromContext(ctx); id != nil {
		return id.Subject
	}
	return ""
}
