package redis_test

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"sync"
	"testing"
	"time"

	client "github.com/redis/go-redis/v9"

	"flowgate/internal/workflow"
	"flowgate/store"
	"flowgate/store/redis"
)

func fanout(t *testing.T, s *redis.Store) *redis.Fanout {
	t.Helper()
	f := s.NewFanout()
	t.Cleanup(func() { _ = f.Close() })
	return f
}

// heard collects what a listener is told.
type heard struct {
	mu   sync.Mutex
	list []string
}

func (h *heard) add(data []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.list = append(h.list, string(data))
}

func (h *heard) has(text string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, s := range h.list {
		if s == text {
			return true
		}
	}
	return false
}

// TestFanout: what one process announces all others hear that listen to the
// topic, and nobody else; who announces does not hear itself.
func TestFanout(t *testing.T) {
	t.Parallel()
	url, ns := server(t), own(t)
	here, there, stranger := fanout(t, open(t, url, ns)), fanout(t, open(t, url, ns)), fanout(t, open(t, url, own(t)))
	var self, other, again, foreign, topic heard
	here.Listen("x", self.add)
	there.Listen("x", other.add)
	stop := there.Listen("x", again.add)
	there.Listen("y", topic.add)
	stranger.Listen("x", foreign.add)
	n := 0
	until(t, func() bool {
		n++
		here.Announce("x", fmt.Append(nil, n))
		return other.has(fmt.Sprint(n-1)) && again.has(fmt.Sprint(n-1))
	})
	stop()
	here.Announce("x", []byte("\x00 data of any kind \xff"))
	until(t, func() bool { return other.has("\x00 data of any kind \xff") })
	until(t, func() bool { return here.Connected() && there.Connected() })
	if again.has("\x00 data of any kind \xff") || len(self.list)+len(topic.list)+len(foreign.list) > 0 {
		t.Errorf("told in spite of stop: %v; itself: %v; another topic: %v; another namespace: %v", again.list, self.list, topic.list, foreign.list)
	}
}

// TestFanoutWithoutRedis: while Redis is away announcing waits for nothing, and
// the listeners are known to be deaf; afterwards they hear again by themselves.
func TestFanoutWithoutRedis(t *testing.T) {
	t.Parallel()
	server(t)
	bin, err := exec.LookPath("redis-server")
	if err != nil {
		t.Skip("SKIPPED: redis-server is not installed")
	}
	port, dir := freePort(t), t.TempDir()
	stop := start(t, bin, port, dir)
	url := "redis://127.0.0.1:" + port + "/0"
	here, there := fanout(t, open(t, url, "")), fanout(t, open(t, url, ""))
	var other heard
	there.Listen("x", other.add)
	tell := func(text string) func() bool {
		return func() bool {
			here.Announce("x", []byte(text))
			return other.has(text) && here.Connected() && there.Connected()
		}
	}
	until(t, tell("before"))
	stop()
	until(t, func() bool { return !here.Connected() && !there.Connected() })
	began := time.Now()
	for range 20_000 {
		here.Announce("x", bytes.Repeat([]byte("lost"), 100))
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("announcing took %s", took)
	}
	there.Listen("since", other.add)
	defer start(t, bin, port, dir)()
	until(t, tell("afterwards"))
	until(t, func() bool { here.Announce("since", []byte("joined meanwhile")); return other.has("joined meanwhile") })
}

func TestChatLog(t *testing.T) {
	t.Parallel()
	url, ns := server(t), own(t)
	s, other := open(t, url, ns), open(t, url, ns)
	keep := func(ids ...int64) {
		t.Helper()
		for _, id := range ids {
			if err := s.KeepChatEvent(t.Context(), "ann", "s", store.ChatEvent{ID: id, Data: fmt.Appendf(nil, `{"n":%d}`, id)}); err != nil {
				t.Fatal(err)
			}
		}
	}
	read := func(owner string, after int64, limit int) string {
		t.Helper()
		list, whole, err := other.KeptChatEvents(t.Context(), owner, "s", after, limit)
		if err != nil {
			t.Fatal(err)
		}
		out := fmt.Sprint(whole)
		for _, e := range list {
			if string(e.Data) != fmt.Sprintf(`{"n":%d}`, e.ID) {
				t.Errorf("event %d is %s", e.ID, e.Data)
			}
			out += fmt.Sprint(" ", e.ID)
		}
		return out
	}
	if got := read("ann", 0, 10); got != "false" {
		t.Errorf("of nothing: %s", got)
	}
	keep(5, 6, 7, 9, 10) // 8 did not get through
	for _, c := range []struct {
		owner    string
		after    int64
		limit    int
		expected string
	}{
		{"ann", 4, 10, "true 5 6 7"}, {"ann", 4, 2, "true 5 6"}, {"ann", 5, 10, "true 6 7"}, {"ann", 6, 1, "true 7"},
		{"ann", 7, 10, "false"}, {"ann", 8, 10, "true 9 10"}, {"ann", 10, 10, "true"}, {"ann", 11, 10, "false"},
		{"ann", 0, 10, "false"}, {"ann", 3, 10, "false"}, {"bob", 4, 10, "false"},
	} {
		if got := read(c.owner, c.after, c.limit); got != c.expected {
			t.Errorf("%s's behind %d, at most %d: %s instead of %s", c.owner, c.after, c.limit, got, c.expected)
		}
	}
	keep(3) // the database was put back
	if got := read("ann", 2, 10); got != "true 3" {
		t.Errorf("of an earlier state: %s", got)
	}
	if err := s.ForgetChat(t.Context(), "ann", "s"); err != nil || read("ann", 2, 10) != "false" {
		t.Errorf("forgotten: %s, %v", read("ann", 2, 10), err)
	}
}

// TestEveryKeyEnds uses all that is kept in Redis and then looks at every key
// there: each is in the namespace and goes by itself.
func TestEveryKeyEnds(t *testing.T) {
	t.Parallel()
	server(t)
	bin, err := exec.LookPath("redis-server")
	if err != nil {
		t.Skip("SKIPPED: redis-server is not installed")
	}
	port := freePort(t)
	defer start(t, bin, port, t.TempDir())()
	url := "redis://127.0.0.1:" + port + "/0"
	s := open(t, url, "ours")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	f := fanout(t, s)
	var told heard
	f.Listen("x", told.add)
	go s.Hear(ctx, func(id string) { told.add([]byte(id)) })
	for _, strategy := range []store.Strategy{store.FixedWindow, store.SlidingWindow} {
		if _, _, err := s.Take(t.Context(), strategy, "some{one}", rules(5, 50)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.UseNonce(t.Context(), "k{1}", "n", time.Now().Add(time.Minute)); err != nil && workflow.CodeOf(err) != workflow.CodeUnavailable {
		t.Fatal(err)
	}
	if err := s.KeepChatEvent(t.Context(), "a{n}n", "s", store.ChatEvent{ID: 1, Data: []byte(`{}`)}); err != nil {
		t.Fatal(err)
	}
	if err := s.Tell(t.Context(), "key"); err != nil {
		t.Fatal(err)
	}
	until(t, func() bool { return told.has("key") && f.Connected() })
	o, err := client.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	db := client.NewClient(o)
	defer db.Close()
	kinds := map[string]bool{}
	for it := db.Scan(t.Context(), 0, "*", 1000).Iterator(); it.Next(t.Context()); {
		key := it.Val()
		ttl, err := db.TTL(t.Context(), key).Result()
		if err != nil || ttl <= 0 || ttl > 25*time.Hour {
			t.Errorf("%s goes after %s, %v", key, ttl, err)
		}
		var kind string
		if _, err := fmt.Sscanf(key, "ours:%s", &kind); err != nil {
			t.Errorf("%s is not in the namespace", key)
		}
		kinds[kind[:5]] = true
	}
	if len(kinds) < 4 { // limit, nonce, chat, revoked
		t.Errorf("only %v were used", kinds)
	}
}

// TestScriptIsLostAndLoaded: a Redis that forgot the script gets it again.
func TestScriptIsLostAndLoaded(t *testing.T) {
	t.Parallel()
	server(t)
	bin, err := exec.LookPath("redis-server")
	if err != nil {
		t.Skip("SKIPPED: redis-server is not installed")
	}
	port := freePort(t)
	defer start(t, bin, port, t.TempDir())()
	url := "redis://127.0.0.1:" + port + "/0"
	s := open(t, url, "")
	o, err := client.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	db := client.NewClient(o)
	defer db.Close()
	for n := range 6 {
		if n == 3 {
			if err := db.ScriptFlush(t.Context()).Err(); err != nil {
				t.Fatal(err)
			}
		}
		states, refused, err := s.Take(t.Context(), store.SlidingWindow, "one", rules(100, 1000))
		if err != nil || refused >= 0 || states[0].Remaining != int64(99-n) {
			t.Fatalf("call %d: %+v, %d, %v", n, states, refused, err)
		}
	}
	sent, err := db.Info(t.Context(), "commandstats").Result()
	if err != nil || !bytes.Contains([]byte(sent), []byte("cmdstat_evalsha:calls=6")) || !bytes.Contains([]byte(sent), []byte("cmdstat_eval:calls=2")) {
		t.Errorf("the script is not sent once for all: %v\n%s", err, sent)
	}
}
