package planner

import (
	"strconv"
	"strings"
)

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
