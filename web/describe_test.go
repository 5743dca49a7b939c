package web

import (
	"strings"
	"testing"

	"flowgate/internal/telemetry"
)

// TestPublicRoutesAreDescribed holds the description to the routes.
func TestPublicRoutesAreDescribed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *Options) { o.Metrics, o.ShowMetrics = telemetry.NewMetrics("1"), true })
	described := map[string]bool{}
	for _, d := range PublicRoutes() {
		described[d.Method+" "+d.Path] = true
		if r := w.send(t, d.Method, d.Path, ""); r.status >= 400 {
			t.Errorf("%s %s answers %d", d.Method, d.Path, r.status)
		}
		if alias := strings.Replace(d.Path, "/api/public", "/api/v1/public", 1); w.send(t, d.Method, alias, "").status >= 400 {
			t.Errorf("%s does not answer", alias)
		}
	}
	for _, r := range w.echo.Routes() {
		if r.Method == "GET" && strings.HasPrefix(r.Path, "/api/public") && !described[r.Method+" "+r.Path] {
			t.Errorf("%s is not described", r.Path)
		}
	}
}
