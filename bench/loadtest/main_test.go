package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

// TestLoad: successes and limits are told, and anything else fails.
func TestLoad(t *testing.T) {
	t.Parallel()
	var n atomic.Int64
	var fail atomic.Bool
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		switch {
		case r.Header.Get("X-API-Key") != "k" || !strings.Contains(string(body), "search_workflows") || r.Header.Get("Mcp-Name") != "search_workflows":
			w.WriteHeader(http.StatusBadRequest)
		case fail.Load():
			w.WriteHeader(http.StatusBadGateway)
			_, _ = io.WriteString(w, "the agent is away")
		case n.Add(1)%10 == 0:
			w.WriteHeader(http.StatusTooManyRequests)
		default:
			_, _ = io.WriteString(w, `{"result":{}}`)
		}
	}))
	t.Cleanup(srv.Close)
	var out strings.Builder
	if err := run(t.Context(), []string{"-url", srv.URL + "/", "-key", "k", "-conns", "4", "-rate", "400", "-for", "500ms"}, &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), " succeeded, ") || !strings.Contains(out.String(), limited) {
		t.Errorf("got %s", &out)
	}
	if sent := n.Load(); sent < 50 || sent > 210 {
		t.Errorf("%d requests in half a second at 400 a second", sent)
	}
	fail.Store(true)
	out.Reset()
	err := run(t.Context(), []string{"-url", srv.URL, "-key", "k", "-conns", "1", "-for", "50ms"}, &out, io.Discard)
	if err == nil || !strings.Contains(out.String(), "failed (502), such as: the agent is away") {
		t.Errorf("%v: %s", err, &out)
	}
	for _, args := range [][]string{{"-url", "flow.example.org"}, {"-conns", "0"}, {"-rate", "-1"}} {
		if err := run(t.Context(), args, io.Discard, io.Discard); err == nil {
			t.Errorf("%v is taken", args)
		}
	}
}
