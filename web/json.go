package web

import (
	"bytes"
	"encoding/json"
	"io"
	"mime"
	"strings"

	"github.com/labstack/echo/v4"

	"flowgate/internal/workflow"
)

const contentJSON = "application/json; charset=utf-8"

// writeJSON answers with v, its characters as they are: escaping < and & is
// for JSON inside HTML, and this never is.
func writeJSON(c echo.Context, status int, v any) error {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return err
	}
	h := c.Response().Header()
	if h.Get("Cache-Control") == "" {
		h.Set("Cache-Control", "no-store")
	}
	return c.Blob(status, contentJSON, unescapeHTML(buf.Bytes()))
}

// unescapeHTML undoes the escapes that types with an encoding of their own
// bring along: it rewrites JSON text in place.
func unescapeHTML(data []byte) []byte {
	if !bytes.Contains(data, []byte(`\u00`)) {
		return data
	}
	out := data[:0]
	for i := 0; i < len(data); i++ {
		if data[i] != '\\' || i+1 == len(data) {
			out = append(out, data[i])
			continue
		}
		switch {
		case bytes.HasPrefix(data[i:], []byte(`\u003c`)):
			out = append(out, '<')
			i += 5
		case bytes.HasPrefix(data[i:], []byte(`\u003e`)):
			out = append(out, '>')
			i += 5
		case bytes.HasPrefix(data[i:], []byte(`\u0026`)):
			out = append(out, '&')
			i += 5
		default: // an escape of two bytes, or the beginning of one
			out = append(out, data[i], data[i+1])
			i++
		}
	}
	return out
}

// readObject reads the request's body as a JSON object; no body is an empty
// one.
func readObject(c echo.Context) (map[string]json.RawMessage, error) {
	r := c.Request()
	if r.ContentLength == 0 {
		return map[string]json.RawMessage{}, nil
	}
	data, err := io.ReadAll(r.Body)
	switch {
	case err != nil && workflow.CodeOf(err) == workflow.CodeTooLarge:
		return nil, err
	case err != nil:
		return nil, workflow.Wrap(workflow.CodeInvalid, err, "the request body could not be read to its end")
	case len(bytes.TrimSpace(data)) == 0:
		return map[string]json.RawMessage{}, nil
	}
	if kind := r.Header.Get("Content-Type"); !isJSON(kind) {
		return nil, echo.NewHTTPError(415, "the body must be JSON: send Content-Type: application/json")
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal(data, &object); err != nil || object == nil {
		if json.Valid(data) {
			return nil, workflow.Errorf(workflow.CodeInvalid, "the request body must be a JSON object")
		}
		return nil, workflow.Errorf(workflow.CodeInvalid, "the request body is not valid JSON: %v", err)
	}
	return object, nil
}

func isJSON(contentType string) bool {
	kind, _, err := mime.ParseMediaType(contentType)
	return err == nil && (kind == "application/json" || strings.HasSuffix(kind, "+json"))
}
