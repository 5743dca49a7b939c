package app_test

import (
	"bufio"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"flowgate/internal/auth"
)

// TestRevocationReachesOpenStreams opens streams at one server and takes away
// what they were opened with at another on the same data: the MCP stream of a
// key that is revoked ends, and so do the event streams, by header and by
// ticket, of a session that is signed out. Streams of others go on.
func TestRevocationReachesOpenStreams(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	here, there := newGateway(t, false, map[string]string{"data_dir": dir}), newGateway(t, false, map[string]string{"data_dir": dir})
	session, err := here.Accounts.Register(t.Context(), auth.NewAccount{Email: "ann@example.org", Password: "correct horse"}, "ip")
	if err != nil {
		t.Fatal(err)
	}
	again, err := here.Accounts.SignIn(t.Context(), "ann@example.org", "correct horse", "ip")
	if err != nil {
		t.Fatal(err)
	}
	key := func() (*matrixCaller, string) {
		secret, k, err := here.Keys.Create(t.Context(), auth.NewKey{OwnerID: session.User.ID, ClientName: "t", Scopes: []string{auth.ScopeToolsExecute}})
		if err != nil {
			t.Fatal(err)
		}
		return &matrixCaller{at: here, header: http.Header{"X-Api-Key": {secret}}}, k.ID
	}
	revoked, revokedID := key()
	kept, _ := key()
	person, other := &matrixCaller{at: here, header: bearer(session.AccessToken)}, &matrixCaller{at: here, header: bearer(again.AccessToken)}
	var chat struct {
		SessionID string `json:"session_id"`
	}
	var ticket struct{ Ticket string }
	if err := json.Unmarshal([]byte(person.send(t, "POST", "/api/app/sessions", `{}`).body), &chat); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(person.send(t, "POST", "/api/app/chat/"+chat.SessionID+"/ticket", "").body), &ticket); err != nil {
		t.Fatal(err)
	}
	events := "/api/app/chat/" + chat.SessionID + "/stream"
	ended := map[string]<-chan string{
		"the key's MCP stream":      revoked.open(t, "/mcp"),
		"the session's events":      person.open(t, events),
		"events opened by a ticket": (&matrixCaller{at: here}).open(t, events+"?ticket="+ticket.Ticket),
	}
	going := map[string]<-chan string{"another key's MCP stream": kept.open(t, "/mcp"), "another session's events": other.open(t, events)}

	began := time.Now()
	if err := there.Keys.Revoke(t.Context(), "", revokedID); err != nil {
		t.Fatal(err)
	}
	if r := (&matrixCaller{at: there, header: bearer(session.AccessToken)}).send(t, "POST", "/auth/v1/logout?scope=local", ""); r.status != http.StatusNoContent {
		t.Fatalf("%d %s", r.status, r.body)
	}
	for name, end := range ended {
		select {
		case last := <-end:
			t.Logf("%s ended after %s", name, time.Since(began).Round(10*time.Millisecond))
			if strings.HasPrefix(name, "the key") == strings.Contains(last, "this session has ended") {
				t.Errorf("%s ended with %q", name, last)
			}
		case <-time.After(time.Minute): // two seconds on a machine that has nothing else to do
			t.Fatalf("%s goes on", name)
		}
	}
	for name, end := range going {
		select {
		case <-end:
			t.Errorf("%s ended, too", name)
		default:
		}
	}
}

// open opens a stream, of a new session at the MCP door, and returns a channel
// that gets its last line when it ends.
func (c *matrixCaller) open(t *testing.T, path string) <-chan string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.at.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if c.header != nil {
		req.Header = c.header.Clone()
	}
	req.Header.Set("Accept", "text/event-stream")
	if path == "/mcp" {
		req.Header.Set("Mcp-Session-Id", c.send(t, "POST", "/mcp", initialize, accept...).header.Get("Mcp-Session-Id"))
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s", path, resp.Status)
	}
	ended := make(chan string, 1)
	go func() {
		defer resp.Body.Close()
		last := ""
		for sc := bufio.NewScanner(resp.Body); sc.Scan(); {
			if sc.Text() != "" {
				last = sc.Text()
			}
		}
		ended <- last
	}()
	return ended
}
