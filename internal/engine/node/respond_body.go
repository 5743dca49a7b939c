package node

import (
	"strings"

	"flowgate/internal/workflow"
)

// jsonResponse is a response whose body is the JSON text of v.
func jsonResponse(status int, v any) *workflow.Response {
	body, err := workflow.AppendJSON(nil, v)
	if err != nil {
		body = []byte("null")
	}
	return &workflow.Response{Status: status, Headers: [][2]string{{"Content-Type", "application/json; charset=utf-8"}}, Body: body}
}

// textResponse is a response of text, which browsers show as a page.
func textResponse(status int, text string) *workflow.Response {
	return &workflow.Response{Status: status, Headers: [][2]string{{"Content-Type", "text/html; charset=utf-8"}}, Body: []byte(text)}
}

// fileResponse is a response that is a file.
func fileResponse(status int, b *workflow.Binary) *workflow.Response {
	data, err := binaryContent(b)
	if err != nil {
		return failed("The file to answer with cannot be read")
	}
	return &workflow.Response{Status: status, Headers: [][2]string{{"Content-Type", mimeOr(b, mimeOctetStream)}}, Body: data}
}

// unsafeHeaders are the connection's own business, or would let a workflow
// set cookies or policies on our origin.
var unsafeHeaders = map[string]bool{
	"connection": true, "content-length": true, "transfer-encoding": true, "keep-alive": true, "upgrade": true, "trailer": true,
	"set-cookie": true, "content-security-policy": true, "x-content-type-options": true, "strict-transport-security": true,
}

// applyHeaders sets the headers a node asks for in place of those there are.
// Texts keep their character set.
func applyHeaders(r *workflow.Response, entries []HTTPField, text bool) {
	for _, e := range entries {
		name := strings.TrimSpace(e.Name)
		value := strings.Map(dropControl, textOf(e.Value))
		if !isToken(name) || unsafeHeaders[strings.ToLower(name)] {
			continue
		}
		if text && strings.EqualFold(name, "content-type") {
			value = withCharset(value)
		}
		setResponseHeader(r, name, value)
	}
}

func setResponseHeader(r *workflow.Response, name, value string) {
	for i := range r.Headers {
		if strings.EqualFold(r.Headers[i][0], name) {
			r.Headers[i][1] = value
			return
		}
	}
	r.Headers = append(r.Headers, [2]string{name, value})
}

// withCharset says that text of a content type is UTF-8.
func withCharset(contentType string) string {
	kind, _, _ := strings.Cut(contentType, ";")
	if strings.Contains(strings.ToLower(contentType), "charset=utf-8") {
		return contentType
	}
	return strings.TrimSpace(kind) + "; charset=utf-8"
}

func dropControl(r rune) rune {
	if r < ' ' && r != '\t' || r == 0x7f {
		return -1
	}
	return r
}

// isToken reports whether s may be a header's name (RFC 9110, section 5.6.2).
func isToken(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c <= ' ' || c >= 0x7f || strings.IndexByte("\"(),/:;<=>?@[\\]{}", c) >= 0 {
			return false
		}
	}
	return s != ""
}
