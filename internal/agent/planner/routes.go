package planner

import (
	"strings"
)

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
		if !reArm.MatchString(next.text) && !isElse(r, next.text) && !lazily(`(?i)^(?:if|when|for|如果|若|当)\b?`).MatchString(next.text) {
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
	reArm      = lazily(`(?i)^(?:and\s+)?(?:if(?: it is| it's)?\s+|for\s+|when(?: it is| it's)?\s+|如果是|如果为|若为|如果|若)?(«q\d+»|[\p{L}\p{N}_.-]+?)(?:\s+(?:ones|orders|items|users|customers|cases|tickets|messages|requests))?\s*(?:->|→|=>|:|：|，|,|should be sent to|are sent to|is sent to|must go to|should go to|goes? to|sent to|send (?:it |them )?to|\bto\b|则|就|时|的?(?:发送?到|发给|发往|到|去))\s*(.+)$`)
	reArmSplit = lazily(`(?i)\s*;\s*|；|\s*,\s*(?:and\s+)?|，|、|\s+and\s+`)
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
