package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
)

// GoResult is one line of go test -bench: the median of its repetitions.
type GoResult struct {
	Package string  `json:"package"`
	Name    string  `json:"name"`
	NsPerOp float64 `json:"ns_per_op"`
}

// goBenchmarks collects the engine's own: runs without a server, durable runs
// without HTTP, expressions, code nodes.
func goBenchmarks(ctx context.Context, o *options, _ *world, r *Results) error {
	if !o.wants("go benchmarks") || o.profile != "" {
		return nil
	}
	time, count := "1s", "3"
	if o.quick {
		time, count = "1x", "1"
	}
	for _, b := range []struct{ pkg, pattern string }{
		{"flowgate/internal/engine", "BenchmarkGraph|BenchmarkDocument"},
		{"flowgate/bench", "BenchmarkDurable"},
		{"flowgate/internal/engine/expr", "BenchmarkPath$|BenchmarkPlain|BenchmarkText|BenchmarkArrow|BenchmarkCode"},
	} {
		out, err := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-bench", b.pattern, "-benchtime", time, "-count", count, b.pkg).CombinedOutput()
		if err != nil {
			return fmt.Errorf("go test -bench: %w\n%s", err, out)
		}
		r.Benchmarks = append(r.Benchmarks, parseBench(b.pkg, out)...)
	}
	return nil
}

// parseBench reads the lines of go test -bench, one result per name.
func parseBench(pkg string, out []byte) (list []GoResult) {
	all := map[string][]float64{}
	var names []string
	for in := bufio.NewScanner(bytes.NewReader(out)); in.Scan(); {
		f := strings.Fields(in.Text())
		if len(f) < 4 || !strings.HasPrefix(f[0], "Benchmark") || f[3] != "ns/op" {
			continue
		}
		ns, err := strconv.ParseFloat(f[2], 64)
		if err != nil {
			continue
		}
		name, _, _ := strings.Cut(strings.TrimPrefix(f[0], "Benchmark"), "-")
		if all[name] == nil {
			names = append(names, name)
		}
		all[name] = append(all[name], ns)
	}
	for _, name := range names {
		list = append(list, GoResult{strings.TrimPrefix(pkg, "flowgate/"), name, medianOf(all[name])})
	}
	return list
}
