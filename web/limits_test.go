package web

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"flowgate/internal/workflow"
)

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestFiftyMegabytesGetACleanAnswer(t *testing.T) {
	w := newWorld(t, nil)
	for _, path := range []string{"/api/app/workflows", "/api/mcp/invoke", "/webhook/x"} {
		for _, length := range []int64{50 << 20, -1} {
			req, err := http.NewRequestWithContext(t.Context(), "POST", w.url+path, io.LimitReader(zeros{}, 50<<20))
			if err != nil {
				t.Fatal(err)
			}
			req.ContentLength = length
			req.Header.Set("Content-Type", "application/json")
			req.Header.Set("Authorization", "Bearer "+w.token)
			if path == "/api/mcp/invoke" {
				req.Header.Set("Authorization", "Bearer "+w.key(t, "tools:execute"))
			}
			resp, err := http.DefaultTransport.RoundTrip(req)
			if err != nil {
				t.Fatalf("%s, length %d: %v", path, length, err)
			}
			body, _ := io.ReadAll(resp.Body)
			resp.Body.Close()
			if resp.StatusCode != 413 || !contains(string(body), "larger than") {
				t.Errorf("%s, length %d: %d %s", path, length, resp.StatusCode, body)
			}
		}
	}
}

func TestSlowBodyIsCutOff(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.BodyTimeout = 100 * time.Millisecond })
	conn, err := net.Dial("tcp", strings.TrimPrefix(w.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "POST /webhook/x HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n{"); err != nil {
		t.Fatal(err)
	}
	data, _ := io.ReadAll(conn) // ends when the server gives up
	if !strings.HasPrefix(string(data), "HTTP/1.1 400") {
		t.Errorf("got %q", data)
	}
}

// TestLongHandlerOutlivesTheBodysTime makes sure the time limit of the body
// is not one of the request.
func TestLongHandlerOutlivesTheBodysTime(t *testing.T) {
	w := newWorld(t, func(o *Options) {
		o.BodyTimeout = 50 * time.Millisecond
		o.Webhook = func(ctx context.Context, _ workflow.WebhookCall) (*workflow.Response, error) {
			select {
			case <-ctx.Done():
				return nil, ctx.Err()
			case <-time.After(200 * time.Millisecond):
				return &workflow.Response{Status: 200}, nil
			}
		}
	})
	for range 2 { // the second over the same connection
		if r := w.send(t, "POST", "/webhook/x", `{"a":1}`); r.status != 200 {
			t.Errorf("%d %s", r.status, r.body)
		}
	}
}

// TestUploadDeadline lets an upload pause, and drips not go on for ever.
func TestUploadDeadline(t *testing.T) {
	began := time.Now()
	const pause = 30 * time.Second
	for name, c := range map[string]struct {
		after    time.Duration
		received int64
		want     time.Duration
	}{
		"fast":                  {10 * time.Second, 100 << 20, 40 * time.Second},
		"a byte now and then":   {25 * time.Second, 2, 30 * time.Second},
		"slow":                  {60 * time.Second, 40 * leastRate, 70 * time.Second},
		"as slow as is allowed": {60 * time.Second, 60 * leastRate, 90 * time.Second},
		"the largest":           {time.Hour, 10 << 30, time.Hour + pause},
	} {
		got := uploadDeadline(began, began.Add(c.after), c.received, pause).Sub(began)
		if got.Round(time.Second) != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
