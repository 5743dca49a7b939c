package app_test

import (
	"fmt"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestStreamsOfOtherReplicas follows at one server what another one does, an
// execution and the turns of a conversation, while Redis is there, goes, and
// comes back: every event comes once, in order, and each stream has its end.
func TestStreamsOfOtherReplicas(t *testing.T) {
	t.Parallel()
	redis, url := newOwnRedis(t)
	b := newPostgres(t)
	start := func() *serverProcess { return b.start(t, fmt.Sprintf("redis_url: %q", url)) }
	here, there := start(), start()
	ann := here.newAccount(t, "ann@example.com")
	elsewhere := &person{srv: there, token: ann.token}

	flow := ann.save(t, slowLine(12))
	var e struct {
		ExecutionID string `json:"execution_id"`
	}
	ann.ok(t, "POST", "/workflows/"+flow+"/execute", object{}, &e)
	resp, events := there.follow(t, there.url+"/api/app/executions/"+e.ExecutionID+"/logs/stream", ann.token, "")
	if resp.StatusCode != http.StatusOK {
		t.Fatal(resp.Status)
	}
	last, n := sse{}, 0
	for last = range events {
		if n++; last.id != fmt.Sprint(n) {
			t.Fatalf("event %d has the id %s: %s", n, last.id, last.data)
		}
		switch n {
		case 12:
			redis.stop(syscall.SIGTERM)
		case 30:
			redis.start(t)
		}
	}
	if !strings.Contains(last.data, `"status":"success"`) {
		t.Errorf("the last of %d events is %s", n, last.data)
	}

	c := ann.converse(t, object{})
	stream := there.url + "/api/app/chat/" + c.id + "/stream"
	resp, events = there.follow(t, stream, ann.token, "")
	if resp.StatusCode != http.StatusOK {
		t.Fatal(resp.Status)
	}
	next := 0
	turn := func(message string) {
		t.Helper()
		c.say(message)
		began := time.Now()
		for deadline := time.After(time.Minute); ; {
			select {
			case ev := <-events:
				if next++; ev.id != fmt.Sprint(next) {
					t.Fatalf("event %d of the conversation has the id %s: %s", next, ev.id, ev.data)
				}
				if strings.Contains(ev.data, `"is_final":true`) {
					t.Logf("the end of the turn reached the other server %s later", time.Since(began).Round(time.Millisecond))
					return
				}
			case <-deadline:
				t.Fatalf("the turn has no end at the other server, after %d events", next)
			}
		}
	}
	turn("Fetch https://api.shop.test/orders every hour")
	redis.stop(syscall.SIGTERM)
	turn("run it every 2 hours")
	redis.start(t)
	turn("run it every 3 hours")

	// who comes back finds the rest at either server
	for _, p := range []*person{ann, elsewhere} {
		_, events := p.srv.follow(t, p.srv.url+"/api/app/chat/"+c.id+"/stream", p.token, "2")
		for i := 3; i <= next; i++ {
			if ev := <-events; ev.id != fmt.Sprint(i) {
				t.Fatalf("behind 2 comes %s instead of %d", ev.id, i)
			}
		}
	}
	elsewhere.ok(t, "DELETE", "/sessions/"+c.id, nil, nil)
	if resp, _ := here.follow(t, here.url+"/api/app/chat/"+c.id+"/stream", ann.token, "2"); resp.StatusCode != http.StatusNotFound {
		t.Errorf("of a deleted conversation: %s", resp.Status)
	}
}
