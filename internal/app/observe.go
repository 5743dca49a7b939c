package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"flowgate/internal/config"
	"flowgate/internal/telemetry"
)

// openTelemetry makes what observes the process, as far as it is switched on.
func (c *Core) openTelemetry(ctx context.Context) error {
	if c.Config.MetricsEnabled {
		c.Metrics = telemetry.NewMetrics(Version)
		c.Metrics.Gauge("flowgate_executions_queued", "Executions that wait for a process to run them, in all processes together.",
			func(ctx context.Context) (float64, error) {
				n, err := c.Store.QueuedExecutions(ctx)
				return float64(n), err
			})
	}
	headers, err := config.ParseHeaders(c.Config.OTelExporterOTLPHeaders)
	if err != nil {
		return fmt.Errorf("otel_exporter_otlp_headers: %w", err)
	}
	c.Tracer, err = telemetry.NewTracer(ctx, telemetry.TraceOptions{Endpoint: c.Config.OTelExporterOTLPEndpoint, Headers: headers,
		Ratio: c.Config.TraceSampleRatio, Service: "flowgate", Version: Version, Environment: c.Config.Environment, Logger: c.Log})
	return err
}

// showMetrics reports whether /api/public/metrics is there.
func (c *Core) showMetrics() bool { return !c.Config.Production() || c.Config.MetricsToken != "" }

// metricsServer serves metrics at an address of their own.
type metricsServer struct {
	lis  net.Listener
	http *http.Server
}

// openMetrics listens where metrics have an address of their own; nil where
// they have none.
func (c *Core) openMetrics(ctx context.Context) (*metricsServer, error) {
	if c.Metrics == nil || c.Config.MetricsAddr == "" {
		return nil, nil
	}
	var lc net.ListenConfig
	lis, err := lc.Listen(ctx, "tcp", c.Config.MetricsAddr)
	if err != nil {
		return nil, fmt.Errorf("metrics_addr: %w", err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", c.Metrics.Handler())
	return &metricsServer{lis: lis, http: &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, IdleTimeout: time.Minute}}, nil
}

// start serves until the returned function is called. Without an address of
// their own both do nothing.
func (m *metricsServer) start(log *slog.Logger) (stop func()) {
	if m == nil {
		return func() {}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := m.http.Serve(m.lis); !errors.Is(err, http.ErrServerClosed) {
			log.Error("metrics are no longer served", "error", err)
		}
	}()
	return func() {
		_ = m.http.Close() // a scrape that is broken off is made again
		<-done
	}
}
