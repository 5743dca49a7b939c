package engine

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestReport(t *testing.T) {
	o := runOf(t, document("v1",
		step{name: "T", typ: "trigger", to: [][]string{{"If"}}},
		step{name: "If", typ: "two", to: [][]string{{"X"}, {}}},
		step{name: "X", typ: "fail"}))
	r := NewReport(o)
	data, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"status":"error","error":{"node":"X","node_type":"fail","message":"no luck"},"order":["T","If","X"],"nodes":{` +
		`"If":[{"status":"success","main":[[{"json":{"i":0},"pairedItem":{"item":0}}],[]]}],` +
		`"T":[{"status":"success","main":[[{"json":{"i":0},"pairedItem":{"item":0}}]]}],` +
		`"X":[{"status":"error","error":{"node":"X","node_type":"fail","message":"no luck"},"main":null}]}}`
	if string(data) != want {
		t.Errorf("got  %s\nwant %s", data, want)
	}
	var b strings.Builder
	if err := r.WriteText(&b); err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"  1  +0s", "If", "output 0: 1 item, output 1: 0 items", "FAILED", `error in "X": no luck`, "error after 3 node runs"} {
		if !strings.Contains(b.String(), part) {
			t.Errorf("%q is missing in\n%s", part, &b)
		}
	}
}

func TestHTTPMock(t *testing.T) {
	file := filepath.Join(t.TempDir(), "answers.json")
	answers := `[{"method":"POST","url":"https://api.test/users","status":201,"body":{"id":1}},
		{"url":"https://api.test/*/text","headers":{"x-a":"b"},"body":"plain"},
		{"url":"https://api.test/exact?a=1"}]`
	if err := os.WriteFile(file, []byte(answers), 0o600); err != nil {
		t.Fatal(err)
	}
	mock, err := LoadHTTPMock(file)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: mock}
	for _, tt := range []struct {
		method, url string
		status      int
		body, kind  string
	}{
		{"POST", "https://api.test/users?page=2", 201, `{"id":1}`, "application/json; charset=utf-8"},
		{"GET", "https://api.test/a/b/text", 200, "plain", ""},
		{"GET", "https://api.test/exact?a=1", 200, "", ""},
		{"GET", "https://api.test/users", 0, "", ""},
		{"GET", "https://api.test/exact?a=2", 0, "", ""},
	} {
		req, _ := http.NewRequest(tt.method, tt.url, strings.NewReader("x"))
		res, err := client.Do(req)
		if tt.status == 0 {
			if err == nil {
				t.Errorf("%s %s was answered", tt.method, tt.url)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", tt.url, err)
			continue
		}
		body, _ := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if res.StatusCode != tt.status || string(body) != tt.body || res.Header.Get("Content-Type") != tt.kind {
			t.Errorf("%s: %d %q %v", tt.url, res.StatusCode, body, res.Header)
		}
	}
	if err := os.WriteFile(file, []byte(`[{}]`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadHTTPMock(file); err == nil {
		t.Error("an answer without a url was taken")
	}
}

func TestLoadSubWorkflows(t *testing.T) {
	subs, err := LoadSubWorkflows(filepath.Join(scenarioDir, "_subworkflows.json"))
	if err != nil || len(subs) == 0 {
		t.Fatal(subs, err)
	}
	if _, err := LoadSubWorkflows("absent.json"); err == nil {
		t.Error("no error for a file that is not there")
	}
}
