package telemetry

import (
	"context"
	"net/http"
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics counts and times what the process does. A nil *Metrics records
// nothing. Label values come from fixed sets: routes, tools, node types, codes;
// never from a caller. Safe for concurrent use.
type Metrics struct {
	registry *prometheus.Registry

	inFlight prometheus.Gauge
	http     *bound[httpKey, prometheus.Observer]
	calls    *bound[pair, prometheus.Observer]
	mcp      *bound[mcpKey, prometheus.Observer]
	client   *bound[pair, prometheus.Observer]
	server   *bound[pair, prometheus.Observer]

	models *bound[modelKey, prometheus.Observer]
	tokens *bound[modelKey, prometheus.Observer]

	begun   *bound[string, prometheus.Counter]
	ended   *bound[string, prometheus.Observer]
	queued  prometheus.Observer
	nodes   *bound[pair, prometheus.Observer]
	running prometheus.Gauge

	storeErrors    *bound[pair, prometheus.Counter]
	redisErrors    *bound[string, prometheus.Counter]
	limited        *bound[string, prometheus.Counter]
	countedLocally prometheus.Counter
	unknown        *bound[string, prometheus.Counter]
	open           *bound[string, prometheus.Gauge]
	opened         *bound[string, prometheus.Counter]
	reloads        *bound[string, prometheus.Counter]
	components     *bound[string, prometheus.Gauge]
}

type (
	pair    struct{ a, b string }
	httpKey struct {
		method, route string
		class         int
	}
	mcpKey   struct{ method, tool, failure string }
	modelKey struct{ provider, model, detail string }
)

// Bounds of what language models take, as the conventions for them advise.
var (
	modelBuckets = []float64{.01, .02, .04, .08, .16, .32, .64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92}
	tokenBuckets = []float64{1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576}
)

// Bounds of durations, in seconds: of requests and calls, and of executions.
var (
	callBuckets = []float64{.0005, .001, .0025, .005, .01, .025, .1, .25, 1, 2.5, 10}
	workBuckets = []float64{.001, .005, .01, .05, .1, .5, 1, 5, 10, 60, 300, 1800, 3600}
)

// NewMetrics returns metrics that tell of this version.
func NewMetrics(version string) *Metrics {
	r := prometheus.NewRegistry()
	m := &Metrics{registry: r}
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	gaugeVec(r, "flowgate_build_info", "1, with the version of the program.", "version", "go_version").WithLabelValues(version, runtime.Version()).Set(1)
	m.doors(r)
	m.languageModels(r)
	m.engine(r)
	m.trouble(r)
	return m
}

func (m *Metrics) doors(r *prometheus.Registry) {
	m.inFlight = gaugeVec(r, "flowgate_http_requests_in_flight", "HTTP requests being answered, streams among them.").WithLabelValues()
	requests := histogramVec(r, "flowgate_http_request_duration_seconds", "Time to answer an HTTP request, by route pattern and class of status.", callBuckets, "method", "route", "status")
	m.http = bind(func(k httpKey) prometheus.Observer {
		return requests.WithLabelValues(k.method, k.route, statusClasses[k.class])
	})
	m.calls = pairs(histogramVec(r, "flowgate_capability_duration_seconds", "Time of a call of the service, by capability and outcome: ok, or the error's code.", callBuckets, "capability", "outcome"))
	operations := histogramVec(r, "mcp_server_operation_duration_seconds", "Time of an MCP request or notification (mcp.server.operation.duration).", callBuckets, "mcp_method_name", "gen_ai_tool_name", "error_type")
	m.mcp = bind(func(k mcpKey) prometheus.Observer { return operations.WithLabelValues(k.method, k.tool, k.failure) })
	m.client = pairs(histogramVec(r, "flowgate_grpc_client_duration_seconds", "Time of a call to the workflow agent, by method and gRPC code.", callBuckets, "method", "code"))
	m.server = pairs(histogramVec(r, "flowgate_grpc_server_duration_seconds", "Time of a call answered by the workflow agent, by method and gRPC code.", callBuckets, "method", "code"))
	streams := gaugeVec(r, "flowgate_streams_open", "Open event streams, by kind.", "kind")
	m.open = bind(func(k string) prometheus.Gauge { return streams.WithLabelValues(k) })
	m.opened = counters(r, "flowgate_streams_total", "Event streams that were opened, by kind.", "kind")
}

// languageModels are named by OpenTelemetry's conventions for generative AI.
func (m *Metrics) languageModels(r *prometheus.Registry) {
	calls := histogramVec(r, "gen_ai_client_operation_duration_seconds", "Time of one request to a language model (gen_ai.client.operation.duration), by what failed.", modelBuckets,
		"gen_ai_operation_name", "gen_ai_provider_name", "gen_ai_request_model", "error_type")
	m.models = bind(func(k modelKey) prometheus.Observer {
		return calls.WithLabelValues("chat", k.provider, k.model, k.detail)
	})
	tokens := histogramVec(r, "gen_ai_client_token_usage", "Tokens of one request to a language model (gen_ai.client.token.usage), input or output.", tokenBuckets,
		"gen_ai_operation_name", "gen_ai_provider_name", "gen_ai_request_model", "gen_ai_token_type")
	m.tokens = bind(func(k modelKey) prometheus.Observer {
		return tokens.WithLabelValues("chat", k.provider, k.model, k.detail)
	})
}

func (m *Metrics) engine(r *prometheus.Registry) {
	m.begun = counters(r, "flowgate_executions_started_total", "Executions that began to be computed by this process, by mode.", "mode")
	ended := histogramVec(r, "flowgate_execution_duration_seconds", "Time from an execution's start to its end, waits included, by final status.", workBuckets, "status")
	m.ended = bind(func(k string) prometheus.Observer { return ended.WithLabelValues(k) })
	m.queued = histogramVec(r, "flowgate_execution_queue_seconds", "Time between an execution's acceptance and its start.", workBuckets).WithLabelValues()
	m.nodes = pairs(histogramVec(r, "flowgate_node_duration_seconds", "Time of one run of one node, by node type and status.", workBuckets, "type", "status"))
	m.running = gaugeVec(r, "flowgate_executions_running", "Executions being computed by this process.").WithLabelValues()
}

func (m *Metrics) trouble(r *prometheus.Registry) {
	failed := counterVec(r, "flowgate_store_errors_total", "Failures of the database, by backend and code.", "backend", "code")
	m.storeErrors = bind(func(k pair) prometheus.Counter { return failed.WithLabelValues(k.a, k.b) })
	m.redisErrors = counters(r, "flowgate_redis_errors_total", "Failures of Redis, by what was asked of it.", "operation")
	m.limited = counters(r, "flowgate_rate_limited_total", "Calls refused by a rate limit, by its scope.", "scope")
	m.countedLocally = counterVec(r, "flowgate_rate_limit_counted_locally_total", "Calls that this process counted alone against its part of a limit, since Redis did not answer.").WithLabelValues()
	m.unknown = counters(r, "flowgate_auth_failures_total", "Callers refused because they did not prove who they are, by reason.", "reason")
	up := gaugeVec(r, "flowgate_component_up", "1 while the component answers health's questions, else 0.", "component")
	m.components = bind(func(k string) prometheus.Gauge { return up.WithLabelValues(k) })
	m.reloads = counters(r, "flowgate_config_reloads_total", "Reloads of the configuration, by result: ok or refused.", "result")
}

// Handler answers scrapes.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4, Timeout: 10 * time.Second})
}

// gaugeTimeout bounds what a scrape waits for one gauge.
const gaugeTimeout = 2 * time.Second

// Gauge adds a gauge that is asked for at each scrape; where ask fails it is
// left out.
func (m *Metrics) Gauge(name, help string, ask func(context.Context) (float64, error)) {
	if m != nil {
		m.registry.MustRegister(&asked{desc: prometheus.NewDesc(name, help, nil, nil), ask: ask})
	}
}

type asked struct {
	desc *prometheus.Desc
	ask  func(context.Context) (float64, error)
}

// Describe implements prometheus.Collector.
func (a *asked) Describe(out chan<- *prometheus.Desc) { out <- a.desc }

// Collect implements prometheus.Collector.
func (a *asked) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), gaugeTimeout)
	defer cancel()
	if v, err := a.ask(ctx); err == nil {
		out <- prometheus.MustNewConstMetric(a.desc, prometheus.GaugeValue, v)
	}
}

func histogramVec(r *prometheus.Registry, name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	v := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, labels)
	r.MustRegister(v)
	return v
}

func gaugeVec(r *prometheus.Registry, name, help string, labels ...string) *prometheus.GaugeVec {
	v := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, labels)
	r.MustRegister(v)
	return v
}

func counterVec(r *prometheus.Registry, name, help string, labels ...string) *prometheus.CounterVec {
	v := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	r.MustRegister(v)
	return v
}

func counters(r *prometheus.Registry, name, help, label string) *bound[string, prometheus.Counter] {
	v := counterVec(r, name, help, label)
	return bind(func(k string) prometheus.Counter { return v.WithLabelValues(k) })
}

func pairs(v *prometheus.HistogramVec) *bound[pair, prometheus.Observer] {
	return bind(func(k pair) prometheus.Observer { return v.WithLabelValues(k.a, k.b) })
}
