package app

import (
	"context"
	"errors"
	"log/slog"
	"net"

	"flowgate/internal/agent"
	"flowgate/internal/auth"
	"flowgate/internal/config"
	"flowgate/internal/engine"
)

// Worker is the workflow agent alone: it runs executions of the store and
// answers gateways over gRPC.
type Worker struct {
	*Core
	engine *Engine
	manage *engine.Manager
	server *agent.Server
}

// OpenWorker opens the store and begins to run executions. The caller closes it.
func OpenWorker(ctx context.Context, cfg *config.Config, log *slog.Logger, tls agent.TLS) (w *Worker, err error) {
	core, err := OpenCore(ctx, cfg, log)
	if err != nil {
		return nil, err
	}
	w = &Worker{Core: core}
	defer func() {
		if err != nil {
			err = errors.Join(err, w.Close(ctx))
			w = nil
		}
	}()
	if w.engine, err = core.OpenEngine(); err != nil {
		return w, err
	}
	if w.manage, err = core.OpenManager(ctx, w.engine); err != nil {
		return w, err
	}
	service, err := core.openLook(w.engine)
	if err != nil {
		return w, err
	}
	opts := core.conversationOptions(w.engine, service.Call)
	opts.Engine, opts.Verify = agentEngine{w.manage, w.engine.Catalogue}, auth.NewAgentTokens(core.Issuer).Verify
	opts.Logger, opts.Metrics, opts.Tracer, opts.TLS = log, core.Metrics, core.Tracer, tls
	w.server, err = agent.NewServer(opts)
	return w, err
}

// Serve answers gateways until ctx ends.
func (w *Worker) Serve(ctx context.Context, lis net.Listener) error {
	metrics, err := w.Core.openMetrics(ctx)
	if err != nil {
		return errors.Join(err, lis.Close())
	}
	defer metrics.start(w.Core.Log)()
	return w.server.Serve(ctx, lis)
}

// Close lets executions end until ctx does and gives everything back.
func (w *Worker) Close(ctx context.Context) error {
	var errs []error
	if w.manage != nil {
		errs = append(errs, w.manage.Close(ctx))
	}
	if w.engine != nil {
		w.engine.Close()
	}
	return errors.Join(append(errs, w.Core.Close())...)
}
