package web

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"flowgate/internal/workflow"
)

// largeAnswers is a server whose webhooks answer with size bytes; ended gets
// word of each request whose handler has returned.
func largeAnswers(t *testing.T, size int, patience time.Duration) (url string, ended chan struct{}) {
	t.Helper()
	body := bytes.Repeat([]byte("x"), size)
	w := newWorld(t, func(o *Options) {
		o.WriteTimeout = patience
		o.Webhook = func(context.Context, workflow.WebhookCall) (*workflow.Response, error) {
			return &workflow.Response{Status: 200, Body: body}, nil
		}
	})
	ended = make(chan struct{}, 10)
	srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		defer func() { ended <- struct{}{} }()
		w.ServeHTTP(rw, r)
	}))
	t.Cleanup(srv.Close)
	return srv.URL, ended
}

func ask(t *testing.T, url string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if _, err := io.WriteString(conn, "GET /webhook/x HTTP/1.1\r\nHost: a\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	return conn
}

// TestWhoDoesNotReadIsCutOff: clients that ask for a large answer and do not
// read it, or read a byte now and then, hold no handler for long.
func TestWhoDoesNotReadIsCutOff(t *testing.T) {
	t.Parallel()
	url, ended := largeAnswers(t, 64<<20, 300*time.Millisecond)
	for name, read := range map[string]func(net.Conn){
		"nothing is read": func(net.Conn) {},
		"a byte now and then": func(conn net.Conn) {
			for _, err := conn.Read(make([]byte, 1)); err == nil; _, err = conn.Read(make([]byte, 1)) {
				time.Sleep(20 * time.Millisecond)
			}
		},
	} {
		conn := ask(t, url)
		go read(conn)
		select {
		case <-ended:
		case <-time.After(time.Minute):
			t.Fatalf("%s: the handler is held", name)
		}
		_ = conn.Close()
	}
}

// TestWhoReadsSlowlyGetsAll: an answer may take many times as long as one of
// its pieces, as long as it moves.
func TestWhoReadsSlowlyGetsAll(t *testing.T) {
	t.Parallel()
	const size = 24 << 20
	url, _ := largeAnswers(t, size, 10*time.Second)
	conn := ask(t, url)
	got, buf := 0, make([]byte, 1<<20)
	for got < size {
		n, err := conn.Read(buf)
		if err != nil {
			t.Fatalf("after %d bytes: %v", got, err)
		}
		got += n
		time.Sleep(time.Millisecond)
	}
}

// TestPace: how long a piece may take.
func TestPace(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		sent   int64
		waited time.Duration
		want   time.Duration
	}{
		"the first":             {0, 0, 30 * time.Second},
		"of a fast client":      {100 << 20, 10 * time.Second, 30 * time.Second},
		"of one that drips":     {2, 25 * time.Second, 5 * time.Second},
		"of one that has to go": {2, 31 * time.Second, -time.Second},
		"as slow as is allowed": {100 * leastRate, 100 * time.Second, 30 * time.Second},
	} {
		w := pacedWriter{patience: 30 * time.Second, sent: c.sent, waited: c.waited}
		if got := w.allowed(); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
