package planner

import (
	"fmt"
	"strconv"
	"strings"
)

// filler settles open questions and gaps of a script with the answers there
// are, and gathers what is still open.
type filler struct {
	r         *reading
	can       abilities
	answers   map[string]string
	count     map[string]int
	questions []Question
	gaps      []gapAt
}

type gapAt struct {
	gap
	id string
}

// id numbers what is asked more than once.
func (f *filler) id(slot string) string {
	f.count[slot]++
	if n := f.count[slot]; n > 1 {
		return slot + "_" + strconv.Itoa(n)
	}
	return slot
}

// steps returns the steps with all that is known put in.
func (f *filler) steps(list []step) []step {
	var out []step
	for _, s := range list {
		if s.kind == "gap" {
			out = append(out, f.gapStep(s)...)
			continue
		}
		if s.kind == "mail" && !f.can.has("emailSend") {
			out = append(out, f.gapStep(step{kind: "gap", what: "service", to: "e-mail", about: s.about, raw: s.raw})...)
			continue
		}
		if s.slot != "" {
			s = f.fill(s)
		}
		if s.kind == "code" && s.code == "" {
			s.slot = "code"
			s = f.fill(s)
		}
		if s.kind == "mcp" && s.url == "" && s.slot == "" {
			s.slot = "server"
			s = f.fill(s)
		}
		s.steps = f.steps(s.steps)
		for i := range s.arms {
			s.arms[i].steps = f.steps(s.arms[i].steps)
		}
		out = append(out, s)
	}
	return out
}

// forgotten makes gaps of addresses and services that the request names and
// the script does nothing with: what was not understood is said, not left out.
func (f *filler) forgotten(s script) {
	if len(f.gaps) > 0 || len(f.questions) > 0 {
		return
	}
	var used strings.Builder
	words(&used, s.steps)
	for i := range f.r.n {
		address, ok := f.r.parts["«u"+strconv.Itoa(i)+"»"]
		if ok && !strings.Contains(used.String(), address) {
			f.gapStep(step{kind: "gap", what: "ability", about: address, raw: address})
			return
		}
	}
}

// words writes all that steps hold but what they were read from.
func words(out *strings.Builder, steps []step) {
	for _, s := range steps {
		s.about, s.raw = "", ""
		words(out, s.steps)
		for _, a := range s.arms {
			words(out, a.steps)
			fmt.Fprintf(out, " %+v", a.cond)
		}
		s.steps, s.arms = nil, nil
		fmt.Fprintf(out, " %+v", s)
	}
}

// fill puts an answer in, or asks.
func (f *filler) fill(s step) step { return f.fillAs(f.id(s.slot), s) }

func (f *filler) fillAs(id string, s step) step {
	if answer, ok := f.answers[id]; ok {
		if done, ok := f.apply(s, answer); ok {
			return done
		}
	}
	f.questions = append(f.questions, f.question(id, s))
	return s
}

// apply puts an answer where the step is open; false when it does not fit.
func (f *filler) apply(s step, answer string) (step, bool) { //nolint:funlen // one case per slot
	r := read(answer, f.r.lang)
	slot := s.slot
	s.slot = ""
	switch slot {
	case "url", "server":
		s.url = r.first("u", r.text)
		return s, s.url != ""
	case "send":
		s.url = r.first("u", r.text)
		if to := r.first("e", r.text); to != "" && s.url == "" {
			s.kind, s.to, s.method = "mail", to, ""
			return s, true
		}
		return s, s.url != ""
	case "mail":
		s.to = r.first("e", r.text)
		return s, s.to != ""
	case "sort":
		if p, ok := readSort(r, []string{"", "by " + r.text}, "sort by "+r.text); ok && len(p.pairs) > 0 && s.kind == "sort" {
			s.pairs = p.pairs
			if s.order == "descending" {
				for i := range s.pairs {
					s.pairs[i].value = s.order
				}
			}
			return s, true
		}
		s.fields = []string{r.fieldName(r.text)}
		return s, s.fields[0] != ""
	case "filter":
		if c, ok := r.condition(r.text); ok && r.specific(c) {
			s.cond = c
			return s, true
		}
		name := r.fieldName(r.text)
		if name == "" || len(s.cond.tests) == 0 {
			return s, false
		}
		for i := range s.cond.tests {
			s.cond.tests[i].field = name
		}
		return s, true
	case "set":
		if s.pairs = r.assignments(r.text); len(s.pairs) > 0 {
			return s, true
		}
		for _, name := range s.fields {
			s.pairs = append(s.pairs, r.assign(name, r.text))
		}
		return s, len(s.pairs) > 0
	case "split":
		s.fields = []string{r.fieldName(r.text)}
		return s, s.fields[0] != ""
	case "hash":
		s.fields = []string{r.fieldName(r.text)}
		return s, s.fields[0] != ""
	case "figure":
		rest, by := r.groups(r.text)
		if s.pairs = r.figures(rest); len(s.pairs) == 0 {
			if s.pairs = r.figuresZh(rest); len(s.pairs) == 0 {
				agg := s.agg
				if agg == "" {
					agg = "sum"
				}
				if name := r.fieldName(rest); name != "" {
					s.pairs = []pair{{name: name, value: agg}}
				}
			}
		}
		if len(by) > 0 {
			s.by = by
		}
		return s, len(s.pairs) > 0
	case "workflow", "tool":
		s.to = strings.Trim(r.plain(r.text), " .\"")
		return s, s.to != ""
	case "form":
		for _, n := range names(r.text) {
			s.fields = append(s.fields, r.plain(n))
		}
		return s, len(s.fields) > 0
	case "rename":
		st, _ := readRename(r, []string{"", " " + r.text}, r.text)
		s.pairs = st.pairs
		return s, len(s.pairs) > 0
	case "wait":
		st, _ := readWait(r, []string{"", " " + r.text}, "")
		if st.slot != "" {
			if st2, ok := r.step("等待" + r.text); ok {
				st = st2
			}
		}
		st.about, st.raw = s.about, s.raw
		return st, st.slot == ""
	case "code":
		s.code = r.first("c", r.text)
		if s.code == "" {
			s.code = strings.TrimSpace(r.plain(answer))
		}
		return s, strings.ContainsAny(s.code, "=({;") || strings.Contains(s.code, "return")
	}
	return s, false
}

// question asks for what a step leaves open.
func (f *filler) question(id string, s step) Question {
	p := f.r.pick
	q := Question{ID: id, Category: "input"}
	what := s.text
	if what == "" {
		what = s.about
	}
	switch s.slot {
	case "url":
		q.Text = p(fmt.Sprintf("Which address (URL) do I fetch %s from?", orThe(what, "the data")), fmt.Sprintf("从哪个地址（URL）获取%s？", orThe(what, "数据")))
	case "server":
		q.Text = p("What is the address of the MCP server?", "MCP 服务器的地址是什么？")
	case "send":
		q.Category = "output"
		q.Text = p("Where shall it be sent? Give a web address (URL) or an e-mail address.", "发送到哪里？请给出网址（URL）或邮箱地址。")
	case "mail":
		q.Category = "output"
		q.Text = p("Which e-mail address shall it go to?", "发送到哪个邮箱地址？")
	case "sort":
		q.Category, q.Text = "logic", p("Which field shall I sort by?", "按哪个字段排序？")
	case "filter":
		q.Category = "logic"
		q.Text = p("Which items shall stay? For instance: amount > 100, or status is paid.", "保留哪些数据？例如：amount 大于 100，或 status 是 paid。")
		if len(s.cond.tests) > 0 {
			t := s.cond.tests[0]
			t.field = "…"
			q.Text = p(fmt.Sprintf("Which field do you mean by “%s”? For instance amount.", f.r.sayTest(t)), fmt.Sprintf("“%s”指的是哪个字段？例如 amount。", f.r.sayTest(t)))
		}
	case "set":
		q.Category = "logic"
		q.Text = p("What value shall it get? For instance: status = done, or total = price * quantity.", "设置成什么值？例如：status = done，或 total = price * quantity。")
		if len(s.fields) > 0 {
			q.Text = p(fmt.Sprintf("What value shall the field %s get?", strings.Join(s.fields, ", ")), fmt.Sprintf("字段 %s 设置成什么值？", strings.Join(s.fields, "、")))
		}
	case "split":
		q.Text = p("Which field holds the list?", "列表在哪个字段里？")
	case "hash":
		q.Text = p("Which field shall be hashed?", "对哪个字段做哈希？")
	case "figure":
		q.Category = "logic"
		q.Text = p("What shall I compute? For instance: sum of amount by country.", "要计算什么？例如：按 country 统计 amount 的总和。")
	case "workflow":
		q.Text = p("Which workflow shall be called? Give its id.", "调用哪个工作流？请给出它的 ID。")
	case "tool":
		q.Text = p("Which tool of the MCP server shall be called?", "调用 MCP 服务器的哪个工具？")
	case "form":
		q.Text = p("Which fields shall the form have? For instance: name, email.", "表单需要哪些字段？例如：name, email。")
	case "rename":
		q.Category, q.Text = "logic", p("Which field gets which name? For instance: mail to email.", "哪个字段改成什么名字？例如：mail 改为 email。")
	case "wait":
		q.Category, q.Text = "logic", p("How long shall it wait?", "等待多久？")
		q.Options = f.options("10 seconds", "5 minutes", "1 hour", "10 秒", "5 分钟", "1 小时")
	case "code":
		q.Category, q.Text = "logic", p("What is the JavaScript? It gets the items as $input.all() and returns items.", "JavaScript 代码是什么？它用 $input.all() 取得数据并返回数据。")
	}
	return q
}

func (f *filler) options(list ...string) []string {
	half := len(list) / 2
	if f.r.lang == "zh" {
		return list[half:]
	}
	return list[:half]
}

func orThe(s, otherwise string) string {
	s = strings.TrimSpace(lazily(`(?i)\s*\b(?:from|at|via)\b.*$`).ReplaceAllString(s, ""))
	if s == "" || len([]rune(s)) > 50 {
		return otherwise
	}
	return s
}

// gapStep puts the chosen alternative in the place of what cannot be done.
func (f *filler) gapStep(s step) []step {
	id := f.id("gap")
	g := gap{kind: s.what, service: s.to, about: s.about}
	choice, ok := f.answers[id]
	if !ok {
		f.gaps = append(f.gaps, gapAt{g, id})
		return nil
	}
	one := step{about: s.about, raw: s.raw}
	switch choice {
	case "hook", "api":
		one.kind, one.slot, one.method = "send", "url", "POST"
		if quoted := f.r.first("q", s.raw); quoted != "" {
			one.what, one.text = "text", quoted
		}
		if reFetchBare.MatchString(s.raw) || reFetchBzh.MatchString(s.raw) {
			one.kind, one.method = "fetch", ""
		}
		one.text = strings.TrimSpace(one.text)
		return []step{f.fillAs(id+"_url", one)}
	case "mail":
		one.kind, one.slot = "mail", "mail"
		return []step{f.fillAs(id+"_mail", one)}
	case "code":
		one.kind, one.slot, one.all = "code", "code", true
		return []step{f.fillAs(id+"_code", one)}
	}
	return nil // left out
}

// eventGap chooses what starts the workflow where the event cannot be heard.
func (f *filler) eventGap(s *script, g gap) {
	id := f.id("gap")
	switch f.answers[id] {
	case "webhook":
	case "poll":
		s.triggers = []trigger{{kind: "schedule", rules: []rule{{field: "minutes", every: 15}}}}
		one := f.fillAs(id+"_url", step{kind: "fetch", slot: "url", about: g.about, text: g.service})
		s.steps = append([]step{one}, s.steps...)
	case "hand":
		s.triggers = nil
	default:
		f.gaps = append(f.gaps, gapAt{g, id})
	}
}

// alternatives are other ways to what cannot be done.
func (f *filler) alternatives(g gap) []Alternative {
	p := f.r.pick
	name := g.service
	if g.kind == "event" {
		return []Alternative{
			{ID: "webhook", Title: p("Start by webhook", "用 webhook 启动"), Description: p(orName(name, "The other system")+" calls the workflow's address when it happens.", orName(name, "对方系统")+"发生事件时调用工作流的地址。"),
				Approach: "Webhook", TradeOffs: []string{p("The address has to be entered there.", "需要在对方系统里填写地址。")}, Complexity: "simple"},
			{ID: "poll", Title: p("Look every 15 minutes", "每 15 分钟检查一次"), Description: p("The workflow asks "+orName(name, "its")+"'s API on a schedule.", "工作流定时请求"+orName(name, "对方")+"的 API。"),
				Approach: "Schedule Trigger → HTTP Request", TradeOffs: []string{p("Not at once; the API needs a key.", "不是实时的；API 可能需要密钥。")}, Complexity: "medium"},
			{ID: "hand", Title: p("Start by hand", "手动启动"), Description: p("You run it when it is needed.", "需要时由你运行。"), Approach: "Manual Trigger", Complexity: "simple"},
		}
	}
	skip := Alternative{ID: "skip", Title: p("Leave that step out", "去掉这一步"), Description: p("Everything else stays.", "其余部分保留。"), Complexity: "simple"}
	var out []Alternative
	if g.kind == "service" && hooked(name) {
		out = append(out, Alternative{ID: "hook", Title: p("Use "+name+"'s incoming webhook", "使用 "+name+" 的机器人 webhook"), Description: p(name+" gives you an address; the workflow posts the message there.", name+" 提供一个地址，工作流把消息发送到那里。"),
			Approach: "HTTP Request (POST)", Complexity: "simple"})
	}
	switch {
	case g.kind == "ability":
		out = append(out, Alternative{ID: "api", Title: p("Let a web service do it", "交给网络服务处理"), Description: p("If there is an HTTP API for it, the workflow can call that.", "如果有对应的 HTTP API，工作流可以调用它。"), Approach: "HTTP Request", Complexity: "medium"},
			Alternative{ID: "code", Title: p("Write it as JavaScript", "用 JavaScript 实现"), Description: p("A Code node works on the data; it cannot reach outside.", "代码节点处理数据，但不能访问外部。"), Approach: "Code", Complexity: "complex"})
	case g.kind == "ai":
		out = append(out, Alternative{ID: "api", Title: p("Call a model's API by HTTP", "通过 HTTP 调用模型 API"), Description: p("You give the address of the API and a key.", "由你提供 API 地址和密钥。"), Approach: "HTTP Request", TradeOffs: []string{p("The provider bills each call.", "服务商按次计费。")}, Complexity: "medium"})
	default:
		out = append(out, Alternative{ID: "api", Title: p("Call "+orName(name, "its")+" API by HTTP", "通过 HTTP 调用 "+name+" 的 API"), Description: p("You give the address of the API; the key is kept as a credential.", "由你提供 API 地址，密钥保存为凭证。"), Approach: "HTTP Request", Complexity: "medium"})
	}
	if f.can.has("emailSend") && name != "e-mail" && !reFetchBare.MatchString(g.about) {
		out = append(out, Alternative{ID: "mail", Title: p("Send an e-mail instead", "改为发送邮件"), Description: p("Through your own SMTP server.", "通过你自己的 SMTP 服务器。"), Approach: "Send Email", Complexity: "simple"})
	}
	return append(out, skip)
}

func orName(name, otherwise string) string {
	if name == "" {
		return otherwise
	}
	return name
}

// sayGap puts a gap into words.
func (f *filler) sayGap(g gap) string {
	p := f.r.pick
	switch {
	case g.kind == "event":
		return p(fmt.Sprintf("“%s”: there is no trigger for %s.", g.about, g.service), fmt.Sprintf("“%s”：没有 %s 的触发器。", g.about, g.service))
	case g.kind == "service":
		return p(fmt.Sprintf("“%s”: there is no node for %s.", g.about, g.service), fmt.Sprintf("“%s”：没有 %s 的节点。", g.about, g.service))
	case g.kind == "ai":
		return p(fmt.Sprintf("“%s”: that takes a language model, and I plan without one.", g.about), fmt.Sprintf("“%s”：这需要语言模型，而这里没有配置。", g.about))
	}
	return p(fmt.Sprintf("“%s”: no node of the catalogue does that.", g.about), fmt.Sprintf("“%s”：目录里没有能做这件事的节点。", g.about))
}
