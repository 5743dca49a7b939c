package app_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"slices"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"

	validator "github.com/santhosh-tekuri/jsonschema/v6"
)

// apiFuzz sends requests that the API's description allows, and such that are
// a little off, and holds the answers to the description.
type apiFuzz struct {
	*person
	t        *testing.T
	rand     *rand.Rand
	key      string
	compiler *validator.Compiler
	compiled map[string]*validator.Schema
	doc      object
	ids      map[string]string
	faults   int
	answers  map[int]int // by status
}

// TestAPIAsDescribed is driven by /openapi.json: no request is answered with
// an internal error, and every answer is one that is described. FLOWGATE_API_FUZZ
// is the number of requests for each operation, FLOWGATE_API_FUZZ_SEED repeats a
// run.
func TestAPIAsDescribed(t *testing.T) {
	t.Parallel()
	requests, seed := fuzzSetting("FLOWGATE_API_FUZZ", 40), uint64(fuzzSetting("FLOWGATE_API_FUZZ_SEED", int(time.Now().UnixNano()%1e9)))
	t.Logf("seed %d (FLOWGATE_API_FUZZ_SEED=%d repeats it), %d requests for each operation", seed, seed, requests)
	srv := startServerEnv(t, t.TempDir(), []string{"LOG_LEVEL=error", "RATE_LIMIT_ENABLED=false"})
	f := &apiFuzz{person: srv.personNamed(t, "fuzz@b.test"), t: t, rand: rand.New(rand.NewPCG(seed, 0)), key: srv.key(t, "tools:execute"),
		compiler: validator.NewCompiler(), compiled: map[string]*validator.Schema{}, answers: map[int]int{}}
	f.load()
	operations := f.operations()
	for _, op := range operations {
		f.fixtures()
		for i := range requests {
			if f.faults > 25 {
				t.Fatal("and so on")
			}
			f.try(op, i)
		}
	}
	t.Logf("%d operations were called %d times each; answers by status: %v", len(operations), requests, f.answers)
	good := f.answers[200] + f.answers[201] + f.answers[202] + f.answers[204]
	if good < len(operations)*requests/5 || f.answers[http.StatusTooManyRequests] > 0 {
		t.Error("too few requests got anywhere")
	}
}

func fuzzSetting(name string, fallback int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil {
		return n
	}
	return fallback
}

type apiOperation struct {
	method, path string
	op           object
}

func (f *apiFuzz) load() {
	f.t.Helper()
	status, data := f.srv.do(f.t, "GET", "/openapi.json", nil)
	if err := json.Unmarshal(data, &f.doc); err != nil || status != 200 {
		f.t.Fatalf("%d %v", status, err)
	}
	doc, err := validator.UnmarshalJSON(bytes.NewReader(data))
	if err == nil {
		err = f.compiler.AddResource("api.json", doc)
	}
	if err != nil {
		f.t.Fatal(err)
	}
}

func (f *apiFuzz) operations() []apiOperation {
	var out []apiOperation
	for path, item := range f.doc["paths"].(object) {
		for method, op := range item.(object) {
			out = append(out, apiOperation{strings.ToUpper(method), path, op.(object)})
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].path+out[i].method < out[j].path+out[j].method })
	return out
}

// fixtures make what ids can name.
func (f *apiFuzz) fixtures() {
	f.t.Helper()
	id := f.save(f.t, line("fuzz", nil, manual(), set("Greet", "text", "=Hello {{ $json.name }}")))
	var e waitingReply
	f.ok(f.t, "POST", "/workflows/"+id+"/execute?wait=20", object{}, &e)
	f.ids = map[string]string{"workflow_id": id, "execution_id": e.ExecutionID, "file_id": f.upload(f.t, "a.txt", "hello"), "version": "1",
		"type": "set", "tool_name": "search_workflows"}
}

// try sends one request: the first as described, later ones ever stranger.
func (f *apiFuzz) try(op apiOperation, n int) {
	f.t.Helper()
	path, query, headers := op.path, url.Values{}, http.Header{}
	params, _ := op.op["parameters"].([]any)
	for _, p := range params {
		p := f.resolve(p.(object))
		name, schema := p["name"].(string), f.resolve(p["schema"].(object))
		text := f.text(name, schema, n)
		switch {
		case p["in"] == "path":
			path = strings.Replace(path, "{"+name+"}", url.PathEscape(f.pathValue(name, n)), 1)
		case p["required"] != true && f.rand.IntN(2) == 0 || name == "ticket":
		case p["in"] == "query":
			query.Add(name, text)
		default:
			headers.Set(name, strings.Map(func(r rune) rune {
				if r < ' ' || r > '~' {
					return '_'
				}
				return r
			}, text))
		}
	}
	if f.rand.IntN(20) == 0 {
		query.Set("nonsense", "1")
	}
	body, kind := f.body(op, n)
	f.request(op, path, query, headers, body, kind)
}

func (f *apiFuzz) pathValue(name string, n int) string {
	if id := f.ids[name]; id != "" && (n == 0 || f.rand.IntN(4) > 0) {
		return id
	}
	return pick(f.rand, "0198a000-0000-7000-8000-000000000001", "x", "..", "a b", "ü", "%00", "1", "-1", "99999999999999999999", strings.Repeat("y", 300), "'", "a/b")
}

// body is a request body of a kind the operation takes, or of none.
func (f *apiFuzz) body(op apiOperation, n int) ([]byte, string) {
	request, ok := op.op["requestBody"].(object)
	if !ok {
		return nil, ""
	}
	content := request["content"].(object)
	media, ok := content["application/json"].(object)
	if !ok {
		return []byte(f.word()), "text/plain"
	}
	switch f.rand.IntN(25) {
	case 0:
		return []byte("{"), "application/json"
	case 1:
		return []byte("[]"), "application/json"
	case 2:
		return []byte("{}"), pick(f.rand, "text/plain", "", "application/json; charset=latin1")
	}
	value := media["example"]
	if n > 0 || value == nil {
		value = f.value("", f.resolve(media["schema"].(object)), n, 0)
	}
	data, err := json.Marshal(value)
	if err != nil {
		f.t.Fatal(err)
	}
	return data, "application/json"
}

func (f *apiFuzz) resolve(schema object) object {
	ref, ok := schema["$ref"].(string)
	if !ok {
		return schema
	}
	var at any = f.doc
	for _, part := range strings.Split(strings.TrimPrefix(ref, "#/"), "/") {
		at = at.(object)[part]
	}
	return at.(object)
}

func (f *apiFuzz) text(name string, schema object, n int) string {
	if id := f.ids[name]; id != "" && f.rand.IntN(3) > 0 {
		return id
	}
	if name == "wait" || name == "wait_seconds" {
		return pick(f.rand, "0", "1", "-1", "56", "x")
	}
	v := f.value(name, schema, n, 0)
	if text, ok := v.(string); ok {
		return text
	}
	data, _ := json.Marshal(v)
	return string(data)
}

// value is one that fits the schema, more often than not.
func (f *apiFuzz) value(name string, schema object, n, depth int) any {
	if n > 2 && f.rand.IntN(12) == 0 {
		return pick[any](f.rand, nil, true, -1, 1.5, "", []any{}, object{}, strings.Repeat("z", 2000), 1e300, "\x00", "\u202e", "💥")
	}
	if id := f.ids[name]; id != "" && f.rand.IntN(3) > 0 && schema["type"] == "string" {
		return id
	}
	if list, ok := schema["enum"].([]any); ok {
		return list[f.rand.IntN(len(list))]
	}
	kind, _ := schema["type"].(string)
	if kinds, ok := schema["type"].([]any); ok {
		kind, _ = kinds[f.rand.IntN(len(kinds))].(string)
	}
	switch kind {
	case "object":
		return f.object(schema, n, depth)
	case "array":
		items, _ := schema["items"].(object)
		out := []any{}
		for range f.rand.IntN(3) {
			if items != nil && depth < 5 {
				out = append(out, f.value("", f.resolve(items), n, depth+1))
			}
		}
		return out
	case "integer":
		if name == "wait_seconds" {
			return f.rand.IntN(2)
		}
		return pick(f.rand, 0, 1, 2, 200, 1000, -1, 1<<40)
	case "number":
		return pick(f.rand, 0, 1, 3.4, -1)
	case "boolean":
		return f.rand.IntN(2) == 0
	case "string":
		return f.word()
	}
	return pick[any](f.rand, "x", 1, object{"a": 1}, []any{1})
}

func (f *apiFuzz) object(schema object, n, depth int) object {
	out := object{}
	props, _ := schema["properties"].(object)
	required, _ := schema["required"].([]any)
	names := make([]string, 0, len(props))
	for name := range props {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if slices.Contains(required, any(name)) && f.rand.IntN(20) > 0 || f.rand.IntN(3) == 0 && depth < 5 {
			out[name] = f.value(name, f.resolve(props[name].(object)), n, depth+1)
		}
	}
	if f.rand.IntN(15) == 0 {
		out["nonsense"] = 1
	}
	return out
}

func (f *apiFuzz) word() string {
	return pick(f.rand, "", "a", "Greet", "={{ $json.x }}", "{{ 1 + 1 }}", "2026-01-31T08:00:00Z", "n8n-nodes-base.set", "../../etc/passwd", "a' OR 1=1 --", "<b>", "ü💥\u202e", "%", strings.Repeat("w", 300))
}

func pick[T any](r *rand.Rand, list ...T) T { return list[r.IntN(len(list))] }

func (f *apiFuzz) request(op apiOperation, path string, query url.Values, headers http.Header, body []byte, kind string) {
	f.t.Helper()
	target := f.srv.url + path
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	req, err := http.NewRequestWithContext(f.t.Context(), op.method, target, bytes.NewReader(body))
	if err != nil {
		f.t.Fatal(err)
	}
	req.Header = headers.Clone()
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	switch {
	case strings.HasPrefix(path, "/api/mcp"):
		req.Header.Set("X-API-Key", f.key)
	case strings.HasPrefix(path, "/api/app"):
		req.Header.Set("Authorization", "Bearer "+f.token)
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		f.t.Errorf("%s %s: %v", op.method, target, err)
		f.faults++
		return
	}
	defer resp.Body.Close()
	f.answers[resp.StatusCode]++
	answer, err := io.ReadAll(resp.Body)
	if err == nil {
		err = f.judge(op, resp, answer)
	}
	if err != nil {
		f.faults++
		f.t.Errorf("%s %s\n headers %v\n body %.600s\n answer %d %.600s\n %v", op.method, target, headers, body, resp.StatusCode, answer, err)
	}
}

// judge holds an answer to the description.
func (f *apiFuzz) judge(op apiOperation, resp *http.Response, answer []byte) error {
	if resp.StatusCode == http.StatusInternalServerError {
		return fmt.Errorf("an internal error")
	}
	responses := op.op["responses"].(object)
	described, ok := responses[strconv.Itoa(resp.StatusCode)].(object)
	if !ok {
		return fmt.Errorf("the status is not described")
	}
	content, _ := f.resolve(described)["content"].(object)
	media, ok := content["application/json"].(object)
	if !ok || op.method == http.MethodHead {
		return nil
	}
	ref := "#/paths/" + pointer(op.path) + "/" + strings.ToLower(op.method) + "/responses/" + strconv.Itoa(resp.StatusCode)
	if r, ok := described["$ref"].(string); ok {
		ref = r
	}
	schema := media["schema"].(object)
	if r, ok := schema["$ref"].(string); ok {
		ref = r
	} else {
		ref += "/content/application~1json/schema"
	}
	compiled := f.compiled[ref]
	if compiled == nil {
		var err error
		if compiled, err = f.compiler.Compile("api.json" + ref); err != nil {
			return err
		}
		f.compiled[ref] = compiled
	}
	value, err := validator.UnmarshalJSON(bytes.NewReader(answer))
	if err != nil {
		return err
	}
	return compiled.Validate(value)
}

func pointer(path string) string {
	return url.PathEscape(strings.NewReplacer("~", "~0", "/", "~1").Replace(path))
}
