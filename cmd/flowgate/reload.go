package main

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"flowgate/internal/app"
	"flowgate/internal/config"
	"flowgate/internal/telemetry"
)

// watchConfig takes over changes of the configuration until the returned
// function is called: when its files change, and at SIGHUP. Where reload is
// off, SIGHUP does nothing but say so.
func (o *options) watchConfig(ctx context.Context, core *app.Core) (stop func()) {
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	core.OnReload(func(next *config.Config) (func(), error) {
		return func() { o.level.Set(telemetry.ParseLevel(next.LogLevel)) }, nil
	})
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		if core.Config.Reload {
			core.Reloader(o.source(), &o.loaded).Watch(ctx, hup)
			return
		}
		refuseReload(ctx, core.Log, hup)
	}()
	return func() {
		signal.Stop(hup)
		cancel()
		<-done
	}
}

func refuseReload(ctx context.Context, log *slog.Logger, hup <-chan os.Signal) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-hup:
			log.WarnContext(ctx, "SIGHUP was ignored, since reload is off; restart to change the configuration")
		}
	}
}
