package app_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// sse is a server-sent event.
type sse struct{ id, data string }

// follow opens a stream behind an event and returns its events; done ends with
// the stream. header may be "".
func (s *serverProcess) follow(t *testing.T, url, token, after string) (*http.Response, <-chan sse) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if after != "" {
		req.Header.Set("Last-Event-ID", after)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	events := make(chan sse, 10_000)
	go func() {
		defer close(events)
		defer resp.Body.Close()
		var e sse
		for sc := bufio.NewScanner(resp.Body); sc.Scan(); {
			switch line := sc.Text(); {
			case strings.HasPrefix(line, "id: "):
				e.id = line[4:]
			case strings.HasPrefix(line, "data: "):
				e.data = line[6:]
			case line == "" && e.data != "":
				events <- e
				e = sse{}
			}
		}
	}()
	return resp, events
}

// slowLine is a workflow of n waits, so that its events come one by one.
func slowLine(n int) object {
	nodes := []object{manual()}
	for i := range n {
		nodes = append(nodes, object{"name": fmt.Sprintf("Wait %d", i), "type": "n8n-nodes-base.wait", "typeVersion": 1.1,
			"parameters": object{"resume": "timeInterval", "amount": 0.1, "unit": "seconds"}})
	}
	return line("slow", nil, nodes...)
}

// TestExecutionIsFollowed follows an execution through lost connections:
// every event comes once, in order, and the stream ends with the execution.
func TestExecutionIsFollowed(t *testing.T) {
	t.Parallel()
	srv := startServer(t, t.TempDir())
	p := srv.personNamed(t, "a@b.test")
	var e struct {
		ExecutionID string `json:"execution_id"`
	}
	p.ok(t, "POST", "/workflows/"+p.save(t, slowLine(8))+"/execute", object{}, &e)
	stream := srv.url + "/api/app/executions/" + e.ExecutionID + "/logs/stream"
	seen := throughLostConnections(t, srv, stream, p.token)
	for i, ev := range seen {
		if ev.id != fmt.Sprint(i+1) {
			t.Fatalf("event %d has the id %s", i+1, ev.id)
		}
	}
	var end struct{ Status string }
	if err := json.Unmarshal([]byte(seen[len(seen)-1].data), &end); err != nil || end.Status != "success" {
		t.Errorf("the last event is %s", seen[len(seen)-1].data)
	}
	if metrics := srv.get(t, "/api/public/metrics"); !strings.Contains(metrics, `flowgate_streams_total{kind="execution"}`) {
		t.Error("the metrics do not tell of streams")
	}
	var logs struct{ Events []object }
	p.ok(t, "GET", "/executions/"+e.ExecutionID+"/logs?limit=1000", nil, &logs)
	if len(logs.Events) != len(seen) {
		t.Errorf("%d events came, the log has %d", len(seen), len(logs.Events))
	}
	var ticket struct{ Ticket, URL string }
	p.ok(t, "POST", "/executions/"+e.ExecutionID+"/ticket", nil, &ticket)
	_, events := srv.follow(t, stream+"?ticket="+ticket.Ticket, "", "")
	again := 0
	for range events {
		again++
	}
	if again != len(seen) || !strings.HasSuffix(ticket.URL, "/logs/stream?ticket="+ticket.Ticket) {
		t.Errorf("by ticket %d of %d events came (%s)", again, len(seen), ticket.URL)
	}
	other := srv.personNamed(t, "other@b.test")
	for name, url := range map[string]string{"another user's": stream, "none": srv.url + "/api/app/executions/none/logs/stream"} {
		if resp, _ := srv.follow(t, url, other.token, ""); resp.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %d", name, resp.StatusCode)
		}
	}
}

// throughLostConnections follows a stream that is cut after every third event.
func throughLostConnections(t *testing.T, srv *serverProcess, stream, token string) []sse {
	t.Helper()
	return throughLostConnectionsFrom(t, srv, stream, token, "")
}

func throughLostConnectionsFrom(t *testing.T, srv *serverProcess, stream, token, last string) []sse {
	t.Helper()
	var seen []sse
	for range 100 {
		resp, events := srv.follow(t, stream, token, last)
		if resp.StatusCode == http.StatusNoContent {
			return seen
		}
		if resp.StatusCode != http.StatusOK {
			t.Fatalf("status %d", resp.StatusCode)
		}
		taken := 0
		for e := range events {
			seen = append(seen, e)
			last = e.id
			if taken++; taken == 3 {
				_ = resp.Body.Close() // the connection is lost
				break
			}
		}
	}
	t.Fatal("the stream never ends")
	return nil
}

// TestStreamsOutliveARestart has the server stop in the middle of a stream.
func TestStreamsOutliveARestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	srv := startServer(t, dir)
	p := srv.personNamed(t, "a@b.test")
	var e struct {
		ExecutionID string `json:"execution_id"`
	}
	p.ok(t, "POST", "/workflows/"+p.save(t, slowLine(12))+"/execute", object{}, &e)
	path := "/api/app/executions/" + e.ExecutionID + "/logs/stream"
	_, events := srv.follow(t, srv.url+path, p.token, "")
	first := <-events
	srv.stop(syscall.SIGTERM)
	last, told := first, false
	for ev := range events {
		if ev.id == "" {
			told = strings.Contains(ev.data, "retry_ms")
			continue
		}
		last = ev
	}
	if !told {
		t.Error("the stream was not told to reconnect")
	}
	srv = startServer(t, dir)
	seen := []sse{last}
	seen = append(seen, throughLostConnectionsFrom(t, srv, srv.url+path, p.token, last.id)...)
	for i := 1; i < len(seen); i++ {
		if a, b := seqOf(t, seen[i-1].id), seqOf(t, seen[i].id); b != a+1 {
			t.Fatalf("after %d comes %d", a, b)
		}
	}
	if !strings.Contains(seen[len(seen)-1].data, `"status":"success"`) {
		t.Errorf("the last event is %s", seen[len(seen)-1].data)
	}
}

func seqOf(t *testing.T, text string) int {
	t.Helper()
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestFileGoesThroughAWorkflow uploads a file, has a node read it, and
// downloads the file another node makes of it.
func TestFileGoesThroughAWorkflow(t *testing.T) {
	t.Parallel()
	srv := startServer(t, t.TempDir())
	p := srv.personNamed(t, "a@b.test")
	file := p.upload(t, "rows.csv", "name,n\nAda,1\nBob,2\n")
	id := p.save(t, line("files", nil, manual(),
		object{"name": "Read", "type": "n8n-nodes-base.extractFromFile", "parameters": object{"operation": "csv"}},
		set("Greet", "text", "=Hello {{ $json.name }}"),
		object{"name": "Write", "type": "n8n-nodes-base.convertToFile", "typeVersion": 1.1, "parameters": object{"operation": "csv"}}))
	var e waitingReply
	p.ok(t, "POST", "/workflows/"+id+"/execute?wait=30", object{"files": object{"data": file}}, &e)
	if e.Status != "success" {
		t.Fatalf("%+v", e)
	}
	status, body := p.send(t, "GET", "/executions/"+e.ExecutionID+"/files?node=Write", nil)
	if status != 200 || !strings.Contains(string(body), "Hello Ada") || !strings.Contains(string(body), "Hello Bob") {
		t.Errorf("%d %q", status, body)
	}
	if status, body := p.send(t, "GET", "/executions/"+e.ExecutionID+"/files?node=Write&property=none", nil); status != 404 {
		t.Errorf("none: %d %s", status, body)
	}
	if status, _ := srv.personNamed(t, "other@b.test").send(t, "GET", "/executions/"+e.ExecutionID+"/files?node=Write", nil); status != 404 {
		t.Errorf("another user: %d", status)
	}
	p.ok(t, "DELETE", "/files/"+file, nil, nil)
	if status, body := p.send(t, "POST", "/workflows/"+id+"/execute", object{"files": object{"data": file}}); status != 400 {
		t.Errorf("deleted: %d %s", status, body)
	}
}

// upload keeps a file and returns its id.
func (p *person) upload(t *testing.T, name, content string) string {
	t.Helper()
	status, body := p.srv.do(t, "POST", "/api/app/files?name="+name, []byte(content), "Authorization", "Bearer "+p.token, "Content-Type", "text/csv")
	var v struct {
		FileID string `json:"file_id"`
	}
	if err := json.Unmarshal(body, &v); err != nil || status != 201 {
		t.Fatalf("upload: %d %s", status, body)
	}
	return v.FileID
}
