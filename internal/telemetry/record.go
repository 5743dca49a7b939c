package telemetry

import (
	"net/http"
	"time"
)

var statusClasses = [...]string{"other", "1xx", "2xx", "3xx", "4xx", "5xx"}

// HTTPBegan counts a request as being answered until HTTPEnded.
func (m *Metrics) HTTPBegan() {
	if m != nil {
		m.inFlight.Inc()
	}
}

// HTTPEnded records an answered request by its route's pattern, "" for none.
func (m *Metrics) HTTPEnded(method, route string, status int, took time.Duration) {
	if m == nil {
		return
	}
	m.inFlight.Dec()
	class := status / 100
	if class < 0 || class >= len(statusClasses) {
		class = 0
	}
	if route == "" {
		route = "none"
	}
	observe(m.http, httpKey{knownMethod(method), route, class}, took)
}

func knownMethod(method string) string {
	switch method {
	case http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodHead, http.MethodOptions, http.MethodPatch:
		return method
	}
	return "other"
}

// Capability records a call of the service. outcome is "ok" or an error's code.
func (m *Metrics) Capability(name, outcome string, took time.Duration) {
	if m != nil {
		observe(m.calls, pair{name, outcome}, took)
	}
}

// MCPOperation records an MCP request or notification. method is one of the
// protocol's, "other" for what is none; tool is a tool that there is, "" where
// the method concerns none; failure is the error's code, "" for none.
func (m *Metrics) MCPOperation(method, tool, failure string, took time.Duration) {
	if m != nil {
		observe(m.mcp, mcpKey{method, tool, failure}, took)
	}
}

// GRPCClient records a call to the workflow agent.
func (m *Metrics) GRPCClient(method, code string, took time.Duration) {
	if m != nil {
		observe(m.client, pair{method, code}, took)
	}
}

// GRPCServer records a call that the workflow agent answered.
func (m *Metrics) GRPCServer(method, code string, took time.Duration) {
	if m != nil {
		observe(m.server, pair{method, code}, took)
	}
}

// ModelCall records one request to a language model. model is one of the
// configuration's, "other" for users' own; failure is "" for none.
func (m *Metrics) ModelCall(provider, model, failure string, took time.Duration, input, output int64) {
	if m == nil {
		return
	}
	observe(m.models, modelKey{provider, model, failure}, took)
	for kind, n := range map[string]int64{"input": input, "output": output} {
		if o, ok := m.tokens.get(modelKey{provider, model, kind}); ok && n > 0 {
			o.Observe(float64(n))
		}
	}
}

// ExecutionBegan records that an execution begins to be computed for the first
// time, after waiting in the queue.
func (m *Metrics) ExecutionBegan(mode string, queued time.Duration) {
	if m != nil {
		increase(m.begun, mode)
		m.queued.Observe(max(0, queued).Seconds())
	}
}

// ExecutionEnded records an execution's end.
func (m *Metrics) ExecutionEnded(status string, took time.Duration) {
	if m != nil {
		observe(m.ended, status, max(0, took))
	}
}

// Computing counts an execution as computed here until the returned function
// is called.
func (m *Metrics) Computing() (done func()) {
	if m == nil {
		return func() {}
	}
	m.running.Inc()
	return m.running.Dec
}

// Node records one run of a node. typ is one of the catalogue's, "other" for
// what is none.
func (m *Metrics) Node(typ, status string, took time.Duration) {
	if m != nil {
		observe(m.nodes, pair{typ, status}, took)
	}
}

// StoreError records a failure of the database.
func (m *Metrics) StoreError(backend, code string) {
	if m != nil {
		increase(m.storeErrors, pair{backend, code})
	}
}

// RedisError records a failure of Redis; operation is one of a fixed set.
func (m *Metrics) RedisError(operation string) {
	if m != nil {
		increase(m.redisErrors, operation)
	}
}

// CountedLocally records a call that this process counted against its limit
// alone, since the shared counters did not answer.
func (m *Metrics) CountedLocally() {
	if m != nil {
		m.countedLocally.Inc()
	}
}

// RateLimited records a refusal by a limit of that scope: public, app, mcp,
// webhook, authentication, or open for what is held open at once.
func (m *Metrics) RateLimited(scope string) {
	if m != nil {
		increase(m.limited, scope)
	}
}

// AuthFailed records a caller who was refused; reason is the error's.
func (m *Metrics) AuthFailed(reason string) {
	if m != nil {
		increase(m.unknown, reason)
	}
}

// Stream counts an event stream (chat, execution, mcp) as open until the
// returned function is called.
func (m *Metrics) Stream(kind string) (closed func()) {
	if m == nil {
		return func() {}
	}
	increase(m.opened, kind)
	g, ok := m.open.get(kind)
	if !ok {
		return func() {}
	}
	g.Inc()
	return g.Dec
}

// Reloaded records a reload of the configuration.
func (m *Metrics) Reloaded(ok bool) {
	if m == nil {
		return
	}
	if ok {
		increase(m.reloads, "ok")
		return
	}
	increase(m.reloads, "refused")
}

// Component records how a component the server depends on is.
func (m *Metrics) Component(name string, up bool) {
	if m == nil {
		return
	}
	g, ok := m.components.get(name)
	switch {
	case ok && up:
		g.Set(1)
	case ok:
		g.Set(0)
	}
}
