package mcp

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	protocol "github.com/mark3labs/mcp-go/mcp"

	"flowgate/internal/service"
	"flowgate/internal/workflow"
)

// success is the result of a call that worked: the structured content, and
// its compact twin as text. What is too large is cut, and both say so.
func (s *Server) success(ctx context.Context, c *service.Capability, out any) *toolResult {
	data, err := encode(out)
	if err != nil {
		return s.failure(ctx, c, fmt.Errorf("encode the result: %w", err))
	}
	text, notice := c.Text(out), ""
	if len(data) > s.MaxResult {
		if mustBeWhole(c) {
			return toolError(fmt.Sprintf("too_large: %s would return %d bytes, more than %d; a part of it would be mistaken for the whole.%s",
				c.Name, len(data), s.MaxResult, narrowing(c)))
		}
		data, notice = shrink(data, s.MaxResult)
		notice += narrowing(c)
	}
	if len(text) > s.MaxResult {
		text = cutText(text, s.MaxResult)
		if notice == "" {
			notice = "CUT: the text is longer than fits here." + narrowing(c)
		}
	}
	if notice != "" {
		text = notice + "\n" + text
	}
	return &toolResult{text: text, structured: data, notice: notice}
}

// encode returns out as JSON. What encodes itself is taken at its word.
func encode(out any) ([]byte, error) {
	if m, ok := out.(json.Marshaler); ok {
		return m.MarshalJSON()
	}
	return json.Marshal(out)
}

// toolResult is what a tool's call gives back.
type toolResult struct {
	text       string
	structured json.RawMessage // nil for an error
	notice     string          // what was cut, and how to ask for it
	isError    bool
}

// truncatedMeta is where a result says that it was cut, for programs.
const truncatedMeta = "flowgate/truncated"

// result is the same for the library.
func (r *toolResult) result() *protocol.CallToolResult {
	out := &protocol.CallToolResult{IsError: r.isError, Content: []protocol.Content{protocol.NewTextContent(r.text)}}
	if r.structured != nil {
		out.StructuredContent = r.structured
	}
	if r.notice != "" {
		out.Meta = &protocol.Meta{AdditionalFields: map[string]any{truncatedMeta: r.notice}}
	}
	return out
}

// parts are the members of the result object as JSON, and those of its _meta.
func (r *toolResult) parts() (members, meta []byte) {
	b := make([]byte, 0, len(r.text)+len(r.text)/8+len(r.structured)+96)
	b = append(b, `"content":[{"type":"text","text":`...)
	b = appendText(b, r.text)
	b = append(b, "}]"...)
	if r.structured != nil {
		b = append(append(b, `,"structuredContent":`...), r.structured...)
	}
	if r.isError {
		b = append(b, `,"isError":true`...)
	}
	if r.notice != "" {
		meta = appendText([]byte(`"`+truncatedMeta+`":`), r.notice)
	}
	return b, meta
}

// appendText appends text as JSON.
func appendText(b []byte, text string) []byte {
	out, err := workflow.AppendJSON(b, text)
	if err != nil { // a string always encodes
		return append(b, `""`...)
	}
	return out
}

// mustBeWhole reports whether a capability's result is read in order to be
// written back, so that a cut one would destroy what was cut.
func mustBeWhole(c *service.Capability) bool { return c.Name == "get_workflow" }

// narrowing names the arguments by which a caller can ask c for less.
func narrowing(c *service.Capability) string {
	var names []string
	for _, name := range []string{"nodes", "node_names", "detail", "max_items", "limit", "level", "type_filter", "query", "include_schemas", "include_examples"} {
		if c.ReadOnly && c.Input.Property(name) != "" {
			names = append(names, name)
		}
	}
	switch {
	case len(names) > 0:
		return " Ask for less at a time with " + strings.Join(names, ", ") + "."
	case c.Output.Property("execution_id") != "":
		return " get_execution shows the rest: use node_names and max_items."
	}
	return ""
}

func cutText(text string, limit int) string {
	text = text[:limit]
	for len(text) > 0 && !utf8.ValidString(text[max(0, len(text)-utf8.UTFMax):]) {
		text = text[:len(text)-1]
	}
	return text + " … (cut)"
}

// shrink shortens the longest arrays and strings of a JSON value until it
// takes at most limit bytes, and says what it did. Objects keep their fields,
// so the value still fits its schema.
func shrink(data []byte, limit int) ([]byte, string) {
	var value any
	dec := json.NewDecoder(strings.NewReader(string(data)))
	dec.UseNumber()
	if dec.Decode(&value) != nil {
		return data, ""
	}
	before := len(data)
	for keep := limit / 2; ; keep /= 2 {
		value = shorten(value, keep)
		out, err := json.Marshal(value)
		if err != nil {
			return data, ""
		}
		if len(out) <= limit || keep == 0 {
			return out, fmt.Sprintf("CUT: the whole answer has %d bytes, %d are shown; long lists and texts were shortened.", before, len(out))
		}
	}
}

// shorten cuts every string below v to about keep bytes and every array to as
// many elements as fit in keep bytes, at least one.
func shorten(v any, keep int) any {
	switch v := v.(type) {
	case string:
		if len(v) > keep+64 {
			return cutText(v, keep)
		}
	case map[string]any:
		for k, child := range v {
			v[k] = shorten(child, keep)
		}
	case []any:
		size := 0
		for i, child := range v {
			v[i] = shorten(child, keep)
			if size += sizeOf(v[i]); size > keep && i > 0 {
				return slices.Clip(v[:i])
			}
		}
	}
	return v
}

func sizeOf(v any) int {
	data, err := json.Marshal(v)
	if err != nil {
		return 0
	}
	return len(data)
}

func toolError(text string) *toolResult { return &toolResult{text: text, isError: true} }
