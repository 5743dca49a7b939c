package planner

import (
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"flowgate/internal/workflow"
)

// end is a loose end of the graph: an output that nothing is connected to yet.
type end struct {
	node string
	out  int
}

// builder makes a document of steps.
type builder struct {
	r     *reading
	can   abilities
	doc   *workflow.Document
	at    scope
	x, y  float64
	notes []string
}

func newBuilder(r *reading, can abilities) *builder {
	return &builder{r: r, can: can, at: scope{known: map[string]bool{}},
		doc: &workflow.Document{Nodes: []workflow.Node{}, Connections: workflow.Connections{}, Settings: workflow.Settings{ExecutionOrder: "v1"}}}
}

type object = workflow.Object

func obj(pairs ...any) *object { return workflow.NewObject(pairs...) }

// add places a node behind the loose ends and returns its name.
func (b *builder) add(from []end, kind, name string, params *object) string {
	t, version := b.can.newest(kind)
	name = b.unique(name)
	b.doc.Nodes = append(b.doc.Nodes, workflow.Node{ID: nodeID(name, len(b.doc.Nodes)), Name: name, Type: t.Type, TypeVersion: version,
		Position: [2]float64{b.x, b.y}, Parameters: params})
	b.x += 220
	for _, e := range from {
		b.connect(e, name, 0)
	}
	return name
}

// nodeID is stable for the same document, so that planning is.
func nodeID(name string, n int) string {
	return uuid.NewSHA1(uuid.NameSpaceURL, []byte("flowgate:"+name+":"+strconv.Itoa(n))).String()
}

func (b *builder) connect(e end, to string, input int) {
	c := b.doc.Connections[e.node]
	if c == nil {
		c = map[string][][]workflow.Target{}
		b.doc.Connections[e.node] = c
	}
	for len(c["main"]) <= e.out {
		c["main"] = append(c["main"], []workflow.Target{})
	}
	c["main"][e.out] = append(c["main"][e.out], workflow.Target{Node: to, Type: "main", Index: input})
}

func (b *builder) unique(name string) string {
	name = strings.TrimSpace(name)
	if r := []rune(name); len(r) > 48 {
		name = strings.TrimSpace(string(r[:48]))
	}
	for i, base := 2, name; b.doc.NodeByName(name) != nil; i++ {
		name = base + " " + strconv.Itoa(i)
	}
	return name
}

func (b *builder) note(en, zh string) {
	n := b.r.pick(en, zh)
	if !slices.Contains(b.notes, n) {
		b.notes = append(b.notes, n)
	}
}

// pick returns the words of the request's language.
func (r *reading) pick(en, zh string) string {
	if r.lang == "zh" {
		return zh
	}
	return en
}

func only(node string) []end { return []end{{node, 0}} }

func has(steps []step, kind string) bool {
	return slices.ContainsFunc(steps, func(s step) bool {
		return s.kind == kind || has(s.steps, kind) || slices.ContainsFunc(s.arms, func(a arm) bool { return has(a.steps, kind) })
	})
}

// chain adds steps one behind the other and returns the loose ends.
func (b *builder) chain(from []end, steps []step) []end {
	for i := range steps {
		from = b.step(from, &steps[i])
	}
	return from
}

// uses reports the steps that take values from before a request's answer,
// such as one more request with the same data.
func (b *builder) settle(s *step) {
	if b.at.before == "" {
		return
	}
	words := strings.ToLower(s.raw + s.about)
	answer := lazily(`(?i)\b(?:response|answer|reply|what (?:it|they) (?:returns?|answers?)|返回|响应|应答)\b|响应|返回结果`).MatchString(words)
	switch s.kind {
	case "send", "mail", "approval", "respond", "wait", "stop", "noop", "sub":
		if answer && s.kind != "respond" && s.kind != "wait" {
			b.at.before = ""
		}
	default:
		b.at.before = ""
	}
}

func (b *builder) step(from []end, s *step) []end { //nolint:funlen // one case per kind
	b.settle(s)
	p := b.r.pick
	switch s.kind {
	case "fetch":
		return b.fetch(from, s)
	case "send":
		return b.send(from, s)
	case "filter":
		c := s.cond
		if s.negate {
			c = c.not()
		}
		return only(b.add(from, "filter", p("Keep ", "筛选 ")+b.r.say(c), obj("conditions", b.conditions(c), "looseTypeValidation", true, "options", obj())))
	case "if":
		return b.branches(from, s)
	case "switch":
		return b.routes(from, s)
	case "set":
		return b.set(from, s.pairs)
	case "keep", "drop":
		return b.fields(from, s)
	case "rename":
		return b.rename(from, s)
	case "sort", "top":
		return b.sort(from, s)
	case "limit":
		return b.limit(from, s)
	case "summarize":
		return b.summarize(from, s)
	case "dedupe":
		params := obj("options", obj())
		name := p("Remove duplicates", "去重")
		if len(s.fields) > 0 {
			params = obj("compare", "selectedFields", "fieldsToCompare", b.paths(s.fields), "options", obj())
			name += p(" by ", "：") + strings.Join(s.fields, ", ")
		}
		return only(b.add(from, "removeDuplicates", name, params))
	case "split":
		f := s.fields[0]
		n := b.add(from, "splitOut", p("Split out ", "拆分 ")+f, obj("fieldToSplitOut", b.at.path(f), "options", obj()))
		b.fresh()
		return only(n)
	case "aggregate":
		return b.aggregate(from, s)
	case "wait":
		return b.wait(from, s)
	case "each":
		return b.each(from, s)
	case "sub":
		n := b.add(from, "executeWorkflow", p("Run ", "运行 ")+s.to, obj("workflowId", obj("__rl", true, "mode", "id", "value", s.to), "options", obj()))
		b.fresh()
		return only(n)
	case "code":
		params := obj("jsCode", s.code)
		if !s.all {
			params = obj("mode", "runOnceForEachItem", "jsCode", s.code)
		}
		n := b.add(from, "code", p("Run code", "运行代码"), params)
		b.fresh()
		return only(n)
	case "respond":
		return b.respond(from, s)
	case "approval":
		return b.approval(from, s)
	case "form":
		n := b.add(from, "form", p("Ask with a form", "填写表单"), obj("formTitle", p("Please fill in", "请填写"), "formFields", obj("values", formValues(s.fields)), "options", obj()))
		b.fresh()
		for _, f := range s.fields {
			b.at.known[f] = true
		}
		return only(n)
	case "mail":
		return b.mail(from, s)
	case "merge", "compare":
		return b.merge(from, s)
	case "html":
		return b.html(from, s)
	case "xml":
		n := b.add(from, "xml", p("Convert XML", "转换 XML"), obj("mode", s.what, "dataPropertyName", "data", "options", obj()))
		b.fresh()
		return only(n)
	case "markdown":
		f := "data"
		if len(s.fields) > 0 {
			f = s.fields[0]
		}
		key := map[string]string{"markdownToHtml": "markdown", "htmlToMarkdown": "html"}[s.what]
		return only(b.add(from, "markdown", p("Convert "+key, "转换 "+key), obj("mode", s.what, key, "={{ "+b.at.ref(f)+" }}", "options", obj())))
	case "hash":
		f := s.fields[0]
		key := f + "Hash"
		b.at.known[key] = true
		return only(b.add(from, "crypto", p("Hash ", "哈希 ")+f, obj("type", s.what, "value", "={{ "+b.at.ref(f)+" }}", "dataPropertyName", key)))
	case "uuid":
		b.at.known[s.text] = true
		return only(b.add(from, "crypto", p("New id", "新 ID"), obj("action", "generate", "dataPropertyName", s.text)))
	case "date":
		return b.date(from, s)
	case "file":
		n := b.add(from, "convertToFile", p("Make a ", "生成 ")+s.what+p(" file", " 文件"), obj("operation", s.what, "options", obj()))
		b.fresh()
		return only(n)
	case "read":
		n := b.add(from, "extractFromFile", p("Read ", "读取 ")+s.what, obj("operation", s.what, "options", obj()))
		b.fresh()
		return only(n)
	case "stop":
		b.add(from, "stopAndError", p("Stop", "停止"), obj("errorMessage", b.text(s.text)))
		return nil
	case "mcp":
		n := b.add(from, "mcpTool", p("Call ", "调用 ")+s.to, obj("server", obj("url", s.url), "tool", s.to))
		b.fresh()
		return only(n)
	case "example":
		n := b.add(from, s.what, b.can.types[s.what].DisplayName, b.can.example(s.what))
		b.note("Look over the parameters of \""+n+"\": they are the catalogue's example.", "请检查“"+n+"”的参数：用的是目录里的示例。")
		return only(n)
	}
	return only(b.add(from, "noOp", p("Nothing to do", "不处理"), obj()))
}

// fresh forgets where fields were: the items are new ones.
func (b *builder) fresh() { b.at = scope{known: map[string]bool{}} }

func (b *builder) paths(fields []string) string {
	out := make([]string, len(fields))
	for i, f := range fields {
		out[i] = b.at.path(f)
	}
	return strings.Join(out, ", ")
}

// changed reports that fields were set beside what a webhook received.
func (b *builder) changed() bool {
	for f := range b.source().known {
		switch f {
		case "body", "query", "headers", "params":
		default:
			return true
		}
	}
	return false
}
