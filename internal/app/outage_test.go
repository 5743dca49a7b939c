package app_test

import (
	"fmt"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestDatabaseStopsUnderLoad stops PostgreSQL under a load of mixed requests,
// once in good order and once at once, and starts it again: every request is
// accepted or clearly refused, health says what is away, what was accepted is
// there and done once, and all goes on within seconds, without a restart.
func TestDatabaseStopsUnderLoad(t *testing.T) {
	t.Parallel()
	db, b := newOwnPostgres(t)
	srv := b.start(t, "log_level: warning")
	load := newStorm(t, b, srv)
	load.accepted(5, "the server takes the load")
	var outages []time.Time
	for _, outage := range []struct {
		how  string
		sig  syscall.Signal
		away time.Duration // at least
	}{
		{"in good order", syscall.SIGINT, 2 * time.Second},
		{"at once", syscall.SIGQUIT, 8 * time.Second}, // until the right to run executions is lost, and what waits to be recorded gives up
	} {
		before, followed := load.counts(), load.follow(srv)
		db.stop(outage.sig)
		outages = append(outages, time.Now())
		eventually(t, time.Minute, "health says that the database is away", func() bool {
			resp, body := srv.answer(t, "/health")
			checks, _ := body["checks"].(map[string]any)
			return resp.StatusCode == http.StatusServiceUnavailable && body["status"] == "unhealthy" && checks["database"] == false
		})
		eventually(t, time.Minute, "requests of every kind are refused", func() bool {
			for kind, c := range load.counts() {
				if c.refused == before[kind].refused {
					return false
				}
			}
			return true
		})
		time.Sleep(time.Until(outages[len(outages)-1].Add(outage.away)))
		db.start(t)
		back := time.Now()
		load.accepted(1, "all is accepted again")
		t.Logf("stopped %s: all is accepted again after %s", outage.how, time.Since(back).Round(time.Millisecond))
		load.accepted(5, "the load goes on")
		followed()
	}
	load.verify(b, outages...)
	if _, body := srv.answer(t, "/health"); body["status"] != "healthy" {
		t.Errorf("health: %v", body)
	}
	if strings.Contains(srv.log.String(), "panic") {
		t.Error("something panicked")
	}
}

// TestRedisStopsUnderLoad stops Redis, and makes it hang, under a load on two
// servers that share it, and has it go on: no request fails for that, limits
// hold in each server's part and say so, what cannot be checked is refused,
// revocations arrive all the same, and afterwards all is as before.
func TestRedisStopsUnderLoad(t *testing.T) {
	t.Parallel()
	redis, url := newOwnRedis(t)
	b := newPostgres(t)
	limited := []string{"RATE_LIMIT_ENABLED=true", "PUBLIC_RATE_LIMIT_ENABLED=true", "REDIS_URL=" + url, "RATE_LIMIT_REPLICAS=2",
		"RATE_LIMITS=public.info=20/1h,public.health=off,mcp.invoke=off,app.chat=off,app.sessions=off,app.general=off", "TRUSTED_PROXIES=127.0.0.1/32"}
	start := func() *serverProcess {
		return startServerEnv(t, b.folder, limited, append(b.config(t, "log_level: warning"), "--allow-private")...)
	}
	servers := []*serverProcess{start(), start()}
	load := newStorm(t, b, servers...)
	d := &redisDrill{t: t, servers: servers, load: load}
	d.working()
	load.accepted(5, "the servers take the load")
	for _, outage := range []struct {
		how        string
		begin, end func()
	}{
		{"stopped", func() { redis.stop(syscall.SIGTERM) }, func() { redis.start(t) }},
		{"hanging", func() { redis.signal(syscall.SIGSTOP) }, func() { redis.signal(syscall.SIGCONT) }},
	} {
		d.key()
		outage.begin()
		began := time.Now()
		d.away(outage.how)
		load.accepted(5, "the load goes on without Redis")
		time.Sleep(time.Until(began.Add(3 * time.Second)))
		outage.end()
		back := time.Now()
		d.working()
		t.Logf("%s: all is as before after %s", outage.how, time.Since(back).Round(time.Millisecond))
		load.accepted(5, "the load goes on with Redis")
	}
	load.verify(b)
	for kind, n := range load.counts() {
		if n.refused != 0 {
			t.Errorf("%d requests of kind %s were refused", n.refused, kind)
		}
	}
}

// redisDrill is what TestRedisStopsUnderLoad asks besides the load.
type redisDrill struct {
	t       *testing.T
	servers []*serverProcess
	load    *storm
	callers int
	revoke  struct{ id, key string } // a key to revoke while Redis is away
	signer  *requestSigner
}

// key makes a key to revoke, which all servers know, and one that signs.
func (d *redisDrill) key() {
	d.t.Helper()
	var made struct{ ID, Key string }
	d.load.who.ok(d.t, "POST", "/api-keys", object{"client_name": "signs", "scopes": []string{"tools:read"}, "signing": true}, &made)
	d.signer = newRequestSigner(d.t, made.ID, made.Key)
	d.load.who.ok(d.t, "POST", "/api-keys", object{"client_name": "is revoked", "scopes": []string{"tools:read"}}, &made)
	d.revoke.id, d.revoke.key = made.ID, made.Key
	for _, s := range d.servers {
		if status := d.tools(s, d.revoke.key); status != http.StatusOK {
			d.t.Errorf("a new key: %d", status)
		}
		if status, _ := d.signed(s); status != http.StatusOK {
			d.t.Errorf("a signed request: %d", status)
		}
	}
}

func (d *redisDrill) tools(s *serverProcess, key string) int {
	d.t.Helper()
	resp, _ := s.answer(d.t, "/api/mcp/tools", "X-API-Key", key)
	return resp.StatusCode
}

// signed makes a signed request and returns what it is answered.
func (d *redisDrill) signed(s *serverProcess) (status int, retryAfter string) {
	d.t.Helper()
	req, err := http.NewRequestWithContext(d.t.Context(), http.MethodGet, s.url+"/api/mcp/tools", http.NoBody)
	if err != nil {
		d.t.Fatal(err)
	}
	d.signer.sign(req, "")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		d.t.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp.StatusCode, resp.Header.Get("Retry-After")
}

// passes returns how many calls of a new caller a server lets through.
func (d *redisDrill) passes(s *serverProcess) int {
	d.t.Helper()
	d.callers++
	address := fmt.Sprintf("198.18.%d.%d", d.callers/256, d.callers%256)
	for n := range 30 {
		resp, body := s.answer(d.t, "/api/public/info", "X-Forwarded-For", address)
		switch resp.StatusCode {
		case http.StatusOK:
		case http.StatusTooManyRequests:
			if resp.Header.Get("Retry-After") == "" {
				d.t.Errorf("no Retry-After: %v", body)
			}
			return n
		default:
			d.t.Errorf("%d %v", resp.StatusCode, body)
		}
	}
	return 30
}

func (d *redisDrill) redisUp(s *serverProcess) (up bool, status any) {
	d.t.Helper()
	resp, body := s.answer(d.t, "/health")
	if resp.StatusCode != http.StatusOK {
		d.t.Errorf("health: %d %v", resp.StatusCode, body)
	}
	checks, _ := body["checks"].(map[string]any)
	return checks["redis"] == true, body["status"]
}

// working waits until the servers are with Redis again, and count together.
func (d *redisDrill) working() {
	d.t.Helper()
	for _, s := range d.servers {
		eventually(d.t, time.Minute, "health says that Redis is there", func() bool {
			up, status := d.redisUp(s)
			return up && status == "healthy"
		})
		eventually(d.t, time.Minute, "calls are counted in Redis", func() bool { return d.passes(s) == 20 })
	}
}

// away is what is to be seen while Redis is away.
func (d *redisDrill) away(how string) {
	d.t.Helper()
	before := d.load.counts()
	for _, s := range d.servers {
		eventually(d.t, time.Minute, "health says that Redis is away", func() bool {
			up, status := d.redisUp(s)
			return !up && status == "degraded"
		})
		eventually(d.t, time.Minute, "calls are counted in each server", func() bool { return d.passes(s) == 10 })
		metrics := s.get(d.t, "/api/public/metrics")
		for _, line := range []string{"flowgate_rate_limit_counted_locally_total ", `flowgate_redis_errors_total{operation="count"} `} {
			if !strings.Contains(metrics, line) || strings.Contains(metrics, line+"0\n") {
				d.t.Errorf("%s: the metrics do not say %s", how, line)
			}
		}
		if status, after := d.signed(s); status != http.StatusServiceUnavailable || after == "" {
			d.t.Errorf("%s: a signed request, which nobody can tell from a replay: %d, Retry-After %q", how, status, after)
		}
	}
	began := time.Now()
	d.load.who.ok(d.t, "DELETE", "/api-keys/"+d.revoke.id, nil, nil)
	for _, s := range d.servers {
		eventually(d.t, time.Minute, "the revoked key is refused", func() bool { return d.tools(s, d.revoke.key) == http.StatusUnauthorized })
	}
	d.t.Logf("%s: a key that was revoked meanwhile is refused everywhere after %s", how, time.Since(began).Round(time.Millisecond))
	for kind, n := range d.load.counts() {
		if n.refused > before[kind].refused {
			d.t.Errorf("%s: requests of kind %s were refused", how, kind)
		}
	}
}
