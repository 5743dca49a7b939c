package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// Results are what a run of this command writes as JSON.
type Results struct {
	At         time.Time  `json:"at"`
	Go         string     `json:"go"`
	Cores      int        `json:"cores"`
	Rounds     int        `json:"rounds"`
	SliceMS    int64      `json:"slice_ms"`
	Load       string     `json:"load_average"` // of the machine when it began
	Rows       []Row      `json:"rows"`
	Figures    []Figure   `json:"figures,omitempty"`
	Benchmarks []GoResult `json:"go_benchmarks,omitempty"`
}

// Row is one contest: medians of its sides, and of their ratios.
type Row struct {
	Name        string       `json:"name"`
	Connections int          `json:"connections"`
	Sides       []SideResult `json:"sides"`
	Ratios      []Ratio      `json:"ratios"`
}

// SideResult is the median round of a side.
type SideResult struct {
	Name      string  `json:"name"`
	PerSecond float64 `json:"requests_per_second"`
	P50       float64 `json:"p50_ms"`
	P99       float64 `json:"p99_ms"`
	CPU       float64 `json:"cpu_us_per_request"`
}

// Ratio is the median of the rounds' ratios, with the lowest and highest.
type Ratio struct {
	What   string  `json:"what"`
	Of     string  `json:"of"`
	To     string  `json:"to"`
	Median float64 `json:"median"`
	Low    float64 `json:"low"`
	High   float64 `json:"high"`
	Bar    string  `json:"bar,omitempty"`
	Met    *bool   `json:"met,omitempty"`
}

// Figure is a measurement without a side to compare with.
type Figure struct {
	Name   string  `json:"name"`
	Unit   string  `json:"unit"`
	Median float64 `json:"median"`
	Low    float64 `json:"low"`
	High   float64 `json:"high"`
	Bar    float64 `json:"at_most,omitempty"`
}

func newResults(o *options) *Results {
	load, _ := os.ReadFile("/proc/loadavg")
	return &Results{At: time.Now().UTC().Truncate(time.Second), Go: runtime.Version(), Cores: runtime.NumCPU(), Rounds: o.rounds,
		SliceMS: o.slice.Milliseconds(), Load: strings.Join(strings.Fields(string(load))[:min(3, len(strings.Fields(string(load))))], " ")}
}

func (r *Results) add(c *contest, samples map[string][]sample) {
	row := Row{Name: c.name, Connections: c.conns}
	for _, s := range c.sides {
		row.Sides = append(row.Sides, sideResult(s.name, samples[s.name]))
	}
	for _, cmp := range c.comparisons {
		ratios := cmp.ratios(samples)
		if len(ratios) == 0 {
			continue
		}
		q := Ratio{What: cmp.what, Of: cmp.of, To: cmp.to, Median: median(ratios), Low: ratios[0], High: ratios[len(ratios)-1]}
		if cmp.bar > 0 {
			met, sign := q.Median >= cmp.bar, "≥"
			if cmp.atMost {
				met, sign = q.Median <= cmp.bar, "≤"
			}
			q.Met, q.Bar = &met, fmt.Sprintf("%s %.2f", sign, cmp.bar)
		}
		row.Ratios = append(row.Ratios, q)
	}
	r.Rows = append(r.Rows, row)
}

func sideResult(name string, samples []sample) SideResult {
	of := func(get func(sample) float64) float64 {
		values := make([]float64, len(samples))
		for i, s := range samples {
			values[i] = get(s)
		}
		slices.Sort(values)
		return median(values)
	}
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	return SideResult{Name: name, PerSecond: of(perSecond), P50: of(func(s sample) float64 { return ms(s.p50) }),
		P99: of(func(s sample) float64 { return ms(s.p99) }), CPU: of(func(s sample) float64 { return float64(s.cpu) / 1000 })}
}

func (r *Results) addFigure(name, unit string, values []float64, bar float64) {
	slices.Sort(values)
	r.Figures = append(r.Figures, Figure{Name: name, Unit: unit, Median: median(values), Low: values[0], High: values[len(values)-1], Bar: bar})
}

// print writes the table.
func (r *Results) print(out io.Writer) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, row := range r.Rows {
		fmt.Fprintf(w, "%s\n", row.Name)
		for _, s := range row.Sides {
			fmt.Fprintf(w, "  %s\t%.0f/s\tp50 %.2f ms\tp99 %.2f ms\tCPU %.0f µs\n", s.Name, s.PerSecond, s.P50, s.P99, s.CPU)
		}
		for _, q := range row.Ratios {
			fmt.Fprintf(w, "  %s, %s : %s\t%.2f\t(%.2f–%.2f)\t%s\n", q.What, q.Of, q.To, q.Median, q.Low, q.High, verdict(q))
		}
		if s := row.ours(); s != nil && strings.Contains(row.Name, "webhook") {
			fmt.Fprintf(w, "  requests/s, flowgate : n8n (measured before)\t%.0f × its defaults\t%.1f × its fastest settings\n", s.PerSecond/n8nDefault, s.PerSecond/n8nFastest)
		}
	}
	for _, f := range r.Figures {
		fmt.Fprintf(w, "%s\t%.1f %s\t(%.1f–%.1f)\tbar %.0f\n", f.Name, f.Median, f.Unit, f.Low, f.High, f.Bar)
	}
	for _, b := range r.Benchmarks {
		fmt.Fprintf(w, "%s\t%.1f µs\t%.0f/s\t%s\n", b.Name, b.NsPerOp/1000, 1e9/b.NsPerOp, b.Package)
	}
	_ = w.Flush()
}

func (r Row) ours() *SideResult {
	i := slices.IndexFunc(r.Sides, func(s SideResult) bool { return s.Name == oursSide })
	if i < 0 {
		return nil
	}
	return &r.Sides[i]
}

func verdict(q Ratio) string {
	switch {
	case q.Met == nil:
		return ""
	case *q.Met:
		return "met (" + q.Bar + ")"
	}
	return "MISSED (" + q.Bar + ")"
}

// write stores the JSON, and the table for readers where it is asked for.
func (r *Results) write(o *options) error {
	if o.json != "-" {
		data, err := json.MarshalIndent(r, "", "  ")
		if err != nil {
			return err
		}
		if err := os.MkdirAll(filepath.Dir(o.json), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(o.json, append(data, '\n'), 0o644); err != nil {
			return err
		}
	}
	if !o.markdown {
		return nil
	}
	return os.WriteFile("bench/RESULTS.md", []byte(r.markdown()), 0o644)
}

func (r *Results) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, `# Measured by `+"`go run ./bench -markdown`"+`

%s, %s, %d cores shared with other work (load average %s as it began). %d rounds of %d ms per side, in turns;
each figure is the median of its rounds, each ratio the median of the rounds' ratios with the lowest and highest.
The load comes from the same cores. Compare ratios; absolute figures of this machine vary by half between hours.

"bare" is, for tool calls, a server of the same MCP library with one echo tool and nothing else; for health, one JSON
route of Echo; for webhooks, a handler of net/http that answers the same text and does no work.

| row | side | requests/s | p50 ms | p99 ms | CPU µs/request |
|---|---|---|---|---|---|
`, r.At.Format("January 2006"), r.Go, r.Cores, r.Load, r.Rounds, r.SliceMS)
	for _, row := range r.Rows {
		for _, s := range row.Sides {
			if s.Name == otherSide {
				continue
			}
			fmt.Fprintf(&b, "| %s | %s | %.0f | %.2f | %.2f | %.0f |\n", row.Name, s.Name, s.PerSecond, s.P50, s.P99, s.CPU)
		}
	}
	b.WriteString("\n| row | flowgate : bare | median | lowest–highest | bar |\n|---|---|---|---|---|\n")
	for _, row := range r.Rows {
		for _, q := range row.Ratios {
			if q.To == bareSide {
				fmt.Fprintf(&b, "| %s | %s | %.2f | %.2f–%.2f | %s |\n", row.Name, q.What, q.Median, q.Low, q.High, verdict(q))
			}
		}
	}
	b.WriteString("\nn8n 2.40.7, measured before on a machine of this kind with the same workflow of 4 nodes: at best 19 requests/s with its defaults, 71 with its fastest settings. It was not measured in this run, whose load from other work it did not bear.\n\n| row | × its defaults | × its fastest |\n|---|---|---|\n")
	for _, row := range r.Rows {
		if s := row.ours(); s != nil && strings.Contains(row.Name, "webhook") {
			fmt.Fprintf(&b, "| %s | %.0f | %.1f |\n", row.Name, s.PerSecond/n8nDefault, s.PerSecond/n8nFastest)
		}
	}
	b.WriteString("\n| figure | median | lowest–highest | bar |\n|---|---|---|---|\n")
	for _, f := range r.Figures {
		fmt.Fprintf(&b, "| %s | %.1f %s | %.1f–%.1f | ≤ %.0f |\n", f.Name, f.Median, f.Unit, f.Low, f.High, f.Bar)
	}
	b.WriteString("\n| Go benchmark | µs | per second |\n|---|---|---|\n")
	for _, g := range r.Benchmarks {
		fmt.Fprintf(&b, "| `%s` %s | %.1f | %.0f |\n", g.Package, g.Name, g.NsPerOp/1000, 1e9/g.NsPerOp)
	}
	return b.String()
}
