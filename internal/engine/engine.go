// Package engine runs workflow documents: the order of nodes, the items that
// flow between them, errors, retries, waits, and the record of all of it.
//
// An execution is computed from its document, its start and its recorded
// effects alone. Computing it again (after a crash, in another process) gives
// the same node runs and the same events under the same numbers.
package engine

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"flowgate/internal/engine/expr"
	"flowgate/internal/engine/node"
	"flowgate/internal/telemetry"
)

// Options are what an Engine works with. Registry is required; the zero value
// of the rest works.
type Options struct {
	Registry *node.Registry
	// Expr evaluates expressions and, without a CodeRunner, the code of Code
	// nodes too. Nil: a pool of its own with the default limits.
	Expr *expr.Pool
	// Code runs the JavaScript of Code nodes elsewhere, for instance in worker
	// processes. Nil: in this process.
	Code CodeRunner
	// HTTP is the guarded client nodes reach out with. Nil: http.DefaultClient.
	HTTP *http.Client
	// MCP are the MCP servers that the operator configured. Nil: none. The
	// caller closes it.
	MCP    *node.MCPPool
	Logger *slog.Logger
	// Metrics and Tracer observe executions and nodes; nil: nothing does.
	Metrics *telemetry.Metrics
	Tracer  *telemetry.Tracer
	Limits  Limits
	// Location is the zone of workflows that name none. Nil: UTC.
	Location *time.Location
}

// CodeRunner runs user JavaScript with what the running node can see.
type CodeRunner interface {
	RunCode(ctx context.Context, scope *expr.Scope, req node.CodeRequest) (node.CodeResult, error)
}

// Engine runs documents. It holds no state of executions and is safe for
// concurrent use.
type Engine struct {
	registry *node.Registry
	expr     *expr.Pool
	code     CodeRunner
	http     *http.Client
	mcp      *node.MCPPool
	log      *slog.Logger
	metrics  *telemetry.Metrics
	tracer   *telemetry.Tracer
	limits   Limits
	location *time.Location
}

// New returns an Engine.
func New(o Options) *Engine {
	e := &Engine{registry: o.Registry, expr: o.Expr, code: o.Code, http: o.HTTP, mcp: o.MCP, log: o.Logger, metrics: o.Metrics, tracer: o.Tracer, limits: o.Limits.withDefaults(), location: o.Location}
	if e.expr == nil {
		e.expr = expr.NewPool(expr.Options{})
	}
	if e.http == nil {
		e.http = http.DefaultClient
	}
	if e.location == nil {
		e.location = time.UTC
	}
	if e.log == nil {
		e.log = slog.New(slog.DiscardHandler)
	}
	return e
}
