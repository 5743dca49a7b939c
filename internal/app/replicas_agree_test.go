package app_test

import (
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestReplicasAgree has two servers share PostgreSQL, Redis and a configuration
// file. A schedule fires once each time, also when the server that fired it is
// killed; what that had under way the other finishes; a key that is revoked at
// one server ends its stream and is refused at the other; and a change of the
// configuration reaches both.
func TestReplicasAgree(t *testing.T) {
	t.Parallel()
	_, url := newOwnRedis(t)
	b, out := newPostgres(t), newEffects(t)
	flags := b.config(t, fmt.Sprintf("redis_url: %q", url), "cors_origins: https://a.example")
	start := func() *serverProcess {
		return startServer(t, b.folder, append(slices.Clone(flags), "--allow-private")...)
	}
	first, second := start(), start()
	key := b.key(t)

	// a time fires once
	ticks := first.create(t, key, line("ticks", nil, object{"name": "Every", "type": "n8n-nodes-base.scheduleTrigger", "typeVersion": 1.2,
		"parameters": object{"rule": object{"interval": []object{{"field": "seconds", "secondsInterval": 1}}}}}, set("Mark", "mark", "x")))
	activated := time.Now()
	first.call(t, key, "activate_workflow", object{"workflow_id": ticks}, nil)
	fired := func(s *serverProcess) int { // a late one may come in the same second as the next
		t.Helper()
		var list struct{ Executions []struct{} }
		s.call(t, key, "list_executions", object{"workflow_id": ticks, "limit": 100}, &list)
		return len(list.Executions)
	}
	eventually(t, time.Minute, "it fired", func() bool { return fired(second) >= 3 })

	// a revocation reaches the other server, its streams too
	ann := first.newAccount(t, "ann@example.com")
	var made struct{ ID, Key string }
	ann.ok(t, "POST", "/api-keys", object{"client_name": "is revoked", "scopes": []string{"tools:read"}}, &made)
	ended := openStream(t, second, made.Key)
	began := time.Now()
	ann.ok(t, "DELETE", "/api-keys/"+made.ID, nil, nil)
	eventually(t, time.Minute, "the key is refused at the other server", func() bool {
		resp, _ := second.answer(t, "/api/mcp/tools", "X-API-Key", made.Key)
		return resp.StatusCode == http.StatusUnauthorized
	})
	select {
	case <-ended:
		t.Logf("the other server refuses the key, and has ended its stream, after %s", time.Since(began).Round(time.Millisecond))
	case <-time.After(time.Minute):
		t.Error("the stream of a revoked key goes on at the other server")
	}

	// a change of the configuration reaches both
	text, err := os.ReadFile(flags[1])
	if err != nil {
		t.Fatal(err)
	}
	replaceFile(t, flags[1], strings.Replace(string(text), "a.example", "b.example", 1))
	for _, s := range []*serverProcess{first, second} {
		eventually(t, time.Minute, "the change is taken over", func() bool {
			return s.preflight(t, "https://b.example") && !s.preflight(t, "https://a.example")
		})
	}

	// what a killed server had under way is finished, and its schedules go on
	chain := first.create(t, key, httpChain("moves", out.URL+"/before", out.URL+"/slow", out.URL+"/after"))
	var e executionReply
	first.call(t, key, "execute_workflow", object{"workflow_id": chain, "wait_seconds": 0}, &e)
	eventually(t, time.Minute, "the effect is under way", func() bool { return out.slow.Load() == 1 })
	before := fired(second)
	first.stop(syscall.SIGKILL)
	close(out.block)
	second.becomesWithin(t, time.Minute, key, e.ExecutionID, "success")
	eventually(t, time.Minute, "it goes on firing", func() bool { return fired(second) >= before+3 })
	second.call(t, key, "deactivate_workflow", object{"workflow_id": ticks}, nil)
	if n, most := fired(second), int(time.Since(activated)/time.Second)+1; n > most {
		t.Errorf("a schedule of each second fired %d times in %d seconds", n, most)
	}
	for path, want := range map[string]int{"/before?": 1, "/after?": 1} {
		if n := out.count(path); n != want {
			t.Errorf("%s was called %d times", path, n)
		}
	}
}
