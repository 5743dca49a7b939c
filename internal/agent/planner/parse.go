package planner

import (
	"regexp"
	"strings"
)

// script is a request as understood.
type script struct {
	triggers []trigger
	steps    []step
	gaps     []gap
	zone     string
	name     string
}

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

var (
	reWrapper = regexp.MustCompile(`(?i)(?:^|[.\n]\s*)(?:hi|hello|hey|please|pls|ok|so|well|,|!|\s)*(?:(?:can|could|would) you (?:please )?|i(?:'d| would)? (?:want|need|like)(?: you)?(?: to)?|i am looking for|i'm looking for|we (?:want|need)|let's|help me(?: to)?|your task is to)?\s*(?:please )?(?:create|build|make|set ?up|give|write|generate|design|have|develop|prepare|construct)?\s*(?:me |us )?(?:a |an |the |one |some )?(?:\w+ )?(?:workflow|automation|flow|pipeline|job|process|integration|bot|something|routine|script)\s*(?:(?:called|named)\s+(«q\d+»)\s*)?(?:that will|that should|that|which|to|where|for|in which|so that|and have it|:|,|-)\s*(?:runs?\b|starts?\b)?`)
	reWrapZh  = regexp.MustCompile(`(?:^|[。\n])(?:请|你好|麻烦|帮我|帮忙|我想要?|我要|我需要|能不能|可以|给我|，|\s)*(?:创建|新建|建立|建|做|写|搭建|设计|生成|搞|来)(?:一个|个)?(?:新的?|自动化?|简单的?)?(?:工作流|流程|自动化|任务)(?:(?:叫做?|名为|名叫)\s*(«q\d+»))?(?:来|用来|用于|，|：|:|，要求|,)*`)
	reNamed   = regexp.MustCompile(`(?i)(?:^|[\s,.])(?:call (?:it|this)|name (?:it|this|the workflow))\s+(«q\d+»)|(?:工作流)?(?:名称?|名字)(?:为|是|叫|:|：)\s*(«q\d+»)`)
	reZone    = regexp.MustCompile(`(?i)\(?\b(?:in\s+)?((?:Europe|America|Asia|Africa|Australia|Pacific|Atlantic)/[A-Za-z_]+|UTC|GMT|(?:berlin|london|paris|vienna|madrid|rome|new york|chicago|los angeles|tokyo|beijing|shanghai|singapore|sydney|india|eastern|pacific|central european)\s+time|[CP]E?T\b|CET)(?:\s+time(?: ?zone)?)?\)?|（?(北京时间|上海时间|东京时间|纽约时间|伦敦时间|柏林时间|东部时间)）?`)
)

var reJob = regexp.MustCompile(`(?i)^(?:please\s+)?(?:set ?up|create|build|make|write|have)\s+(?:me\s+)?an?\s+(?:\w+\s+)?(?:job|workflow|automation|task|process|flow|pipeline|routine)\s*,?\s*(?:that|which|to)\b\s*,?\s*`)

var zones = map[string]string{"berlin": "Europe/Berlin", "london": "Europe/London", "paris": "Europe/Paris", "vienna": "Europe/Vienna", "madrid": "Europe/Madrid", "rome": "Europe/Rome",
	"new york": "America/New_York", "eastern": "America/New_York", "chicago": "America/Chicago", "los angeles": "America/Los_Angeles", "pacific": "America/Los_Angeles", "tokyo": "Asia/Tokyo",
	"beijing": "Asia/Shanghai", "shanghai": "Asia/Shanghai", "singapore": "Asia/Singapore", "sydney": "Australia/Sydney", "india": "Asia/Kolkata", "central european": "Europe/Berlin", "cet": "Europe/Berlin",
	"utc": "UTC", "gmt": "UTC", "北京时间": "Asia/Shanghai", "上海时间": "Asia/Shanghai", "东京时间": "Asia/Tokyo", "纽约时间": "America/New_York", "伦敦时间": "Europe/London", "柏林时间": "Europe/Berlin", "东部时间": "America/New_York"}

// understand reads a whole request.
func (r *reading) understand(can abilities) script {
	var s script
	take := func(re *regexp.Regexp, repl string) {
		if m := re.FindStringSubmatch(r.text); m != nil {
			for _, g := range m[1:] {
				if g != "" {
					s.name = r.plain(g)
				}
			}
			r.text = re.ReplaceAllString(r.text, repl)
		}
	}
	take(reNamed, " ")
	if r.lang == "zh" {
		take(reWrapZh, "。")
	}
	take(reWrapper, ". ")
	r.text = strings.Trim(r.text, " .。")
	r.zone(&s)
	r.rephrase(can)
	if t, ok := r.event(); ok {
		s.triggers = append(s.triggers, t)
	}
	r.text = plainVerbs(r.text)
	if t, ok := r.schedule(); ok {
		s.triggers = append(s.triggers, t)
		r.text = reJob.ReplaceAllString(r.text, "") // "a daily job that …", its time taken out
		r.text = strings.Trim(r.text, " ,.。")
	}
	p := &parser{r: r, can: can, in: r.clauses()}
	p.first(&s)
	s.steps = p.block(func(clause) bool { return false })
	return s
}

func (r *reading) zone(s *script) {
	m := reZone.FindStringSubmatchIndex(r.text)
	if m == nil {
		return
	}
	word := ""
	for g := 1; g <= 2; g++ {
		if m[2*g] >= 0 {
			word = r.text[m[2*g]:m[2*g+1]]
		}
	}
	if strings.Contains(word, "/") {
		s.zone = word
	} else {
		s.zone = zones[strings.TrimSpace(strings.TrimSuffix(strings.ToLower(word), " time"))]
	}
	if s.zone != "" {
		r.text = strings.TrimSpace(r.text[:m[0]]) + " " + strings.TrimSpace(r.text[m[1]:])
	}
}

var (
	reThirdPerson = regexp.MustCompile(`(?i)(^|\b(?:that|which|it|and|then|also|workflow|finally|otherwise|else)\s+|[,;]\s*)([a-z]+(?:s|es|ies))(\s)`)
	reGerundStart = regexp.MustCompile(`(?i)(^|\b(?:then|and|by|start by|starting with|begin by)\s+|[,;.]\s*)([a-z]+ing)(\s)`)
	rePassive     = regexp.MustCompile(`(?i)(^|[,;.]\s*|\band\s+|\bthen\s+)(?:(?:the|all|these|those|its?|their|every|each)\s+)*((?:results?|data|items?|orders?|output|they|it|list|response|answer|records?|entries|rows|users?|everything|remaining \w+|rest|message|report|total|ones|products?)\s+)(?:(?:should|must|will|shall|needs? to|have to|has to|is|are|gets?|get|to|be|then|also|finally|which)\s+)+(sent|posted|forwarded|sorted|ordered|filtered|saved|limited|renamed|pushed|delivered|emailed|mailed|grouped|merged|fetched|deduplicated|submitted|returned|written|stored|reported|summari[sz]ed|split|aggregated|combined)\b`)
	participles   = map[string]string{"sent": "send", "posted": "post", "forwarded": "forward", "sorted": "sort", "ordered": "sort", "filtered": "filter", "saved": "save", "limited": "limit", "renamed": "rename",
		"pushed": "push", "delivered": "deliver", "emailed": "email", "mailed": "email", "grouped": "group", "merged": "merge", "fetched": "fetch", "deduplicated": "deduplicate", "submitted": "submit",
		"returned": "return", "written": "write", "stored": "store", "reported": "report", "summarized": "summarize", "summarised": "summarise", "split": "split", "aggregated": "aggregate", "combined": "combine"}
	nounsToo = map[string]bool{"posts": true, "orders": true, "records": true, "logs": true, "emails": true, "messages": true, "reports": true, "results": true, "tags": true, "labels": true, "calls": true,
		"requests": true, "totals": true, "limits": true, "counts": true, "uses": true, "prints": true, "uploads": true, "stores": true, "checks": true, "files": true, "changes": true, "plays": true, "books": true}
)

// plainVerbs brings verbs to their plain form where they begin something.
func plainVerbs(s string) string {
	s = reThirdPerson.ReplaceAllStringFunc(s, func(m string) string {
		g := reThirdPerson.FindStringSubmatch(m)
		word := strings.ToLower(g[2])
		lead := strings.ToLower(strings.TrimSpace(g[1]))
		if nounsToo[word] && lead != "that" && lead != "which" && lead != "it" && lead != "then" && lead != "" {
			return m
		}
		known := "|" + englishVerbs + "|"
		for _, v := range []string{strings.TrimSuffix(word, "s"), strings.TrimSuffix(word, "es"), strings.TrimSuffix(word, "ies") + "y"} {
			if v != word && strings.Contains(known, "|"+v+"|") {
				return g[1] + v + g[3]
			}
		}
		if word == "summarizes" || word == "summarises" {
			return g[1] + "summarize" + g[3]
		}
		return m
	})
	s = reGerundStart.ReplaceAllStringFunc(s, func(m string) string {
		g := reGerundStart.FindStringSubmatch(m)
		if v := verbOf(g[2]); strings.Contains("|"+englishVerbs+"|", "|"+v+"|") {
			return g[1] + v + g[3]
		}
		return m
	})
	return rePassive.ReplaceAllStringFunc(s, func(m string) string {
		g := rePassive.FindStringSubmatch(m)
		return g[1] + participles[strings.ToLower(g[3])] + " " + strings.TrimSpace(g[2])
	})
}

// first reads the first clause as what starts the workflow, where nothing
// else does: "when a new order comes in".
func (p *parser) first(s *script) {
	if len(p.in) == 0 || len(s.triggers) > 0 {
		return
	}
	c := p.in[0].text
	if cond, ok := p.r.ifOf(c); ok && p.r.specific(cond.cond) && (regexp.MustCompile(`(?i)^(?:if|unless|only if|in case|如果|若|假如|要是)`).MatchString(c) || !reHappen.MatchString(c) && p.r.lang != "zh" || p.r.lang == "zh" && !reNewZh.MatchString(c)) {
		return
	}
	if service := p.can.missing(c); service != "" && (reWhen.MatchString(c) || reWhenZh.MatchString(c) && p.r.lang == "zh" || regexp.MustCompile(`(?i)^(?:new|on new|for every new)\b`).MatchString(c)) && !strings.Contains(c, "«u") {
		s.gaps = append(s.gaps, gap{kind: "event", service: service, about: p.r.shown(c)})
		s.triggers = append(s.triggers, trigger{kind: "webhook", said: true, about: p.r.plain(c)})
		p.in = p.in[1:]
		return
	}
	if m := regexp.MustCompile(`(?i)^(?:when(?:ever)?|as soon as|once|every time|each time|upon)\s+(?:an?\s+|i (?:get|receive)\s+(?:an?\s+)?|the\s+)?(?:new\s+)?(?:e-?mail|mail)s?\b`).FindString(c); m != "" {
		s.gaps = append(s.gaps, gap{kind: "event", service: "e-mail", about: p.r.shown(c)})
		s.triggers = append(s.triggers, trigger{kind: "webhook", said: true, about: p.r.plain(c)})
		p.in = p.in[1:]
		return
	}
	if m := regexp.MustCompile(`^(?:当|每当|一旦)?(?:我)?(?:收到|有)(?:一封|新的?)*(?:邮件|电子邮件)`).FindString(c); m != "" {
		s.gaps = append(s.gaps, gap{kind: "event", service: "e-mail", about: p.r.shown(c)})
		s.triggers = append(s.triggers, trigger{kind: "webhook", said: true, about: p.r.plain(c)})
		p.in = p.in[1:]
		return
	}
	if t, ok := p.r.happening(c); ok {
		s.triggers = append(s.triggers, t)
		p.in = p.in[1:]
	}
}

var (
	reIf       = regexp.MustCompile(`(?i)^(?:(?:but |and |only |or )?(?:else |otherwise,? )?(?:only )?if|in case(?: that)?|unless|when(?:ever)?|provided(?: that)?|as long as|only when|where|for (?:each |all |every )?(?:the )?(?:\w+ )?(?:where|whose|with|that have|which have|having|items|orders|ones)(?: where| whose| with| that have| having)?)\s+`)
	reElse     = regexp.MustCompile(`(?i)^(?:otherwise|or else|else|if not|if it (?:is not|isn't|does not|doesn't)|in (?:all|any) other cases?|in every other case|(?:for |send |and |let )?(?:all )?(?:the )?(?:rest|others|remaining(?: ones| items| orders)?|everything else|all others|anything else|other (?:ones|items|orders|cases))|failing that|all other \w+|any other \w+|or)\b[\s,:]*(?:goes?\b|go\b|should\b|just\b|then\b|are\b|is\b|be\b|get\b)?\s*`)
	reElseZh   = regexp.MustCompile(`^(?:否则(?:的话)?|不然(?:的话)?|要不然|其他的?(?:情况)?|其余的?(?:情况)?|其它的?(?:情况)?|反之|若不是|如果不是|如果不(?:满足|符合)(?:条件)?|剩下的?|剩余的?|别的)(?:下|都|全部|则|就|[，,：:])*\s*`)
	reIfZh     = regexp.MustCompile(`^(?:否则|不然)?(?:但是?|而)?(?:如果|若是?|假如|要是|倘若|当|仅当|只有当?|只有)`)
	reApproved = regexp.MustCompile(`(?i)^(?:if|when|once|after|on|upon)?\s*(?:it |this |that |they |he |she |the (?:manager|boss|request|order|approver) |i )?(?:(?:is|was|gets|are|has been|have been) )?(?:(approved|approves?|accepted|confirmed|yes|approval|granted|approve it|agrees?|ok)|(rejected|rejects?|denied|declined?s?|not approved|refused|no|rejection|disapproved|turned down|do(?:es)? not approve|disagrees?))\b[\s,:]*(?:then\s+)?`)
	reOkZh     = regexp.MustCompile(`^(?:如果|若|当)?(?:审批|审核)?(?:经理|主管|他)?(?:(?:被)?(?:审批)?(通过|批准|同意)|(?:被)?(拒绝|驳回|不通过|未通过|不同意|不批准|没通过))(?:了|后|之后|时|的话)?(?:则|就|，|,|:)*\s*`)
	reFailed   = regexp.MustCompile(`(?i)^(?:if|when|in case|on|upon)\s+(?:(?:it|this|that|the (?:request|call|fetch|api|server|http request|first request|post)|an?y? (?:request|call)|something|one|there is an?)\s+)?(?:fails?|failure|errors?(?: out| occurs)?|goes wrong|does not (?:work|answer|respond)|doesn't (?:work|answer|respond)|is (?:down|unreachable|not reachable)|returns an error|that fails|times out)\b[\s,:]*`)
	reFailedZh = regexp.MustCompile(`^(?:如果|若|当|一旦)?(?:请求|调用|接口|获取|发送)?(?:失败|出错|报错|异常|超时)(?:了|后|时|的话|则|就|，|,)*\s*`)
	reTrailing = regexp.MustCompile(`(?i)\s+(?:(?:but )?only (?:if|when)|if|unless|when(?:ever)?|provided(?: that)?|in case|as long as)\s+`)
	reEach     = regexp.MustCompile(`(?i)^(?:(?:and )?(?:for|do this for|do the following for|repeat for|process)\s+(?:each|every|all)(?:\s+(?:one|single))?(?:\s+of)?|loop (?:over|through)|iterate (?:over|through)|go through|process|handle|do)\s+(?:each\s+|every\s+|all\s+)?(?:of\s+)?(?:the\s+|them\b|these\s+|those\s+)?(.*)$|^(?:one by one|one at a time|individually)[\s,:]*(.*)$|^in (?:batches|groups|chunks) of (\d+|\w+)[\s,:]*(.*)$`)
	reEachZh   = regexp.MustCompile(`^(?:对于?|为|给|针对)?(?:其中的?)?(?:每一?(?:个|条|项|笔|位|份)?|逐(?:个|条|一)(?:地)?(?:处理|遍历)?|循环(?:处理|遍历)?|遍历|依次(?:处理|对)?)(?:每一?(?:个|条|项|笔|位))?([\p{Han}A-Za-z]{0,6}?)(?:列表|数据)?(?:，|,|都|：|:|进行|逐个|来|\s)*((?:` + chineseVerbs + `|如果|若).*)?$`)
	reEachEnd  = regexp.MustCompile(`(?i)\s+(?:for (?:each|every)(?: single)?(?: one)?(?: of (?:them|the \w+))?(?: ` + items + `)?|one by one|one at a time|individually|each one separately)(?:\s+(?:separately|individually))?$|,?\s*in (?:batches|groups|chunks) of (\d+|\w+)(?: items)?$`)
	reSwitch   = regexp.MustCompile(`(?i)^(?:depending on|based on|according to|(?:route|switch|branch|split|distribute|dispatch|divide)(?: (?:it|them|items?|orders?|the \w+|messages?|requests?|by value))?(?: (?:by|on|based on|depending on|according to|over))+)\s+(?:the\s+|its\s+|their\s+)?(?:value of\s+)?(?:the\s+)?(?:field\s+)?(«q\d+»|[\w.]+)(?:\s+field)?\s*[:,]?\s*(.*)$`)
	reSwitchZh = regexp.MustCompile(`^(?:按照?|根据|依据|基于)\s*(?:字段)?\s*(«q\d+»|[\p{L}\p{N}_.]+?)\s*(?:字段|的值|的不同)?\s*(?:来|进行)?(?:分流|路由|分支|分发|分别|判断|处理|分类|分情况)(?:处理|发送)?(?:到不同的?\p{Han}*)?\s*[：:，,]?\s*(.*)$`)
)

// conditional is an if clause taken apart.
type conditional struct {
	cond   condition
	negate bool
	then   string // what follows in the same clause
	elseIf bool
}

// ifOf reads a clause that begins with a condition.
func (r *reading) ifOf(s string) (conditional, bool) {
	head := reIf.FindString(s)
	if r.lang == "zh" && head == "" {
		head = reIfZh.FindString(s)
	}
	if head == "" {
		return conditional{}, false
	}
	body := s[len(head):]
	lower := strings.ToLower(head)
	out := conditional{negate: strings.Contains(lower, "unless"), elseIf: regexp.MustCompile(`^(?:but |and )?(?:else|otherwise)|^否则|^不然`).MatchString(lower)}
	if c, ok := r.condition(strings.TrimRight(body, " ,，")); ok {
		out.cond = c
		// a condition that swallowed what is to be done
		if then, cond, ok := r.splitThen(body); ok {
			out.cond, out.then = cond, then
		}
		return out, true
	}
	if then, cond, ok := r.splitThen(body); ok {
		out.cond, out.then = cond, then
		return out, true
	}
	return conditional{}, false
}

var (
	reThenWord = regexp.MustCompile(`(?i)\s*,?\s+then\s+|\s*[,:]\s+|\s+(?:` + englishVerbs + `)\s`)
	reThenZh   = regexp.MustCompile(`(?:的话|时候?|的时候|，|,)?(?:则|就|那么|那就|，|,)|时|` + chineseVerbs)
)

// splitThen finds where a condition ends and what is to be done begins.
func (r *reading) splitThen(s string) (then string, cond condition, ok bool) {
	re := reThenWord
	if r.lang == "zh" {
		re = reThenZh
	}
	for from := 0; from < len(s); {
		loc := re.FindStringIndex(s[from:])
		if loc == nil {
			return "", condition{}, false
		}
		a, b := from+loc[0], from+loc[1]
		from = max(a+1, b-1)
		for from < len(s) && s[from]&0xC0 == 0x80 {
			from++
		}
		if a == 0 {
			continue
		}
		c, good := r.condition(s[:a])
		if !good {
			continue
		}
		for _, rest := range []string{s[a:], s[b:]} {
			rest = strings.Trim(rest, " ,，:：")
			if r.lang != "zh" {
				rest = trimEnglish(rest)
			} else {
				rest = trimChinese(rest)
			}
			if rest == "" {
				continue
			}
			_, is := r.step(rest)
			if !is {
				_, is = r.incomplete(rest)
			}
			if is {
				return rest, c, true
			}
		}
	}
	return "", condition{}, false
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
		return append(out, p.ifStep(cond, c))
	}
	if st, ok := p.each(s, c); ok {
		return append(out, st...)
	}
	if loc := lastIndex(reTrailing, s); loc != nil {
		word := strings.ToLower(s[loc[0]:loc[1]])
		if cond, ok := r.condition(s[loc[1]:]); ok && r.specific(cond) && !reFilterHead.MatchString(s) {
			if st, ok := p.action(s[:loc[0]]); ok {
				one := conditional{cond: cond, negate: strings.Contains(word, "unless")}
				return append(out, p.ifRest(one, []step{st}, c))
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

var reBatches = regexp.MustCompile(`(?i)^in (?:batches|groups|chunks) of (\d+|\w+)(?:\s+(?:items?|at a time|each))?$`)

var reLeftOver = regexp.MustCompile(`(?i)«u\d+»\s*(?:,|and|,\s*and)\s+(?:then\s+)?([a-z].*)$`)

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
	reSource      = regexp.MustCompile(`(?i),?\s*\b(?:from|of|in|at|on|returned by|received from|found at|using|with (?:the )?(?:data|result|results|output|response|list|orders|users|items|records) (?:of|from|at)|(?:the )?(?:result|results|data|output|response) (?:of|from))\s+(?:the\s+)?(?:(?:list|api|url|endpoint|page|address|service|data|file|feed)\s+)?(?:at\s+|from\s+)?«u(\d+)»`)
	reSourceZh    = regexp.MustCompile(`(?:从|把|将|对|用)?\s*«u(\d+)»\s*(?:获取|返回|得到|拿到|中|里|上|取|来)*的?(?:数据|结果|订单|用户|列表|内容)?(?:中|里)?(?:获取|取出|拿)?`)
	reSaysNothing = regexp.MustCompile(`(?i)^(?:(?:use|with|for|the|run|it|start|trigger|on|schedule|scheduled|that|which|to|when|do|then|this|please|and|in|of|workflow|a)\b[\s,]*|使用|用|运行|执行|在|的|就|时|后|并|拿|来|请|麻烦|帮我|[\s,，。.:：])*$|^(?:it |which |that )?(?:takes?|accepts?|gets?|receives?|expects?)\s+(?:an?\s+|the\s+)?(?:\w+\s+){0,3}(?:number|name|json|body|parameters?|text|string|payload|input|field|value)s?(?:\s+(?:called\s+|named\s+)?\w+)?$`)
	reNotCut      = regexp.MustCompile(`(?i)^(?:` + fetchVerb + `|post|put|patch|send|forward|push|submit|upload|deliver|notify|merge|join|combine|compare|read|parse|import|extract|scrape|redirect|respond|reply|answer|mcp|call|save|write|store|append|delete)\b|\bmcp\b|\bredirect\b`)
	reNoVerb      = regexp.MustCompile(`(?i)^(?:(?:get|fetch|take|use|with|for|the|all|data|run|it|start|trigger|on|schedule|scheduled|that|which|to|when|do|then|this|please|and|in|of|workflow|` + items + `)\b[\s,]*|获取|取|数据|使用|用|运行|执行|在|的|就|时|后|并|拿|来|[\s,，。.:：])*$`)
)

// sourceIn finds where the items of an action come from: "sort the users from
// https://… by name". It returns the address and the words without it.
func (r *reading) sourceIn(s string) (address, rest string) {
	if loc := reSource.FindStringIndex(s); loc != nil && regexp.MustCompile(`(?i)^(?:if|when|unless|otherwise|else)\b`).MatchString(s) && regexp.MustCompile(`(?i)\s(?:`+sendVerb+`|`+fetchVerb+`)\b`).MatchString(s[:loc[0]]) {
		return "", s
	}
	mail := regexp.MustCompile(`(?i)^(?:send|e-?mail|mail)\b.*(?:«e|\be-?mail\b)`).MatchString(s)
	if reNotCut.MatchString(s) && !mail {
		return "", s
	}
	re := reSource
	if r.lang == "zh" && regexp.MustCompile(`^(?:如果|若|当|逐个|逐条|遍历|循环|对)`).MatchString(s) {
		m := regexp.MustCompile(`\s*«u(\d+)»\s*(?:返回|中|里|上)?(?:的|中|里)?\s*(?:数据|列表|结果)?(?:中|里)?的?\s*`).FindStringSubmatchIndex(s)
		if m == nil || regexp.MustCompile(`发送|推送|提交|发到|发给|就|则|请求|获取|调用`).MatchString(s[:m[0]]) {
			return "", s
		}
		return r.parts["«u"+s[m[2]:m[3]]+"»"], strings.TrimSpace(s[:m[0]] + " " + s[m[1]:])
	}
	if r.lang == "zh" && reSource.FindStringIndex(s) == nil {
		if !regexp.MustCompile(`筛选|过滤|排序|统计|计算|去重|保留|求和|求出|求平均|按`).MatchString(s) || regexp.MustCompile(`发送|推送|提交|发到|发给|到\s*«u|给\s*«u|往\s*«u|向\s*«u`).MatchString(s) {
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
	for _, loc := range regexp.MustCompile(`(?i)\s+and\s+|\s*,\s*|和|以及`).FindAllStringIndex(s, -1) {
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

func lastIndex(re *regexp.Regexp, s string) []int {
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
	reFetchBare = regexp.MustCompile(`(?i)^(?:fetch|get|grab|download|load|pull|read|query|request|call|hit|retrieve|scrape|check|look up|poll|import|crawl|monitor)\b\s*(.*)$`)
	reSendBare  = regexp.MustCompile(`(?i)^(?:post|put|send|forward|push|submit|upload|publish|deliver|notify|alert|inform|report|pass|tell|message|transmit)\b\s*(.*)$`)
	reFetchBzh  = regexp.MustCompile(`^(?:获取|抓取|请求|调用|读取|下载|拉取|访问|查询|取得|得到|拿到|爬取|检查)(.*)$`)
	reSendBzh   = regexp.MustCompile(`^(?:(?:把|将).*)?(?:发送|发给|发到|发往|推送|提交|转发|上传|通知|告诉|汇报|发)(?:.*)$`)
	reConcrete  = regexp.MustCompile(`(?i)\b(?:mind|pizza|phone|coffee|printer|door|light|lamp|car|house|weather forecast)\b`)
)

// incomplete reads what is to be done although it does not say where.
func (r *reading) incomplete(s string) (step, bool) {
	st := step{about: r.shown(s), raw: s}
	switch {
	case reConcrete.MatchString(s) && !regexp.MustCompile(`(?i)weather|phone number`).MatchString(s):
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
	if (last.kind == "fetch" || last.kind == "send") && regexp.MustCompile(`(?i)^(?:and )?(?:with|using|use|including|retry|try|set|add|authenticate)\b.*\b(?:header|bearer|basic auth|api key|token|retr\w+|times|oauth)|重试|请求头|认证`).MatchString(s) {
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
	if regexp.MustCompile(`(?i)^(?:and )?(?:ignore|skip|tolerate|continue on|go on (?:after|on))\b.*\b(?:errors?|failures?|fail\w*)\b|忽略(?:错误|失败)|出错(?:也|仍)?继续`).MatchString(s) && (last.kind == "fetch" || last.kind == "send") {
		last.status = -1
		return true
	}
	return regexp.MustCompile(`(?i)^(?:thanks?(?: you)?|that's (?:it|all)|that is all|please|cheers|谢谢|就这样|以上|好的?|hi|hello|hey|你好)\W*$`).MatchString(s)
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

// endOfBranch says whether a clause does not belong to the branch before.
func endOfBranch(r *reading) func(clause) bool {
	return func(c clause) bool {
		if c.last || c.start {
			return true
		}
		_, isIf := r.ifOf(c.text)
		return isIf || isElse(r, c.text) || reFailed.MatchString(c.text)
	}
}

func isElse(r *reading, s string) bool {
	return reElse.MatchString(s) || r.lang == "zh" && reElseZh.MatchString(s)
}

func elseRest(r *reading, s string) string {
	if r.lang == "zh" {
		if m := reElseZh.FindString(s); m != "" {
			return s[len(m):]
		}
	}
	return s[len(reElse.FindString(s)):]
}

// ifStep reads an if clause with its branches.
func (p *parser) ifStep(c conditional, from clause) step {
	for { // conditions that were taken apart at an "and"
		next, ok := p.peek()
		if !ok || c.then != "" || next.start {
			break
		}
		more, ok := p.r.condition(next.text)
		_, isStep := p.r.step(next.text)
		if !ok || isStep && !regexp.MustCompile(`(?i)^(?:the\s+)?(?:total|count|order|sum|average|label|tag|set|put|post|check|limit|group|message|email|mail)\b`).MatchString(next.text) || isElse(p.r, next.text) || reIf.MatchString(next.text) {
			break
		}
		c.cond.tests = append(c.cond.tests, more.tests...)
		p.at++
	}
	var steps []step
	if c.then != "" {
		p.insert(c.then, clause{})
		steps = p.block(endOfBranch(p.r))
	} else if next, ok := p.peek(); ok && !isElse(p.r, next.text) {
		steps = p.block(endOfBranch(p.r))
	}
	return p.ifRest(c, steps, from)
}

// ifRest reads the other branches behind the first.
func (p *parser) ifRest(c conditional, steps []step, _ clause) step {
	arms := []arm{{label: p.r.say(c.cond), cond: negated(c), steps: steps}}
	for {
		next, ok := p.peek()
		if !ok {
			break
		}
		cond, isIf := p.r.ifOf(next.text)
		if isIf && pronoun(cond.cond.tests[0].field) && len(arms[0].cond.tests) > 0 {
			for i := range cond.cond.tests {
				cond.cond.tests[i].field = arms[0].cond.tests[0].field
			}
		}
		if isIf && (cond.elseIf || sameField(arms[0].cond, cond.cond)) {
			p.at++
			inner := p.oneArm(cond)
			arms = append(arms, arm{label: p.r.say(cond.cond), cond: negated(cond), steps: inner})
			continue
		}
		if !isElse(p.r, next.text) {
			break
		}
		rest := strings.TrimSpace(elseRest(p.r, next.text))
		p.at++
		var other []step
		if rest != "" {
			p.insert(complete(p.r, rest, arms[len(arms)-1].steps), clause{})
			other = p.block(endOfBranch(p.r))
		} else {
			other = p.block(endOfBranch(p.r))
		}
		arms = append(arms, arm{other: true, steps: other})
		break
	}
	if len(arms) == 1 || len(arms) == 2 && arms[1].other {
		return step{kind: "if", arms: arms}
	}
	return step{kind: "switch", arms: arms}
}

func (p *parser) oneArm(c conditional) []step {
	if c.then != "" {
		p.insert(c.then, clause{})
	} else if next, ok := p.peek(); !ok || isElse(p.r, next.text) {
		return nil
	}
	return p.block(endOfBranch(p.r))
}

func negated(c conditional) condition {
	if c.negate {
		return c.cond.not()
	}
	return c.cond
}

func sameField(a, b condition) bool {
	return len(a.tests) > 0 && len(b.tests) > 0 && strings.EqualFold(a.tests[0].field, b.tests[0].field)
}

// complete fills a bare place up to an action: "otherwise to https://…".
func complete(r *reading, s string, before []step) string {
	if regexp.MustCompile(`(?i)^(?:to|at|it to|them to|sent? (?:it|them) to)\s+«u`).MatchString(s) || strings.HasPrefix(s, "«u") && len(before) > 0 && before[len(before)-1].kind == "send" {
		return "send to " + strings.TrimPrefix(strings.TrimPrefix(s, "to "), "at ")
	}
	if regexp.MustCompile(`(?i)^to\s+«e`).MatchString(s) {
		return "send an email " + s
	}
	if regexp.MustCompile(`^(?:到|给|发到)?\s*«u`).MatchString(s) {
		return "发送到" + s[strings.Index(s, "«u"):]
	}
	if m := regexp.MustCompile(`(?i)^(?:with\s+)?(?:status\s+)?(\d{3}|«q\d+»)(.*)$`).FindStringSubmatch(s); m != nil && len(before) > 0 && before[len(before)-1].kind == "respond" {
		return "respond with " + s
	}
	if len(before) > 0 && before[len(before)-1].kind == "set" {
		if m := regexp.MustCompile(`(?i)^(?:it\s+)?(?:to|as|with)\s+(.+)$|^(«q\d+»|[\w-]+)$`).FindStringSubmatch(s); m != nil && len(before[len(before)-1].pairs) == 1 {
			return "set " + before[len(before)-1].pairs[0].name + " to " + m[1] + m[2]
		}
	}
	return s
}

// routes reads "paid to https://…, open to https://…, all others to …".
func (p *parser) routes(field, rest string) (step, bool) {
	r := p.r
	name := r.fieldName(field)
	if name == "" {
		return step{}, false
	}
	var texts []string
	if strings.TrimSpace(rest) != "" {
		texts = append(texts, rest)
	}
	for { // the arms may have been taken apart
		next, ok := p.peek()
		if !ok || next.last {
			break
		}
		if !reArm.MatchString(next.text) && !isElse(r, next.text) && !regexp.MustCompile(`(?i)^(?:if|when|for|如果|若|当)\b?`).MatchString(next.text) {
			break
		}
		texts = append(texts, next.text)
		p.at++
	}
	back := p.at
	st := step{kind: "switch", about: r.shown(field)}
	for _, t := range texts {
		for _, part := range splitArms(t) {
			a, ok := p.arm(name, part, st.arms)
			if !ok {
				p.at = back - len(texts)
				if strings.TrimSpace(rest) != "" {
					p.at++
				}
				return step{}, false
			}
			st.arms = append(st.arms, a)
		}
	}
	return st, len(st.arms) > 1
}

var (
	reArm      = regexp.MustCompile(`(?i)^(?:and\s+)?(?:if(?: it is| it's)?\s+|for\s+|when(?: it is| it's)?\s+|如果是|如果为|若为|如果|若)?(«q\d+»|[\p{L}\p{N}_.-]+?)(?:\s+(?:ones|orders|items|users|customers|cases|tickets|messages|requests))?\s*(?:->|→|=>|:|：|，|,|should be sent to|are sent to|is sent to|must go to|should go to|goes? to|sent to|send (?:it |them )?to|\bto\b|则|就|时|的?(?:发送?到|发给|发往|到|去))\s*(.+)$`)
	reArmSplit = regexp.MustCompile(`(?i)\s*;\s*|；|\s*,\s*(?:and\s+)?|，|、|\s+and\s+`)
)

// splitArms takes a list of routes apart behind each address.
func splitArms(s string) []string {
	var out []string
	for _, part := range reArmSplit.Split(s, -1) {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		out = append(out, part)
	}
	// a value and its action may stand apart: "paid, send to …"
	var joined []string
	for i := 0; i < len(out); i++ {
		if i+1 < len(out) && !strings.Contains(out[i], "«u") && !reArm.MatchString(out[i]) && strings.Contains(out[i+1], "«u") {
			out[i+1] = out[i] + ": " + out[i+1]
			continue
		}
		joined = append(joined, out[i])
	}
	return joined
}

func (p *parser) arm(field, s string, before []arm) (arm, bool) {
	r := p.r
	other := false
	var rest string
	if isElse(r, s) {
		rest, other = strings.TrimLeft(elseRest(r, s), " :：,->→"), true
	} else {
		m := reArm.FindStringSubmatch(s)
		if m == nil {
			return arm{}, false
		}
		rest = m[2]
		s = m[1]
	}
	var prior []step
	if len(before) > 0 {
		prior = before[0].steps
	}
	if strings.HasPrefix(strings.TrimSpace(rest), "«u") {
		rest = "send to " + rest
		if r.lang == "zh" {
			rest = "发送到" + strings.TrimPrefix(rest, "send to ")
		}
	} else {
		rest = complete(r, rest, prior)
	}
	st, ok := p.action(rest)
	if !ok {
		return arm{}, false
	}
	if other {
		return arm{other: true, steps: []step{st}}, true
	}
	t, ok := r.testOf(field, "equals", s)
	return arm{label: r.plain(s), cond: condition{tests: []test{t}}, steps: []step{st}}, ok
}

// each reads a loop.
func (p *parser) each(s string, c clause) ([]step, bool) {
	r := p.r
	loop := step{kind: "each", n: 1, about: r.shown(s)}
	var before []step
	rest := ""
	switch m, z := reEach.FindStringSubmatch(s), reEachZh.FindStringSubmatch(s); {
	case r.lang == "zh" && z != nil && regexp.MustCompile(`每|逐|循环|遍历|依次`).MatchString(s):
		if q := regexp.MustCompile(`(?:按|根据|小时|分钟|天|周|月)`).MatchString(z[1]); q {
			return nil, false
		}
		rest = z[2]
	case m != nil:
		if m[3] != "" {
			n, _ := number(m[3])
			loop.n = float64(max(n, 1))
			rest = m[4]
		} else {
			body := m[1] + m[2]
			if !regexp.MustCompile(`(?i)\b(?:each|every|all|over|through|one by one|one at a time|individually)\b`).MatchString(s) {
				return nil, false
			}
			if f := regexp.MustCompile(`(?i)^(?:[\w-]+\s+)?(?:in|of|from)\s+(?:the\s+|its\s+|their\s+)?(?:(?:list|array|field)\s+(«q\d+»|\w+)|(«q\d+»|\w+)\s+(?:list|array|field)|(«q\d+»))`).FindStringSubmatch(body); f != nil {
				before = []step{{kind: "split", fields: []string{r.fieldName(f[1] + f[2] + f[3])}, about: r.shown(s)}}
				body = body[len(f[0]):]
			} else if f := regexp.MustCompile(`(?i)^(?:[\w-]+\s+){0,2}(?:in|of|from|at|returned by)\s+(?:the\s+)?(?:\w+\s+)?(?:at\s+|from\s+)?(«u\d+»)`).FindStringSubmatch(body); f != nil {
				before = []step{{kind: "fetch", url: r.parts[f[1]], about: r.shown(s)}}
				body = body[len(f[0]):]
			} else if f := regexp.MustCompile(`(?i)^(?:[\w-]+\s+){0,2}(?:in|of|from)\s+(?:the\s+)?(?:list|array|result|results|response|it|them|data|output)\b`).FindString(body); f != "" {
				body = body[len(f):]
			} else {
				body = regexp.MustCompile(`(?i)^(?:one\b|of them\b|[\w-]+)(?:\s+(?:items?|one))?`).ReplaceAllString(body, "")
			}
			if b := regexp.MustCompile(`(?i)\s*in (?:batches|groups|chunks) of (\d+|\w+)`).FindStringSubmatch(body); b != nil {
				n, _ := number(b[1])
				loop.n = float64(max(n, 1))
				body = strings.Replace(body, b[0], "", 1)
			}
			rest = trimEnglish(body)
		}
	default:
		loc := reEachEnd.FindStringSubmatchIndex(s)
		if loc == nil || regexp.MustCompile(`(?i)^(?:sum|count|total|average|group|aggregate|summari[sz]e|compute|calculate)\b`).MatchString(s) {
			return nil, false
		}
		if loc[2] >= 0 {
			n, _ := number(s[loc[2]:loc[3]])
			loop.n = float64(max(n, 1))
		}
		st, ok := p.action(strings.TrimRight(s[:loc[0]], " ,"))
		if !ok || st.kind == "set" || st.kind == "split" || st.kind == "html" || st.kind == "uuid" {
			return nil, false
		}
		loop.steps = []step{st}
		return []step{loop}, true
	}
	stop := func(c clause) bool { return c.last || c.start }
	if rest != "" {
		p.insert(rest, clause{start: c.start})
	}
	if _, ok := p.peek(); ok {
		loop.steps = p.block(stop)
	}
	if len(loop.steps) == 1 && loop.steps[0].kind == "each" { // said twice: "loop over …, for each of them …"
		loop.n, loop.steps = max(loop.n, loop.steps[0].n), loop.steps[0].steps
	}
	if len(loop.steps) == 0 {
		return nil, false
	}
	return append(before, loop), true
}

// branchOfLast reads a clause that begins an output of the step before: an
// approval's, or the error output of a request.
func (p *parser) branchOfLast(out []step, c clause) ([]step, bool) {
	if len(out) == 0 {
		return nil, false
	}
	last := &out[len(out)-1]
	s := c.text
	r := p.r
	inner := func(rest string) []step {
		if rest = strings.TrimSpace(rest); rest != "" {
			if m := reElse.FindString(rest); m != "" {
				rest = rest[len(m):]
			}
			p.insert(rest, clause{})
		}
		if next, ok := p.peek(); !ok || rest == "" && next.start {
			return nil
		}
		return p.block(func(c clause) bool {
			return endOfBranch(r)(c) || reApproved.MatchString(c.text) || r.lang == "zh" && reOkZh.MatchString(c.text)
		})
	}
	if last.kind == "approval" {
		yes, no, rest := "", "", ""
		if m := reApproved.FindStringSubmatch(s); m != nil {
			yes, no, rest = m[1], m[2], s[len(m[0]):]
		} else if m := reOkZh.FindStringSubmatch(s); r.lang == "zh" && m != nil {
			yes, no, rest = m[1], m[2], s[len(m[0]):]
		} else if isElse(r, s) && len(last.arms) > 0 {
			no, rest = "else", elseRest(r, s)
		}
		if yes != "" || no != "" {
			label := "approved"
			if no != "" {
				label = "rejected"
			}
			steps := inner(complete(r, rest, stepsOf(last.arms)))
			last.arms = append(last.arms, arm{label: label, steps: steps})
			return out, true
		}
	}
	if last.kind == "fetch" || last.kind == "send" {
		if m := reFailed.FindString(s); m != "" {
			last.arms = append(last.arms, arm{label: "error", steps: inner(s[len(m):])})
			return out, true
		}
		if m := reFailedZh.FindString(s); r.lang == "zh" && m != "" && regexp.MustCompile(`失败|出错|报错|异常|超时`).MatchString(m) {
			last.arms = append(last.arms, arm{label: "error", steps: inner(s[len(m):])})
			return out, true
		}
	}
	return nil, false
}

func stepsOf(arms []arm) []step {
	if len(arms) == 0 {
		return nil
	}
	return arms[0].steps
}

// join puts the requests before a merge side by side.
func (p *parser) join(out []step, st step) []step {
	var sides []step
	if len(st.urls) > 1 {
		for _, u := range st.urls {
			sides = append(sides, step{kind: "fetch", url: u, about: u})
		}
	}
	if len(sides) == 0 {
		for len(out) > 0 && out[len(out)-1].kind == "fetch" {
			f := out[len(out)-1]
			if len(f.urls) > 1 {
				for i := len(f.urls) - 1; i >= 0; i-- {
					sides = append([]step{{kind: "fetch", url: f.urls[i], about: f.about}}, sides...)
				}
			} else {
				sides = append([]step{f}, sides...)
			}
			out = out[:len(out)-1]
		}
	}
	if len(sides) < 2 {
		if st.kind == "merge" && len(sides) == 1 {
			return append(out, sides[0], step{kind: "aggregate", all: true, about: st.about})
		}
		out = append(out, sides...)
		return append(out, step{kind: "aggregate", all: true, about: st.about})
	}
	st.steps = sides
	return append(out, st)
}

// not returns the opposite of c.
func (c condition) not() condition {
	out := condition{any: !c.any && len(c.tests) > 1 || c.any && len(c.tests) == 1}
	if c.any && len(c.tests) > 1 {
		out.any = false
	}
	for _, t := range c.tests {
		t.op = opposite(t)
		out.tests = append(out.tests, t)
	}
	return out
}

func opposite(t test) string {
	switch t.op {
	case "gt":
		return "lte"
	case "gte":
		return "lt"
	case "lt":
		return "gte"
	case "lte":
		return "gt"
	case "true":
		return "false"
	case "false":
		return "true"
	case "after":
		return "beforeOrEquals"
	case "before":
		return "afterOrEquals"
	case "afterOrEquals":
		return "before"
	case "beforeOrEquals":
		return "after"
	}
	if rest, ok := strings.CutPrefix(t.op, "not"); ok {
		return strings.ToLower(rest[:1]) + rest[1:]
	}
	return "not" + strings.ToUpper(t.op[:1]) + t.op[1:]
}
