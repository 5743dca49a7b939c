package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"time"

	"flowgate/internal/app"
	"flowgate/internal/auth"
	"flowgate/internal/config"
)

// inProcess runs the server inside this process and profiles it until the
// world closes. The load generator is in the profile, too; code nodes run
// inside, since their workers would be this program.
func (w *world) inProcess(ctx context.Context, profile string) (*gateway, error) {
	var lc net.ListenConfig
	lis, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	port := fmt.Sprint(lis.Addr().(*net.TCPAddr).Port)
	cfg, err := config.Load(config.Source{Flags: map[string]string{"data_dir": filepath.Join(w.dir, "inside"), "port": port, "code_in_process": "true"}})
	if err != nil {
		return nil, err
	}
	a, err := app.Open(ctx, cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	w.end = append(w.end, func() {
		closing, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		_ = a.Close(closing)
	})
	server, err := a.Server(ctx, nil)
	if err != nil {
		return nil, err
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(context.WithoutCancel(ctx), lis)
	}()
	w.end = append(w.end, func() { _ = server.Shutdown(context.Background()); <-done })
	u, err := a.User(ctx, app.LocalEmail)
	if err != nil {
		return nil, err
	}
	key, _, err := a.Keys.Create(ctx, auth.NewKey{OwnerID: u.ID, ClientName: "bench", RateLimitTier: auth.TierUnlimited, Scopes: []string{"tools:execute"}})
	if err != nil {
		return nil, err
	}
	g := &gateway{process: &process{addr: lis.Addr().String()}, key: key}
	if err := g.prepare(ctx); err != nil {
		return nil, err
	}
	return g, w.startProfile(profile)
}

func (w *world) startProfile(name string) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	runtime.MemProfileRate = 64 << 10
	if err := pprof.StartCPUProfile(f); err != nil {
		return err
	}
	w.end = append(w.end, func() {
		pprof.StopCPUProfile()
		_ = f.Close()
		if mem, err := os.Create(name + ".allocs"); err == nil {
			_ = pprof.Lookup("allocs").WriteTo(mem, 0)
			_ = mem.Close()
		}
	})
	return nil
}
