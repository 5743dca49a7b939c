package redis_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"flowgate/internal/ratelimit"
	"flowgate/internal/workflow"
	"flowgate/store"
	"flowgate/store/redis"
)

// server is the address of the Redis that CI starts.
func server(t testing.TB) string {
	t.Helper()
	url := os.Getenv("FLOWGATE_TEST_REDIS_URL")
	if url == "" {
		if os.Getenv("CI") == "true" {
			t.Fatal("FLOWGATE_TEST_REDIS_URL is not set: run it by .ci/with-services")
		}
		t.Skip("SKIPPED: FLOWGATE_TEST_REDIS_URL is not set; .ci/with-services go test ./store/redis")
	}
	return url
}

func open(t testing.TB, url, namespace string) *redis.Store {
	t.Helper()
	s, err := redis.Open(redis.Options{URL: url, Namespace: namespace, Timeout: 20 * time.Second}) // other load is normal
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// own is a namespace of the test's.
func own(t testing.TB) string {
	return fmt.Sprintf("test:%d:%d:%s", os.Getpid(), time.Now().UnixNano(), t.Name())
}

func rules(specific, general int64) []store.CounterRule {
	return []store.CounterRule{{Name: "s", Limit: specific, Window: time.Hour}, {Name: "g", Limit: general, Window: time.Hour}}
}

// TestMain is also the second process of TestTwoProcesses.
func TestMain(m *testing.M) {
	if ns := os.Getenv("REDIS_TEST_COUNT"); ns != "" {
		s, err := redis.Open(redis.Options{URL: os.Getenv("FLOWGATE_TEST_REDIS_URL"), Namespace: ns, Timeout: 20 * time.Second})
		if err != nil {
			panic(err)
		}
		_ = json.NewEncoder(os.Stdout).Encode(hammer(s, rules(500, 5000)))
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// hammer takes from 64 callers at once and returns how many got through.
func hammer(s *redis.Store, r []store.CounterRule) int64 {
	var passed atomic.Int64
	var all sync.WaitGroup
	for range 64 {
		all.Go(func() {
			for range 12 {
				ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
				_, refused, err := s.Take(ctx, store.SlidingWindow, "one", r)
				cancel()
				if err != nil { // a busy machine; the call did not count, or did so unseen
					passed.Add(1_000_000)
					return
				}
				if refused < 0 {
					passed.Add(1)
				}
			}
		})
	}
	all.Wait()
	return passed.Load()
}

func TestManyCallersAtOnce(t *testing.T) {
	t.Parallel()
	s := open(t, server(t), own(t))
	if n := hammer(s, rules(300, 5000)); n != 300 {
		t.Errorf("%d passed instead of 300", n)
	}
	states, refused, err := s.Take(t.Context(), store.SlidingWindow, "one", rules(300, 5000)[1:])
	if err != nil || refused >= 0 || states[0].Remaining != 5000-301 {
		t.Errorf("the general limit counted what the specific one refused: %+v, %v", states, err)
	}
}

func TestTwoProcesses(t *testing.T) {
	t.Parallel()
	url, ns := server(t), own(t)
	var sum atomic.Int64
	var all sync.WaitGroup
	for range 2 {
		all.Go(func() {
			cmd := exec.CommandContext(t.Context(), os.Args[0]) //nolint:gosec // this test
			cmd.Env = append(os.Environ(), "REDIS_TEST_COUNT="+ns, "FLOWGATE_TEST_REDIS_URL="+url)
			out, err := cmd.Output()
			var n int64
			if err = errors.Join(err, json.Unmarshal(out, &n)); err != nil {
				t.Error(err)
			}
			sum.Add(n)
		})
	}
	all.Wait()
	if sum.Load() != 500 {
		t.Errorf("%d passed instead of 500", sum.Load())
	}
}

// TestEdge is a burst at the edge of a fixed window and of a sliding one, by
// Redis's own clock.
func TestEdge(t *testing.T) {
	t.Parallel()
	s := open(t, server(t), own(t))
	r := []store.CounterRule{{Name: "r", Limit: 5, Window: 2 * time.Second}}
	take := func(strategy store.Strategy) (n int, reset time.Duration) {
		t.Helper()
		for {
			states, refused, err := s.Take(t.Context(), strategy, "edge", r)
			if err != nil {
				t.Fatal(err)
			}
			if refused >= 0 {
				return n, states[0].Reset
			}
			n++
		}
	}
	// The first two bursts may straddle an edge; the third begins right after
	// one and gets a whole limit at once.
	_, reset := take(store.FixedWindow)
	time.Sleep(reset)
	if n, _ := take(store.FixedWindow); n < 5 {
		t.Errorf("fixed: %d passed in a new window", n)
	}
	begin := time.Now()
	n, reset := take(store.SlidingWindow)
	for n < 40 {
		time.Sleep(reset)
		more, next := take(store.SlidingWindow)
		if more == 0 {
			t.Error("sliding: who waited as told is refused again")
		}
		n, reset = n+more, next
		if took := time.Since(begin); float64(n) > 5*(1+float64(took)/float64(2*time.Second)) {
			t.Fatalf("sliding: %d passed in %s", n, took)
		}
		if time.Since(begin) > 5*time.Second {
			break
		}
	}
}

func TestNonces(t *testing.T) {
	t.Parallel()
	s := open(t, server(t), own(t))
	until := time.Now().Add(time.Minute)
	var first, again atomic.Int64
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			switch err := s.UseNonce(t.Context(), "k{1}", "n", until); workflow.CodeOf(err) {
			case "":
				first.Add(1)
			case workflow.CodeConflict:
				again.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	all.Wait()
	if first.Load() != 1 || again.Load() != 15 {
		t.Errorf("%d were first, %d not", first.Load(), again.Load())
	}
	if err := s.UseNonce(t.Context(), "k2", "n", until); err != nil {
		t.Error(err)
	}
}

func TestNews(t *testing.T) {
	t.Parallel()
	url, ns := server(t), own(t)
	s, other := open(t, url, ns), open(t, url, ns)
	heard := make(chan string, 100)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go other.Hear(ctx, func(id string) { heard <- id })
	if err := s.Tell(t.Context(), "key-1"); err != nil {
		t.Fatal(err)
	}
	select {
	case id := <-heard:
		if id != "key-1" {
			t.Errorf("heard of %q", id)
		}
	case <-time.After(20 * time.Second):
		t.Error("heard of nothing")
	}
}

func TestBadAddress(t *testing.T) {
	t.Parallel()
	_, err := redis.Open(redis.Options{URL: "redis:/\x00s3cret"})
	if err == nil || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("got %v", err)
	}
}

// TestStoppedAndStarted takes from several callers while a Redis of the
// test's own is stopped and started: never without a limit, each process its
// part meanwhile, all of it afterwards.
func TestStoppedAndStarted(t *testing.T) {
	t.Parallel()
	server(t) // skips or fails as the others do
	bin, err := exec.LookPath("redis-server")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip("SKIPPED: redis-server is not installed")
	}
	port := freePort(t)
	dir := t.TempDir()
	stop := start(t, bin, port, dir)
	local := ratelimit.NewMemory(nil, 0)
	shared := &ratelimit.Shared{Counters: open(t, "redis://127.0.0.1:"+port, ""), Local: local, Replicas: 4, Patience: 5 * time.Second, Pause: 100 * time.Millisecond}
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	var calls atomic.Int64
	for i := range 8 {
		all.Go(func() { // background load, each caller far from its limit
			for ctx.Err() == nil {
				_, refused, err := shared.Take(ctx, store.SlidingWindow, "load"+strconv.Itoa(i), rules(1_000_000, 1_000_000))
				if (err != nil || refused >= 0) && ctx.Err() == nil {
					t.Errorf("refused %d, %v", refused, err)
					return
				}
				calls.Add(1)
				time.Sleep(2 * time.Millisecond)
			}
		})
	}
	burst := func(subject string) (n int) {
		for range 1000 {
			if _, refused, err := shared.Take(ctx, store.SlidingWindow, subject, rules(100, 1000)); err != nil || refused >= 0 {
				return n
			}
			n++
		}
		return n
	}
	if n := burst("before"); n != 100 || shared.Degraded() {
		t.Errorf("with Redis %d passed", n)
	}
	stop()
	until(t, shared.Degraded)
	if n := burst("meanwhile"); n != 25 {
		t.Errorf("without Redis %d passed, instead of the part of 25", n)
	}
	defer start(t, bin, port, dir)()
	until(t, func() bool { return !shared.Degraded() })
	if n := burst("after"); n != 100 {
		t.Errorf("with Redis again %d passed", n)
	}
	cancel()
	all.Wait()
	if calls.Load() == 0 {
		t.Error("there was no load")
	}
}

func until(t *testing.T, f func() bool) {
	t.Helper()
	for deadline := time.Now().Add(60 * time.Second); !f(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it did not happen")
		}
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// start runs a Redis and returns when it takes connections.
func start(t *testing.T, bin, port, dir string) (stop func()) {
	t.Helper()
	cmd := exec.CommandContext(context.Background(), bin, "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", dir) //nolint:gosec // found in PATH
	out, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout = out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var once sync.Once
	stop = func() {
		once.Do(func() {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
			_ = out.Close()
		})
	}
	t.Cleanup(stop)
	until(t, func() bool {
		c, err := net.Dial("tcp", "127.0.0.1:"+port)
		if err != nil {
			return false
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(time.Second))
		_, _ = c.Write([]byte("PING\r\n"))
		line, _ := bufio.NewReader(c).ReadString('\n')
		return strings.HasPrefix(line, "+PONG")
	})
	return stop
}

// TestNoncesAfterLoss: a Redis that lost its memory takes nothing that may have
// been used before.
func TestNoncesAfterLoss(t *testing.T) {
	t.Parallel()
	url, ns := server(t), own(t)
	s, err := redis.Open(redis.Options{URL: url, Namespace: ns, NonceLife: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	before := time.Now().Add(time.Minute - time.Second) // signed a second before anything was remembered
	if err := s.UseNonce(t.Context(), "k", "n1", before); workflow.CodeOf(err) != workflow.CodeUnavailable {
		t.Errorf("got %v", err)
	}
	if err := s.UseNonce(t.Context(), "k", "n2", time.Now().Add(time.Minute)); err != nil {
		t.Errorf("signed since: %v", err)
	}
	if err := s.UseNonce(t.Context(), "k", "n2", time.Now().Add(time.Minute)); workflow.CodeOf(err) != workflow.CodeConflict {
		t.Errorf("once more: %v", err)
	}
}

// TestAway: without Redis no nonce is taken, and each failure is told.
func TestAway(t *testing.T) {
	t.Parallel()
	var failed []string
	s, err := redis.Open(redis.Options{URL: "redis://127.0.0.1:1/0", Failed: func(op string) { failed = append(failed, op) }})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.UseNonce(t.Context(), "k", "n", time.Now().Add(time.Minute)); workflow.CodeOf(err) != workflow.CodeUnavailable {
		t.Errorf("a nonce: %v", err)
	}
	if err := s.Tell(t.Context(), "key:k"); workflow.CodeOf(err) != workflow.CodeUnavailable {
		t.Errorf("news: %v", err)
	}
	if err := s.Ping(t.Context()); workflow.CodeOf(err) != workflow.CodeUnavailable || strings.Join(failed, " ") != "nonce tell ping" {
		t.Errorf("a question: %v; failed: %v", err, failed)
	}
}
