package planner

import (
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

var (
	reWrapper = lazily(`(?i)(?:^|[.\n]\s*)(?:hi|hello|hey|please|pls|ok|so|well|,|!|\s)*(?:(?:can|could|would) you (?:please )?|i(?:'d| would)? (?:want|need|like)(?: you)?(?: to)?|i am looking for|i'm looking for|we (?:want|need)|let's|help me(?: to)?|your task is to)?\s*(?:please )?(?:create|build|make|set ?up|give|write|generate|design|have|develop|prepare|construct)?\s*(?:me |us )?(?:a |an |the |one |some )?(?:\w+ )?(?:workflow|automation|flow|pipeline|job|process|integration|bot|something|routine|script)\s*(?:(?:called|named)\s+(«q\d+»)\s*)?(?:that will|that should|that|which|to|where|for|in which|so that|and have it|:|,|-)\s*(?:runs?\b|starts?\b)?`)
	reWrapZh  = lazily(`(?:^|[。\n])(?:请|你好|麻烦|帮我|帮忙|我想要?|我要|我需要|能不能|可以|给我|，|\s)*(?:创建|新建|建立|建|做|写|搭建|设计|生成|搞|来)(?:一个|个)?(?:新的?|自动化?|简单的?)?(?:工作流|流程|自动化|任务)(?:(?:叫做?|名为|名叫)\s*(«q\d+»))?(?:来|用来|用于|，|：|:|，要求|,)*`)
	reNamed   = lazily(`(?i)(?:^|[\s,.])(?:call (?:it|this)|name (?:it|this|the workflow))\s+(«q\d+»)|(?:工作流)?(?:名称?|名字)(?:为|是|叫|:|：)\s*(«q\d+»)`)
	reZone    = lazily(`(?i)\(?\b(?:in\s+)?((?:Europe|America|Asia|Africa|Australia|Pacific|Atlantic)/[A-Za-z_]+|UTC|GMT|(?:berlin|london|paris|vienna|madrid|rome|new york|chicago|los angeles|tokyo|beijing|shanghai|singapore|sydney|india|eastern|pacific|central european)\s+time|[CP]E?T\b|CET)(?:\s+time(?: ?zone)?)?\)?|（?(北京时间|上海时间|东京时间|纽约时间|伦敦时间|柏林时间|东部时间)）?`)
)

var reJob = lazily(`(?i)^(?:please\s+)?(?:set ?up|create|build|make|write|have)\s+(?:me\s+)?an?\s+(?:\w+\s+)?(?:job|workflow|automation|task|process|flow|pipeline|routine)\s*,?\s*(?:that|which|to)\b\s*,?\s*`)

var zones = map[string]string{"berlin": "Europe/Berlin", "london": "Europe/London", "paris": "Europe/Paris", "vienna": "Europe/Vienna", "madrid": "Europe/Madrid", "rome": "Europe/Rome",
	"new york": "America/New_York", "eastern": "America/New_York", "chicago": "America/Chicago", "los angeles": "America/Los_Angeles", "pacific": "America/Los_Angeles", "tokyo": "Asia/Tokyo",
	"beijing": "Asia/Shanghai", "shanghai": "Asia/Shanghai", "singapore": "Asia/Singapore", "sydney": "Australia/Sydney", "india": "Asia/Kolkata", "central european": "Europe/Berlin", "cet": "Europe/Berlin",
	"utc": "UTC", "gmt": "UTC", "北京时间": "Asia/Shanghai", "上海时间": "Asia/Shanghai", "东京时间": "Asia/Tokyo", "纽约时间": "America/New_York", "伦敦时间": "Europe/London", "柏林时间": "Europe/Berlin", "东部时间": "America/New_York"}

// understand reads a whole request.
func (r *reading) understand(can abilities) script {
	var s script
	take := func(re *pattern, repl string) {
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
	reThirdPerson = lazily(`(?i)(^|\b(?:that|which|it|and|then|also|workflow|finally|otherwise|else)\s+|[,;]\s*)([a-z]+(?:s|es|ies))(\s)`)
	reGerundStart = lazily(`(?i)(^|\b(?:then|and|by|start by|starting with|begin by)\s+|[,;.]\s*)([a-z]+ing)(\s)`)
	rePassive     = lazily(`(?i)(^|[,;.]\s*|\band\s+|\bthen\s+)(?:(?:the|all|these|those|its?|their|every|each)\s+)*((?:results?|data|items?|orders?|output|they|it|list|response|answer|records?|entries|rows|users?|everything|remaining \w+|rest|message|report|total|ones|products?)\s+)(?:(?:should|must|will|shall|needs? to|have to|has to|is|are|gets?|get|to|be|then|also|finally|which)\s+)+(sent|posted|forwarded|sorted|ordered|filtered|saved|limited|renamed|pushed|delivered|emailed|mailed|grouped|merged|fetched|deduplicated|submitted|returned|written|stored|reported|summari[sz]ed|split|aggregated|combined)\b`)
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
	if cond, ok := p.r.ifOf(c); ok && p.r.specific(cond.cond) && (lazily(`(?i)^(?:if|unless|only if|in case|如果|若|假如|要是)`).MatchString(c) || !reHappen.MatchString(c) && p.r.lang != "zh" || p.r.lang == "zh" && !reNewZh.MatchString(c)) {
		return
	}
	if service := p.can.missing(c); service != "" && (reWhen.MatchString(c) || reWhenZh.MatchString(c) && p.r.lang == "zh" || lazily(`(?i)^(?:new|on new|for every new)\b`).MatchString(c)) && !strings.Contains(c, "«u") {
		s.gaps = append(s.gaps, gap{kind: "event", service: service, about: p.r.shown(c)})
		s.triggers = append(s.triggers, trigger{kind: "webhook", about: p.r.plain(c)})
		p.in = p.in[1:]
		return
	}
	if m := lazily(`(?i)^(?:when(?:ever)?|as soon as|once|every time|each time|upon)\s+(?:an?\s+|i (?:get|receive)\s+(?:an?\s+)?|the\s+)?(?:new\s+)?(?:e-?mail|mail)s?\b`).FindString(c); m != "" {
		s.gaps = append(s.gaps, gap{kind: "event", service: "e-mail", about: p.r.shown(c)})
		s.triggers = append(s.triggers, trigger{kind: "webhook", about: p.r.plain(c)})
		p.in = p.in[1:]
		return
	}
	if m := lazily(`^(?:当|每当|一旦)?(?:我)?(?:收到|有)(?:一封|新的?)*(?:邮件|电子邮件)`).FindString(c); m != "" {
		s.gaps = append(s.gaps, gap{kind: "event", service: "e-mail", about: p.r.shown(c)})
		s.triggers = append(s.triggers, trigger{kind: "webhook", about: p.r.plain(c)})
		p.in = p.in[1:]
		return
	}
	if t, ok := p.r.happening(c); ok {
		s.triggers = append(s.triggers, t)
		p.in = p.in[1:]
	}
}
