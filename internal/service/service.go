// Package service is what the product can do: one method per capability, and
// the table from which every door (MCP tools, REST routes, scopes, schemas,
// documentation) follows. Every call goes through Service.Call, which decides
// whether the caller may.
package service

import (
	"context"
	"log/slog"
	"sync"
	"time"

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
}

// Catalogue knows node types and judges documents.
type Catalogue interface {
	NodeTypes() []workflow.NodeType
	// Near returns the names of node types that resemble name, best first.
	Near(name string) []string
	Validate(doc *workflow.Document) workflow.Validation
	// Normalize fills in what a document leaves out: names, ids, versions.
	Normalize(doc *workflow.Document)
	// Webhooks lists what activation has to arm.
	Webhooks(doc *workflow.Document) []workflow.WebhookTrigger
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
}

// Options are what a Service is made of. Store, Agent and Catalogue are
// required.
type Options struct {
	Store     Store
	Agent     Agent
	Catalogue Catalogue
	// Credentials returns a stored credential's fields. Nil: none are kept.
	Credentials func(ctx context.Context, owner, kind string, ref workflow.CredentialRef) (map[string]string, error)
	// PublicURL begins the links handed out, without a slash at the end.
	PublicURL string
	Logger    *slog.Logger
	Now       func() time.Time
}

// Service does what callers ask. Safe for concurrent use.
type Service struct {
	Options
	table []*Capability
	index map[string]*Capability

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
	s := &Service{Options: o, index: map[string]*Capability{}}
	s.table = s.capabilities()
	for _, c := range s.table {
		if err := c.check(); err != nil {
			return nil, err
		}
		if s.index[c.Name] != nil {
			return nil, workflow.Errorf(workflow.CodeInternal, "capability %s is declared twice", c.Name)
		}
		s.index[c.Name] = c
	}
	return s, nil
}

// Capabilities returns the table in order of documentation.
func (s *Service) Capabilities() []*Capability { return s.table }

// Capability returns the row of that name, nil when there is none.
func (s *Service) Capability(name string) *Capability { return s.index[name] }
