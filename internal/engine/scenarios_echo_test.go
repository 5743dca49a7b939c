package engine

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"flowgate/internal/workflow"
)

var boundary = regexp.MustCompile(`boundary=(.*)$`)

// toEcho sends what is meant for the recorded echo server to the test's own.
type toEcho struct{ address string }

func (t toEcho) RoundTrip(req *http.Request) (*http.Response, error) {
	if "http://"+req.URL.Host == echoAddress {
		req = req.Clone(req.Context())
		req.URL.Host = t.address
	}
	return http.DefaultTransport.RoundTrip(req)
}

// serveEcho answers as the server did that the scenarios were recorded with.
func serveEcho(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	status, isStatus := strings.CutPrefix(r.URL.Path, "/status/")
	switch path := r.URL.Path; {
	case path == "/echo":
		echoRequest(w, r, string(body))
	case path == "/array":
		reply(w, 200, `[{"i":1},{"i":2}]`)
	case path == "/nested":
		reply(w, 200, `{"data":{"list":[{"a":1,"b":{"c":2}}],"x":null}}`)
	case path == "/text":
		w.Header().Set("Content-Type", "text/plain")
		_, _ = io.WriteString(w, "plain text")
	case isStatus:
		code, _ := strconv.Atoi(status)
		w.Header().Set("X-Custom", "h")
		reply(w, code, `{"message":"status `+status+`","code":"X"}`)
	case path == "/redirect":
		w.Header().Set("Location", "/echo?from=redirect")
		w.WriteHeader(http.StatusFound)
	case path == "/png":
		data, _ := base64.StdEncoding.DecodeString("iVBORw0KGgo=")
		w.Header().Set("Content-Type", "image/png")
		_, _ = w.Write(data)
	case path == "/empty":
		w.WriteHeader(http.StatusNoContent)
	case path == "/badjson":
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, "{bad")
	case path == "/page":
		p, _ := strconv.Atoi(r.URL.Query().Get("p"))
		data, _ := json.Marshal(map[string]any{"p": p, "items": []int{p * 2, p*2 + 1}, "last": p >= 2})
		reply(w, 200, string(data))
	case path == "/slow":
		time.Sleep(1500 * time.Millisecond)
		reply(w, 200, `{"slow":true}`)
	default:
		reply(w, 404, `{"message":"nf"}`)
	}
}

func echoRequest(w http.ResponseWriter, r *http.Request, body string) {
	kind := r.Header.Get("Content-Type")
	clean := func(s string) string { return s }
	if m := boundary.FindStringSubmatch(kind); m != nil {
		clean = func(s string) string { return strings.ReplaceAll(s, m[1], "BOUNDARY") }
	}
	data, _ := json.Marshal(workflow.NewObject( // a forced text reply shows the order of the keys
		"method", r.Method, "url", r.URL.RequestURI(), "contentType", orNull(clean(kind)),
		"accept", orNull(r.Header.Get("Accept")), "xTest", orNull(r.Header.Get("X-Test")), "body", clean(body),
	))
	reply(w, 200, string(data))
}

func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// reply writes JSON in chunks over a connection that is not kept, as the
// recorded headers have it.
func reply(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Connection", "close")
	w.Header()["Date"] = nil
	w.WriteHeader(status)
	_ = http.NewResponseController(w).Flush()
	_, _ = io.WriteString(w, body)
}
