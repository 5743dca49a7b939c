package app_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// journal is an HTTP server that notes each effect that workflows have on it,
// and when.
type journal struct {
	*httptest.Server
	mu    sync.Mutex
	last  int               // number of the newest call
	calls map[effect][]call // in order
}

// effect is what must not be done again once its result is recorded.
type effect struct {
	n    string // of the execution
	step string
}

// call is one time it was done. first is what the execution says it got as
// the result of its first step.
type call struct {
	number int
	at     time.Time
	first  string
}

func newJournal(t *testing.T) *journal {
	t.Helper()
	j := &journal{calls: map[effect][]call{}}
	j.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		j.mu.Lock()
		j.last++
		c := call{number: j.last, at: time.Now(), first: q.Get("first")}
		e := effect{q.Get("n"), q.Get("step")}
		j.calls[e] = append(j.calls[e], c)
		j.mu.Unlock()
		time.Sleep(time.Duration(c.number%7) * 4 * time.Millisecond) // so that some are under way when the server dies
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"call":"%d"}`, c.number)
	}))
	t.Cleanup(j.Close)
	return j
}

// twoEffects is a workflow with an effect, code, and another effect that
// tells what came back from the first.
func twoEffects(name, address string, trigger object) object {
	trigger["name"] = "Start"
	doc := line(name, nil, trigger,
		object{"name": "First", "type": "n8n-nodes-base.httpRequest", "typeVersion": 4.2, "parameters": object{"url": "=" + address + "/?step=1&n={{ $json.n || $json.body.n }}"}},
		object{"name": "Code", "type": "n8n-nodes-base.code", "typeVersion": 2, "parameters": object{
			"jsCode": `const s = $('Start').first().json; return [{json: {n: s.n || s.body.n, first: $input.first().json.call}}];`}},
		object{"name": "Second", "type": "n8n-nodes-base.httpRequest", "typeVersion": 4.2, "parameters": object{"url": "=" + address + "/?step=2&n={{ $json.n }}&first={{ $json.first }}"}})
	return doc
}

// number is an integer of the environment.
func number(name string, otherwise int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil {
		return n
	}
	return otherwise
}

// TestCrash kills the server again and again while executions are started and
// run, at moments chosen by FLOWGATE_CRASH_SEED. In the end none that was
// accepted is lost, each that says so has succeeded, and no effect was
// repeated whose result was on record. FLOWGATE_CRASH_EXECUTIONS says how many.
func TestCrash(t *testing.T) {
	many := 500
	many = number("FLOWGATE_CRASH_EXECUTIONS", many)
	seed := number("FLOWGATE_CRASH_SEED", int(time.Now().UnixNano()%1e9))
	t.Logf("FLOWGATE_CRASH_SEED=%d FLOWGATE_CRASH_EXECUTIONS=%d", seed, many)
	binary(t)
	// One backend after the other: both at once would halve the kills' effect on this machine.
	for _, name := range []string{"sqlite", "postgres"} {
		t.Run(name, func(t *testing.T) {
			b := &backend{}
			if name == "postgres" {
				b = newPostgres(t)
			}
			b.folder = t.TempDir()
			c := &crash{backend: b, journal: newJournal(t), chance: rand.New(rand.NewPCG(uint64(seed), 1)), accepted: map[string]string{}}
			c.run(t, many)
		})
	}
}

// crash is one such test.
type crash struct {
	*backend
	*journal
	chance *rand.Rand
	key    string
	byCall string // workflow that is executed by calls
	url    atomic.Pointer[string]
	kills  []time.Time

	mu       sync.Mutex
	accepted map[string]string // number → execution, "" for one a webhook started
}

func (c *crash) run(t *testing.T, many int) {
	began := time.Now()
	const settings = "log_level: error"
	srv := c.start(t, settings)
	c.key = c.backend.key(t)
	c.byCall = srv.create(t, c.key, twoEffects("by call", c.URL, object{"type": "n8n-nodes-base.manualTrigger"}))
	byHook := srv.create(t, c.key, twoEffects("by webhook", c.URL, object{"type": "n8n-nodes-base.webhook", "typeVersion": 2, "webhookId": "x",
		"parameters": object{"path": "crash", "httpMethod": "POST", "responseMode": "onReceived"}}))
	srv.call(t, c.key, "activate_workflow", object{"workflow_id": byHook}, nil)

	c.url.Store(&srv.url)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	all := make(chan int)
	var clients sync.WaitGroup
	for range 12 {
		clients.Go(func() {
			for n := range all {
				c.begin(ctx, n)
			}
		})
	}
	var finished atomic.Bool
	clients.Go(func() {
		defer close(all)
		for n := 1; n <= many; n++ {
			all <- n
		}
	})
	go func() { clients.Wait(); finished.Store(true) }()

	db := c.open(t)
	for most := 12; ; most-- {
		if finished.Load() && c.live(t, db) == 0 {
			break
		}
		if most > 0 {
			time.Sleep(time.Duration(300+c.chance.IntN(1200)) * time.Millisecond)
			srv.stop(syscall.SIGKILL)
			c.kills = append(c.kills, time.Now())
			if c.chance.IntN(3) == 0 {
				c.startAndKill(t, settings)
			}
			srv = c.start(t, settings)
			c.url.Store(&srv.url)
			continue
		}
		eventually(t, 90*time.Second, "all executions are started and final", func() bool { return finished.Load() && c.live(t, db) == 0 })
	}
	took := time.Since(began)
	c.verify(t, db, srv, many)
	t.Logf("%d executions, %d kills, %d effects (%d done again), %s", many, len(c.kills), c.last, c.last-len(c.calls), took.Round(time.Millisecond))
}

// startAndKill kills a server while it starts.
func (c *crash) startAndKill(t *testing.T, settings string) {
	t.Helper()
	cmd := exec.Command(binary(t), append([]string{"serve", "--port", "0", "--data-dir", c.folder, "--allow-private"}, c.config(t, settings)...)...)
	cmd.Dir, cmd.Env = t.TempDir(), cleanEnv()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Duration(c.chance.IntN(500)) * time.Millisecond)
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	c.kills = append(c.kills, time.Now())
}

// begin has execution n started, each fifth by a webhook. A call is repeated
// until it is answered, under an idempotency key; a webhook's caller has none,
// and does not try again.
func (c *crash) begin(ctx context.Context, n int) {
	name := strconv.Itoa(n)
	if n%5 == 0 {
		if status, _ := c.post(ctx, "/webhook/crash", fmt.Sprintf(`{"n":%d}`, n)); status == http.StatusOK {
			c.accept(name, "")
		}
		return
	}
	body := fmt.Sprintf(`{"tool_name":"execute_workflow","params":{"workflow_id":%q,"inputs":{"n":%d},"wait_seconds":0,"idempotency_key":"crash-%d"}}`, c.byCall, n, n)
	for ctx.Err() == nil {
		status, answer := c.post(ctx, "/api/mcp/invoke", body)
		var reply struct {
			Result struct {
				ExecutionID string `json:"execution_id"`
			}
		}
		if status == http.StatusOK && json.Unmarshal(answer, &reply) == nil && reply.Result.ExecutionID != "" {
			c.accept(name, reply.Result.ExecutionID)
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func (c *crash) accept(n, id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.accepted[n] = id
}

func (c *crash) post(ctx context.Context, path, body string) (int, []byte) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, *c.url.Load()+path, bytes.NewReader([]byte(body)))
	if err != nil {
		return 0, nil
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-API-Key", c.key)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, nil
	}
	return resp.StatusCode, answer
}

func (c *crash) live(t *testing.T, db *sql.DB) int {
	counts := c.tally(t, db)
	return counts["queued"] + counts["running"] + counts["waiting"]
}

func (c *crash) verify(t *testing.T, db *sql.DB, srv *serverProcess, many int) {
	c.journal.mu.Lock() // nothing calls it any more
	defer c.journal.mu.Unlock()
	if many >= 500 && len(c.kills) < 3 {
		t.Errorf("the server was killed %d times only", len(c.kills))
	}
	byCall := 0
	for n := 1; n <= many; n++ {
		id, accepted := c.accepted[strconv.Itoa(n)]
		if n%5 != 0 {
			byCall++
			if !accepted {
				t.Errorf("execution %d was never accepted", n)
			}
		}
		if accepted {
			c.verifyOne(t, srv, strconv.Itoa(n), id)
		}
	}
	counts := c.tally(t, db)
	total := 0
	for _, n := range counts {
		total += n
	}
	// A webhook whose answer was lost with the server may have started one all the same.
	if total < len(c.accepted) || total > many || counts["success"] != total {
		t.Errorf("%d were accepted of %d, and the database holds %v", len(c.accepted), many, counts)
	}
	c.explain(t, db)
	var started int
	if err := db.QueryRowContext(t.Context(), `SELECT count(*) FROM `+c.schema+`executions WHERE idempotency_key <> ''`).Scan(&started); err != nil || started != byCall {
		t.Errorf("%d executions were started by %d calls, %v", started, byCall, err)
	}
	for e, calls := range c.calls {
		c.verifyEffect(t, e, calls)
	}
}

// explain says why executions did not succeed.
func (c *crash) explain(t *testing.T, db *sql.DB) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), `SELECT id, status, error FROM `+c.schema+`executions WHERE status <> 'success'`)
	if err != nil {
		t.Error(err)
		return
	}
	defer rows.Close()
	for rows.Next() {
		var id, status string
		var reason []byte
		if err := rows.Scan(&id, &status, &reason); err != nil {
			t.Error(err)
			return
		}
		t.Errorf("execution %s ended as %s: %s", id, status, reason)
	}
	if err := rows.Err(); err != nil {
		t.Error(err)
	}
}

// verifyOne holds what is stored of an execution against what was seen of it.
func (c *crash) verifyOne(t *testing.T, srv *serverProcess, n, id string) {
	first, second := c.calls[effect{n, "1"}], c.calls[effect{n, "2"}]
	if len(first) == 0 || len(second) == 0 {
		t.Errorf("execution %s is said to have succeeded, with effects %v and %v", n, first, second)
		return
	}
	// The second step began, so the first one's result was on record.
	if again := first[len(first)-1]; again.number > second[0].number {
		t.Errorf("execution %s did its first effect again (%v) after its second (%v)", n, again, second[0])
	}
	// What was on record is what later computations saw.
	if got := second[0].first; got != strconv.Itoa(first[len(first)-1].number) {
		t.Errorf("execution %s goes on with the answer %s of %v", n, got, first)
	}
	for _, s := range second {
		if s.first != second[0].first {
			t.Errorf("execution %s saw its first effect's answer change: %v", n, second)
		}
	}
	if id == "" {
		return
	}
	var e struct {
		Status string
		Nodes  []struct {
			Node, Status string
			Outputs      [][]struct{ JSON map[string]any }
		}
	}
	srv.call(t, c.key, "get_execution", object{"execution_id": id, "detail": "nodes"}, &e)
	var nodes []string
	for _, r := range e.Nodes {
		nodes = append(nodes, r.Node+" "+r.Status)
	}
	if e.Status != "success" || strings.Join(nodes, ", ") != "Start success, First success, Code success, Second success" {
		t.Errorf("execution %s is stored as %s with %v", n, e.Status, nodes)
		return
	}
	for i, want := range map[int]call{1: first[len(first)-1], 3: second[len(second)-1]} {
		if got := e.Nodes[i].Outputs; len(got) != 1 || len(got[0]) != 1 || got[0][0].JSON["call"] != strconv.Itoa(want.number) {
			t.Errorf("execution %s stored %v as the answer of %v", n, got, want)
		}
	}
}

// verifyEffect: an effect is done again only because the server died.
func (c *crash) verifyEffect(t *testing.T, e effect, calls []call) {
	for i := 1; i < len(calls); i++ {
		between := 0
		for _, kill := range c.kills {
			if kill.After(calls[i-1].at) && kill.Before(calls[i].at) {
				between++
			}
		}
		if between == 0 {
			t.Errorf("effect %v was done again with no kill in between: %v", e, calls)
		}
	}
}

// TestTakeoverOfKilledServer has two servers on one database, and kills the
// one that has an effect under way. The other finishes the execution within 15
// seconds.
func TestTakeoverOfKilledServer(t *testing.T) {
	t.Parallel()
	eachBackend(t, func(t *testing.T, b *backend) {
		out := newEffects(t)
		first := b.start(t)
		other := *b
		if b.url != "" {
			other.folder = t.TempDir() // as on another machine
		}
		second, key := other.start(t), b.key(t)
		id := first.create(t, key, httpChain("moves", out.URL+"/first", out.URL+"/slow", out.URL+"/last"))
		var e executionReply
		first.call(t, key, "execute_workflow", object{"workflow_id": id, "wait_seconds": 0}, &e)
		eventually(t, 10*time.Second, "the effect is under way", func() bool { return out.slow.Load() == 1 })
		first.stop(syscall.SIGKILL)
		killed := time.Now()
		close(out.block)
		eventually(t, 15*time.Second, "the other server finishes the execution", func() bool {
			second.call(t, key, "get_execution", object{"execution_id": e.ExecutionID, "detail": "nodes"}, &e)
			return e.Status == "success"
		})
		t.Logf("taken over and finished %s after the kill", time.Since(killed).Round(time.Millisecond))
		for path, want := range map[string]int{"/first?": 1, "/slow?": 2, "/last?": 1} {
			if n := out.count(path); n != want {
				t.Errorf("%s was called %d times, expected %d", path, n, want)
			}
		}
	})
}

// TestQueue fills a server that runs two executions at once: the rest queues,
// can be seen and cancelled there, and ends in time.
func TestQueue(t *testing.T) {
	t.Parallel()
	eachBackend(t, func(t *testing.T, b *backend) {
		const many, cancelled = 50, 10
		out := newEffects(t)
		srv, key := b.start(t, "max_concurrency: 2"), b.key(t)
		id := srv.create(t, key, httpChain("queues", out.URL+"/slow"))
		var ids []string
		for range many {
			var e executionReply
			srv.call(t, key, "execute_workflow", object{"workflow_id": id, "wait_seconds": 0}, &e)
			ids = append(ids, e.ExecutionID)
		}
		eventually(t, 10*time.Second, "two effects are under way", func() bool { return out.slow.Load() == 2 })
		var list struct {
			TotalCount int `json:"total_count"`
		}
		srv.call(t, key, "list_executions", object{"status": "queued"}, &list)
		if list.TotalCount != many-2 {
			t.Errorf("%d executions are queued, expected %d", list.TotalCount, many-2)
		}
		for _, id := range ids[many-cancelled:] {
			var e executionReply
			srv.call(t, key, "cancel_execution", object{"execution_id": id}, &e)
			srv.call(t, key, "get_execution", object{"execution_id": id}, &e)
			if e.Status != "cancelled" {
				t.Errorf("a queued execution that was cancelled is %s", e.Status)
			}
		}
		if n := out.slow.Load(); n != 2 {
			t.Errorf("%d run at once", n)
		}
		close(out.block)
		db := b.open(t)
		want := map[string]int{"success": many - cancelled, "cancelled": cancelled}
		eventually(t, 60*time.Second, "all executions end", func() bool {
			counts := b.tally(t, db)
			return counts["queued"]+counts["running"] == 0
		})
		if counts := b.tally(t, db); fmt.Sprint(counts) != fmt.Sprint(want) {
			t.Errorf("the database holds %v, expected %v", counts, want)
		}
		if n := out.count("/slow?"); n != many-cancelled {
			t.Errorf("%d effects of %d executions", n, many-cancelled)
		}
	})
}
