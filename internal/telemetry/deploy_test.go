package telemetry

import (
	"context"
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestDashboardAndAlertsNameMetricsThatThereAre compares what deploy/ asks
// Prometheus for with what is served.
func TestDashboardAndAlertsNameMetricsThatThereAre(t *testing.T) {
	t.Parallel()
	m := NewMetrics("1")
	record(m)
	m.Gauge("flowgate_executions_queued", "Queued.", func(context.Context) (float64, error) { return 1, nil }) // made by internal/app, whose test looks for it
	served := map[string]string{}                                                                              // label names by metric
	for _, line := range strings.Split(scrape(t, m), "\n") {
		if name, rest, _ := strings.Cut(line, " "); !strings.HasPrefix(line, "#") && rest != "" {
			name, labels, _ := strings.Cut(name, "{")
			served[name] += labels
		}
	}
	name := regexp.MustCompile(`\b((?:flowgate|mcp|go|process)_[a-z_]+)(?:\{([^}]*)\})?`)
	label := regexp.MustCompile(`([a-z_]+)(?:=~|!=|=)"`)
	for _, path := range []string{"../../deploy/grafana/flowgate.json", "../../deploy/prometheus/alerts.yaml"} {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		text := string(data)
		if strings.HasSuffix(path, ".json") {
			if !json.Valid(data) {
				t.Fatalf("%s is no JSON", path)
			}
			text = strings.ReplaceAll(text, `\"`, `"`)
		}
		found := name.FindAllStringSubmatch(text, -1)
		if len(found) < 10 {
			t.Errorf("%s names %d metrics", path, len(found))
		}
		for _, f := range found {
			if strings.HasPrefix(f[1], "mcp_method") {
				continue // a label
			}
			labels, ok := served[f[1]]
			if !ok {
				t.Errorf("%s asks for %s, which is not served", path, f[1])
			}
			for _, l := range label.FindAllStringSubmatch(f[2], -1) {
				if l[1] != "instance" && l[1] != "job" && !strings.Contains(labels, l[1]+`="`) {
					t.Errorf("%s asks for %s by %s, which it does not have", path, f[1], l[1])
				}
			}
		}
	}
}
