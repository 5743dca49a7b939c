package grpcclient

import (
	"context"
	"log/slog"
	"net"
	"strings"
	"time"

	"flowgate/internal/telemetry"
	"flowgate/internal/workflow"
)

// Options say where the workflow agent is and how to speak to it. Target or
// Dialer is needed; every other zero value is a sound default.
type Options struct {
	// Target is host:port, or a gRPC target such as "dns:///agent:50051" or
	// "unix:///run/agent.sock". Host names are resolved to all their addresses
	// and calls go round them.
	Target string
	// Dialer makes the connections instead, for an agent in this process. It
	// gets Target as given.
	Dialer func(ctx context.Context, target string) (net.Conn, error)
	// TLS secures the connection. Ignored with Dialer unless it is filled in.
	TLS TLS
	// Token returns the short-lived internal token of a call, sent as
	// "authorization: Bearer …"; Owner tells it for whom. Nil sends none. It is
	// called once per call and once per connection of a Watch, concurrently.
	Token func(ctx context.Context) (string, error)
	// Logger gets changes of the breaker and lost watches. Nil: nothing.
	Logger *slog.Logger
	// Metrics and Tracer observe calls; nil: nothing does.
	Metrics *telemetry.Metrics
	Tracer  *telemetry.Tracer
	// MaxMessageBytes bounds messages both ways. 0: 16 MiB.
	MaxMessageBytes int
	// ReadyTimeout is how long a call waits for the first or a lost connection
	// before it fails. 0: 5 s.
	ReadyTimeout time.Duration
	// CallTimeout is the deadline of calls that come without one, Watch
	// excepted. 0: 30 s.
	CallTimeout time.Duration
	// Breaker says when calls are suspended.
	Breaker Breaker
	// Tier names the tier of callers that a call is made for, one of a few. Nil:
	// all are one.
	Tier func(ctx context.Context) string
	// Bulkhead bounds what each tier has under way.
	Bulkhead Bulkhead
}

// Breaker says when calls to a failing agent are suspended and when they are
// tried again. Only failures to reach the agent count.
type Breaker struct {
	Failures  uint32        // failures in a row that open it; 0: 5
	OpenFor   time.Duration // time until calls are let through on trial; 0: 60 s
	Successes uint32        // successes in a row that close it, and trial calls at a time; 0: 3
}

const (
	defaultMaxMessage = 16 << 20
	defaultReady      = 5 * time.Second
	defaultCall       = 30 * time.Second
)

// withDefaults returns o complete, or says what cannot be made up.
func (o Options) withDefaults() (Options, error) {
	if o.Target == "" && o.Dialer == nil {
		return o, workflow.Errorf(workflow.CodeInvalid, "The workflow agent's address is missing.")
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	o.MaxMessageBytes = positive(o.MaxMessageBytes, defaultMaxMessage)
	o.ReadyTimeout = positive(o.ReadyTimeout, defaultReady)
	o.CallTimeout = positive(o.CallTimeout, defaultCall)
	o.Breaker.OpenFor = positive(o.Breaker.OpenFor, time.Minute)
	o.Breaker.Failures = positive(o.Breaker.Failures, 5)
	o.Breaker.Successes = positive(o.Breaker.Successes, 3)
	o.Bulkhead.Calls = positive(o.Bulkhead.Calls, 256)
	o.Bulkhead.Turns = positive(o.Bulkhead.Turns, 64)
	o.Bulkhead.Watches = positive(o.Bulkhead.Watches, 4096)
	return o, nil
}

func positive[T int | uint32 | time.Duration](v, otherwise T) T {
	if v > 0 {
		return v
	}
	return otherwise
}

// address returns the gRPC target.
func (o Options) address() string {
	switch {
	case o.Dialer != nil && o.Target == "":
		return "passthrough:///in-process"
	case o.Dialer != nil && !strings.Contains(o.Target, "://"):
		return "passthrough:///" + o.Target
	case strings.Contains(o.Target, "://"), strings.HasPrefix(o.Target, "unix:"), strings.HasPrefix(o.Target, "dns:"):
		return o.Target
	}
	return "dns:///" + o.Target
}
