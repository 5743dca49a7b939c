package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// share measures what a request of the App tier costs that asks no store: the
// token checked, the limit counted, the scope checked, the call audited. It is
// sent at half the rate that the server bears, and timed from when it was due,
// so that a server that stalls does not hide whom it kept waiting. A bare route
// of Echo at the same rate shows how much of it is the machine.
func share(ctx context.Context, o *options, w *world, r *Results) error {
	const name = "App request without the store"
	if !o.wants(name) || w.binary == "" || o.profile != "" {
		return nil
	}
	cmd := exec.CommandContext(ctx, w.binary, "token", "--data-dir", filepath.Join(w.dir, "ours"))
	cmd.Dir = w.dir
	token, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("make a token: %w", err)
	}
	const kind = "n8n-nodes-base.set"
	ours := newTarget(w.ours.addr, http.MethodGet, "/api/app/node-types/"+kind, "", kind, "Authorization", "Bearer "+strings.TrimSpace(string(token)))
	bare := newTarget(w.bare.addr, http.MethodGet, "/api/health", "", "healthy")
	whole, err := drive(ctx, ours, o.conns, o.slice)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	half := whole.perSecond / 2
	var own, plain []float64
	for i := range o.rounds {
		for _, s := range []struct {
			to   target
			into *[]float64
		}{{ours, &own}, {bare, &plain}} {
			s.to.every = time.Duration(float64(o.conns) / half * float64(time.Second))
			got, err := drive(ctx, s.to, o.conns, o.slice)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			*s.into = append(*s.into, float64(got.p99.Microseconds())/1000)
		}
		fmt.Fprintf(os.Stderr, "\r%-60s round %d of %d ", name, i+1, o.rounds)
	}
	fmt.Fprintln(os.Stderr)
	r.addFigure(fmt.Sprintf("p99 of an App request without the store, at half load (%.0f/s)", half), "ms", own, 1)
	r.addFigure("p99 of a bare route of Echo at the same rate", "ms", plain, 0)
	return nil
}
