package web

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"flowgate/internal/auth"
	"flowgate/internal/workflow"
)

// streamWorld serves st at /api/app/test, for owner or by a ticket.
func streamWorld(t *testing.T, st stream) *world {
	t.Helper()
	w := newWorld(t, nil)
	name := func(echo.Context) string { return "test:1" }
	w.echo.GET("/api/app/test", func(c echo.Context) error { return w.serveStream(c, st) }, w.listener(name))
	w.echo.POST("/api/app/test/ticket", func(c echo.Context) error { return w.giveTicket(c, "test:1", "/api/app/test") }, w.authenticate(auth.TierApp))
	return w
}

// listen opens a stream and returns its lines, which end with the stream.
func (w *world) listen(t *testing.T, path string) (*http.Response, <-chan string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "GET", w.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(path, "ticket=") {
		req.Header.Set("Authorization", "Bearer "+w.token)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	lines := make(chan string, 1000)
	go func() {
		defer close(lines)
		defer resp.Body.Close()
		for sc := bufio.NewScanner(resp.Body); sc.Scan(); {
			lines <- sc.Text()
		}
	}()
	return resp, lines
}

// rest is all that comes of a stream until it ends.
func rest(lines <-chan string) string {
	var b strings.Builder
	for l := range lines {
		b.WriteString(l + "\n")
	}
	return b.String()
}

func untilOver(ctx context.Context, out *eventSink) error {
	if err := out.Send(streamEvent{ID: 1, Data: "first"}); err != nil {
		return err
	}
	<-ctx.Done()
	return ctx.Err()
}

func TestStreamFrames(t *testing.T) {
	w := streamWorld(t, stream{follow: func(_ context.Context, out *eventSink) error {
		_ = out.Send(streamEvent{ID: 7, Data: map[string]string{"text": "<b> & grüße\n流 \u2603"}})
		return out.Send(streamEvent{Name: "other", Data: 1})
	}})
	resp, lines := w.listen(t, "/api/app/test")
	for name, want := range map[string]string{"Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-cache", "X-Accel-Buffering": "no"} {
		if got := resp.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	want := "retry: 1000\n\nid: 7\ndata: {\"text\":\"<b> & grüße\\n流 ☃\"}\n\nevent: other\ndata: 1\n\n"
	if got := rest(lines); got != want {
		t.Errorf("got %q\nwant %q", got, want)
	}
}

func TestStreamFaults(t *testing.T) {
	refuse := func(context.Context, *eventSink) error {
		return workflow.Errorf(workflow.CodeDownstream, "the agent is ill").WithReason("agent_ill")
	}
	if r := streamWorld(t, stream{follow: refuse}).app(t, "GET", "/api/app/test", ""); r.status != 502 || r.json["error"] != "agent_ill" {
		t.Errorf("before the first event: %d %s", r.status, r.body)
	}
	later := func(ctx context.Context, out *eventSink) error {
		_ = out.Open()
		return refuse(ctx, out)
	}
	if r := streamWorld(t, stream{follow: later}).app(t, "GET", "/api/app/test", ""); r.status != 200 || !contains(r.body, `data: {"error":{"error":"agent_ill","message":"the agent is ill"`) {
		t.Errorf("after it: %d %s", r.status, r.body)
	}
	own := stream{follow: later, fault: func(err error) streamEvent {
		return streamEvent{ID: 3, Data: map[string]any{"type": "error", "text": workflow.MessageOf(err)}}
	}}
	if r := streamWorld(t, own).app(t, "GET", "/api/app/test", ""); !contains(r.body, "id: 3\ndata: {\"text\":\"the agent is ill\",\"type\":\"error\"}\n\n") {
		t.Errorf("in an envelope of its own: %s", r.body)
	}
	panics := func(ctx context.Context, out *eventSink) error { panic("secret of the house") }
	if r := streamWorld(t, stream{follow: panics}).app(t, "GET", "/api/app/test", ""); r.status != 500 || contains(r.body, "secret") {
		t.Errorf("a panic: %d %s", r.status, r.body)
	}
	empty := func(context.Context, *eventSink) error { return nil }
	if r := streamWorld(t, stream{follow: empty}).app(t, "GET", "/api/app/test", ""); r.status != 204 {
		t.Errorf("nothing to say: %d %s", r.status, r.body)
	}
}

func TestStreamIsKeptAlive(t *testing.T) {
	w := streamWorld(t, stream{follow: func(ctx context.Context, _ *eventSink) error { <-ctx.Done(); return ctx.Err() }})
	w.times.heartbeat = 20 * time.Millisecond
	resp, lines := w.listen(t, "/api/app/test")
	seen := 0
	for l := range lines {
		if strings.HasPrefix(l, ":") {
			if seen++; seen == 3 {
				resp.Body.Close()
				return
			}
		}
	}
	t.Error("the stream ended")
}

func TestStreamsAreToldToReconnect(t *testing.T) {
	w := streamWorld(t, stream{follow: untilOver})
	_, lines := w.listen(t, "/api/app/test")
	for l := range lines {
		if l == `data: "first"` {
			break
		}
	}
	if err := w.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := rest(lines); !contains(got, "event: reconnect\ndata: {\"retry_ms\":1000}\n") {
		t.Errorf("got %q", got)
	}
}

func TestStreamEndsWithItsUser(t *testing.T) {
	w := streamWorld(t, stream{follow: untilOver})
	w.times.recheck = 20 * time.Millisecond
	u := &workflow.User{ID: owner, Email: "a@b.test", Role: "user", CreatedAt: time.Now()}
	if err := w.store.CreateUser(t.Context(), u); err != nil {
		t.Fatal(err)
	}
	w.Authenticator.Accounts = auth.NewAccounts(auth.AccountOptions{Store: w.store, Issuer: w.issuer})
	_, lines := w.listen(t, "/api/app/test")
	u.Disabled = true
	if err := w.store.UpdateUser(t.Context(), u); err != nil {
		t.Fatal(err)
	}
	if got := rest(lines); !contains(got, "first") || !contains(got, "user_banned") {
		t.Errorf("got %q", got)
	}
}

func TestSlowClientIsCutOff(t *testing.T) {
	over := make(chan error, 1)
	w := streamWorld(t, stream{follow: func(_ context.Context, out *eventSink) error {
		for {
			if err := out.Send(streamEvent{Data: strings.Repeat("x", 1<<16)}); err != nil {
				over <- err
				return err
			}
		}
	}})
	w.times.write = 50 * time.Millisecond
	u, err := url.Parse(w.url)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", u.Host)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "GET /api/app/test HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "+w.token+"\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	select {
	case <-over: // though nothing was ever read
	case <-time.After(30 * time.Second):
		t.Error("the stream goes on")
	}
}

func TestTickets(t *testing.T) {
	w := streamWorld(t, stream{follow: func(_ context.Context, out *eventSink) error { return out.Send(streamEvent{ID: 1, Data: "x"}) }})
	w.echo.GET("/api/app/other", func(c echo.Context) error { return c.NoContent(204) }, w.listener(func(echo.Context) string { return "test:2" }))
	r := w.app(t, "POST", "/api/app/test/ticket", "")
	address, _ := r.json["url"].(string)
	text, _ := r.json["ticket"].(string)
	if r.status != 201 || !strings.HasPrefix(address, "http://gw.test/api/app/test?ticket=") || contains(r.body, owner) {
		t.Fatalf("%d %s", r.status, r.body)
	}
	for range 2 { // it may be used again
		if r := w.send(t, "GET", "/api/app/test?ticket="+text, ""); r.status != 200 || !contains(r.body, `data: "x"`) {
			t.Errorf("with a ticket: %d %s", r.status, r.body)
		}
	}
	for name, q := range map[string]string{"another stream": "/api/app/other?ticket=" + text, "changed": "/api/app/test?ticket=A" + text[1:] + "A", "nonsense": "/api/app/test?ticket=%20"} {
		if r := w.send(t, "GET", q, ""); r.status != 401 || r.json["error"] != "invalid_ticket" {
			t.Errorf("%s: %d %s", name, r.status, r.body)
		}
	}
	if r := w.send(t, "GET", "/api/app/test", ""); r.status != 401 || r.json["error"] != "missing_token" {
		t.Errorf("without: %d %s", r.status, r.body)
	}
	if r := w.send(t, "POST", "/api/app/test/ticket", ""); r.status != 401 {
		t.Errorf("ticket for nobody: %d %s", r.status, r.body)
	}
	if logs := w.logs.String(); contains(logs, text) {
		t.Error("the ticket is in the log")
	}
}

func TestResumeAfter(t *testing.T) {
	for _, c := range []struct {
		header, query string
		want          int64
		bad           bool
	}{{"", "", 0, false}, {"12", "", 12, false}, {"", "5", 5, false}, {"12", "5", 12, false}, {"x", "", 0, true}, {"", "-1", 0, true}, {"", "1.5", 0, true}} {
		req, err := http.NewRequestWithContext(t.Context(), "GET", "/?after="+c.query, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Last-Event-ID", c.header)
		got, err := resumeAfter(echo.New().NewContext(req, nil))
		if got != c.want || (err != nil) != c.bad {
			t.Errorf("%+v: %d, %v", c, got, err)
		}
	}
}

// TestStreamsAndTicketsEndWithTheToken has a stream by header and one by ticket
// end when the token does that opened them, and the ticket open none afterwards.
func TestStreamsAndTicketsEndWithTheToken(t *testing.T) {
	w := streamWorld(t, stream{follow: untilOver})
	w.times.recheck = 20 * time.Millisecond
	w.token = w.user(t, owner, 3*time.Second)
	began := time.Now()
	r := w.app(t, "POST", "/api/app/test/ticket", "")
	text, _ := r.json["ticket"].(string)
	expires, err := time.Parse(time.RFC3339, r.json["expires_at"].(string))
	if err != nil || expires.After(began.Add(4*time.Second)) {
		t.Errorf("the ticket is good until %v, %v", expires, err)
	}
	_, byHeader := w.listen(t, "/api/app/test")
	_, byTicket := w.listen(t, "/api/app/test?ticket="+text)
	for name, lines := range map[string]<-chan string{"header": byHeader, "ticket": byTicket} {
		if got := rest(lines); !contains(got, "first") || !contains(got, "token_expired") {
			t.Errorf("by %s: %q", name, got)
		}
	}
	if time.Now().Before(expires) {
		t.Error("the streams ended before the token")
	}
	if r := w.send(t, "GET", "/api/app/test?ticket="+text, ""); r.status != 401 || r.json["error"] != "ticket_expired" {
		t.Errorf("the ticket afterwards: %d %s", r.status, r.body)
	}
}
