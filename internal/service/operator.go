package service

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"

	"flowgate/internal/auth"
)

// Operator is what whoever runs the server may look at. Nil functions have
// nothing to tell.
type Operator struct {
	// Health says how the components are, by name: up, down or off.
	Health func(ctx context.Context) map[string]string
	// Limits returns the rate limits in force.
	Limits func(ctx context.Context) OperatorLimits
	// Errors are the newest failures of requests.
	Errors *ErrorLog
	// Version is the build's, Started when the process began.
	Version string
	Started time.Time
}

// LimitView is one rate limit.
type LimitView struct {
	Name   string `json:"name" jsonschema:"what is limited"`
	Scope  string `json:"scope" jsonschema:"by what it is counted" enum:"ip,user,key,webhook"`
	Limit  int64  `json:"limit" jsonschema:"requests in the window, of a caller of the tier standard"`
	Window string `json:"window" jsonschema:"such as 1h"`

	Admitted int64 `json:"admitted" jsonschema:"requests counted under it since this process began"`
	Refused  int64 `json:"refused" jsonschema:"requests it refused since this process began"`
}

// ErrorRecord is a request that failed on our side.
type ErrorRecord struct {
	At        time.Time `json:"at"`
	RequestID string    `json:"request_id"`
	Method    string    `json:"method"`
	Route     string    `json:"route" jsonschema:"the pattern, not the address"`
	Status    int       `json:"status"`
	Error     string    `json:"error" jsonschema:"the code"`
	Message   string    `json:"message"`
}

const keptErrors = 200

// ErrorLog keeps the newest failures of this process. Safe for concurrent use.
type ErrorLog struct {
	mu   sync.Mutex
	list []ErrorRecord
}

// Add keeps r in place of the oldest when there are many.
func (l *ErrorLog) Add(r ErrorRecord) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.list) >= keptErrors {
		l.list = append(l.list[:0], l.list[1:]...)
	}
	l.list = append(l.list, r)
}

// Newest returns at most n failures, newest first.
func (l *ErrorLog) Newest(n int) []ErrorRecord {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := slices.Clone(l.list[max(0, len(l.list)-n):])
	slices.Reverse(out)
	return out
}

// OperatorHealth is how this process is.
type OperatorHealth struct {
	Status        string            `json:"status" enum:"healthy,degraded"`
	Version       string            `json:"version"`
	GoVersion     string            `json:"go_version"`
	Components    map[string]string `json:"components" jsonschema:"up, down or off, by component"`
	StartedAt     time.Time         `json:"started_at"`
	UptimeSeconds int64             `json:"uptime_seconds"`
	Goroutines    int               `json:"goroutines"`
	HeapBytes     int64             `json:"heap_bytes"`
}

// None takes no arguments.
type None struct{}

// OperatorHealth says how this process and what it depends on are.
func (s *Service) OperatorHealth(ctx context.Context, _ None) (*OperatorHealth, error) {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	out := &OperatorHealth{Status: "healthy", Version: s.Operator.Version, GoVersion: runtime.Version(), Components: map[string]string{}, StartedAt: s.Operator.Started.UTC(),
		UptimeSeconds: int64(s.Now().Sub(s.Operator.Started).Seconds()), Goroutines: runtime.NumGoroutine(), HeapBytes: int64(m.HeapAlloc)} //nolint:gosec // far below the bound
	if s.Operator.Health != nil {
		out.Components = s.Operator.Health(ctx)
	}
	for _, state := range out.Components {
		if state == "down" {
			out.Status = "degraded"
		}
	}
	return out, nil
}

// OperatorLimits are the rate limits.
type OperatorLimits struct {
	Enabled        bool             `json:"enabled"`
	Storage        string           `json:"storage" jsonschema:"where requests are counted" enum:"memory,redis"`
	Degraded       bool             `json:"degraded" jsonschema:"Redis does not answer: each server counts alone, and admits its part of each limit"`
	CountedLocally int64            `json:"counted_locally" jsonschema:"requests that this process counted alone, since Redis did not answer"`
	Tiers          map[string]int64 `json:"tiers" jsonschema:"by what each tier multiplies the limits; 0: it has none"`
	Limits         []LimitView      `json:"limits"`
}

// OperatorLimits returns the rate limits in force.
func (s *Service) OperatorLimits(ctx context.Context, _ None) (*OperatorLimits, error) {
	out := OperatorLimits{Storage: "memory"}
	if s.Operator.Limits != nil {
		out = s.Operator.Limits(ctx)
	}
	out.Limits = orEmpty(out.Limits)
	if out.Tiers == nil {
		out.Tiers = map[string]int64{}
	}
	return &out, nil
}

// OperatorErrorsInput says how many failures are wanted.
type OperatorErrorsInput struct {
	Limit int `json:"limit,omitempty" default:"50" min:"1" max:"200"`
}

// OperatorErrors are failures of requests, newest first.
type OperatorErrors struct {
	Errors []ErrorRecord `json:"errors"`
}

// OperatorErrors returns the newest failures of this process.
func (s *Service) OperatorErrors(_ context.Context, in OperatorErrorsInput) (*OperatorErrors, error) {
	out := &OperatorErrors{Errors: []ErrorRecord{}}
	if in.Limit == 0 {
		in.Limit = 50
	}
	if s.Operator.Errors != nil {
		out.Errors = append(out.Errors, s.Operator.Errors.Newest(in.Limit)...)
	}
	return out, nil
}

// operatorCapabilities are for the role admin.
func (s *Service) operatorCapabilities() []*Capability {
	return []*Capability{
		row(Capability{
			Name: "get_operator_health", Title: "See how the server is", Group: "Administration", Scope: auth.ScopeAuditRead, ReadOnly: true, Idempotent: true, RESTOnly: true, Admin: true,
			Description: "How this process and the components it depends on are. For the role admin.",
			Routes:      []Route{{Method: "GET", Path: "/admin/health", Status: 200}},
		}, s.OperatorHealth, asJSONText[OperatorHealth]),
		row(Capability{
			Name: "get_operator_limits", Title: "See the rate limits", Group: "Administration", Scope: auth.ScopeAuditRead, ReadOnly: true, Idempotent: true, RESTOnly: true, Admin: true,
			Description: "The rate limits in force. For the role admin.",
			Routes:      []Route{{Method: "GET", Path: "/admin/limits", Status: 200}},
		}, s.OperatorLimits, asJSONText[OperatorLimits]),
		row(Capability{
			Name: "get_operator_errors", Title: "See recent errors", Group: "Administration", Scope: auth.ScopeAuditRead, ReadOnly: true, Idempotent: true, RESTOnly: true, Admin: true,
			Description: "The newest requests that this process failed on, newest first. For the role admin.",
			Routes:      []Route{{Method: "GET", Path: "/admin/errors", Status: 200}},
		}, s.OperatorErrors, func(o *OperatorErrors) string { return fmt.Sprintf("%d errors", len(o.Errors)) }),
	}
}

// asJSONText is the text of results that no model sees.
func asJSONText[T any](v *T) string {
	data, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(data)
}
