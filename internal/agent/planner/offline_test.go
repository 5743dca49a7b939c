package planner_test

import (
	"bufio"
	"encoding/json"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"flowgate/internal/agent/planner"
	"flowgate/internal/engine"
	"flowgate/internal/engine/expr"
	"flowgate/internal/workflow"
)

// ask is one request of the data file with its paraphrases.
type ask struct {
	name  string
	want  string
	holds []string
	texts []string
}

// asks reads the data file.
func asks(t *testing.T, path string) []ask {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var out []ask
	for lines := bufio.NewScanner(f); lines.Scan(); {
		line := strings.TrimSpace(lines.Text())
		head, isHead := strings.CutPrefix(line, "## ")
		switch {
		case isHead:
			parts := strings.Split(head, " | ")
			if len(parts) < 2 {
				t.Fatalf("%q has no expectation", line)
			}
			a := ask{name: parts[0], want: strings.TrimSuffix(strings.TrimSpace(parts[1]), " |")}
			if len(parts) > 2 && strings.Trim(parts[2], " |") != "" {
				a.holds = strings.Split(parts[2], " ; ")
			}
			out = append(out, a)
		case line != "" && !strings.HasPrefix(line, "#"):
			out[len(out)-1].texts = append(out[len(out)-1].texts, strings.ReplaceAll(line, `\n`, "\n"))
		}
	}
	return out
}

// outcome writes a plan as the data file does.
func outcome(p planner.Plan) string {
	switch {
	case len(p.Questions) > 0:
		ids := make([]string, len(p.Questions))
		for i, q := range p.Questions {
			ids[i] = q.ID
		}
		return "? " + strings.Join(ids, " ")
	case len(p.Gaps) > 0:
		return "! " + kindOfGap(p)
	}
	return graph(p.Document)
}

// kindOfGap tells gaps apart by what is offered.
func kindOfGap(p planner.Plan) string {
	ids := make([]string, len(p.Alternatives))
	for i, a := range p.Alternatives {
		ids[i] = a.ID
	}
	switch {
	case slices.Contains(ids, "webhook"):
		return "event"
	case slices.Contains(ids, "code"):
		return "ability"
	case strings.Contains(p.Gaps[0], "language model") || strings.Contains(p.Gaps[0], "语言模型"):
		return "ai"
	}
	return "service"
}

func sorted(graph string) string {
	edges := strings.Split(graph, ", ")
	slices.Sort(edges)
	return strings.Join(edges, ", ")
}

// TestRequests holds the offline planner to a file of requests: each of the
// paraphrases gives the expected graph, question or gap; what comes out is
// valid and runs with HTTP mocked.
func TestRequests(t *testing.T) {
	t.Parallel()
	o, reg := offline(), registry()
	list := asks(t, "testdata/requests.txt")
	if len(list) < 60 {
		t.Errorf("there are %d requests, want at least 60", len(list))
	}
	for _, a := range list {
		if len(a.texts) < 4 {
			t.Errorf("%s: %d ways to ask, want 4", a.name, len(a.texts))
		}
		for _, text := range a.texts {
			p := plan(t, o, text, nil)
			if got, want := outcome(p), a.want; got != want && sorted(got) != sorted(want) {
				t.Errorf("%s: %q\n got  %s\n want %s", a.name, text, got, want)
				continue
			}
			if p.Document == nil {
				continue
			}
			data, err := json.Marshal(p.Document)
			if err != nil {
				t.Fatal(err)
			}
			for _, part := range a.holds {
				part = strings.TrimSpace(part)
				if !strings.Contains(string(data), part) && !strings.Contains(string(data), strings.ReplaceAll(part, `"`, `\"`)) {
					t.Errorf("%s: %q: the document does not hold %s\n%s", a.name, text, part, data)
				}
			}
			if v := validate(reg, p.Document); !v.Valid || len(v.Warnings) > 0 {
				t.Errorf("%s: %q: findings %+v", a.name, text, v)
			}
			run(t, a.name+": "+text, p.Document)
		}
	}
}

// run runs a document with recorded answers; approvals and long waits end a
// run early, which is fine, and nodes that fail are not.
func run(t *testing.T, name string, doc *workflow.Document) {
	t.Helper()
	mock, err := engine.NewHTTPMock([]engine.MockAnswer{{URL: "*blog.test*", Headers: map[string]string{"content-type": "text/html"}, Body: json.RawMessage(`"<title>Hi</title><a href=/x>x</a>"`)},
		{URL: "*.xml", Headers: map[string]string{"content-type": "application/xml"}, Body: json.RawMessage(`"<rss><channel><item><title>Hi</title><link>x</link></item></channel></rss>"`)},
		{URL: "*.csv", Headers: map[string]string{"content-type": "text/csv"}, Body: json.RawMessage(`"id,name\n1,Ann\n"`)},
		{URL: "*", Body: json.RawMessage(sample)}})
	if err != nil {
		t.Fatal(err)
	}
	body, err := workflow.DecodeJSON([]byte(`{"body":` + sampleItem + `,"query":{},"headers":{},"name":"Ann","email":"ann@example.com","age":20,"message":"hi"}`))
	if err != nil {
		t.Fatal(err)
	}
	doc.ID = "planned"
	pin := workflow.PinData{} // nobody decides, and nobody waits
	for _, n := range doc.Nodes {
		if kind := n.Type[strings.LastIndexByte(n.Type, '.')+1:]; kind == "approval" || kind == "wait" || kind == "form" || kind == "extractFromFile" && n.Parameters.Value("operation") == "xlsx" {
			pin[n.Name] = []any{workflow.NewObject("json", body)}
		}
	}
	doc.PinData = pin
	now := time.Now()
	job := engine.Job{HTTP: &http.Client{Transport: mock},
		Workflow: &workflow.Workflow{ID: "planned", Document: *doc, Version: 1},
		Execution: &workflow.Execution{ID: "run", WorkflowID: "planned", WorkflowVersion: 1, Mode: workflow.ModeManual, Clock: now, CreatedAt: now, StartedAt: now,
			Start: workflow.Start{PinData: true, Items: []workflow.Item{{JSON: body.(*workflow.Object)}}}}}
	out := runner.Run(t.Context(), job)
	if out.Err != nil || out.Status == workflow.StatusError && !strings.Contains(out.Error.NodeType, "executeWorkflow") {
		t.Errorf("%s: the run ended as %s %+v %v", name, out.Status, out.Error, out.Err)
	}
}

var runner = engine.New(engine.Options{Registry: registry(), Expr: expr.NewPool(expr.Options{})})

const (
	sampleItem = `{"id":1,"amount":700,"total":700,"status":"paid","email":"ann@example.com","name":"Ann","title":"urgent news","age":20,"city":"Oslo","price":3,"quantity":2,
		"first":"Ann","last":"Lee","mail":"a@example.com","tel":"1","date":"2026-01-02","lines":[{"sku":"a","quantity":2}],"password":"x","sku":"a","population":9,"phone":"1","sold":3,"邮箱":"ann@example.com","金额":700,"评分":2}`
	sample = `[` + sampleItem + `,{"id":2,"amount":5,"total":5,"status":"open","email":"","name":"Bob","title":"other","age":9,"city":"Rome","price":1,"quantity":1,
		"first":"Bob","last":"Roe","mail":"b@example.com","tel":"2","date":"2026-02-02","lines":[{"sku":"b","quantity":1}],"password":"y","sku":"b","population":5,"phone":"2","sold":4,"邮箱":"bob@example.com","金额":5,"评分":5}]`
)
