package engine

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"

	"flowgate/internal/workflow"
)

// MockAnswer is a recorded answer to HTTP requests. A file of them is a JSON
// list; the first that fits a request answers it:
//
//	[{"method": "GET", "url": "https://api.example.com/users/*", "status": 200,
//	  "headers": {"content-type": "application/json"}, "body": {"id": 1}}]
//
// Method "" fits every method, "*" in the URL any text. A URL without a query
// fits requests with any query. Status 0 means 200. A body that is no string is
// sent as JSON, with that content type unless the headers name another.
type MockAnswer struct {
	Method  string            `json:"method"`
	URL     string            `json:"url"`
	Status  int               `json:"status"`
	Headers map[string]string `json:"headers"`
	Body    json.RawMessage   `json:"body"`
	pattern *regexp.Regexp
}

// HTTPMock answers requests from recorded answers and never touches a
// network. It is safe for concurrent use.
type HTTPMock struct{ answers []MockAnswer }

var _ http.RoundTripper = (*HTTPMock)(nil)

// LoadHTTPMock reads a file of MockAnswers.
func LoadHTTPMock(path string) (http.RoundTripper, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, workflow.Wrap(workflow.CodeInvalid, err, "The file of recorded answers cannot be read.")
	}
	var answers []MockAnswer
	if err := json.Unmarshal(data, &answers); err != nil {
		return nil, workflow.Wrap(workflow.CodeInvalid, err, "The file of recorded answers is no JSON list of {method, url, status, headers, body}.")
	}
	return NewHTTPMock(answers)
}

// NewHTTPMock returns a transport that gives the answers.
func NewHTTPMock(answers []MockAnswer) (*HTTPMock, error) {
	m := &HTTPMock{answers: append([]MockAnswer(nil), answers...)}
	for i := range m.answers {
		a := &m.answers[i]
		if a.URL == "" {
			return nil, workflow.Errorf(workflow.CodeInvalid, "Recorded answer %d has no url.", i)
		}
		var parts []string
		for _, part := range strings.Split(a.URL, "*") {
			parts = append(parts, regexp.QuoteMeta(part))
		}
		pattern := strings.Join(parts, ".*")
		if !strings.ContainsAny(a.URL, "?#") {
			pattern += `(\?.*)?`
		}
		a.pattern = regexp.MustCompile("^" + pattern + "$")
	}
	return m, nil
}

// RoundTrip gives the first answer that fits.
func (m *HTTPMock) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		_, _ = io.Copy(io.Discard, req.Body)
		_ = req.Body.Close()
	}
	url := req.URL.String()
	for i := range m.answers {
		a := &m.answers[i]
		if (a.Method == "" || strings.EqualFold(a.Method, req.Method)) && a.pattern.MatchString(url) {
			return a.response(req), nil
		}
	}
	return nil, fmt.Errorf("no recorded answer fits %s %s", req.Method, url)
}

func (a *MockAnswer) response(req *http.Request) *http.Response {
	header := http.Header{}
	body := []byte(a.Body)
	var text string
	switch {
	case len(body) == 0:
	case json.Unmarshal(a.Body, &text) == nil:
		body = []byte(text)
	default:
		header.Set("Content-Type", "application/json; charset=utf-8")
	}
	for name, value := range a.Headers {
		header.Set(name, value)
	}
	status := a.Status
	if status == 0 {
		status = http.StatusOK
	}
	return &http.Response{
		Status: fmt.Sprintf("%d %s", status, http.StatusText(status)), StatusCode: status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: header, Request: req,
		Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body)),
	}
}
