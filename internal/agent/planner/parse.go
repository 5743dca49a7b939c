package planner

import (
	"strings"
)

// gap is something that cannot be done as asked.
type gap struct {
	kind    string // "service", "event", "ai", "ability"
	service string
	about   string
}

// parser reads clauses into steps.
type parser struct {
	r   *reading
	can abilities
	in  []clause
	at  int
}

func (p *parser) peek() (clause, bool) {
	if p.at < len(p.in) {
		return p.in[p.at], true
	}
	return clause{}, false
}

// block reads clauses until stop says so.
func (p *parser) block(stop func(clause) bool) []step {
	var out []step
	for first := true; ; first = false {
		c, ok := p.peek()
		if !ok || !first && stop(c) {
			return out
		}
		p.at++
		out = p.clause(out, c)
	}
}

// insert puts words back as the next clause.
func (p *parser) insert(text string, like clause) {
	p.at--
	p.in[p.at] = clause{text: text, start: like.start, last: like.last}
}

// clause reads one clause behind the steps so far.
func (p *parser) clause(out []step, c clause) []step {
	r := p.r
	s := c.text
	if reSaysNothing.MatchString(s) {
		return out
	}
	if st, ok := p.branchOfLast(out, c); ok {
		return st
	}
	if bare := reToken.ReplaceAllString(s, ""); reModel.MatchString(bare) && reAI.MatchString(bare) {
		return append(out, step{kind: "gap", what: "ai", about: r.shown(s), raw: s})
	}
	if u, rest := r.sourceIn(s); u != "" {
		out = append(out, step{kind: "fetch", url: u, about: u, raw: s})
		s = rest
		if reNoVerb.MatchString(s) {
			return out
		}
	}
	c.text = s
	if m := reSwitch.FindStringSubmatch(s); m != nil {
		if st, ok := p.routes(m[1], m[2]); ok {
			return append(out, st)
		}
	}
	if m := reSwitchZh.FindStringSubmatch(s); r.lang == "zh" && m != nil {
		if st, ok := p.routes(m[1], m[2]); ok {
			return append(out, st)
		}
	}
	if cond, ok := r.ifOf(s); ok {
		return append(out, p.ifStep(cond))
	}
	if st, ok := p.each(s, c); ok {
		return append(out, st...)
	}
	if loc := lastIndex(reTrailing, s); loc != nil {
		word := strings.ToLower(s[loc[0]:loc[1]])
		if cond, ok := r.condition(s[loc[1]:]); ok && r.specific(cond) && !reFilterHead.MatchString(s) {
			if st, ok := p.action(s[:loc[0]]); ok {
				one := conditional{cond: cond, negate: strings.Contains(word, "unless")}
				return append(out, p.ifRest(one, []step{st}))
			}
		}
	}
	st, ok := p.action(s)
	if !ok {
		if p.modify(out, s) {
			return out
		}
		if pieces := p.pieces(s); len(pieces) > 1 {
			p.at--
			rest := append([]clause(nil), p.in[p.at+1:]...)
			p.in = append(p.in[:p.at], pieces...)
			p.in = append(p.in, rest...)
			return out
		}
		return append(out, p.gap(s))
	}
	if st.kind == "merge" || st.kind == "compare" {
		return p.join(out, st)
	}
	if n := len(out); n > 0 && st.kind == "read" && out[n-1].kind == "fetch" && out[n-1].what == "" {
		out[n-1].what = "file" // which the request must keep as it comes
	}
	if m := reLeftOver.FindStringSubmatch(s); st.kind == "fetch" && m != nil && !strings.Contains(m[1], "«u") {
		p.insert(m[1], clause{})
	}
	if n := len(out); n > 0 && st.kind == "summarize" && out[n-1].kind == "summarize" && out[n-1].what == "group" && len(st.by) == 0 && st.slot == "" {
		out[n-1].pairs, out[n-1].what = st.pairs, ""
		return out
	}
	if n := len(out); n > 0 && st.kind == out[n-1].kind && (st.kind == "rename" || st.kind == "set" && independent(out[n-1].pairs, st.pairs)) && st.slot == "" && out[n-1].slot == "" {
		out[n-1].pairs = append(out[n-1].pairs, st.pairs...)
		return out
	}
	return append(out, st)
}

var reBatches = lazily(`(?i)^in (?:batches|groups|chunks) of (\d+|\w+)(?:\s+(?:items?|at a time|each))?$`)

var reLeftOver = lazily(`(?i)«u\d+»\s*(?:,|and|,\s*and)\s+(?:then\s+)?([a-z].*)$`)

// independent reports that later assignments do not use what earlier ones set.
func independent(before, after []pair) bool {
	for _, a := range after {
		for _, b := range before {
			if strings.Contains(a.code, "«f:"+b.name+"»") || a.name == b.name {
				return false
			}
		}
	}
	return true
}

var (
	reSource      = lazily(`(?i),?\s*\b(?:from|of|in|at|on|returned by|received from|found at|using|with (?:the )?(?:data|result|results|output|response|list|orders|users|items|records) (?:of|from|at)|(?:the )?(?:result|results|data|output|response) (?:of|from))\s+(?:the\s+)?(?:(?:list|api|url|endpoint|page|address|service|data|file|feed)\s+)?(?:at\s+|from\s+)?«u(\d+)»`)
	reSourceZh    = lazily(`(?:从|把|将|对|用)?\s*«u(\d+)»\s*(?:获取|返回|得到|拿到|中|里|上|取|来)*的?(?:数据|结果|订单|用户|列表|内容)?(?:中|里)?(?:获取|取出|拿)?`)
	reSaysNothing = lazily(`(?i)^(?:(?:use|with|for|the|run|it|start|trigger|on|schedule|scheduled|that|which|to|when|do|then|this|please|and|in|of|workflow|a)\b[\s,]*|使用|用|运行|执行|在|的|就|时|后|并|拿|来|请|麻烦|帮我|[\s,，。.:：])*$|^(?:it |which |that )?(?:takes?|accepts?|gets?|receives?|expects?)\s+(?:an?\s+|the\s+)?(?:\w+\s+){0,3}(?:number|name|json|body|parameters?|text|string|payload|input|field|value)s?(?:\s+(?:called\s+|named\s+)?\w+)?$`)
	reNotCut      = lazily(`(?i)^(?:` + fetchVerb + `|post|put|patch|send|forward|push|submit|upload|deliver|notify|merge|join|combine|compare|read|parse|import|extract|scrape|redirect|respond|reply|answer|mcp|call|save|write|store|append|delete)\b|\bmcp\b|\bredirect\b`)
	reNoVerb      = lazily(`(?i)^(?:(?:get|fetch|take|use|with|for|the|all|data|run|it|start|trigger|on|schedule|scheduled|that|which|to|when|do|then|this|please|and|in|of|workflow|` + items + `)\b[\s,]*|获取|取|数据|使用|用|运行|执行|在|的|就|时|后|并|拿|来|[\s,，。.:：])*$`)
)

// sourceIn finds where the items of an action come from: "sort the users from
// https://… by name". It returns the address and the words without it.
func (r *reading) sourceIn(s string) (address, rest string) {
	if loc := reSource.FindStringIndex(s); loc != nil && lazily(`(?i)^(?:if|when|unless|otherwise|else)\b`).MatchString(s) && lazily(`(?i)\s(?:`+sendVerb+`|`+fetchVerb+`)\b`).MatchString(s[:loc[0]]) {
		return "", s
	}
	mail := lazily(`(?i)^(?:send|e-?mail|mail)\b.*(?:«e|\be-?mail\b)`).MatchString(s)
	if reNotCut.MatchString(s) && !mail {
		return "", s
	}
	re := reSource
	if r.lang == "zh" && lazily(`^(?:如果|若|当|逐个|逐条|遍历|循环|对)`).MatchString(s) {
		m := lazily(`\s*«u(\d+)»\s*(?:返回|中|里|上)?(?:的|中|里)?\s*(?:数据|列表|结果)?(?:中|里)?的?\s*`).FindStringSubmatchIndex(s)
		if m == nil || lazily(`发送|推送|提交|发到|发给|就|则|请求|获取|调用`).MatchString(s[:m[0]]) {
			return "", s
		}
		return r.parts["«u"+s[m[2]:m[3]]+"»"], strings.TrimSpace(s[:m[0]] + " " + s[m[1]:])
	}
	if r.lang == "zh" && reSource.FindStringIndex(s) == nil {
		if !lazily(`筛选|过滤|排序|统计|计算|去重|保留|求和|求出|求平均|按`).MatchString(s) || lazily(`发送|推送|提交|发到|发给|到\s*«u|给\s*«u|往\s*«u|向\s*«u`).MatchString(s) {
			return "", s
		}
		re = reSourceZh
	}
	m := re.FindStringSubmatchIndex(s)
	if m == nil {
		return "", s
	}
	return r.parts["«u"+s[m[2]:m[3]]+"»"], strings.TrimSpace(s[:m[0]] + " " + strings.TrimSpace(s[m[1]:]))
}

// pieces cuts a clause nobody understands at an "and", so that the half that
// is understood is kept.
func (p *parser) pieces(s string) []clause {
	for _, loc := range lazily(`(?i)\s+and\s+|\s*,\s*|和|以及`).FindAllStringIndex(s, -1) {
		a, b := strings.TrimSpace(s[:loc[0]]), strings.TrimSpace(s[loc[1]:])
		if a == "" || b == "" {
			continue
		}
		_, okA := p.action(a)
		_, okB := p.action(b)
		if okA && okB {
			return []clause{{text: a}, {text: b}}
		}
	}
	return nil
}

func lastIndex(re *pattern, s string) []int {
	all := re.FindAllStringIndex(s, -1)
	if len(all) == 0 {
		return nil
	}
	return all[len(all)-1]
}

// action reads a clause that does something, if that can be done here.
func (p *parser) action(s string) (step, bool) {
	if !strings.Contains(s, "«u") && p.can.missing(s) != "" {
		return step{}, false
	}
	if !strings.Contains(s, "«u") && p.can.needsAI(s) {
		return step{}, false
	}
	st, ok := p.r.step(s)
	if !ok {
		st, ok = p.r.incomplete(s)
	}
	if !ok {
		return p.can.byName(p.r, s)
	}
	return st, ok
}

var (
	reFetchBare = lazily(`(?i)^(?:fetch|get|grab|download|load|pull|read|query|request|call|hit|retrieve|scrape|check|look up|poll|import|crawl|monitor)\b\s*(.*)$`)
	reSendBare  = lazily(`(?i)^(?:post|put|send|forward|push|submit|upload|publish|deliver|notify|alert|inform|report|pass|tell|message|transmit)\b\s*(.*)$`)
	reFetchBzh  = lazily(`^(?:获取|抓取|请求|调用|读取|下载|拉取|访问|查询|取得|得到|拿到|爬取|检查)(.*)$`)
	reSendBzh   = lazily(`^(?:(?:把|将).*)?(?:发送|发给|发到|发往|推送|提交|转发|上传|通知|告诉|汇报|发)(?:.*)$`)
	reConcrete  = lazily(`(?i)\b(?:mind|pizza|phone|coffee|printer|door|light|lamp|car|house|weather forecast)\b`)
)

// incomplete reads what is to be done although it does not say where.
func (r *reading) incomplete(s string) (step, bool) {
	st := step{about: r.shown(s), raw: s}
	switch {
	case reConcrete.MatchString(s) && !lazily(`(?i)weather|phone number`).MatchString(s):
		return st, false
	case reFetchBare.MatchString(s):
		st.kind, st.slot = "fetch", "url"
		st.text = strings.TrimSpace(r.plain(reFetchBare.FindStringSubmatch(s)[1]))
		return st, true
	case reSendBare.MatchString(s):
		st.kind, st.slot, st.method = "send", "send", "POST"
		st.text = r.first("q", s)
		if st.text != "" {
			st.what = "text"
		}
		return st, true
	case r.lang == "zh" && reFetchBzh.MatchString(s):
		st.kind, st.slot = "fetch", "url"
		st.text = strings.TrimSpace(r.plain(reFetchBzh.FindStringSubmatch(s)[1]))
		return st, true
	case r.lang == "zh" && reSendBzh.MatchString(s):
		st.kind, st.slot, st.method = "send", "send", "POST"
		if st.text = r.first("q", s); st.text != "" {
			st.what = "text"
		}
		return st, true
	}
	return st, false
}

// modify reads words that change the step before: retries, headers.
func (p *parser) modify(out []step, s string) bool {
	if len(out) == 0 {
		return false
	}
	last := &out[len(out)-1]
	if m := reBatches.FindStringSubmatch(s); last.kind == "each" && m != nil {
		n, _ := number(m[1])
		last.n = float64(max(n, 1))
		return true
	}
	if (last.kind == "fetch" || last.kind == "send") && lazily(`(?i)^(?:and )?(?:with|using|use|including|retry|try|set|add|authenticate)\b.*\b(?:header|bearer|basic auth|api key|token|retr\w+|times|oauth)|重试|请求头|认证`).MatchString(s) {
		var more step
		p.r.call(&more, s)
		last.head = append(last.head, more.head...)
		if more.auth != "" {
			last.auth = more.auth
		}
		if more.n > 0 {
			last.n = more.n
		}
		return more.auth != "" || more.n > 0 || len(more.head) > 0
	}
	if lazily(`(?i)^(?:and )?(?:ignore|skip|tolerate|continue on|go on (?:after|on))\b.*\b(?:errors?|failures?|fail\w*)\b|忽略(?:错误|失败)|出错(?:也|仍)?继续`).MatchString(s) && (last.kind == "fetch" || last.kind == "send") {
		last.status = -1
		return true
	}
	return lazily(`(?i)^(?:thanks?(?: you)?|that's (?:it|all)|that is all|please|cheers|谢谢|就这样|以上|好的?|hi|hello|hey|你好)\W*$`).MatchString(s)
}

// gap stands for what cannot be done as asked.
func (p *parser) gap(s string) step {
	st := step{kind: "gap", what: "ability", about: p.r.shown(s), raw: s, to: p.can.missing(s)}
	switch {
	case st.to != "":
		st.what = "service"
	case p.can.needsAI(s):
		st.what = "ai"
	}
	return st
}
