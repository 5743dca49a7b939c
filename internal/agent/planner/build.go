package planner

import (
	"fmt"
	"net/url"
	"regexp"
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

// scope is where the fields of the items are at a place of the workflow.
type scope struct {
	prefix string          // "body." behind a webhook
	known  map[string]bool // fields at the top
	before string          // the node whose items a request replaced by its answer
	old    *scope          // the scope there
}

// builder makes a document of steps.
type builder struct {
	r     *reading
	can   abilities
	doc   *workflow.Document
	at    scope
	x, y  float64
	notes []string
	hook  string // name of the webhook trigger, "" when there is none
	loops int
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

// triggers adds what starts the workflow.
func (b *builder) triggers(list []trigger, steps []step) []end {
	responds := has(steps, "respond")
	if len(list) == 0 && responds {
		list = []trigger{{kind: "webhook"}}
	}
	if len(list) == 0 {
		list = []trigger{{kind: "manual"}}
		if len(steps) > 0 {
			b.note("It starts when you run it. Say for instance \"every morning at 9\" or \"when a webhook is called\" to change that.",
				"它在你手动运行时启动。说“每天早上9点”或“收到 webhook 时”可以更改。")
		}
	}
	var ends []end
	for i, t := range list {
		b.x, b.y = 0, float64(i)*180
		ends = append(ends, end{b.trigger(t, responds), 0})
	}
	b.x, b.y = 220, 0
	return ends
}

func has(steps []step, kind string) bool {
	return slices.ContainsFunc(steps, func(s step) bool {
		return s.kind == kind || has(s.steps, kind) || slices.ContainsFunc(s.arms, func(a arm) bool { return has(a.steps, kind) })
	})
}

func (b *builder) trigger(t trigger, responds bool) string {
	p := b.r.pick
	switch t.kind {
	case "schedule":
		b.at = scope{known: map[string]bool{}}
		b.note("The schedule runs once you activate the workflow.", "激活工作流后，定时才会生效。")
		return b.add(nil, "scheduleTrigger", p("Schedule", "定时触发"), obj("rule", obj("interval", rules(t.rules))))
	case "webhook":
		return b.webhook(t, responds)
	case "form":
		b.at = scope{known: map[string]bool{}}
		fields := t.fields
		if len(fields) == 0 {
			fields = []string{"name", "email"}
		}
		title := t.title
		if title == "" {
			title = p("Form", "表单")
		}
		for _, f := range fields {
			b.at.known[f] = true
		}
		return b.add(nil, "formTrigger", p("Form", "表单"), obj("path", pathOf(title, "form"), "formTitle", title, "formFields", obj("values", formValues(fields))))
	case "sub":
		b.at = scope{known: map[string]bool{}}
		return b.add(nil, "executeWorkflowTrigger", p("When called", "被调用时"), obj("inputSource", "passthrough"))
	case "error":
		b.at = scope{known: map[string]bool{}}
		b.note("Name this workflow as the error workflow in the settings of those it is to watch.", "请在要监控的工作流设置里把它设为错误工作流。")
		return b.add(nil, "errorTrigger", p("On failure", "失败时"), obj())
	case "chat":
		b.at = scope{known: map[string]bool{"chatInput": true, "sessionId": true}}
		return b.add(nil, "chatTrigger", p("Chat message", "聊天消息"), obj("options", obj()))
	}
	b.at = scope{known: map[string]bool{}}
	return b.add(nil, "manualTrigger", p("Start by hand", "手动触发"), obj())
}

func (b *builder) webhook(t trigger, responds bool) string {
	method := t.method
	if method == "" {
		method = "POST"
	}
	path := strings.Trim(t.path, "/")
	if path == "" {
		path = pathOf(t.about, "incoming")
	}
	b.at = scope{prefix: "body.", known: map[string]bool{"body": true, "query": true, "headers": true, "params": true}}
	if method == "GET" || method == "DELETE" {
		b.at.prefix = "query."
	}
	params := obj("httpMethod", method, "path", path, "responseMode", "onReceived", "options", obj())
	if responds {
		params.Set("responseMode", "responseNode")
	}
	b.note("Its address answers once you activate the workflow; what is sent there arrives under \"body\".", "激活工作流后，它的地址即可使用；收到的数据在 body 里。")
	b.hook = b.add(nil, "webhook", b.r.pick("Webhook", "Webhook"), params)
	n := b.doc.NodeByName(b.hook)
	n.WebhookID = n.ID
	return b.hook
}

// pathOf makes a path of a title.
func pathOf(s, otherwise string) string {
	if p := slug(regexp.MustCompile(`(?i)\b(?:when|web ?hooks?|is|called|comes|arrives|received|request|post|get|form|fills?|submits?|someone|http|endpoint)\b`).ReplaceAllString(s, "")); p != "" {
		return p
	}
	return otherwise
}

func rules(list []rule) []any {
	out := []any{}
	for _, r := range list {
		o := obj("field", r.field)
		switch r.field {
		case "cronExpression":
			o.Set("expression", r.cron)
		case "seconds", "minutes", "hours":
			o.Set(r.field+"Interval", float64(r.every))
		default:
			o.Set(r.field+"Interval", float64(max(r.every, 1)))
			if r.field == "weeks" {
				days := []any{}
				for _, d := range r.days {
					days = append(days, float64(d))
				}
				o.Set("triggerAtDay", days)
			}
			if r.field == "months" {
				o.Set("triggerAtDayOfMonth", float64(max(r.day, 1)))
			}
			o.Set("triggerAtHour", float64(r.hour))
			o.Set("triggerAtMinute", float64(r.min))
		}
		out = append(out, o)
	}
	return out
}

func formValues(fields []string) []any {
	out := []any{}
	for _, f := range fields {
		kind := "text"
		switch lower := strings.ToLower(f); {
		case strings.Contains(lower, "mail"), strings.Contains(f, "邮箱"), strings.Contains(f, "邮件"):
			kind = "email"
		case regexp.MustCompile(`message|comment|description|text|留言|备注|描述|内容`).MatchString(lower):
			kind = "textarea"
		case regexp.MustCompile(`\b(?:age|amount|number|quantity|price|count)\b|数量|金额|年龄|价格`).MatchString(lower):
			kind = "number"
		case regexp.MustCompile(`\bdate\b|日期`).MatchString(lower):
			kind = "date"
		}
		out = append(out, obj("fieldLabel", f, "fieldType", kind, "requiredField", true))
	}
	return out
}

// path is where a field is, for parameters that take a path.
func (s scope) path(field string) string {
	head, _, _ := strings.Cut(field, ".")
	if s.known[head] || strings.HasPrefix(field, s.prefix) && s.prefix != "" {
		return field
	}
	return s.prefix + field
}

var reIdent = regexp.MustCompile(`^[\p{L}_$][\p{L}\p{N}_$]*$`)

// ref is the JavaScript for a field.
func (s scope) ref(field string) string { return s.refOn("$json", field) }

func (s scope) refOn(item, field string) string {
	out := item
	for _, part := range strings.Split(s.path(field), ".") {
		if reIdent.MatchString(part) {
			out += "." + part
		} else {
			out += "[" + strconv.Quote(part) + "]"
		}
	}
	return out
}

var reFieldToken = regexp.MustCompile(`«f:([^»]+)»`)

// code puts the places of fields into an expression.
func (b *builder) code(s string) string {
	return reFieldToken.ReplaceAllStringFunc(s, func(t string) string {
		return b.source().refOn(b.item(), reFieldToken.FindStringSubmatch(t)[1])
	})
}

// item is the JavaScript for the item that values are taken from.
func (b *builder) item() string {
	if b.at.before != "" {
		return "$(" + jsQuote(b.at.before) + ").item.json"
	}
	return "$json"
}

func (b *builder) source() scope {
	if b.at.before != "" && b.at.old != nil {
		return *b.at.old
	}
	return b.at
}

func jsQuote(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}

// conditions writes c as the If, Switch and Filter nodes have it.
func (b *builder) conditions(c condition) *object {
	list := []any{}
	for i, t := range c.tests {
		op := obj("type", t.kind, "operation", t.op)
		if t.kind == "any" {
			op = obj("type", "string", "operation", t.op)
		}
		o := obj("id", "c"+strconv.Itoa(i+1), "leftValue", "={{ "+b.at.ref(t.field)+" }}", "rightValue", "", "operator", op)
		switch v := t.value.(type) {
		case nil:
			op.Set("singleValue", true)
		case string:
			if name, ok := strings.CutPrefix(v, "="); ok && !strings.HasPrefix(name, "{{") {
				v = "={{ " + b.at.ref(name) + " }}"
			} else if code, ok := template(v); ok && !strings.HasPrefix(v, "=") {
				v = "={{ " + b.code(code) + " }}"
			}
			o.Set("rightValue", v)
		default:
			o.Set("rightValue", v)
		}
		list = append(list, o)
	}
	combinator := "and"
	if c.any {
		combinator = "or"
	}
	return obj("options", obj("caseSensitive", false, "leftValue", "", "typeValidation", "loose", "version", 2.0), "combinator", combinator, "conditions", list)
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
	answer := regexp.MustCompile(`(?i)\b(?:response|answer|reply|what (?:it|they) (?:returns?|answers?)|返回|响应|应答)\b|响应|返回结果`).MatchString(words)
	switch s.kind {
	case "send", "mail", "approval", "respond", "wait", "stop", "noop", "sub":
		if answer && s.kind != "respond" || s.kind == "wait" {
			if s.kind != "wait" {
				b.at.before = ""
			}
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

// address writes a URL in which {field} stands for a value.
func (b *builder) address(s string) string {
	s = strings.NewReplacer("%7B", "{", "%7D", "}").Replace(s)
	at := strings.Index(s, "://")
	colon := regexp.MustCompile(`/:([A-Za-z_]\w*)`)
	if at > 0 {
		s = s[:at+3] + colon.ReplaceAllString(s[at+3:], "/{$1}")
	}
	if !reSlot.MatchString(s) {
		return s
	}
	return "=" + reSlot.ReplaceAllStringFunc(s, func(m string) string {
		g := reSlot.FindStringSubmatch(m)
		return "{{ " + b.source().refOn(b.item(), g[1]+g[2]+g[3]) + " }}"
	})
}

// text writes a text in which {field} stands for a value.
func (b *builder) text(s string) string {
	if !reSlot.MatchString(s) {
		return s
	}
	return "=" + reSlot.ReplaceAllStringFunc(s, func(m string) string {
		g := reSlot.FindStringSubmatch(m)
		return "{{ " + b.source().refOn(b.item(), g[1]+g[2]+g[3]) + " }}"
	})
}

// placeName names a request after its address.
func placeName(address string) string {
	u, err := url.Parse(regexp.MustCompile(`\{+[^}]*\}+`).ReplaceAllString(address, ""))
	if err != nil || u.Host == "" {
		return address
	}
	path := strings.Trim(u.Path, "/")
	if i := strings.LastIndexByte(path, '/'); i >= 0 {
		path = path[i+1:]
	}
	host := strings.TrimPrefix(u.Hostname(), "www.")
	if path == "" || len(path) > 24 {
		return host
	}
	return path + " (" + host + ")"
}

func (b *builder) request(s *step, address string) *object {
	params := obj()
	if s.method != "" && s.method != "GET" {
		params.Set("method", s.method)
	}
	params.Set("url", b.address(address))
	if s.auth != "" {
		params.Set("authentication", "genericCredentialType")
		params.Set("genericAuthType", s.auth)
		b.note("Store the credential and choose it in the request's node.", "请保存凭证并在请求节点里选择它。")
	}
	if len(s.head) > 0 {
		list := []any{}
		for _, h := range s.head {
			list = append(list, obj("name", h.name, "value", b.text(fmt.Sprint(h.value))))
		}
		params.Set("sendHeaders", true)
		params.Set("headerParameters", obj("parameters", list))
	}
	return params
}

// finish sets what belongs to the node rather than its parameters, and adds
// the branch for failures.
func (b *builder) finish(name string, s *step) []end {
	n := b.doc.NodeByName(name)
	if s.n > 0 {
		n.RetryOnFail, n.MaxTries = true, int(s.n)
	}
	if s.status == -1 {
		n.OnError = workflow.OnErrorContinue
	}
	for _, a := range s.arms {
		if a.label == "error" {
			n.OnError = workflow.OnErrorContinueToError
			x, at := b.x, b.at
			b.y += 180
			b.chain([]end{{name, 1}}, a.steps)
			b.y -= 180
			b.x, b.at = x, at
		}
	}
	return only(name)
}

func (b *builder) fetch(from []end, s *step) []end {
	if len(s.urls) > 1 {
		m := step{kind: "merge", what: "append", about: s.about}
		for _, u := range s.urls {
			one := *s
			one.urls, one.url = nil, u
			m.steps = append(m.steps, one)
		}
		return b.merge(from, &m)
	}
	params := b.request(s, s.url)
	if len(s.pairs) > 0 {
		list := []any{}
		for _, q := range s.pairs {
			list = append(list, obj("name", q.name, "value", b.value(q)))
		}
		params.Set("sendQuery", true)
		params.Set("queryParameters", obj("parameters", list))
	}
	options := obj()
	switch s.what {
	case "file":
		options.Set("response", obj("response", obj("responseFormat", "file")))
	case "text":
		options.Set("response", obj("response", obj("responseFormat", "text")))
	case "pages":
		options.Set("pagination", obj("pagination", obj("parameters", obj("parameters", []any{obj("name", "page", "value", "={{ $pageCount + 1 }}")}),
			"limitPagesFetched", true, "maxRequests", 50.0)))
		b.note("Pages are asked for by the query parameter page, at most 50, until one is empty.", "分页使用查询参数 page，最多 50 页，直到返回为空。")
	}
	params.Set("options", options)
	name := b.add(from, "httpRequest", b.r.pick("Fetch ", "获取 ")+placeName(s.url), params)
	b.fresh()
	ends := b.finish(name, s)
	return b.chain(ends, s.steps)
}

// value is what a pair gives a parameter: a plain value or an expression.
func (b *builder) value(p pair) any {
	if p.code != "" {
		return "={{ " + b.code(p.code) + " }}"
	}
	return p.value
}

func (b *builder) send(from []end, s *step) []end {
	if s.all {
		from = b.aggregate(from, &step{kind: "aggregate", all: true})
	}
	urls := s.urls
	if len(urls) < 2 {
		urls = []string{s.url}
	}
	before, at := sourceName(from), b.at
	var ends []end
	y := b.y
	for i, u := range urls {
		b.at = at
		b.y = y + float64(i)*180
		if i > 0 {
			b.x -= 220
		}
		params := b.request(s, u)
		b.body(params, s)
		params.Set("options", obj())
		name := b.add(from, "httpRequest", b.r.pick(verbName(s.method), "发送到 ")+placeName(u), params)
		ends = append(ends, b.finish(name, s)...)
	}
	b.y = y
	if at.before != "" {
		b.at = at
	} else {
		old := at
		b.at = scope{known: map[string]bool{}, before: before, old: &old}
	}
	return ends
}

// sourceName is the node whose items go into a request; of several there is
// no one to refer to.
func sourceName(from []end) string {
	if len(from) == 1 {
		return from[0].node
	}
	return ""
}

func verbName(method string) string {
	switch method {
	case "PUT", "PATCH":
		return "Update "
	case "DELETE":
		return "Delete at "
	}
	return "Send to "
}

func (b *builder) body(params *object, s *step) {
	if s.method == "DELETE" && len(s.pairs) == 0 && s.what == "" {
		return
	}
	params.Set("sendBody", true)
	switch {
	case s.what == "json":
		params.Set("specifyBody", "json")
		params.Set("jsonBody", b.text(s.text))
	case s.what == "text":
		params.Set("bodyParameters", obj("parameters", []any{obj("name", "text", "value", b.text(s.text))}))
	case len(s.pairs) > 0:
		list := []any{}
		for _, q := range s.pairs {
			list = append(list, obj("name", q.name, "value", b.value(q)))
		}
		params.Set("bodyParameters", obj("parameters", list))
	default:
		item := b.item()
		if p := strings.TrimSuffix(b.source().prefix, "."); p != "" && !b.changed() {
			item += "." + p
		}
		params.Set("specifyBody", "json")
		params.Set("jsonBody", "={{ "+item+" }}")
	}
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

func (b *builder) branches(from []end, s *step) []end {
	c := s.arms[0].cond
	name := b.add(from, "if", b.r.say(c)+b.r.pick("?", "？"), obj("conditions", b.conditions(c), "looseTypeValidation", true, "options", obj()))
	return b.arms(name, s.arms, len(s.arms) == 1)
}

// arms adds the branches of a node; open: the output behind the last one is
// a loose end, too.
func (b *builder) arms(name string, arms []arm, open bool) []end {
	at, x, y := b.at, b.x, b.y
	width := x
	var ends []end
	for i, a := range arms {
		b.at, b.x, b.y = at.clone(), x, y+float64(i)*180
		ends = append(ends, b.chain([]end{{name, i}}, a.steps)...)
		width = max(width, b.x)
	}
	if open {
		ends = append(ends, end{name, len(arms)})
	}
	b.at, b.x, b.y = at, width, y
	return ends
}

func (s scope) clone() scope {
	known := map[string]bool{}
	for k := range s.known {
		known[k] = true
	}
	s.known = known
	return s
}

func (b *builder) routes(from []end, s *step) []end {
	values := []any{}
	options := obj()
	for _, a := range s.arms {
		if a.other {
			options.Set("fallbackOutput", "extra")
			continue
		}
		values = append(values, obj("conditions", b.conditions(a.cond), "renameOutput", true, "outputKey", clip(a.label, 30)))
	}
	label := b.r.pick("Which case?", "哪种情况？")
	if len(s.arms) > 0 && len(s.arms[0].cond.tests) > 0 {
		label = b.r.pick("Which ", "按 ") + s.arms[0].cond.tests[0].field + b.r.pick("?", " 分流")
	}
	name := b.add(from, "switch", label, obj("rules", obj("values", values), "looseTypeValidation", true, "options", options))
	return b.arms(name, s.arms, false)
}

func clip(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n])
	}
	return s
}

func (b *builder) set(from []end, pairs []pair) []end {
	list := []any{}
	var fields []string
	for i, q := range pairs {
		kind := "string"
		switch q.value.(type) {
		case float64:
			kind = "number"
		case bool:
			kind = "boolean"
		}
		if q.code != "" && regexp.MustCompile(` [*/-] |Number\(`).MatchString(q.code) && !strings.Contains(q.code, `"`) {
			kind = "number"
		} else if q.code != "" && strings.Contains(q.code, " + ") && !strings.ContainsAny(q.code, `"'`) {
			kind = "number"
		}
		v := b.value(q)
		if f, ok := q.value.(string); ok {
			v = b.text(f)
		}
		list = append(list, obj("id", "a"+strconv.Itoa(i+1), "name", q.name, "value", v, "type", kind))
		fields = append(fields, q.name)
	}
	for _, f := range fields {
		head, _, _ := strings.Cut(f, ".")
		b.at.known[head] = true
	}
	return only(b.add(from, "set", b.r.pick("Set ", "设置 ")+strings.Join(fields, ", "),
		obj("assignments", obj("assignments", list), "includeOtherFields", true, "options", obj())))
}

func (b *builder) fields(from []end, s *step) []end {
	if s.kind == "drop" {
		return only(b.add(from, "set", b.r.pick("Remove ", "移除 ")+strings.Join(s.fields, ", "),
			obj("assignments", obj("assignments", []any{}), "includeOtherFields", true, "include", "except", "excludeFields", b.paths(s.fields), "options", obj())))
	}
	list := []any{}
	for i, f := range s.fields {
		list = append(list, obj("id", "a"+strconv.Itoa(i+1), "name", f, "value", "={{ "+b.at.ref(f)+" }}", "type", "any"))
	}
	name := b.r.pick("Keep ", "保留 ") + strings.Join(s.fields, ", ")
	if b.at.prefix != "" { // the fields move to the top
		for _, o := range list {
			o.(*object).Set("type", "string")
		}
		n := b.add(from, "set", name, obj("assignments", obj("assignments", list), "options", obj()))
		b.fresh()
		for _, f := range s.fields {
			b.at.known[f] = true
		}
		return only(n)
	}
	return only(b.add(from, "set", name, obj("assignments", obj("assignments", []any{}), "includeOtherFields", true, "include", "selected",
		"includeFields", strings.Join(s.fields, ", "), "options", obj())))
}

func (b *builder) rename(from []end, s *step) []end {
	list := []any{}
	var names []string
	for _, q := range s.pairs {
		to := fmt.Sprint(q.value)
		old := b.at.path(q.name)
		if i := strings.LastIndexByte(old, '.'); i >= 0 && !strings.Contains(to, ".") {
			to = old[:i+1] + to
		}
		list = append(list, obj("currentKey", old, "newKey", to))
		names = append(names, q.name)
		if b.at.known[q.name] {
			delete(b.at.known, q.name)
			b.at.known[fmt.Sprint(q.value)] = true
		}
	}
	return only(b.add(from, "renameKeys", b.r.pick("Rename ", "重命名 ")+strings.Join(names, ", "), obj("keys", obj("key", list), "additionalOptions", obj())))
}

func (b *builder) sort(from []end, s *step) []end {
	if s.order == "random" {
		return only(b.add(from, "sort", b.r.pick("Shuffle", "随机排序"), obj("type", "random", "options", obj())))
	}
	pairs := s.pairs
	for _, f := range s.fields {
		pairs = append(pairs, pair{name: f, value: s.order})
	}
	list := []any{}
	var names []string
	for _, q := range pairs {
		list = append(list, obj("fieldName", b.at.path(q.name), "order", q.value))
		names = append(names, q.name)
	}
	n := b.add(from, "sort", b.r.pick("Sort by ", "排序：")+strings.Join(names, ", "), obj("sortFieldsUi", obj("sortField", list), "options", obj()))
	if s.kind == "top" {
		return b.limit(only(n), &step{n: s.n})
	}
	return only(n)
}

func (b *builder) limit(from []end, s *step) []end {
	params := obj("maxItems", s.n)
	name := b.r.pick("First ", "前 ")
	if s.last {
		params.Set("keep", "lastItems")
		name = b.r.pick("Last ", "后 ")
	}
	return only(b.add(from, "limit", name+strconv.Itoa(int(s.n))+b.r.pick("", " 条"), params))
}

func (b *builder) summarize(from []end, s *step) []end {
	list := []any{}
	var names []string
	for _, q := range s.pairs {
		f := q.name
		if f == "" {
			if len(s.by) > 0 {
				f = s.by[0]
			} else {
				f = b.r.pick("count", "数量")
			}
		}
		agg := fmt.Sprint(q.value)
		o := obj("aggregation", agg, "field", b.at.path(f))
		if agg == "count" {
			if len(s.by) == 0 && q.name == "" { // counts the items themselves
				return b.count(from)
			}
			o.Set("includeEmpty", true)
		}
		list = append(list, o)
		names = append(names, agg+" "+f)
	}
	params := obj("fieldsToSummarize", obj("values", list), "options", obj("continueIfFieldNotFound", true))
	name := strings.Join(names, ", ")
	if len(s.by) > 0 {
		params.Set("fieldsToSplitBy", b.paths(s.by))
		name += b.r.pick(" by ", " 按 ") + strings.Join(s.by, ", ")
	}
	n := b.add(from, "summarize", name, params)
	b.fresh()
	return only(n)
}

// count counts items: each gets a mark, the marks are counted.
func (b *builder) count(from []end) []end {
	from = b.set(from, []pair{{name: "item", value: 1.0}})
	n := b.add(from, "summarize", b.r.pick("Count items", "统计数量"), obj("fieldsToSummarize", obj("values", []any{obj("aggregation", "count", "field", "item")}), "options", obj()))
	b.fresh()
	return only(n)
}

func (b *builder) aggregate(from []end, s *step) []end {
	params := obj("aggregate", "aggregateAllItemData", "options", obj())
	name := b.r.pick("All items in one", "合并为一条")
	known := map[string]bool{"data": true}
	if !s.all {
		list := []any{}
		known = map[string]bool{}
		for _, f := range s.fields {
			list = append(list, obj("fieldToAggregate", b.at.path(f)))
			known[f] = true
		}
		params = obj("fieldsToAggregate", obj("fieldToAggregate", list), "options", obj())
		name = b.r.pick("List of ", "收集 ") + strings.Join(s.fields, ", ")
	}
	n := b.add(from, "aggregate", name, params)
	b.at = scope{known: known}
	return only(n)
}

func (b *builder) wait(from []end, s *step) []end {
	switch {
	case s.what == "webhook":
		return only(b.add(from, "wait", b.r.pick("Wait for a call", "等待回调"), obj("resume", "webhook", "options", obj())))
	case s.until != "":
		return only(b.add(from, "wait", b.r.pick("Wait until then", "等到指定时间"), obj("resume", "specificTime", "dateTime", s.until)))
	}
	amount := strconv.FormatFloat(s.n, 'f', -1, 64)
	return only(b.add(from, "wait", b.r.pick("Wait "+amount+" "+s.unit, "等待 "+amount+" "+map[string]string{"seconds": "秒", "minutes": "分钟", "hours": "小时", "days": "天"}[s.unit]),
		obj("amount", s.n, "unit", s.unit)))
}

// each adds a loop: the branch leads back, and what follows takes the other
// output.
func (b *builder) each(from []end, s *step) []end {
	b.loops++
	loop := b.add(from, "splitInBatches", b.r.pick("For each", "逐个处理"), obj("batchSize", s.n, "options", obj()))
	at, y := b.at, b.y
	b.y += 180
	b.at = at.clone()
	ends := b.chain([]end{{loop, 1}}, s.steps)
	for _, e := range ends {
		b.connect(e, loop, 0)
	}
	if len(ends) == 0 { // every way ends inside
		b.connect(end{loop, 1}, loop, 0)
	}
	b.y = y
	b.at.before = ""
	return []end{{loop, 0}}
}

func (b *builder) respond(from []end, s *step) []end {
	options := obj()
	if s.status > 0 {
		options.Set("responseCode", float64(s.status))
	}
	params := obj("respondWith", "firstIncomingItem")
	switch s.what {
	case "text":
		params = obj("respondWith", "text", "responseBody", b.text(s.text))
	case "json":
		params = obj("respondWith", "json", "responseBody", b.text(s.text))
	case "fields":
		var parts []string
		for _, f := range s.fields {
			parts = append(parts, strconv.Quote(f)+": "+b.source().refOn(b.item(), f))
		}
		params = obj("respondWith", "json", "responseBody", "={{ { "+strings.Join(parts, ", ")+" } }}")
	case "calc":
		params = obj("respondWith", "json", "responseBody", "={{ { result: "+b.code(s.code)+" } }}")
	case "all":
		params = obj("respondWith", "allIncomingItems")
	case "none":
		params = obj("respondWith", "noData")
	case "redirect":
		params = obj("respondWith", "redirect", "redirectURL", s.text)
	}
	params.Set("options", options)
	return only(b.add(from, "respondToWebhook", b.r.pick("Respond", "响应"), params))
}

func (b *builder) approval(from []end, s *step) []end {
	message := s.text
	if message == "" {
		message = b.r.pick("Shall the workflow go on?", "是否继续？")
	} else if !strings.HasSuffix(message, "?") && !strings.HasSuffix(message, "？") {
		message += b.r.pick("?", "？")
	}
	params := obj("message", b.text(message))
	if s.n > 0 {
		params.Set("limitWaitTime", true)
		params.Set("resumeAmount", s.n)
		params.Set("resumeUnit", s.unit)
	}
	name := b.add(from, "approval", b.r.pick("Approval", "审批"), params)
	b.note("The approval waits in your list of waiting executions and on the page behind its link.", "审批会出现在等待列表中，也可通过链接页面处理。")
	var yes, no []step
	said := len(s.arms) > 0
	for _, a := range s.arms {
		if a.label == "rejected" {
			no = append(no, a.steps...)
		} else {
			yes = append(yes, a.steps...)
		}
	}
	if !said {
		b.at.before = ""
		return only(name)
	}
	arms := []arm{{steps: yes}}
	if no != nil {
		arms = append(arms, arm{steps: no})
	}
	ends := b.arms(name, arms, false)
	if len(yes) == 0 {
		return []end{{name, 0}}
	}
	return ends
}

func (b *builder) mail(from []end, s *step) []end {
	subject, text := s.unit, s.text
	if subject == "" {
		subject = b.r.pick("From your workflow", "来自工作流的通知")
	}
	body := b.text(text)
	if text == "" {
		body = "={{ JSON.stringify(" + b.item() + ", null, 2) }}"
	}
	to := s.to
	if f, ok := strings.CutPrefix(to, "="); ok {
		to = "={{ " + b.source().refOn(b.item(), f) + " }}"
	}
	b.note("Store an SMTP credential and choose it in the e-mail's node; set the sender's address there.", "请保存 SMTP 凭证并在邮件节点中选择，同时填写发件人地址。")
	at, before := b.at, sourceName(from)
	n := b.add(from, "emailSend", b.r.pick("E-mail to ", "发邮件给 ")+strings.TrimPrefix(s.to, "="), obj("fromEmail", "workflow@example.com", "toEmail", to, "subject", b.text(subject),
		"emailFormat", "text", "text", body, "options", obj()))
	if at.before == "" {
		old := at
		b.at = scope{known: map[string]bool{}, before: before, old: &old}
	}
	return only(n)
}

func (b *builder) merge(from []end, s *step) []end {
	x, y, at := b.x, b.y, b.at
	var sides [][]end
	for i := range s.steps {
		b.x, b.y, b.at = x, y+float64(i)*180, at.clone()
		sides = append(sides, b.step(from, &s.steps[i]))
	}
	b.x, b.y = x+220, y
	b.fresh()
	if s.kind == "compare" {
		n := b.add(nil, "compareDatasets", b.r.pick("Compare", "比较"), obj("mergeByFields", obj("values", []any{obj("field1", s.fields[0], "field2", s.fields[0])}), "options", obj()))
		b.inputs(n, sides)
		return []end{{n, 0}, {n, 2}, {n, 3}}
	}
	params := obj("mode", "append")
	switch s.what {
	case "fields":
		params = obj("mode", "combine", "combineBy", "combineByFields", "fieldsToMatchString", strings.Join(s.fields, ", "), "joinMode", "keepMatches", "options", obj())
	case "position":
		params = obj("mode", "combine", "combineBy", "combineByPosition", "options", obj())
	}
	if len(sides) > 2 {
		params.Set("numberInputs", float64(len(sides)))
	}
	n := b.add(nil, "merge", b.r.pick("Merge", "合并"), params)
	b.inputs(n, sides)
	return only(n)
}

func (b *builder) inputs(node string, sides [][]end) {
	for i, ends := range sides {
		for _, e := range ends {
			b.connect(e, node, i)
		}
	}
}

func (b *builder) html(from []end, s *step) []end {
	if s.url != "" {
		from = b.fetch(from, &step{kind: "fetch", url: s.url, about: s.about})
	}
	values := []any{}
	for _, q := range s.pairs {
		o := obj("key", q.name, "cssSelector", q.value)
		lower := strings.ToLower(q.name)
		if q.value == "a" || q.value == "img" {
			o = obj("key", q.name, "cssSelector", q.value, "returnValue", "attribute", "attribute", map[any]string{"a": "href", "img": "src"}[q.value])
		}
		if strings.HasSuffix(lower, "s") && singular(lower) != lower {
			o.Set("returnArray", true)
		}
		values = append(values, o)
	}
	n := b.add(from, "html", b.r.pick("Read the page", "解析网页"), obj("operation", "extractHtmlContent", "dataPropertyName", "data", "extractionValues", obj("values", values), "options", obj()))
	b.fresh()
	return only(n)
}

func (b *builder) date(from []end, s *step) []end {
	f := s.fields[0]
	if s.what == "formatDate" {
		b.at.known[f] = true
		p := obj("operation", "formatDate", "date", "={{ "+b.refBefore(f)+" }}", "format", "custom", "customFormat", s.text, "outputFieldName", f, "options", obj("includeInputFields", true))
		return only(b.add(from, "dateTime", b.r.pick("Format ", "格式化 ")+f, p))
	}
	p := obj("operation", s.what, "magnitude", "={{ "+b.at.ref(f)+" }}", "duration", s.n, "timeUnit", s.unit, "outputFieldName", f, "options", obj("includeInputFields", true))
	return only(b.add(from, "dateTime", b.r.pick("Shift ", "调整 ")+f, p))
}

// refBefore is the place of a field before this step put one of its name at
// the top.
func (b *builder) refBefore(f string) string {
	at := b.at.clone()
	if at.prefix != "" {
		delete(at.known, f)
	}
	return at.ref(f)
}
