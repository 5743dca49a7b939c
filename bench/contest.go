package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"time"
)

// side is one of those that are compared.
type side struct {
	name   string
	server *process
	target target
}

// comparison is a ratio of two sides, and the bar it is held to.
type comparison struct {
	of, to string
	of1    func(sample) float64
	what   string
	bar    float64 // 0 for none
	atMost bool    // the bar is a ceiling
}

func perSecond(s sample) float64 { return s.perSecond }
func cpu(s sample) float64       { return float64(s.cpu) }
func median50(s sample) float64  { return float64(s.p50) }

// contest drives sides in turns, round by round.
type contest struct {
	name        string
	conns       int
	sides       []side
	comparisons []comparison
}

// run fills in results with the medians of the rounds.
func (c *contest) run(ctx context.Context, o *options, r *Results) error {
	if !o.wants(c.name) {
		return nil
	}
	for _, s := range c.sides { // connections, caches, pools
		if _, err := drive(ctx, s.target, c.conns, o.slice/3); err != nil {
			return fmt.Errorf("%s: %s: %w", c.name, s.name, err)
		}
	}
	samples := map[string][]sample{}
	for round := range o.rounds {
		for i := range c.sides {
			s := c.sides[(i+round)%len(c.sides)]
			got, err := s.measure(ctx, c.conns, o.slice)
			if err != nil {
				return fmt.Errorf("%s: %s: %w", c.name, s.name, err)
			}
			samples[s.name] = append(samples[s.name], got)
		}
		fmt.Fprintf(os.Stderr, "\r%-60s round %d of %d ", c.name, round+1, o.rounds)
	}
	fmt.Fprintln(os.Stderr)
	r.add(c, samples)
	return nil
}

func (s *side) measure(ctx context.Context, conns int, d time.Duration) (sample, error) {
	before := s.server.cpu()
	got, err := drive(ctx, s.target, conns, d)
	if err != nil {
		return got, err
	}
	got.cpu = (s.server.cpu() - before) / time.Duration(got.requests)
	return got, nil
}

// ratios are those of each round.
func (c comparison) ratios(samples map[string][]sample) []float64 {
	of, to := samples[c.of], samples[c.to]
	var out []float64
	for i := range min(len(of), len(to)) {
		if d := c.of1(to[i]); d > 0 {
			out = append(out, c.of1(of[i])/d)
		}
	}
	slices.Sort(out)
	return out
}

func median(sorted []float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[len(sorted)/2]
}

func medianOf(values []float64) float64 {
	slices.Sort(values)
	return median(values)
}
