package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"
)

const (
	bareSide  = "bare"
	oursSide  = "flowgate"
	otherSide = "the other build"
)

// against adds the other build to a contest.
func (c *contest) against(w *world, t func(*gateway) target) {
	if w.other == nil {
		return
	}
	c.sides = append(c.sides, side{otherSide, w.other.process, t(w.other)})
	c.compare(oursSide, otherSide, 0, 0)
}

// compare adds the ratios of two sides: requests per second, CPU, latency.
func (c *contest) compare(of, to string, bar, cpuBar float64) {
	c.comparisons = append(c.comparisons,
		comparison{of: of, to: to, of1: perSecond, what: "requests/s", bar: bar},
		comparison{of: of, to: to, of1: cpu, what: "CPU per request", bar: cpuBar, atMost: true},
		comparison{of: of, to: to, of1: median50, what: "p50", atMost: true})
}

// toolCalls compares a tool call that is authenticated, authorized and reads
// the store with an echo by the bare library, in both generations of MCP.
func toolCalls(ctx context.Context, o *options, w *world, r *Results) error {
	session, err := openSession(ctx, w.bare.addr, "")
	if err != nil {
		return err
	}
	const echo = `{"text":"hello"}`
	for _, conns := range []int{1, o.conns} {
		for _, modern := range []bool{false, true} {
			bare, ours := toolCall(w.bare.addr, "", session, "echo", echo, "hello"), func(g *gateway) target {
				return toolCall(g.addr, g.key, g.session, "get_workflow", `{"workflow_id":"`+g.workflow+`"}`, g.workflow)
			}
			generation := "2025-11-25"
			if modern {
				generation = "2026-07-28"
				bare, ours = modernCall(w.bare.addr, "", "echo", echo, "hello"), func(g *gateway) target {
					return modernCall(g.addr, g.key, "get_workflow", `{"workflow_id":"`+g.workflow+`"}`, g.workflow)
				}
			}
			c := contest{name: fmt.Sprintf("tool call with one store read, MCP %s, %d connections", generation, conns), conns: conns,
				sides: []side{{bareSide, w.bare, bare}, {oursSide, w.ours.process, ours(w.ours)}}}
			c.compare(oursSide, bareSide, 0.70, 1.5)
			c.against(w, ours)
			if err := c.run(ctx, o, r); err != nil {
				return err
			}
		}
	}
	return nil
}

// health compares the public health route with a bare JSON route of Echo.
func health(ctx context.Context, o *options, w *world, r *Results) error {
	ours := func(g *gateway) target {
		return newTarget(g.addr, http.MethodGet, "/api/public/health", "", "healthy")
	}
	c := contest{name: fmt.Sprintf("GET health, %d connections", o.conns), conns: o.conns, sides: []side{
		{bareSide, w.bare, newTarget(w.bare.addr, http.MethodGet, "/api/health", "", "healthy")}, {oursSide, w.ours.process, ours(w.ours)}}}
	c.compare(oursSide, bareSide, 0.80, 0)
	c.against(w, ours)
	return c.run(ctx, o, r)
}

// webhooks runs durable executions: recorded before they run, answered by the
// workflow. The bare side is a handler of net/http that answers the same.
func webhooks(ctx context.Context, o *options, w *world, r *Results) error {
	for _, row := range []struct{ name, path string }{
		{"durable webhook workflow of 4 nodes", "/webhook/bench"},
		{"durable webhook workflow of 5 nodes with code", "/webhook/bench-code"},
	} {
		for _, conns := range []int{1, o.conns} {
			ours := func(g *gateway) target {
				return newTarget(g.addr, http.MethodPost, row.path, webhookBody, webhookTwice)
			}
			c := contest{name: fmt.Sprintf("%s, %d connections", row.name, conns), conns: conns, sides: []side{
				{bareSide, w.bare, newTarget(w.bare.addr, http.MethodPost, "/plain", webhookBody, webhookTwice)}, {oursSide, w.ours.process, ours(w.ours)}}}
			c.compare(oursSide, bareSide, 0, 0)
			c.against(w, ours)
			if err := c.run(ctx, o, r); err != nil {
				return err
			}
		}
	}
	return nil
}

// startup measures cold starts to the first answered request, on an empty
// folder and on one that was used, and the memory of an idle server.
func startup(ctx context.Context, o *options, w *world, r *Results) error {
	if !o.wants("startup") {
		return nil
	}
	var first, again, idle, private []float64
	for i := range o.rounds {
		data := filepath.Join(w.dir, fmt.Sprint("start-", i))
		for _, times := range []*[]float64{&first, &again} {
			began := time.Now()
			p, err := startServe(ctx, w.dir, w.binary, data)
			if err != nil {
				return err
			}
			_, err = answered(ctx, p.addr)
			*times = append(*times, float64(time.Since(began).Microseconds())/1000)
			if err == nil && times == &again {
				time.Sleep(o.slice)
				own, _ := p.rss()
				idle = append(idle, float64(own)/(1<<20))
				private = append(private, float64(own-p.mapped())/(1<<20))
			}
			p.stop()
			if err != nil {
				return err
			}
		}
		fmt.Fprintf(os.Stderr, "\r%-60s round %d of %d ", "startup", i+1, o.rounds)
	}
	fmt.Fprintln(os.Stderr)
	r.addFigure("cold start to the first answer, empty folder", "ms", first, 150)
	r.addFigure("cold start to the first answer, used folder", "ms", again, 150)
	r.addFigure("memory of an idle server", "MiB", idle, 60)
	r.addFigure("the same without the pages of the program's file", "MiB", private, 0)
	return nil
}

// answered asks for health until there is an answer.
func answered(ctx context.Context, addr string) ([]byte, error) {
	until := time.Now().Add(10 * time.Second)
	for {
		c, err := dial(ctx, addr)
		if err == nil {
			body, err := c.do(newTarget(addr, http.MethodGet, "/api/public/health", "", "").request)
			_ = c.Close()
			return slices.Clone(body), err
		}
		if time.Now().After(until) {
			return nil, err
		}
		time.Sleep(time.Millisecond)
	}
}
