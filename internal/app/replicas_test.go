package app_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// balancer is a proxy before several servers, which it takes in turn.
type balancer struct {
	*httptest.Server
	mu      sync.Mutex
	servers []*url.URL
	next    int
}

func newBalancer(t *testing.T) *balancer {
	t.Helper()
	b := &balancer{}
	b.Server = httptest.NewServer(&httputil.ReverseProxy{
		Rewrite:      func(r *httputil.ProxyRequest) { r.SetURL(b.pick()) },
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	})
	t.Cleanup(b.Close)
	return b
}

func (b *balancer) pick() *url.URL {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.next++
	return b.servers[b.next%len(b.servers)]
}

func (b *balancer) use(t *testing.T, servers ...*serverProcess) {
	t.Helper()
	var list []*url.URL
	for _, s := range servers {
		u, err := url.Parse(s.url)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, u)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.servers = list
}

// counted is load whose every request is counted by how it ended.
type counted struct {
	mu       sync.Mutex
	accepted map[string]bool // names of workflows that were said to be stored
	lost     map[string]bool // of those whose answer did not come
	n        atomic.Int64
}

func (c *counted) create(t *testing.T, address, key string) {
	name := fmt.Sprintf("counted-%06d", c.n.Add(1))
	body, _ := json.Marshal(object{"tool_name": "create_workflow", "params": object{"name": name, "nodes": []any{}, "connections": object{}}})
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address+"/api/mcp/invoke", bytes.NewReader(body))
	if err != nil {
		t.Error(err)
		return
	}
	req.Header.Set("X-API-Key", key)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Errorf("the proxy does not answer: %v", err)
		return
	}
	defer resp.Body.Close()
	said, _ := io.ReadAll(resp.Body)
	c.mu.Lock()
	defer c.mu.Unlock()
	switch resp.StatusCode {
	case http.StatusOK:
		c.accepted[name] = true
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		c.lost[name] = true
	default:
		t.Errorf("%s: %d %s", name, resp.StatusCode, said)
	}
}

func (c *counted) state() (accepted, lost int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.accepted), len(c.lost)
}

// TestReplicasUnderLoad: behind a proxy one of two servers is replaced in good
// order, and nobody notices; then one is killed, and every request that was
// accepted is kept while every other got a clear error.
func TestReplicasUnderLoad(t *testing.T) {
	t.Parallel()
	b := newPostgres(t)
	const unlimited = "rate_limit_enabled: false"
	first, second := b.start(t, unlimited), b.start(t, unlimited)
	key := b.key(t)
	front := newBalancer(t)
	front.use(t, first, second)
	load := &counted{accepted: map[string]bool{}, lost: map[string]bool{}}
	stop := make(chan struct{})
	var workers sync.WaitGroup
	for range 3 {
		workers.Go(func() {
			for {
				select {
				case <-stop:
					return
				case <-time.After(5 * time.Millisecond):
					load.create(t, front.URL, key)
				}
			}
		})
	}
	ended := sync.OnceFunc(func() { close(stop); workers.Wait() })
	defer ended()
	more := func(what string) {
		t.Helper()
		before, _ := load.state()
		eventually(t, time.Minute, what, func() bool { n, _ := load.state(); return n >= before+20 })
	}
	more("two servers take the load")

	front.use(t, second) // as a readiness probe has a proxy do
	first.stop(syscall.SIGTERM)
	more("one server takes the load")
	third := b.start(t, unlimited)
	front.use(t, second, third)
	more("the new server takes part of it")
	if _, lost := load.state(); lost != 0 {
		t.Errorf("%d requests were lost in a restart in good order", lost)
	}

	second.stop(syscall.SIGKILL)
	eventually(t, time.Minute, "the proxy notices", func() bool { _, lost := load.state(); return lost > 0 })
	front.use(t, third)
	more("the one that is left takes all")
	ended()

	stored := map[string]bool{}
	for cursor := ""; ; {
		var page struct {
			Workflows []struct {
				Name string `json:"name"`
			} `json:"workflows"`
			Next string `json:"next_cursor"`
		}
		args := object{"query": "counted-", "limit": 100}
		if cursor != "" {
			args["cursor"] = cursor
		}
		third.call(t, key, "search_workflows", args, &page)
		for _, w := range page.Workflows {
			stored[w.Name] = true
		}
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	accepted, lost := load.state()
	t.Logf("%d requests: %d accepted, %d with an error, %d stored", load.n.Load(), accepted, lost, len(stored))
	for name := range load.accepted {
		if !stored[name] {
			t.Errorf("%s was accepted and is gone", name)
		}
	}
	for name := range stored {
		if !load.accepted[name] && !load.lost[name] {
			t.Errorf("%s is stored, and nobody was told", name)
		}
	}
	if accepted+lost != int(load.n.Load()) {
		t.Errorf("%d accepted and %d refused of %d", accepted, lost, load.n.Load())
	}
}
