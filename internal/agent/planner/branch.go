package planner

import (
	"strings"
)

var (
	reIf       = lazily(`(?i)^(?:(?:but |and |only |or )?(?:else |otherwise,? )?(?:only )?if|in case(?: that)?|unless|when(?:ever)?|provided(?: that)?|as long as|only when|where|for (?:each |all |every )?(?:the )?(?:\w+ )?(?:where|whose|with|that have|which have|having|items|orders|ones)(?: where| whose| with| that have| having)?)\s+`)
	reElse     = lazily(`(?i)^(?:otherwise|or else|else|if not|if it (?:is not|isn't|does not|doesn't)|in (?:all|any) other cases?|in every other case|(?:for |send |and |let )?(?:all )?(?:the )?(?:rest|others|remaining(?: ones| items| orders)?|everything else|all others|anything else|other (?:ones|items|orders|cases))|failing that|all other \w+|any other \w+|or)\b[\s,:]*(?:goes?\b|go\b|should\b|just\b|then\b|are\b|is\b|be\b|get\b)?\s*`)
	reElseZh   = lazily(`^(?:否则(?:的话)?|不然(?:的话)?|要不然|其他的?(?:情况)?|其余的?(?:情况)?|其它的?(?:情况)?|反之|若不是|如果不是|如果不(?:满足|符合)(?:条件)?|剩下的?|剩余的?|别的)(?:下|都|全部|则|就|[，,：:])*\s*`)
	reIfZh     = lazily(`^(?:否则|不然)?(?:但是?|而)?(?:如果|若是?|假如|要是|倘若|当|仅当|只有当?|只有)`)
	reApproved = lazily(`(?i)^(?:if|when|once|after|on|upon)?\s*(?:it |this |that |they |he |she |the (?:manager|boss|request|order|approver) |i )?(?:(?:is|was|gets|are|has been|have been) )?(?:(approved|approves?|accepted|confirmed|yes|approval|granted|approve it|agrees?|ok)|(rejected|rejects?|denied|declined?s?|not approved|refused|no|rejection|disapproved|turned down|do(?:es)? not approve|disagrees?))\b[\s,:]*(?:then\s+)?`)
	reOkZh     = lazily(`^(?:如果|若|当)?(?:审批|审核)?(?:经理|主管|他)?(?:(?:被)?(?:审批)?(通过|批准|同意)|(?:被)?(拒绝|驳回|不通过|未通过|不同意|不批准|没通过))(?:了|后|之后|时|的话)?(?:则|就|，|,|:)*\s*`)
	reFailed   = lazily(`(?i)^(?:if|when|in case|on|upon)\s+(?:(?:it|this|that|the (?:request|call|fetch|api|server|http request|first request|post)|an?y? (?:request|call)|something|one|there is an?)\s+)?(?:fails?|failure|errors?(?: out| occurs)?|goes wrong|does not (?:work|answer|respond)|doesn't (?:work|answer|respond)|is (?:down|unreachable|not reachable)|returns an error|that fails|times out)\b[\s,:]*`)
	reFailedZh = lazily(`^(?:如果|若|当|一旦)?(?:请求|调用|接口|获取|发送)?(?:失败|出错|报错|异常|超时)(?:了|后|时|的话|则|就|，|,)*\s*`)
	reTrailing = lazily(`(?i)\s+(?:(?:but )?only (?:if|when)|if|unless|when(?:ever)?|provided(?: that)?|in case|as long as)\s+`)
	reEach     = lazily(`(?i)^(?:(?:and )?(?:for|do this for|do the following for|repeat for|process)\s+(?:each|every|all)(?:\s+(?:one|single))?(?:\s+of)?|loop (?:over|through)|iterate (?:over|through)|go through|process|handle|do)\s+(?:each\s+|every\s+|all\s+)?(?:of\s+)?(?:the\s+|them\b|these\s+|those\s+)?(.*)$|^(?:one by one|one at a time|individually)[\s,:]*(.*)$|^in (?:batches|groups|chunks) of (\d+|\w+)[\s,:]*(.*)$`)
	reEachZh   = lazily(`^(?:对于?|为|给|针对)?(?:其中的?)?(?:每一?(?:个|条|项|笔|位|份)?|逐(?:个|条|一)(?:地)?(?:处理|遍历)?|循环(?:处理|遍历)?|遍历|依次(?:处理|对)?)(?:每一?(?:个|条|项|笔|位))?([\p{Han}A-Za-z]{0,6}?)(?:列表|数据)?(?:，|,|都|：|:|进行|逐个|来|\s)*((?:` + chineseVerbs + `|如果|若).*)?$`)
	reEachEnd  = lazily(`(?i)\s+(?:for (?:each|every)(?: single)?(?: one)?(?: of (?:them|the \w+))?(?: ` + items + `)?|one by one|one at a time|individually|each one separately)(?:\s+(?:separately|individually))?$|,?\s*in (?:batches|groups|chunks) of (\d+|\w+)(?: items)?$`)
	reSwitch   = lazily(`(?i)^(?:depending on|based on|according to|(?:route|switch|branch|split|distribute|dispatch|divide)(?: (?:it|them|items?|orders?|the \w+|messages?|requests?|by value))?(?: (?:by|on|based on|depending on|according to|over))+)\s+(?:the\s+|its\s+|their\s+)?(?:value of\s+)?(?:the\s+)?(?:field\s+)?(«q\d+»|[\w.]+)(?:\s+field)?\s*[:,]?\s*(.*)$`)
	reSwitchZh = lazily(`^(?:按照?|根据|依据|基于)\s*(?:字段)?\s*(«q\d+»|[\p{L}\p{N}_.]+?)\s*(?:字段|的值|的不同)?\s*(?:来|进行)?(?:分流|路由|分支|分发|分别|判断|处理|分类|分情况)(?:处理|发送)?(?:到不同的?\p{Han}*)?\s*[：:，,]?\s*(.*)$`)
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
	out := conditional{negate: strings.Contains(lower, "unless"), elseIf: lazily(`^(?:but |and )?(?:else|otherwise)|^否则|^不然`).MatchString(lower)}
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
	reThenWord = lazily(`(?i)\s*,?\s+then\s+|\s*[,:]\s+|\s+(?:` + englishVerbs + `)\s`)
	reThenZh   = lazily(`(?:的话|时候?|的时候|，|,)?(?:则|就|那么|那就|，|,)|时|` + chineseVerbs)
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
func (p *parser) ifStep(c conditional) step {
	for { // conditions that were taken apart at an "and"
		next, ok := p.peek()
		if !ok || c.then != "" || next.start {
			break
		}
		more, ok := p.r.condition(next.text)
		_, isStep := p.r.step(next.text)
		if !ok || isStep && !lazily(`(?i)^(?:the\s+)?(?:total|count|order|sum|average|label|tag|set|put|post|check|limit|group|message|email|mail)\b`).MatchString(next.text) || isElse(p.r, next.text) || reIf.MatchString(next.text) {
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
	return p.ifRest(c, steps)
}

// ifRest reads the other branches behind the first.
func (p *parser) ifRest(c conditional, steps []step) step {
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
	if lazily(`(?i)^(?:to|at|it to|them to|sent? (?:it|them) to)\s+«u`).MatchString(s) || strings.HasPrefix(s, "«u") && len(before) > 0 && before[len(before)-1].kind == "send" {
		return "send to " + strings.TrimPrefix(strings.TrimPrefix(s, "to "), "at ")
	}
	if lazily(`(?i)^to\s+«e`).MatchString(s) {
		return "send an email " + s
	}
	if lazily(`^(?:到|给|发到)?\s*«u`).MatchString(s) {
		return "发送到" + s[strings.Index(s, "«u"):]
	}
	if m := lazily(`(?i)^(?:with\s+)?(?:status\s+)?(\d{3}|«q\d+»)(.*)$`).FindStringSubmatch(s); m != nil && len(before) > 0 && before[len(before)-1].kind == "respond" {
		return "respond with " + s
	}
	if len(before) > 0 && before[len(before)-1].kind == "set" {
		if m := lazily(`(?i)^(?:it\s+)?(?:to|as|with)\s+(.+)$|^(«q\d+»|[\w-]+)$`).FindStringSubmatch(s); m != nil && len(before[len(before)-1].pairs) == 1 {
			return "set " + before[len(before)-1].pairs[0].name + " to " + m[1] + m[2]
		}
	}
	return s
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
		if m := reFailedZh.FindString(s); r.lang == "zh" && m != "" && lazily(`失败|出错|报错|异常|超时`).MatchString(m) {
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
