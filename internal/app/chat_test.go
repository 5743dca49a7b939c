package app_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestChatStream talks with the agent over REST: a message's answer is a
// stream that ends with the turn, and what was missed of it is found at the
// session's stream, once and in order. Strangers find nothing.
func TestChatStream(t *testing.T) {
	t.Parallel()
	srv := startServer(t, t.TempDir())
	ann, bob := srv.personNamed(t, "ann@example.com"), srv.personNamed(t, "bob@example.com")
	var s struct {
		SessionID string `json:"session_id"`
	}
	ann.ok(t, "POST", "/sessions", object{"action": "create"}, &s)
	resp := srv.response(t, "POST", "/api/app/chat/stream", []byte(`{"session_id":"`+s.SessionID+`","message":"Fetch https://api.example.com/orders every morning at 9"}`),
		"Authorization", "Bearer "+ann.token, "Content-Type", "application/json")
	body, err := io.ReadAll(resp.Body) // it ends
	if err != nil || resp.StatusCode != http.StatusOK || !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/event-stream") {
		t.Fatalf("%d %v: %s", resp.StatusCode, err, body)
	}
	var told []sse
	for part := range strings.SplitSeq(string(body), "\n\n") {
		var e sse
		for line := range strings.SplitSeq(part, "\n") {
			if v, ok := strings.CutPrefix(line, "id: "); ok {
				e.id = v
			} else if v, ok := strings.CutPrefix(line, "data: "); ok {
				e.data = v
			}
		}
		if e.data != "" {
			told = append(told, e)
		}
	}
	workflows, last := 0, 0
	for i, e := range told {
		var event struct {
			Type      string
			SessionID string `json:"session_id"`
			Final     bool   `json:"is_final"`
		}
		if err := json.Unmarshal([]byte(e.data), &event); err != nil || event.SessionID != s.SessionID || event.Final != (i == len(told)-1) {
			t.Errorf("event %d of %d is %s", i, len(told), e.data)
		}
		if event.Type == "workflow" {
			workflows++
		}
		id, err := strconv.Atoi(e.id)
		if err != nil || id <= last {
			t.Errorf("the id %q comes after %d", e.id, last)
		}
		last = id
	}
	if workflows == 0 {
		t.Errorf("no workflow came: %s", body)
	}
	_, rest := srv.follow(t, srv.url+"/api/app/chat/"+s.SessionID+"/stream", ann.token, told[1].id)
	for _, want := range told[2:] {
		if got := <-rest; got != want {
			t.Fatalf("behind %s came %+v, not %+v", told[1].id, got, want)
		}
	}
	for _, c := range []struct {
		who          *person
		method, path string
		body         any
		status       int
	}{
		{bob, "POST", "/chat/stream", object{"session_id": s.SessionID, "message": "hello"}, 404},
		{bob, "GET", "/chat/" + s.SessionID + "/stream", nil, 404},
		{bob, "GET", "/chat/" + s.SessionID + "/messages", nil, 404},
		{bob, "POST", "/chat/" + s.SessionID + "/ticket", nil, 404},
		{ann, "POST", "/chat/stream", object{"session_id": s.SessionID, "message": " "}, 400},
		{ann, "POST", "/chat/stream", object{"session_id": "none", "message": "hello"}, 404},
	} {
		if status, data := c.who.send(t, c.method, c.path, c.body); status != c.status {
			t.Errorf("%s %s: %d %s, expected %d", c.method, c.path, status, data, c.status)
		}
	}
	var log struct {
		Entries []struct{ Capability string }
	}
	eventually(t, 20*time.Second, "the log knows of the chat", func() bool { // it is written behind the callers
		ann.ok(t, "GET", "/audit?capability=chat", nil, &log)
		return len(log.Entries) > 0
	})
}
