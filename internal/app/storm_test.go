package app_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// patience is how long a request of the storm may take at most: longer than
// any limit of the server's own, so that one that takes longer hangs.
const patience = 50 * time.Second

// storm is a load of mixed requests, each of which is counted by how it ended:
// accepted, or refused with an error that a client can act on. Everything else
// fails the test.
type storm struct {
	t       *testing.T
	servers []*serverProcess // taken in turn
	key     string
	who     *person
	out     *journal
	flow    string // workflow that is executed
	client  *http.Client
	next    atomic.Int64

	followed int // executions besides those of runs

	stop    chan struct{}
	workers sync.WaitGroup

	mu      sync.Mutex
	tallies map[string]*tally
	said    map[string]int    // refusals by status and code
	names   map[string]bool   // workflows said to be stored
	runs    map[string]string // number → execution
	files   map[string]string // id → content
	turns   map[string]string // session → how its turn ended: answered, told
}

// tally counts the requests of one kind.
type tally struct {
	sent, accepted, refused int
	slowest                 time.Duration
}

// newStorm begins a load on the servers, which share b.
func newStorm(t *testing.T, b *backend, servers ...*serverProcess) *storm {
	t.Helper()
	s := &storm{t: t, servers: servers, key: b.key(t), who: servers[0].newAccount(t, "ann@example.com"), out: newJournal(t), stop: make(chan struct{}),
		client:  &http.Client{Timeout: patience, Transport: &http.Transport{MaxIdleConnsPerHost: 32}},
		tallies: map[string]*tally{}, said: map[string]int{}, names: map[string]bool{}, runs: map[string]string{}, files: map[string]string{}, turns: map[string]string{}}
	s.flow = servers[0].create(t, s.key, twoEffects("in the storm", s.out.URL, object{"type": "n8n-nodes-base.manualTrigger"}))
	for kind, do := range map[string]func(n string){"tool": s.tool, "mcp": s.mcp, "run": s.run, "file": s.file, "turn": s.turn} {
		s.tallies[kind] = &tally{}
		for range 2 {
			s.workers.Go(func() {
				for {
					select {
					case <-s.stop:
						return
					case <-time.After(30 * time.Millisecond):
						do(strconv.FormatInt(s.next.Add(1), 10))
					}
				}
			})
		}
	}
	t.Cleanup(s.client.CloseIdleConnections)
	t.Cleanup(s.end)
	return s
}

// end has what is under way come to its end.
func (s *storm) end() {
	select {
	case <-s.stop:
	default:
		close(s.stop)
	}
	s.workers.Wait()
}

// accepted waits until n more requests of every kind are accepted.
func (s *storm) accepted(n int, what string) {
	s.t.Helper()
	begin := map[string]int{}
	for kind, c := range s.counts() {
		begin[kind] = c.accepted
	}
	eventually(s.t, time.Minute, what, func() bool {
		for kind, c := range s.counts() {
			if c.accepted < begin[kind]+n {
				return false
			}
		}
		return true
	})
}

func (s *storm) counts() map[string]tally {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[string]tally{}
	for kind, c := range s.tallies {
		out[kind] = *c
	}
	return out
}

func (s *storm) note(kind string, began time.Time, accepted bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.tallies[kind]
	c.sent++
	c.slowest = max(c.slowest, time.Since(began))
	if accepted {
		c.accepted++
	} else {
		c.refused++
	}
}

// send makes one request. It returns no response when that was refused, with an
// error that says so clearly.
func (s *storm) send(kind, method, path string, body []byte, headers ...string) *http.Response {
	began := time.Now()
	n := s.next.Load()
	srv := s.servers[n%int64(len(s.servers))]
	req, err := http.NewRequestWithContext(context.WithoutCancel(s.t.Context()), method, srv.url+path, bytes.NewReader(body))
	if err != nil {
		s.t.Error(err)
		return nil
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := s.client.Do(req)
	if err != nil {
		s.t.Errorf("%s %s has no answer: %v", kind, path, err)
		return nil
	}
	if resp.StatusCode < 300 {
		return resp
	}
	defer resp.Body.Close()
	said, _ := io.ReadAll(resp.Body)
	s.note(kind, began, false)
	if kind == "mcp" {
		said = rpcSaid(said)
	}
	if fault := unclear(resp, said); fault != "" {
		s.t.Errorf("%s %s: %s: %d %v %s", kind, path, fault, resp.StatusCode, resp.Header, said)
	}
	var e struct{ Error string }
	_ = json.Unmarshal(said, &e)
	s.mu.Lock()
	s.said[fmt.Sprintf("%s %d", kind, resp.StatusCode)]++
	s.mu.Unlock()
	time.Sleep(100 * time.Millisecond) // as one who does not insist
	return nil
}

// rpcSaid is a JSON-RPC error as REST would say it, as far as it is complete.
func rpcSaid(body []byte) []byte {
	var e struct {
		Error struct {
			Message string
			Data    struct {
				Reason     string
				RetryAfter int `json:"retry_after"`
			}
		}
	}
	if json.Unmarshal(body, &e) != nil || e.Error.Data.Reason == "" {
		return body
	}
	out, _ := json.Marshal(object{"error": e.Error.Message, "request_id": "its id", "retryable": e.Error.Data.RetryAfter > 0,
		"retry_after": e.Error.Data.RetryAfter, "details": object{"code": e.Error.Data.Reason}})
	return out
}

// unclear says what a client misses in a refusal that will pass; "" is nothing.
func unclear(resp *http.Response, body []byte) string {
	var e struct {
		Error, Message string
		RequestID      string `json:"request_id"`
		Retryable      *bool
		RetryAfter     *int `json:"retry_after"`
		Details        struct{ Code string }
	}
	err := json.Unmarshal(body, &e)
	seconds, _ := strconv.Atoi(resp.Header.Get("Retry-After"))
	switch {
	case err != nil:
		return "the body is no error of ours"
	case resp.StatusCode != http.StatusServiceUnavailable && resp.StatusCode != http.StatusGatewayTimeout:
		return "the status is not of what will pass"
	case e.Error == "" || e.RequestID == "":
		return "no code or request"
	case seconds < 1:
		return "no Retry-After"
	case e.Retryable != nil && (!*e.Retryable || e.RetryAfter == nil || *e.RetryAfter != seconds || e.Details.Code == ""):
		return "not said to be retryable"
	}
	return ""
}

// get sends a request and decodes its answer.
func (s *storm) get(kind string, into any, method, path string, body []byte, headers ...string) bool {
	resp := s.send(kind, method, path, body, headers...)
	if resp == nil {
		return false
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err == nil {
		err = json.Unmarshal(data, into)
	}
	if err != nil {
		s.t.Errorf("%s %s: %d %v %s", kind, path, resp.StatusCode, err, data)
	}
	return err == nil
}

func (s *storm) invoke(kind, name string, params object, into any) bool {
	body, _ := json.Marshal(object{"tool_name": name, "params": params})
	var reply struct {
		Success bool
		Result  json.RawMessage
	}
	if !s.get(kind, &reply, "POST", "/api/mcp/invoke", body, "Content-Type", "application/json", "X-API-Key", s.key) {
		return false
	}
	if err := json.Unmarshal(reply.Result, into); err != nil || !reply.Success {
		s.t.Errorf("%s: %v in %s", name, err, reply.Result)
		return false
	}
	return true
}

// tool stores a workflow.
func (s *storm) tool(n string) {
	began, name := time.Now(), "stormy-"+n
	var saved struct {
		WorkflowID string `json:"workflow_id"`
	}
	if !s.invoke("tool", "create_workflow", object{"name": name, "nodes": []any{}, "connections": object{}}, &saved) {
		return
	}
	s.note("tool", began, true)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.names[name] = true
}

// mcp is tool at the MCP door, where a refusal is a JSON-RPC error, or the result
// of a call that did not work, in words for models.
func (s *storm) mcp(n string) {
	began, name := time.Now(), "stormy-"+n
	body, _ := json.Marshal(object{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": object{"name": "create_workflow",
		"arguments": object{"name": name, "nodes": []any{}, "connections": object{}},
		"_meta":     object{"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": object{}}}})
	var reply struct {
		Result struct {
			IsError bool
			Content []struct{ Text string }
		}
	}
	if !s.get("mcp", &reply, "POST", "/mcp", body, "X-API-Key", s.key, "Content-Type", "application/json", "Accept", "application/json, text/event-stream",
		"MCP-Protocol-Version", "2026-07-28", "Mcp-Method", "tools/call", "Mcp-Name", "create_workflow") {
		return
	}
	s.note("mcp", began, !reply.Result.IsError)
	text := ""
	for _, c := range reply.Result.Content {
		text += c.Text
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case !reply.Result.IsError && text != "":
		s.names[name] = true
	case strings.HasPrefix(text, "unavailable: ") && strings.Contains(text, "try again in a few seconds"):
		s.said["mcp result"]++
	default:
		s.t.Errorf("at the MCP door a call ends with %+v", reply.Result)
	}
}

// run has a workflow executed, asking again, under one idempotency key, until
// that is accepted.
func (s *storm) run(n string) {
	number, _ := strconv.Atoi(n)
	for {
		began := time.Now()
		var e executionReply
		if s.invoke("run", "execute_workflow", object{"workflow_id": s.flow, "inputs": object{"n": number}, "wait_seconds": 0, "idempotency_key": "storm-" + n}, &e) {
			s.note("run", began, true)
			s.mu.Lock()
			s.runs[n] = e.ExecutionID
			s.mu.Unlock()
			return
		}
		if s.t.Failed() {
			return
		}
	}
}

// file uploads a file.
func (s *storm) file(n string) {
	began, content := time.Now(), strings.Repeat("row "+n+"\n", 500)
	var v struct {
		FileID string `json:"file_id"`
	}
	if !s.get("file", &v, "POST", "/api/app/files?name=storm-"+n+".txt", []byte(content), "Content-Type", "text/plain", "Authorization", "Bearer "+s.who.token) {
		return
	}
	s.note("file", began, true)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.files[v.FileID] = content
}

// turn has a conversation of one turn, whose end must be told: the answer, or
// what became of it.
func (s *storm) turn(string) {
	began := time.Now()
	signed := []string{"Content-Type", "application/json", "Authorization", "Bearer " + s.who.token}
	var v struct {
		SessionID string `json:"session_id"`
	}
	if !s.get("turn", &v, "POST", "/api/app/sessions", []byte(`{}`), signed...) {
		return
	}
	body, _ := json.Marshal(object{"session_id": v.SessionID, "message": "Fetch https://api.shop.test/orders every hour"})
	resp := s.send("turn", "POST", "/api/app/chat/stream", body, signed...)
	if resp == nil {
		return
	}
	defer resp.Body.Close()
	var last chatSeen
	lines := bufio.NewScanner(resp.Body)
	for lines.Buffer(nil, 32<<20); lines.Scan(); {
		if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
			last = chatSeen{}
			_ = json.Unmarshal([]byte(data), &last)
		}
	}
	end := "answered"
	switch {
	case last.is("error", "STREAM_ERROR"):
		end = "told"
	case !last.Final || last.Type == "error":
		s.t.Errorf("an answer ended, after %s, with %+v, %v", time.Since(began), last, lines.Err())
	}
	s.note("turn", began, end == "answered")
	s.mu.Lock()
	defer s.mu.Unlock()
	s.turns[v.SessionID] = end
}

// verify holds what was said against what there is. outages are when the
// database went away: only then may an effect whose result could not be
// recorded be done again.
func (s *storm) verify(b *backend, outages ...time.Time) {
	s.t.Helper()
	s.end()
	srv, db := s.servers[0], b.open(s.t)
	c := &crash{backend: b, journal: s.out, key: s.key, kills: outages, accepted: s.runs}
	eventually(s.t, time.Minute, "every execution ends", func() bool { return c.live(s.t, db) == 0 })
	s.out.mu.Lock() // nothing calls it any more
	defer s.out.mu.Unlock()
	again := 0
	for e, calls := range s.out.calls {
		c.verifyEffect(s.t, e, calls)
		again += len(calls) - 1
	}
	for n, id := range s.runs {
		c.verifyOne(s.t, srv, n, id)
		s.endsOnce(srv, id)
	}
	if counts := b.tally(s.t, db); counts["success"] != len(s.runs)+s.followed || len(counts) != 1 {
		s.t.Errorf("%d executions were accepted, the database has %v", len(s.runs)+s.followed, counts)
	}
	stored := s.stored(srv)
	for name := range s.names {
		if !stored[name] {
			s.t.Errorf("%s was accepted and is gone", name)
		}
	}
	for id, content := range s.files {
		if status, body := s.who.send(s.t, "GET", "/files/"+id, nil); status != http.StatusOK || string(body) != content {
			s.t.Errorf("file %s was accepted and is %d, %d bytes", id, status, len(body))
		}
	}
	s.conversations()
	for _, kind := range []string{"tool", "mcp", "run", "file", "turn"} {
		n := s.tallies[kind]
		if n.sent != n.accepted+n.refused {
			s.t.Errorf("%s: %d are not %d accepted and %d refused", kind, n.sent, n.accepted, n.refused)
		}
		s.t.Logf("%-4s %4d sent, %4d accepted, %3d refused or told, slowest %s", kind, n.sent, n.accepted, n.refused, n.slowest.Round(time.Millisecond))
	}
	s.t.Logf("refused: %v; %d executions, %d effects done again", s.said, len(s.runs), again)
}

// follow executes a workflow of many short waits and follows it, coming back
// whenever the stream breaks off. The function it returns waits for the end:
// every event came once, in order.
func (s *storm) follow(srv *serverProcess) (wait func()) {
	t, who := s.t, s.who
	t.Helper()
	s.followed++
	var e struct {
		ExecutionID string `json:"execution_id"`
	}
	who.ok(t, "POST", "/workflows/"+who.save(t, slowLine(60))+"/execute", object{}, &e)
	url := srv.url + "/api/app/executions/" + e.ExecutionID + "/logs/stream"
	var last sse
	seen, streams := 0, 0
	done := make(chan struct{})
	go func() {
		defer close(done)
		for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); time.Sleep(200 * time.Millisecond) {
			resp, events := srv.follow(t, url, who.token, last.id)
			switch resp.StatusCode {
			case http.StatusNoContent:
				return
			case http.StatusOK:
				streams++
			case http.StatusServiceUnavailable:
			default:
				t.Errorf("the stream answers %s", resp.Status)
				return
			}
			for ev := range events {
				if ev.id == "" { // what became of the stream
					continue
				}
				if seen++; ev.id != fmt.Sprint(seen) {
					t.Errorf("event %d has the id %s: %s", seen, ev.id, ev.data)
					return
				}
				last = ev
			}
			if strings.Contains(last.data, `"execution_finished"`) {
				return
			}
		}
	}()
	return func() {
		t.Helper()
		<-done
		t.Logf("%d events of the execution that was followed came by %d streams", seen, streams)
		if !strings.Contains(last.data, `"status":"success"`) {
			t.Errorf("the last of %d events is %+v", seen, last)
		}
	}
}

// endsOnce makes sure that an execution's log has one end, its last event.
func (s *storm) endsOnce(srv *serverProcess, id string) {
	s.t.Helper()
	var log struct{ Events []struct{ Type string } }
	srv.call(s.t, s.key, "get_execution_logs", object{"execution_id": id}, &log)
	ends := 0
	for _, e := range log.Events {
		if e.Type == "execution_finished" {
			ends++
		}
	}
	if ends != 1 || log.Events[len(log.Events)-1].Type != "execution_finished" {
		s.t.Errorf("execution %s ended %d times: %v", id, ends, log.Events)
	}
}

// stored are the names of the workflows there are.
func (s *storm) stored(srv *serverProcess) map[string]bool {
	s.t.Helper()
	names := map[string]bool{}
	for cursor := ""; ; {
		var page struct {
			Workflows []struct{ Name string }
			Next      string `json:"next_cursor"`
		}
		args := object{"query": "stormy-", "limit": 100}
		if cursor != "" {
			args["cursor"] = cursor
		}
		srv.call(s.t, s.key, "search_workflows", args, &page)
		for _, w := range page.Workflows {
			names[w.Name] = true
		}
		if cursor = page.Next; cursor == "" {
			return names
		}
	}
}

// conversations makes sure that each answer that was given is kept, and that a
// conversation whose turn broke off goes on at once.
func (s *storm) conversations() {
	s.t.Helper()
	for id, end := range s.turns {
		c := &conversation{s.t, s.who, id}
		if end == "told" {
			if told := c.say("Fetch https://api.shop.test/orders every hour"); !delivered(told) {
				s.t.Errorf("a conversation that broke off goes on with %+v", told)
			}
		}
		var said struct {
			Messages []struct {
				Type string `json:"message_type"`
			}
		}
		s.who.ok(s.t, "GET", "/chat/"+id+"/messages", nil, &said)
		var kinds []string
		for _, m := range said.Messages {
			kinds = append(kinds, m.Type)
		}
		if !slices.Contains(kinds, "user") || !slices.Contains(kinds, "assistant") {
			s.t.Errorf("of a conversation that was %s there is %v", end, kinds)
		}
	}
}
