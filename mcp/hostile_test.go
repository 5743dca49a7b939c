package mcp

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"flowgate/internal/auth"
	"flowgate/internal/workflow"
)

func TestSessionIsItsCallersAlone(t *testing.T) {
	w := newWorld(t, nil)
	mine := w.key(t, owner, "tools:execute")
	session := w.session(t, mine)
	for name, other := range map[string]string{"another subject's key": w.key(t, "someone else", "tools:execute"), "another key of the same subject": w.key(t, owner, "tools:execute")} {
		for _, method := range []string{"POST", "GET", "DELETE"} {
			body := ""
			if method == "POST" {
				body = `{"jsonrpc":"2.0","id":1,"method":"ping"}`
			}
			if r := w.send(t, method, body, "X-API-Key", other, "Mcp-Session-Id", session); r.status != 404 {
				t.Errorf("%s, %s: %d %s", name, method, r.status, r.body)
			}
		}
	}
	if r := w.call(t, mine, session, "search_workflows", `{}`); r.status != 200 {
		t.Errorf("the session's own caller: %d %s", r.status, r.body)
	}
}

func TestEndedSessionStaysEnded(t *testing.T) {
	w := newWorld(t, nil)
	key := w.key(t, owner, "tools:execute")
	session := w.session(t, key)
	if r := w.send(t, "DELETE", "", "X-API-Key", key, "Mcp-Session-Id", session); r.status != 200 {
		t.Fatalf("delete: %d %s", r.status, r.body)
	}
	if r := w.call(t, key, session, "search_workflows", `{}`); r.status != 404 {
		t.Errorf("after delete: %d %s", r.status, r.body)
	}
}

func TestSessionWorksAtAnotherReplica(t *testing.T) {
	same := func(o *Options) { o.SessionKey = []byte("shared by the replicas") }
	a, b := newWorld(t, same), newWorld(t, same)
	key := a.key(t, owner, "tools:execute")
	session := a.session(t, key)
	b.Authenticator.Keys = a.keys // one store
	if r := b.call(t, key, session, "search_workflows", `{}`); r.status != 200 {
		t.Errorf("at the other replica: %d %s", r.status, r.body)
	}
}

func TestSessionStateIsBounded(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.MaxSessions = 3 })
	key := w.key(t, owner, "tools:execute")
	first := w.session(t, key)
	for range 10 {
		w.session(t, key)
	}
	w.sessions.mu.Lock()
	for caller, list := range w.sessions.live {
		if len(list) > 3 {
			t.Errorf("%q has %d sessions", caller, len(list))
		}
	}
	w.sessions.mu.Unlock()
	if r := w.call(t, key, first, "search_workflows", `{}`); r.status != 200 {
		t.Errorf("a session whose state was dropped: %d %s", r.status, r.body)
	}
}

// blocked makes executions hang until released or cancelled.
func blocked(w *world) (started chan struct{}, release func()) {
	started, gate := make(chan struct{}, 8), make(chan struct{})
	w.agent.run = func(ctx context.Context, _ func(workflow.Event) error) error {
		started <- struct{}{}
		select {
		case <-gate:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return started, sync.OnceFunc(func() { close(gate) })
}

func TestCancelReachesOnlyOnesOwnCalls(t *testing.T) {
	w := newWorld(t, nil)
	mine, other := w.key(t, owner, "tools:execute"), w.key(t, "someone else", "tools:execute")
	id := w.workflow(t)
	cancel := `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}`
	t.Run("2026-07-28", func(t *testing.T) {
		started, release := blocked(w)
		done := make(chan reply, 1)
		go func() {
			done <- w.modern(t, mine, "tools/call", "execute_workflow", `"name":"execute_workflow","arguments":{"workflow_id":"`+id+`"}`)
		}()
		<-started
		r := w.send(t, "POST", strings.Replace(cancel, `"requestId":1`, `"requestId":1,"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}`, 1),
			"X-API-Key", other, "Mcp-Protocol-Version", "2026-07-28", "Mcp-Method", "notifications/cancelled")
		if r.status != 202 {
			t.Errorf("cancel: %d %s", r.status, r.body)
		}
		release()
		if r := <-done; r.result()["isError"] == true || !strings.Contains(r.body, "hello") {
			t.Errorf("the call was cancelled by another caller: %s", r.body)
		}
	})
	t.Run("2025-11-25", func(t *testing.T) {
		session, others := w.session(t, mine), w.session(t, other)
		started, release := blocked(w)
		defer release()
		done := make(chan reply, 1)
		go func() { done <- w.call(t, mine, session, "execute_workflow", `{"workflow_id":"`+id+`"}`) }()
		<-started
		if r := w.send(t, "POST", cancel, "X-API-Key", other, "Mcp-Session-Id", session); r.status != 404 {
			t.Errorf("cancel in a foreign session: %d", r.status)
		}
		if r := w.send(t, "POST", cancel, "X-API-Key", other, "Mcp-Session-Id", others); r.status != 202 {
			t.Errorf("cancel in the own session: %d", r.status)
		}
		select {
		case r := <-done:
			t.Errorf("the call was cancelled by another caller: %s", r.body)
		case <-time.After(50 * time.Millisecond):
		}
		if r := w.send(t, "POST", cancel, "X-API-Key", mine, "Mcp-Session-Id", session); r.status != 202 {
			t.Errorf("own cancel: %d", r.status)
		}
		if r := <-done; r.result()["isError"] != true {
			t.Errorf("the own cancel did nothing: %s", r.body)
		}
	})
}

func TestListenersAreNotShared(t *testing.T) {
	w := newWorld(t, nil)
	id := w.workflow(t)
	key, other := w.key(t, owner, "tools:execute"), w.key(t, "someone else", "tools:execute")
	lines := w.listen(t, other, w.session(t, other))
	if r := w.send(t, "GET", "", "X-API-Key", other); r.status != 400 {
		t.Errorf("GET without a session: %d", r.status)
	}
	w.agent.run = func(_ context.Context, emit func(workflow.Event) error) error {
		return emit(workflow.Event{Type: workflow.EventNodeFinished, Node: "Start"})
	}
	w.progressCall(t, key, w.session(t, key), id)
	select {
	case line := <-lines:
		t.Errorf("another caller heard %q", line)
	case <-time.After(50 * time.Millisecond):
	}
	w.core.SendNotificationToAllClients("notifications/tools/list_changed", nil)
	if line := <-lines; !strings.Contains(line, "list_changed") {
		t.Errorf("the listener heard %q", line)
	}
}

// listen opens a GET stream and returns its data lines.
func (w *world) listen(t *testing.T, key, session string) <-chan string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "GET", w.url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range map[string]string{"X-API-Key": key, "Mcp-Session-Id": session, "Accept": "text/event-stream"} {
		req.Header.Set(k, v)
	}
	return w.stream(t, req)
}

// stream sends req and returns the data lines of the answer as they come.
func (w *world) stream(t *testing.T, req *http.Request) <-chan string {
	t.Helper()
	ctx, cancel := context.WithCancel(req.Context())
	req = req.WithContext(ctx)
	resp, err := http.DefaultClient.Do(req)
	if err != nil || resp.StatusCode != 200 {
		t.Fatalf("listen: %v %v", resp, err)
	}
	lines := make(chan string, 16)
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer close(lines)
		for sc := bufio.NewScanner(resp.Body); sc.Scan(); {
			if strings.HasPrefix(sc.Text(), "data: ") {
				lines <- sc.Text()
			}
		}
	}()
	t.Cleanup(func() { cancel(); resp.Body.Close(); <-done })
	return lines
}

func TestRevokedKeyEndsStreamsAndCalls(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.Recheck = 20 * time.Millisecond })
	secret, key, err := w.keys.Create(t.Context(), auth.NewKey{OwnerID: owner, ClientName: "t", Scopes: []string{"tools:execute"}})
	if err != nil {
		t.Fatal(err)
	}
	id, session := w.workflow(t), w.session(t, secret)
	lines := w.listen(t, secret, session)
	started, release := blocked(w)
	defer release()
	done := make(chan reply, 1)
	go func() { done <- w.call(t, secret, session, "execute_workflow", `{"workflow_id":"`+id+`"}`) }()
	<-started
	if err := w.keys.Revoke(t.Context(), owner, key.ID); err != nil {
		t.Fatal(err)
	}
	if line, open := <-lines; open {
		t.Errorf("the stream went on: %q", line)
	}
	if r := <-done; r.status != 401 {
		t.Errorf("the call went on: %d %s", r.status, r.body)
	}
}

func TestCloseEndsStreams(t *testing.T) {
	w := newWorld(t, nil)
	key := w.key(t, owner, "tools:execute")
	lines := w.listen(t, key, w.session(t, key))
	w.Close()
	if line, open := <-lines; open {
		t.Errorf("the stream went on: %q", line)
	}
}

func TestFiftyCallersAtOnce(t *testing.T) {
	w := newWorld(t, nil)
	var wg sync.WaitGroup
	errs := make(chan error, 50)
	for i := range 50 {
		subject := fmt.Sprintf("subject-%d", i)
		key := w.key(t, subject, "tools:execute")
		wg.Go(func() {
			session := w.session(t, key)
			name := "of " + subject
			if r := w.call(t, key, session, "create_workflow", fmt.Sprintf(`{"name":%q,"nodes":[]}`, name)); r.result()["isError"] == true {
				errs <- errors.New(r.body)
				return
			}
			for j := range 5 {
				r := w.call(t, key, session, "search_workflows", `{}`)
				if j%2 == 1 {
					r = w.modern(t, key, "tools/call", "search_workflows", `"name":"search_workflows"`)
				}
				list := w.send(t, "POST", `{"jsonrpc":"2.0","id":1,"method":"resources/list"}`, "X-API-Key", key, "Mcp-Session-Id", session)
				if strings.Count(list.body, `"name":"of subject-`) != 1 || !strings.Contains(list.body, `"name":"`+name+`"`) {
					errs <- fmt.Errorf("%s: resources %d %s", subject, list.status, list.body)
					return
				}
				if !strings.Contains(r.text(), name+" (") || strings.Count(r.text(), "of subject-") != 1 {
					errs <- fmt.Errorf("%s: %d %s", subject, r.status, r.body)
					return
				}
			}
		})
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		t.Error(err)
	}
}
