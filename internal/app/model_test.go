package app_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// model plays a language model: it knows what it wants in words, and takes
// every name of a tool, an argument, a field or a node type from what the
// server says.
type model struct {
	t     *testing.T
	url   string
	key   string
	tools []toolSeen
}

type toolSeen struct {
	Name        string
	Description string
	InputSchema schemaSeen
}

type schemaSeen struct {
	Description string
	Type        any
	Enum        []string
	Required    []string
	Properties  map[string]schemaSeen
	Items       *schemaSeen
}

// request sends a message and returns its result.
func (m *model) request(method, name string, params map[string]any) map[string]any {
	m.t.Helper()
	params["_meta"] = map[string]any{"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": map[string]any{}}
	body, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
	if err != nil {
		m.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(m.t.Context(), http.MethodPost, m.url+"/mcp", bytes.NewReader(body))
	if err != nil {
		m.t.Fatal(err)
	}
	for k, v := range map[string]string{"X-API-Key": m.key, "Content-Type": "application/json", "Accept": "application/json, text/event-stream",
		"MCP-Protocol-Version": "2026-07-28", "Mcp-Method": method, "Mcp-Name": name} {
		req.Header.Set(k, v)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		m.t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		m.t.Fatal(err)
	}
	var answer struct{ Result map[string]any }
	if err := json.Unmarshal(data, &answer); err != nil || answer.Result == nil {
		m.t.Fatalf("%s %s: %d %s", method, name, resp.StatusCode, data)
	}
	return answer.Result
}

// tool finds the tool whose description has all of the words.
func (m *model) tool(words ...string) toolSeen {
	m.t.Helper()
	for _, tool := range m.tools {
		if hasWords(tool.Description, words) {
			return tool
		}
	}
	m.t.Fatalf("no tool speaks of %v", words)
	return toolSeen{}
}

func hasWords(text string, words []string) bool {
	text = strings.ToLower(text)
	return !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(text, w) })
}

// field finds the property whose description or name has all of the words.
func (m *model) field(s schemaSeen, words ...string) string {
	m.t.Helper()
	for _, name := range sortedNames(s.Properties) {
		if hasWords(name+" "+s.Properties[name].Description, words) {
			return name
		}
	}
	m.t.Fatalf("no field speaks of %v among %v", words, sortedNames(s.Properties))
	return ""
}

func sortedNames(properties map[string]schemaSeen) []string {
	names := make([]string, 0, len(properties))
	for name := range properties {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// call calls a tool and returns its text and structured content; the latter
// is nil for an error.
func (m *model) call(tool toolSeen, args map[string]any) (string, any) {
	m.t.Helper()
	result := m.request("tools/call", tool.Name, map[string]any{"name": tool.Name, "arguments": args})
	content, _ := result["content"].([]any)
	first, _ := content[0].(map[string]any)
	text, _ := first["text"].(string)
	return text, result["structuredContent"]
}

// find returns the first object in v, at any depth, that is as wanted.
func find(v any, wanted func(map[string]any) bool) map[string]any {
	switch v := v.(type) {
	case map[string]any:
		if wanted(v) {
			return v
		}
		names := make([]string, 0, len(v))
		for name := range v {
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			if found := find(v[name], wanted); found != nil {
				return found
			}
		}
	case []any:
		for _, child := range v {
			if found := find(child, wanted); found != nil {
				return found
			}
		}
	}
	return nil
}

// saying wants objects in which some text has all of the words, and which
// have a field.
func saying(field string, words ...string) func(map[string]any) bool {
	return func(o map[string]any) bool {
		if _, ok := o[field].(string); !ok {
			return false
		}
		for _, v := range o {
			if text, ok := v.(string); ok && hasWords(text, words) {
				return true
			}
		}
		return false
	}
}

// TestModelNeedsNoManual has such a model find nodes, write a workflow, mend
// what validation finds, run it, read why it failed, mend that, and delete it.
func TestModelNeedsNoManual(t *testing.T) {
	t.Parallel()
	srv := startServer(t, t.TempDir())
	m := &model{t: t, url: srv.url, key: srv.key(t, "tools:execute")}
	data, err := json.Marshal(m.request("tools/list", "", map[string]any{})["tools"])
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &m.tools); err != nil {
		t.Fatal(err)
	}

	// Which nodes are there, and how are they written?
	details := m.tool("node type", "parameters", "json schema", "examples")
	wanted := details.InputSchema.Required[0]
	kind := details.InputSchema.Properties[wanted].Items.Required[0]
	_, catalogue := m.call(m.tool("kinds of node"), map[string]any{})
	trigger, code := find(catalogue, saying(kind, "manual", "trigger")), find(catalogue, saying(kind, "javascript"))
	if trigger == nil || code == nil {
		t.Fatalf("the catalogue: %v", catalogue)
	}
	_, shown := m.call(details, map[string]any{wanted: []any{map[string]any{kind: trigger[kind]}, map[string]any{kind: code[kind]}}})
	example := func(of map[string]any) map[string]any {
		node := find(shown, func(o map[string]any) bool {
			_, written := o["parameters"].(map[string]any)
			return written && o[kind] == of[kind] && o["name"] != nil
		})
		if node == nil {
			t.Fatalf("no example of %v in %v", of[kind], shown)
		}
		return node
	}
	first, second := example(trigger), example(code)

	// The source stands in the parameter that is the longest text.
	parameters := second["parameters"].(map[string]any)
	var source string
	for name, v := range parameters {
		if text, ok := v.(string); ok && strings.Contains(text, "return") {
			source = name
		}
	}
	good := parameters[source]
	parameters[source] = "throw new Error('the shelf is empty')"

	// The connections' form is in the description of the argument.
	create := m.tool("saves a new workflow")
	nodes, connections := m.field(create.InputSchema, "nodes"), m.field(create.InputSchema, "output", "targets")
	form, _, _ := strings.Cut(create.InputSchema.Properties[connections].Description, ": per output")
	form = strings.NewReplacer("<from node>", first["name"].(string), "<to node>", second["name"].(string)).Replace(form)
	var wires any
	if err := json.Unmarshal([]byte(form), &wires); err != nil {
		t.Fatalf("the form of connections %q: %v", form, err)
	}

	// A misspelt type is found, with what was meant.
	right := second[kind].(string)
	second[kind] = right + "s"
	validate := m.tool("checks", "without saving")
	text, found := m.call(validate, map[string]any{nodes: []any{first, second}, connections: wires})
	if !strings.Contains(text, right) || !strings.Contains(text, second["name"].(string)) || found == nil {
		t.Fatalf("validation of %v says %q", second[kind], text)
	}
	second[kind] = right
	if text, _ = m.call(validate, map[string]any{nodes: []any{first, second}, connections: wires}); !strings.Contains(text, "can run") {
		t.Fatalf("validation of the mended workflow says %q", text)
	}

	// Save it, run it, and read where it fails.
	made := map[string]any{nodes: []any{first, second}, connections: wires}
	for _, name := range create.InputSchema.Required {
		if made[name] == nil {
			made[name] = "The shelf"
		}
	}
	_, saved := m.call(create, made)
	run := m.tool("runs the newest version")
	id := run.InputSchema.Required[0]
	workflow := saved.(map[string]any)[id]
	_, failed := m.call(run, map[string]any{id: workflow})
	read := m.tool("always the failing node")
	execution := read.InputSchema.Required[0]
	text, _ = m.call(read, map[string]any{execution: failed.(map[string]any)[execution]})
	if !strings.Contains(text, "the shelf is empty") || !strings.Contains(text, second["name"].(string)) {
		t.Fatalf("reading the failed execution says %q", text)
	}

	// Mend the node by one operation, on the version that was saved.
	update := m.tool("changes a workflow", "operations")
	steps := m.field(update.InputSchema, "steps", "all or none")
	step := update.InputSchema.Properties[steps].Items
	op := step.Required[0]
	verb := step.Properties[op].Enum[slices.IndexFunc(step.Properties[op].Enum, func(e string) bool { return strings.HasPrefix(e, "update") })]
	version := m.field(update.InputSchema, "version", "based on")
	change := map[string]any{op: verb, m.field(*step, verb, "the node"): second["name"],
		m.field(*step, verb, "merged"): map[string]any{"parameters": map[string]any{source: good}}}
	text, mended := m.call(update, map[string]any{id: workflow, version: saved.(map[string]any)[version], steps: []any{change}})
	if mended == nil {
		t.Fatalf("mending says %q", text)
	}
	if text, again := m.call(run, map[string]any{id: workflow}); again == nil || !strings.Contains(text, "success") {
		t.Fatalf("running the mended workflow says %q", text)
	}

	// Delete it: the refusal says what is missing.
	remove := m.tool("deletes a workflow")
	text, _ = m.call(remove, map[string]any{id: workflow})
	yes := m.field(remove.InputSchema, "must be true")
	if !strings.Contains(text, yes) {
		t.Fatalf("deleting without a yes says %q", text)
	}
	if text, gone := m.call(remove, map[string]any{id: workflow, yes: true}); gone == nil {
		t.Fatalf("deleting says %q", text)
	}
	if _, list := m.call(m.tool("lists your workflows"), map[string]any{}); find(list, func(o map[string]any) bool { return o[id] == workflow }) != nil {
		t.Error("the deleted workflow is still listed")
	}
}
