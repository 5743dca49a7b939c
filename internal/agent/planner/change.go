package planner

import (
	"encoding/json"
	"slices"
	"strings"

	"flowgate/internal/workflow"
)

// clone copies a document by way of JSON.
func clone(d *workflow.Document) *workflow.Document {
	out := &workflow.Document{}
	data, err := json.Marshal(d)
	if err != nil || json.Unmarshal(data, out) != nil { // documents always encode
		return d
	}
	return out
}

var (
	reNameIt    = lazily(`(?i)^(?:please\s+)?(?:rename|name|call|change the name of|title)\s+(?:it|this|the workflow|this workflow|the copy|my workflow)(?:'s name)?\s+(?:to|as)?\s*(.+)$|^(?:change|set)\s+(?:the|its)\s+name\s+to\s+(.+)$|^(?:把|将)?(?:这个)?(?:工作流|它|副本)?(?:的)?(?:名字|名称)?(?:重命名|改名|命名|改)(?:为|成|叫)\s*(.+)$`)
	reRemove    = lazily(`(?i)^(?:please\s+)?(?:remove|delete|drop|take out|get rid of|skip|leave out)\s+(?:the\s+)?(?:(?:step|node)\s+(?:that\s+|which\s+|called\s+|named\s+)?)?(.+?)(?:\s+(?:step|node|part|again))?$|^(?:删除|去掉|移除|删掉|不要)(?:掉)?(.+?)(?:这一?步骤?|节点|步骤)?$`)
	reInstead   = lazily(`(?i)\b(?:instead|rather|no longer|change|now|replace|update|modify|switch|make it|different|new)\b|改为|改成|换成|而不是|改到|更改|修改|变为|变成`)
	rePlace     = lazily(`(?i)\s*,?\s*\b(before|after|behind|right after|right before)\s+(?:the\s+)?(?:step\s+|node\s+)?(.+?)(?:\s+(?:step|node))?$`)
	reCopyOnly  = lazily(`(?i)^(?:please\s+)?(?:just\s+|only\s+)?(?:copy|duplicate|clone)(?:\s+(?:it|this|the workflow))?(?:\s+(?:as it is|unchanged|without changes?))?\W*$|^(?:no changes?|nothing|as it is|unchanged|leave it as it is|keep it as it is)\W*$|^(?:复制(?:一份)?|原样复制|不用?改|不需要修改|保持原样)\W*$`)
	reDisable   = lazily(`(?i)^(?:please\s+)?(disable|deactivate|turn off|enable|turn on)\s+(?:the\s+)?(?:step|node)?\s*(.+?)(?:\s+(?:step|node))?$|^(禁用|停用|启用)(.+?)(?:这一?步|节点|步骤)?$`)
	reAddWords  = lazily(`(?i)^(?:(?:please|also|and|then|additionally|now)\s+)*(?:add|insert|include|append|put in)\s+(?:a|an|another|one more|the)?\s*(?:new\s+)?(?:step|node|filter step)\s+(?:that|which|to|for)?\s*|^(?:再|还要?|并)?(?:添加|增加|加|插入)(?:一个|上)?(?:新的?)?(?:步骤|节点)(?:来|用来|，|：|:)?`)
	reAddNoun   = lazily(`(?i)^(?:(?:please|also|and|then)\s+)*(?:add|insert|include|put in)\s+(?:a|an|another)\s+(filter|sort|limit|wait|pause|approval|delay)\b\s*(?:step|node|that|which|of|for|to|on|where|:)*\s*(.*)$`)
	reChangeURL = lazily(`(?i)\b(?:url|address|endpoint|link)\b|网址|地址|链接`)
)

// change plans a changed workflow.
func (o *Offline) change(r *reading, req Request) Plan {
	plan := Plan{Language: r.lang}
	whole := r.plain(r.text)
	doc := clone(req.Document)
	if req.Origin == "copy" && reCopyOnly.MatchString(strings.TrimSpace(whole)) {
		plan.Summary, plan.Document = r.summary(whole), doc
		return plan
	}
	e := &editor{o: o, r: r, doc: doc, f: &filler{r: r, can: o.can, answers: req.Answers, count: map[string]int{}}}
	changed := e.apply()
	plan.Summary = r.summary(whole)
	switch {
	case len(e.f.questions) > 0:
		plan.Questions = e.f.questions[:min(len(e.f.questions), MaxQuestions)]
	case len(e.f.gaps) > 0:
		g := e.f.gaps[0]
		for _, each := range e.f.gaps {
			plan.Gaps = append(plan.Gaps, e.f.sayGap(each.gap))
		}
		plan.GapID, plan.Alternatives = g.id, e.f.alternatives(g.gap)
	case changed:
		plan.Document, plan.Notes = doc, e.notes
	default:
		var names []string
		for i := range doc.Nodes {
			names = append(names, doc.Nodes[i].Name)
		}
		plan.Questions = []Question{{ID: "change", Category: "general",
			Text: r.pick("What shall I change? The steps are: ", "要修改什么？现有步骤：") + strings.Join(names, ", ") + r.pick(". For instance: \"run it every hour\", \"remove …\", \"also send it to https://…\".", "。例如：“每小时运行”、“去掉……”、“再发送到 https://…”。")}}
	}
	return plan
}

// editor changes a document as asked.
type editor struct {
	o     *Offline
	r     *reading
	doc   *workflow.Document
	f     *filler
	notes []string
}

// apply reads the wish and reports whether anything changed.
func (e *editor) apply() bool {
	if a := strings.TrimSpace(e.f.answers["change"]); a != "" {
		e.r = read(a, e.r.lang)
		e.f.r = e.r
	}
	r := e.r
	if e.named(r.text) {
		return true
	}
	changed := false
	r.text = plainVerbs(r.text)
	removal := reRemove.MatchString(strings.TrimSpace(r.text))
	if !removal {
		if t, ok := r.event(); ok {
			changed = e.trigger(t) || changed
		}
		if t, ok := r.schedule(); ok {
			changed = e.trigger(t) || changed
		}
	}
	for _, c := range r.clauses() {
		changed = e.clause(c) || changed
	}
	return changed
}

func (e *editor) named(s string) bool {
	m := reNameIt.FindStringSubmatch(strings.TrimSpace(strings.TrimRight(s, ".。")))
	if m == nil {
		return false
	}
	e.doc.Name = strings.TrimSpace(e.r.plain(m[1] + m[2] + m[3]))
	return e.doc.Name != ""
}

// trigger replaces what starts the workflow.
func (e *editor) trigger(t trigger) bool {
	b := newBuilder(e.r, e.o.can)
	name := b.trigger(t, false)
	fresh := *b.doc.NodeByName(name)
	fresh.Name = (&builder{doc: e.doc}).unique(name)
	e.notes = append(e.notes, b.notes...)
	for i := range e.doc.Nodes {
		n := &e.doc.Nodes[i]
		if e.category(n) != workflow.CategoryTrigger {
			continue
		}
		if n.Type == fresh.Type {
			n.Parameters = fresh.Parameters
			n.TypeVersion = fresh.TypeVersion
			return true
		}
		fresh.Position = n.Position
		workflow.RenameNode(e.doc, n.Name, fresh.Name)
		*n = fresh
		return true
	}
	e.doc.Nodes = append(e.doc.Nodes, fresh)
	return true
}

func (e *editor) category(n *workflow.Node) workflow.Category {
	return e.o.can.types[short(n.Type)].Category
}

// clause applies one clause.
func (e *editor) clause(c clause) bool {
	s := strings.TrimSpace(c.text)
	if m := reDisable.FindStringSubmatch(s); m != nil {
		if n := e.find(m[2] + m[4]); n != nil {
			n.Disabled = !slices.Contains([]string{"enable", "turn on", "启用"}, strings.ToLower(m[1]+m[3]))
			return true
		}
	}
	if m := reRemove.FindStringSubmatch(s); m != nil {
		if n := e.find(m[1] + m[2]); n != nil {
			e.remove(n.Name)
			return true
		}
	}
	if u := e.r.first("u", s); u != "" && reInstead.MatchString(s) && e.readdress(s, u) {
		return true
	}
	return e.insert(s, c)
}

// find finds the node that words mean.
func (e *editor) find(words string) *workflow.Node {
	words = strings.ToLower(strings.TrimSpace(e.r.plain(words)))
	words = strings.TrimSpace(lazily(`^(?:the|a|an|this|that|step|node|my)\s+`).ReplaceAllString(words, ""))
	if words == "" {
		return nil
	}
	var best *workflow.Node
	score := 0
	for i := range e.doc.Nodes {
		n := &e.doc.Nodes[i]
		have := strings.ToLower(n.Name + " " + e.o.can.types[short(n.Type)].DisplayName + " " + short(n.Type) + " " + synonyms[short(n.Type)])
		points := 0
		if strings.EqualFold(n.Name, words) {
			points = 100
		}
		for _, w := range strings.Fields(words) {
			if len([]rune(w)) > 1 && strings.Contains(have, strings.TrimSuffix(strings.TrimSuffix(w, "ing"), "s")) {
				points++
			}
		}
		for _, w := range strings.Fields(synonyms[short(n.Type)]) {
			if e.r.lang == "zh" && strings.Contains(words, w) {
				points++
			}
		}
		if points > score {
			best, score = n, points
		}
	}
	return best
}

var synonyms = map[string]string{"sort": "sorting order 排序", "limit": "first last top 限制 前", "filter": "keep filtering 筛选 过滤", "wait": "pause delay 等待 暂停", "removeduplicates": "dedupe deduplicate duplicate unique 去重",
	"set": "field fields edit 设置 字段", "httprequest": "request fetch send post http call 请求 发送 获取", "approval": "approve confirm 审批", "emailsend": "mail email 邮件", "respondtowebhook": "response answer reply 响应 返回",
	"summarize": "sum total count 统计 汇总", "aggregate": "combine collect 合并 聚合", "splitinbatches": "loop each 循环", "scheduletrigger": "schedule time 定时", "code": "javascript 代码", "renamekeys": "rename 重命名"}

// remove takes a node out and connects what was before it with what came
// after.
func (e *editor) remove(name string) {
	var after []workflow.Target
	for _, out := range e.doc.Connections.MainOutputs(name) {
		after = append(after, out...)
		if len(out) > 0 {
			break
		}
	}
	delete(e.doc.Connections, name)
	for from, outs := range e.doc.Connections {
		for i, out := range outs["main"] {
			var kept []workflow.Target
			hit := false
			for _, t := range out {
				if t.Node == name {
					hit = true
					continue
				}
				kept = append(kept, t)
			}
			if hit {
				for _, t := range after {
					if t.Node != from && !slices.Contains(kept, t) {
						kept = append(kept, t)
					}
				}
				outs["main"][i] = kept
			}
		}
	}
	e.doc.Nodes = slices.DeleteFunc(e.doc.Nodes, func(n workflow.Node) bool { return n.Name == name })
}

// readdress changes the address of a request.
func (e *editor) readdress(s, address string) bool {
	sends := lazily(`(?i)\b(?:send|post|put|push|forward|result|deliver|notify)\b|发送|推送|提交|通知`).MatchString(s)
	fetches := lazily(`(?i)\b(?:fetch|get|read|load|source|from|download)\b|获取|读取|抓取`).MatchString(s)
	var found *workflow.Node
	for i := range e.doc.Nodes {
		n := &e.doc.Nodes[i]
		if short(n.Type) != "httprequest" {
			continue
		}
		method, _ := n.Parameters.Value("method").(string)
		isSend := method != "" && method != "GET"
		if sends && !fetches && !isSend || fetches && !sends && isSend {
			continue
		}
		found = n
		if !sends || fetches {
			break
		}
	}
	if found == nil || !sends && !fetches && !reChangeURL.MatchString(s) {
		return false
	}
	b := newBuilder(e.r, e.o.can)
	found.Parameters.Set("url", b.address(address))
	return true
}

// insert adds what a clause asks for, or changes the node that does it.
func (e *editor) insert(s string, c clause) bool {
	where, place := "", ""
	if m := rePlace.FindStringSubmatch(s); m != nil {
		if n := e.find(m[2]); n != nil {
			where, place = strings.ToLower(m[1]), n.Name
			s = strings.TrimSpace(s[:len(s)-len(m[0])])
		}
	}
	s = reAddWords.ReplaceAllString(s, "")
	if m := reAddNoun.FindStringSubmatch(s); m != nil {
		s = map[string]string{"filter": "keep items where ", "sort": "sort by ", "limit": "limit to ", "wait": "wait ", "pause": "wait ", "delay": "wait ", "approval": "ask for approval "}[strings.ToLower(m[1])] + lazily(`(?i)^(?:by|to|where|of)\s+`).ReplaceAllString(m[2], "")
	}
	if m := lazily(`(?i)^(?:change|update|set|make|modify)\s+(?:the\s+)?(limit|wait|delay|pause|sort(?:ing)?|filter|threshold|condition)\b(?:\s+(?:time|order|field|condition))?\s*(?:to|as|be|is|:)?\s*(.+)$`).FindStringSubmatch(s); m != nil {
		s = map[string]string{"limit": "limit to ", "wait": "wait ", "delay": "wait ", "pause": "wait ", "sort": "sort ", "sorting": "sort ", "filter": "keep items where ", "threshold": "keep items where ", "condition": "keep items where "}[strings.ToLower(m[1])] + m[2]
	}
	p := &parser{r: e.r, can: e.o.can, in: []clause{{text: s, start: c.start}}}
	steps := e.f.steps(p.block(func(clause) bool { return false }))
	if len(steps) == 0 {
		return false
	}
	if len(e.f.questions)+len(e.f.gaps) > 0 {
		return false
	}
	if len(steps) == 1 && place == "" && e.replace(steps[0], s) {
		return true
	}
	e.splice(steps, where, place)
	return true
}

// replace changes the one node that does already what a step does.
func (e *editor) replace(st step, words string) bool {
	again := map[string]string{"limit": "limit", "sort": "sort", "wait": "wait", "filter": "filter", "dedupe": "removeDuplicates"}[st.kind]
	if again == "" || st.kind == "filter" && !reInstead.MatchString(words) || lazily(`(?i)^(?:also|another|additionally)\b`).MatchString(words) {
		return false
	}
	var found *workflow.Node
	for i := range e.doc.Nodes {
		if n := &e.doc.Nodes[i]; short(n.Type) == strings.ToLower(again) {
			if found != nil {
				return false
			}
			found = n
		}
	}
	if found == nil {
		return false
	}
	b := newBuilder(e.r, e.o.can)
	b.at = e.scopeAt(found.Name)
	b.step(nil, &st)
	fresh := b.doc.Nodes[len(b.doc.Nodes)-1]
	found.Parameters, found.TypeVersion = fresh.Parameters, fresh.TypeVersion
	return true
}

// scopeAt guesses where the fields are at a node: under body right behind a
// webhook, until something replaces the items.
func (e *editor) scopeAt(name string) scope {
	sc := scope{known: map[string]bool{}}
	for i := range e.doc.Nodes {
		n := &e.doc.Nodes[i]
		if n.Name == name {
			break
		}
		switch short(n.Type) {
		case "webhook":
			sc = scope{prefix: "body.", known: map[string]bool{"body": true, "query": true, "headers": true, "params": true}}
		case "httprequest", "splitout", "summarize", "aggregate", "code", "executeworkflow", "merge":
			sc = scope{known: map[string]bool{}}
		}
	}
	return sc
}

// splice puts steps into the graph: at a place, or before the answer to a
// webhook, or at the end.
func (e *editor) splice(steps []step, where, place string) {
	from, after := e.ends(), []workflow.Target(nil)
	switch {
	case strings.Contains(where, "before"):
		from = e.cutBefore(place)
		after = []workflow.Target{{Node: place, Type: "main"}}
	case place != "":
		from, after = e.cutAfter(place)
	case shaping(steps) && len(from) == 1 && e.sends(from[0].node): // what is sent is shaped first
		to := from[0].node
		from, place = e.cutBefore(to), to
		after = []workflow.Target{{Node: to, Type: "main"}}
	default:
		for i := range e.doc.Nodes {
			n := &e.doc.Nodes[i]
			if short(n.Type) == "respondtowebhook" && !has(steps, "respond") && len(e.doc.Connections.MainOutputs(n.Name)) == 0 {
				from = e.cutBefore(n.Name)
				after = []workflow.Target{{Node: n.Name, Type: "main"}}
			}
		}
	}
	b := newBuilder(e.r, e.o.can)
	b.doc = e.doc
	if len(from) > 0 {
		b.at = e.scopeAt("")
		if n := e.doc.NodeByName(from[0].node); n != nil {
			b.x, b.y = n.Position[0]+220, n.Position[1]
			if place != "" {
				b.at = e.scopeAt(place)
			}
			if method, _ := n.Parameters.Value("method").(string); short(n.Type) == "httprequest" && method != "" && method != "GET" && steps[0].kind == "send" {
				if before := e.before(n.Name); before != "" {
					old := e.scopeAt(n.Name)
					b.at = scope{known: map[string]bool{}, before: before, old: &old}
				}
			}
		}
	}
	for _, end := range b.chain(from, steps) {
		for _, t := range after {
			b.connect(end, t.Node, t.Index)
		}
	}
	e.notes = append(e.notes, b.notes...)
}

// shaping reports steps that choose and order items, and reach nobody.
func shaping(steps []step) bool {
	return len(steps) > 0 && !slices.ContainsFunc(steps, func(s step) bool {
		return !slices.Contains([]string{"filter", "sort", "top", "limit", "dedupe", "set", "keep", "drop", "rename"}, s.kind)
	})
}

// sends reports a node that gives its items away and has one way in.
func (e *editor) sends(name string) bool {
	n := e.doc.NodeByName(name)
	method, _ := n.Parameters.Value("method").(string)
	if kind := short(n.Type); kind != "emailsend" && (kind != "httprequest" || method == "" || method == "GET") {
		return false
	}
	in := 0
	for _, outs := range e.doc.Connections {
		for _, out := range outs["main"] {
			for _, t := range out {
				if t.Node == name {
					in++
				}
			}
		}
	}
	return in == 1
}

// before is the first of the nodes that lead to one.
func (e *editor) before(name string) string {
	for i := range e.doc.Nodes {
		from := e.doc.Nodes[i].Name
		for _, out := range e.doc.Connections.MainOutputs(from) {
			if slices.ContainsFunc(out, func(t workflow.Target) bool { return t.Node == name }) {
				return from
			}
		}
	}
	return ""
}

// ends are the outputs that lead nowhere yet.
func (e *editor) ends() []end {
	var out []end
	for i := range e.doc.Nodes {
		n := &e.doc.Nodes[i]
		if t := short(n.Type); t == "stickynote" || t == "stopanderror" || n.Disabled {
			continue
		}
		outs := e.doc.Connections.MainOutputs(n.Name)
		if short(n.Type) == "splitinbatches" && (len(outs) == 0 || len(outs[0]) == 0) {
			out = append(out, end{n.Name, 0})
			continue
		}
		linked := false
		for _, o := range outs {
			linked = linked || len(o) > 0
		}
		if !linked {
			out = append(out, end{n.Name, 0})
		}
	}
	return out
}

// cutBefore takes away what leads to a node and returns where that began.
func (e *editor) cutBefore(name string) []end {
	var out []end
	for i := range e.doc.Nodes {
		from := e.doc.Nodes[i].Name
		outs := e.doc.Connections.MainOutputs(from)
		for o := range outs {
			kept := slices.DeleteFunc(slices.Clone(outs[o]), func(t workflow.Target) bool { return t.Node == name })
			if len(kept) < len(outs[o]) {
				outs[o] = kept
				out = append(out, end{from, o})
			}
		}
	}
	return out
}

func (e *editor) cutAfter(name string) ([]end, []workflow.Target) {
	outs := e.doc.Connections.MainOutputs(name)
	if len(outs) == 0 {
		return only(name), nil
	}
	after := outs[0]
	outs[0] = nil
	return only(name), after
}
