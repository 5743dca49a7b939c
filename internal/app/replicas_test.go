package app_test

import (
	"bytes"
	"encoding/json"
	"errors"
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
	busy    map[string]int // requests under way, by server
}

func newBalancer(t *testing.T) *balancer {
	t.Helper()
	b := &balancer{busy: map[string]int{}}
	b.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		server := b.pick()
		defer b.leave(server)
		(&httputil.ReverseProxy{
			Rewrite:      func(r *httputil.ProxyRequest) { r.SetURL(server) },
			ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
		}).ServeHTTP(w, r)
	}))
	t.Cleanup(b.Close)
	return b
}

// pick returns the next server, which has one more request then until leave.
func (b *balancer) pick() *url.URL {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.next++
	server := b.servers[b.next%len(b.servers)]
	b.busy[server.String()]++
	return server
}

func (b *balancer) leave(server *url.URL) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.busy[server.String()]--
}

// idle tells whether a server has answered all that it was given.
func (b *balancer) idle(s *serverProcess) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.busy[s.url] == 0
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
	status, said, err := answerTo(req)
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF): // the server ended amid its answer
		c.lost[name] = true
		return
	case err != nil:
		t.Errorf("the proxy does not answer: %v", err)
		return
	}
	switch status {
	case http.StatusOK:
		c.accepted[name] = true
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		c.lost[name] = true
	default:
		t.Errorf("%s: %d %s", name, status, said)
	}
}

func answerTo(req *http.Request) (status int, body []byte, err error) {
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	body, err = io.ReadAll(resp.Body)
	return resp.StatusCode, body, err
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
	eventually(t, time.Minute, "the first server has no more to answer", func() bool { return front.idle(first) })
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
