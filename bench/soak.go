package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"sync"
	"text/tabwriter"
	"time"
)

// reading is the state of the server at one moment of a soak.
type reading struct {
	at             time.Duration
	own, family    int64 // resident bytes
	files, threads int
	done           int // requests so far
}

// soak keeps the server under the load of all kinds for a while and tells how
// its memory and files grew in the second half, when caches and pools are full.
// Goroutines are not to be seen from outside; a leaked one holds stack, which
// is memory, and mostly a connection, which is a file.
func soak(ctx context.Context, o *options, w *world) error {
	g := w.ours
	targets := []target{
		toolCall(g.addr, g.key, g.session, "get_workflow", `{"workflow_id":"`+g.workflow+`"}`, g.workflow),
		modernCall(g.addr, g.key, "search_workflows", `{}`, "Hello"),
		newTarget(g.addr, http.MethodPost, "/webhook/bench", webhookBody, webhookTwice),
		newTarget(g.addr, http.MethodPost, "/webhook/bench-code", webhookBody, webhookTwice),
	}
	began := time.Now()
	var mu sync.Mutex
	var work sync.WaitGroup
	var failed error
	total := 0
	for _, t := range targets {
		work.Go(func() {
			for time.Since(began) < o.soak && ctx.Err() == nil { // connections come and go, too
				s, err := drive(ctx, t, 4, min(10*time.Second, o.soak/10))
				mu.Lock()
				if total += s.requests; err != nil {
					failed = err
				}
				mu.Unlock()
				if err != nil {
					return
				}
			}
		})
	}
	var readings []reading
	out := tabwriter.NewWriter(os.Stdout, 9, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(out, "seconds\trequests\tMiB\twith children\tfiles\tthreads\t")
	for time.Since(began) < o.soak && ctx.Err() == nil {
		time.Sleep(o.soak / 40)
		own, family := g.rss()
		mu.Lock()
		now := reading{time.Since(began), own, family, g.files(), g.threads(), total}
		mu.Unlock()
		readings = append(readings, now)
		fmt.Fprintf(out, "%.0f\t%d\t%.1f\t%.1f\t%d\t%d\t\n", now.at.Seconds(), now.done, mib(now.own), mib(now.family), now.files, now.threads)
	}
	work.Wait()
	_ = out.Flush()
	if failed != nil {
		return failed
	}
	half := readings[len(readings)/2:]
	minutes := func(value func(reading) float64) float64 { return slope(half, value) * 60 }
	fmt.Printf("second half, per minute: memory %+.2f MiB, with children %+.2f MiB, files %+.2f, threads %+.2f\n",
		minutes(func(r reading) float64 { return mib(r.own) }), minutes(func(r reading) float64 { return mib(r.family) }),
		minutes(func(r reading) float64 { return float64(r.files) }), minutes(func(r reading) float64 { return float64(r.threads) }))
	return ctx.Err()
}

func mib(n int64) float64 { return float64(n) / (1 << 20) }

// slope is that of the line of least squares, per second.
func slope(list []reading, value func(reading) float64) float64 {
	var n, x, y, xx, xy float64
	for _, r := range list {
		t, v := r.at.Seconds(), value(r)
		n, x, y, xx, xy = n+1, x+t, y+v, xx+t*t, xy+t*v
	}
	if d := n*xx - x*x; d > 0 {
		return (n*xy - x*y) / d
	}
	return 0
}
