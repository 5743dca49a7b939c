package app_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// followPage follows a stream as a page does, to its end or to the end of a turn
// of a conversation, and tells this test what came.
const followPage = `<!DOCTYPE html><title>follow</title><script>
const ids = []; let opened = 0;
const es = new EventSource(new URLSearchParams(location.search).get("stream"));
es.onopen = () => { opened++; };
const tell = () => { es.close(); fetch("/saw", { method: "POST", body: JSON.stringify({ ids, opened }) }); };
es.onmessage = (m) => { ids.push(Number(m.lastEventId)); if (JSON.parse(m.data).is_final) tell(); };
es.onerror = () => { if (es.readyState === EventSource.CLOSED) tell(); };
</script>`

// needChromium returns the browser, or skips loudly; CI must have it.
func needChromium(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("short")
	}
	path, err := exec.LookPath("chromium")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("chromium is missing")
		}
		t.Skip("SKIPPED: no browser is driven, since chromium is missing (apt-get install chromium)")
	}
	return path
}

// followed is what a client saw of a stream: the ids of events, and how often
// it opened the stream.
type followed struct {
	IDs    []int
	Opened int
}

// followingPage serves followPage on an origin of its own; saw gets what it tells.
func followingPage(t *testing.T) (origin string, saw chan followed) {
	t.Helper()
	saw = make(chan followed, 1)
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/saw" {
			w.Header().Set("Content-Type", "text/html")
			_, _ = io.WriteString(w, followPage)
			return
		}
		var f followed
		if err := json.NewDecoder(r.Body).Decode(&f); err != nil {
			t.Error(err)
		}
		select {
		case saw <- f:
		default:
		}
	}))
	t.Cleanup(page.Close)
	return page.URL, saw
}

// browse opens the page for a stream in headless Chromium until the test ends.
func browse(t *testing.T, chromium, origin, stream string) *syncBuffer {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
		"--user-data-dir="+t.TempDir(), "--remote-debugging-port=0", origin+"/?stream="+url.QueryEscape(stream))
	log := &syncBuffer{}
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return log
}

// TestBrowserFollows has a page in headless Chromium follow an execution
// through lost connections, on another origin and by a ticket.
func TestBrowserFollows(t *testing.T) {
	t.Parallel()
	chromium := needChromium(t)
	origin, saw := followingPage(t)
	srv := startServerEnv(t, t.TempDir(), []string{"CORS_ORIGINS=" + origin})
	proxy, cuts := cutting(t, srv.url, 2)
	p := srv.personNamed(t, "browser@b.test")
	var e struct {
		ExecutionID string `json:"execution_id"`
	}
	p.ok(t, "POST", "/workflows/"+p.save(t, slowLine(8))+"/execute", object{}, &e)
	var ticket struct{ Ticket string }
	p.ok(t, "POST", "/executions/"+e.ExecutionID+"/ticket", nil, &ticket)
	log := browse(t, chromium, origin, proxy+"/api/app/executions/"+e.ExecutionID+"/logs/stream?ticket="+ticket.Ticket)
	select {
	case rep := <-saw:
		var logs struct{ Events []object }
		p.ok(t, "GET", "/executions/"+e.ExecutionID+"/logs?limit=1000", nil, &logs)
		if err := inOrder(rep.IDs, len(logs.Events)); err != nil || cuts.Load() == 0 || rep.Opened < 2 {
			t.Errorf("%v; %d connections were lost, %d opened", err, cuts.Load(), rep.Opened)
		}
	case <-time.After(3 * time.Minute):
		t.Fatalf("the page tells nothing:\n%s", log)
	}
}

// TestChatIsFollowed has EventSource clients, of Node and in headless Chromium,
// follow a turn of a conversation by tickets, through lost connections: they
// see what the caller sees, each event once and in order.
func TestChatIsFollowed(t *testing.T) {
	t.Parallel()
	clients, chromium := needClients(t), needChromium(t)
	origin, page := followingPage(t)
	srv := startServerEnv(t, t.TempDir(), []string{"CORS_ORIGINS=" + origin})
	proxy, cuts := cutting(t, srv.url, 2)
	p := srv.personNamed(t, "chat@b.test")
	var s struct {
		SessionID string `json:"session_id"`
	}
	p.ok(t, "POST", "/sessions", object{"action": "create"}, &s)
	stream := func() string {
		var ticket struct{ Ticket string }
		p.ok(t, "POST", "/chat/"+s.SessionID+"/ticket", nil, &ticket)
		return proxy + "/api/app/chat/" + s.SessionID + "/stream?ticket=" + ticket.Ticket
	}
	log := browse(t, chromium, origin, stream())
	node := make(chan []byte, 1)
	cmd := exec.CommandContext(t.Context(), "node", "follow.mjs")
	cmd.Dir, cmd.Env = clients, append(os.Environ(), "STREAM="+stream())
	go func() {
		out, err := cmd.CombinedOutput()
		if err != nil {
			out = fmt.Appendf(out, "%v", err)
		}
		node <- out
	}()
	resp := srv.response(t, "POST", "/api/app/chat/stream", []byte(`{"session_id":"`+s.SessionID+`","message":"Fetch https://api.example.com/orders every morning at 9"}`),
		"Authorization", "Bearer "+p.token, "Content-Type", "application/json")
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%d %v: %s", resp.StatusCode, err, body)
	}
	var told []int
	for line := range strings.Lines(string(body)) {
		if id, ok := strings.CutPrefix(line, "id: "); ok {
			told = append(told, seqOf(t, strings.TrimSpace(id)))
		}
	}
	check := func(who string, saw followed) {
		t.Helper()
		if !slices.Equal(saw.IDs, told) || saw.Opened < 2 {
			t.Errorf("%s saw %v in %d connections; told were %v", who, saw.IDs, saw.Opened, told)
		}
	}
	for range 2 {
		select {
		case saw := <-page:
			check("the browser", saw)
		case out := <-node:
			var saw followed
			if err := json.Unmarshal(out, &saw); err != nil {
				t.Fatalf("Node says %s", out)
			}
			check("Node", saw)
		case <-time.After(3 * time.Minute):
			t.Fatalf("a client tells nothing; the browser's log:\n%s", log)
		}
	}
	if cuts.Load() < 2 {
		t.Errorf("%d connections were lost", cuts.Load())
	}
}

// TestThousandStreams holds the memory of a server that a thousand streams
// follow, and has every one of them see the end.
func TestThousandStreams(t *testing.T) {
	if testing.Short() || runtime.GOOS != "linux" {
		t.Skip("takes a while, and reads /proc")
	}
	const streams, executions = 1000, 50
	srv := startServerEnv(t, t.TempDir(), []string{"LOG_LEVEL=error", "MAX_CONCURRENCY=64", "MAX_USER_CONCURRENCY=64"})
	p := srv.personNamed(t, "many@b.test")
	doc := line("wait", nil, manual(), object{"name": "Wait", "type": "n8n-nodes-base.wait", "typeVersion": 1.1, "parameters": object{"resume": "webhook"}})
	id := p.save(t, doc)
	var ids []string
	for range executions {
		var e struct {
			ExecutionID string `json:"execution_id"`
		}
		p.ok(t, "POST", "/workflows/"+id+"/execute", object{}, &e)
		ids = append(ids, e.ExecutionID)
	}
	before := residentMB(t, srv.cmd.Process.Pid)
	var opened, work sync.WaitGroup
	ends := make(chan string, streams)
	opened.Add(streams)
	for i := range streams {
		url := srv.url + "/api/app/executions/" + ids[i%executions] + "/logs/stream"
		work.Go(func() { ends <- lastOf(t, url, p.token, &opened) })
	}
	opened.Wait()
	grown := residentMB(t, srv.cmd.Process.Pid) - before
	t.Logf("%d streams of %d executions take %d MiB", streams, executions, grown)
	if grown > 150 {
		t.Errorf("%d streams take %d MiB, more than 150", streams, grown)
	}
	for _, id := range ids {
		p.ok(t, "POST", "/executions/"+id+"/cancel", nil, nil)
	}
	work.Wait()
	close(ends)
	for data := range ends {
		if !strings.Contains(data, `"status":"cancelled"`) {
			t.Fatalf("a stream ended with %s", data)
		}
	}
}

// lastOf follows a stream to its end and returns its last event; opened is
// told of the first.
func lastOf(t *testing.T, url, token string, opened *sync.WaitGroup) string {
	var once sync.Once
	defer once.Do(opened.Done)
	req, err := http.NewRequestWithContext(t.Context(), "GET", url, nil)
	if err != nil {
		return err.Error()
	}
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := (&http.Transport{}).RoundTrip(req)
	if err != nil {
		return err.Error()
	}
	defer resp.Body.Close()
	last := fmt.Sprint(resp.StatusCode)
	buf := make([]byte, 0, 4096)
	chunk := make([]byte, 4096)
	for {
		n, err := resp.Body.Read(chunk)
		buf = append(buf, chunk[:n]...)
		for {
			frame, rest, whole := strings.Cut(string(buf), "\n\n")
			if !whole {
				break
			}
			buf = []byte(rest)
			if _, data, ok := strings.Cut(frame, "data: "); ok {
				last = data
				once.Do(opened.Done)
			}
		}
		if err != nil {
			return last
		}
	}
}

func residentMB(t *testing.T, pid int) int {
	t.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(data), "VmRSS:")
	kb, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil {
		t.Fatal(err)
	}
	return kb / 1024
}
