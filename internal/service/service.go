// Package service is what the product can do: one method per capability, and
// the table from which every door (MCP tools, REST routes, scopes, schemas,
// documentation) follows. Every call goes through Service.Call, which decides
// whether the caller may.
package service

import (
	"context"
	"encoding/json"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"flowgate/internal/auth"
	"flowgate/internal/ratelimit"
	"flowgate/internal/telemetry"
	"flowgate/internal/workflow"
	"flowgate/store"
)

// Agent is the workflow agent as the service needs it: it owns executions.
type Agent interface {
	// Execute records an execution durably and returns its id. With an
	// idempotency key that was used before it returns that execution's id.
	Execute(ctx context.Context, req workflow.ExecuteRequest) (id string, existing bool, err error)
	// Watch calls fn for each event after the cursor, in order, and returns nil
	// when the execution is final and all of its events were given.
	Watch(ctx context.Context, owner, id string, after int64, fn func(workflow.Event) error) error
	// Cancel asks a live execution to stop.
	Cancel(ctx context.Context, owner, id string) error
	// Resume answers what a waiting execution waits for; CodeInvalid where the
	// answer does not fit, CodeConflict where none is waited for.
	Resume(ctx context.Context, owner, id string, response *workflow.Object) error
	// Retry starts a failed execution again as a new one, from where it failed.
	Retry(ctx context.Context, owner, id string) (newID string, err error)
}

// Catalogue knows node types and judges documents.
type Catalogue interface {
	NodeTypes() []workflow.NodeType
	// Near returns the names of node types that resemble name, best first.
	Near(name string) []string
	Validate(doc *workflow.Document) workflow.Validation
	// Preview evaluates an expression for an owner and returns its value as
	// JSON; CodeUnrunnable is the expression's own fault.
	Preview(ctx context.Context, owner string, p Preview) (json.RawMessage, error)
	// ValidateFor judges it for somebody who has those credentials of which
	// has says so.
	ValidateFor(doc *workflow.Document, has func(kind string, ref workflow.CredentialRef) bool) workflow.Validation
	// Normalize fills in what a document leaves out: names, ids, versions.
	Normalize(doc *workflow.Document)
	// Webhooks lists what activation has to arm.
	Webhooks(doc *workflow.Document) []workflow.WebhookTrigger
	// Schedules lists what starts the document by the clock, with the next
	// time after now.
	Schedules(doc *workflow.Document, now time.Time) ([]store.Schedule, error)
	// Forms lists the forms that start the document.
	Forms(ctx context.Context, doc *workflow.Document) []Form
	// FormItem is what such a form's trigger puts out for an answer, asked as
	// Form says; CodeInvalid, field by field, when it is not filled in properly.
	// mode is "production" or "test".
	FormItem(doc *workflow.Document, asked json.RawMessage, answer *workflow.Object, at time.Time, mode string) (*workflow.Item, error)
	// WaitWebhook makes a waiting node, written as a webhook, ready to be called.
	WaitWebhook(ctx context.Context, n *workflow.Node) (Webhook, error)
	// Webhook makes a webhook trigger of a document ready to take calls.
	Webhook(ctx context.Context, doc *workflow.Document, node string) (Webhook, error)
	// NoWebhook is the answer where no webhook takes the call; methods are
	// those the path is taken with.
	NoWebhook(method, path string, methods []string) workflow.Response
}

// Store is what the service keeps.
type Store interface {
	store.Workflows
	store.Triggers
	store.Executions
	// ExecutionByID returns an execution whoever owns it, for its signed links.
	ExecutionByID(ctx context.Context, id string) (*workflow.Execution, error)
}

// Options are what a Service is made of. Store, Agent and Catalogue are
// required.
type Options struct {
	Store     Store
	Agent     Agent
	Catalogue Catalogue
	// Vault keeps credentials. Nil: none are kept.
	Vault *Vault
	// Operator is what the role admin may look at.
	Operator Operator
	// Files keeps users' files. Nil: none are kept.
	Files *Files
	// Keys are the API keys, Grants what OAuth clients may do. Nil: there are none.
	Keys   *auth.APIKeys
	Grants *auth.Grants
	// Credentials returns a stored credential's fields. Nil: the Vault's.
	Credentials func(ctx context.Context, owner, kind string, ref workflow.CredentialRef) (map[string]string, error)
	// TestHooks arms webhooks for one test call. Nil: there are no tests.
	TestHooks store.TestWebhooks
	// HTTP and Dial reach out as workflows may, to try credentials. Nil: they
	// are not tried.
	HTTP *http.Client
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Conversations keeps those with the workflow agent, and Talk has the agent
	// answer a message: it calls fn with each piece. Nil: there are none.
	Conversations store.Conversations
	Talk          func(ctx context.Context, t workflow.Turn, fn func(workflow.TurnEvent) error) error
	// Schedules keeps what starts workflows by the clock. Nil: nothing does.
	Schedules store.Schedules
	// Sign returns the signature that an execution's resume link carries. Nil:
	// there are no such links.
	Sign func(executionID string) string
	// Limits counts requests. Nil: there are no limits.
	Limits *ratelimit.Limiter
	// Holds bounds the streams and waiting calls of one caller, WebhookHolds
	// the calls of webhooks that are under way, by path. Nil: no bounds.
	Holds, WebhookHolds *ratelimit.Holds
	// Audit records calls and refusals. Nil: nothing does.
	Audit Audit
	// AuditLog is where they are read. Nil: there is nothing to read.
	AuditLog AuditLog
	// Fanout tells other processes of conversations' events, and ChatLog holds
	// these for clients that come back. Nil: the store alone has them.
	Fanout  store.Fanout
	ChatLog store.ChatLog
	// PublicURL begins the links handed out, without a slash at the end.
	PublicURL string
	Logger    *slog.Logger
	Metrics   *telemetry.Metrics // nil: nothing is counted
	Tracer    *telemetry.Tracer  // nil: nothing is traced
	Now       func() time.Time
}

// Service does what callers ask. Safe for concurrent use.
type Service struct {
	Options
	table []*Capability
	index map[string]*Capability

	feeds feeds // executions that are followed

	chats    chats
	stopping chan struct{} // closed by StopWaiting
	stopOnce sync.Once

	runs    runRows
	encoded encodedDocuments

	triggerOnce  sync.Once
	triggerNames map[string]bool
}

// New returns a service over o. It fails when the capability table is not
// fully declared.
func New(o Options) (*Service, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Credentials == nil && o.Vault != nil {
		o.Credentials = o.Vault.Fields
	}
	s := &Service{Options: o, index: map[string]*Capability{}, stopping: make(chan struct{})}
	if err := s.declare(s.capabilities()); err != nil {
		return nil, err
	}
	return s, nil
}

// declare takes the table in. A row that leaves out a rule, such as its scope,
// and one that is there twice, are faults: the program does not start.
func (s *Service) declare(table []*Capability) error {
	s.table = table
	for _, c := range table {
		if err := c.check(); err != nil {
			return err
		}
		if s.index[c.Name] != nil {
			return workflow.Errorf(workflow.CodeInternal, "capability %s is declared twice", c.Name)
		}
		s.index[c.Name] = c
	}
	return distinctRoutes(table)
}

// distinctRoutes refuses an address that two rows declare: only one would be
// reached. What parameters are called makes no difference.
func distinctRoutes(table []*Capability) error {
	holders := map[string]string{}
	for _, c := range table {
		for _, r := range c.Routes {
			segments := strings.Split(r.Path, "/")
			for i, segment := range segments {
				if strings.HasPrefix(segment, "{") {
					segments[i] = "{}"
				}
			}
			address := r.Method + " " + strings.Join(segments, "/")
			if other := holders[address]; other != "" {
				return workflow.Errorf(workflow.CodeInternal, "the route %s %s is declared twice, by %s and %s", r.Method, r.Path, other, c.Name)
			}
			holders[address] = c.Name
		}
	}
	return nil
}

// StopWaiting makes calls that wait for an execution answer where it stands:
// this process is about to end, and the execution goes on in another, or at
// the next start.
func (s *Service) StopWaiting() { s.stopOnce.Do(func() { close(s.stopping) }) }

// waiting returns ctx, ended by StopWaiting, too.
func (s *Service) waiting(ctx context.Context, most time.Duration) (context.Context, context.CancelFunc) {
	var cancel context.CancelFunc
	if most > 0 {
		ctx, cancel = context.WithTimeout(ctx, most)
	} else {
		ctx, cancel = context.WithCancel(ctx)
	}
	go func() {
		select {
		case <-s.stopping:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}

// Capabilities returns the table in order of documentation.
func (s *Service) Capabilities() []*Capability { return s.table }

// Tools returns the capabilities that models may be given: all but those that
// are RESTOnly.
func (s *Service) Tools() []*Capability {
	out := make([]*Capability, 0, len(s.table))
	for _, c := range s.table {
		if !c.RESTOnly {
			out = append(out, c)
		}
	}
	return out
}

// Tool returns the tool of that name, nil when there is none.
func (s *Service) Tool(name string) *Capability {
	if c := s.index[name]; c != nil && !c.RESTOnly {
		return c
	}
	return nil
}

// Capability returns the row of that name, nil when there is none.
func (s *Service) Capability(name string) *Capability { return s.index[name] }
