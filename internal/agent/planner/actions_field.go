package planner

import (
	"strings"
)

var reRenamePair = lazily(`(?i)(?:^|,|\band\b|;|、|，|和)\s*(?:the\s+)?(?:rename\s+)?(?:field|key|column|property|字段|把|将)?\s*(«q\d+»|[\p{L}_][\p{L}\p{N}_.]*)\s*(?:field|key|column|字段)?\s*(?:to|into|as|->|→|=>|改名为|重命名为|改名成|改为|改成|更名为|命名为|改叫|为|成)\s*(?:the\s+)?(«q\d+»|[\p{L}_][\p{L}\p{N}_.]*)`)

func readRename(r *reading, m []string, s string) (step, bool) {
	st := step{kind: "rename"}
	rest := m[1]
	for _, p := range reRenamePair.FindAllStringSubmatch(rest, -1) {
		st.pairs = append(st.pairs, pair{name: r.plain(p[1]), value: r.plain(p[2])})
	}
	if len(st.pairs) == 0 {
		st.slot = "rename"
	}
	return st, true
}

func readKeep(r *reading, m []string, s string) (step, bool) {
	list := strings.TrimSpace(m[1] + m[2])
	if lazily(`(?i)\b(?:where|whose|with|that|if|than)\b`).MatchString(s) {
		return step{}, false
	}
	st := step{kind: "keep"}
	for _, n := range names(list) {
		if f := r.fieldName(n); f != "" {
			st.fields = append(st.fields, f)
		}
	}
	return st, len(st.fields) > 0
}

func readKeepList(r *reading, m []string, s string) (step, bool) {
	return readKeep(r, []string{"", m[1], ""}, s)
}

func readDrop(r *reading, m []string, s string) (step, bool) {
	st, ok := readKeep(r, m, s)
	st.kind = "drop"
	return st, ok
}

var (
	reFilterHead = lazily(`(?i)^(?:filter|only|keep|select|take|pick|find|choose|drop|discard|remove|exclude|ignore|skip|throw away|throw out|get rid of|leave out|reject|retain|return|continue|proceed|let|pass|delete|look for|go on|process)\b\s*`)
	reNegative   = lazily(`(?i)^(?:drop|discard|remove|exclude|ignore|skip|throw away|throw out|get rid of|leave out|reject|delete|filter out)\b`)
	reWhere      = lazily(`(?i)\b(?:where|whose|that (?:have|has|are|is)?|which (?:have|has|are|is)?|with(?: an?| the)?|for which|when|if|by|if their|having|who (?:have|has|are|is)?|on|for|in which|to)\s+`)
)

func readFilter(r *reading, m []string, s string) (step, bool) {
	st := step{kind: "filter", negate: reNegative.MatchString(s)}
	rest := reFilterHead.ReplaceAllString(s, "")
	rest = lazily(`(?i)^(?:out\s+|for\s+|on\s+|only\s+|just\s+|down to\s+|by\s+|through\s+)+`).ReplaceAllString(rest, "")
	for _, loc := range reWhere.FindAllStringIndex(rest, -1) {
		w := strings.ToLower(rest[loc[0]:loc[1]])
		body := rest[loc[1]:]
		if strings.Contains(w, "not ") {
			continue
		}
		if c, ok := r.condition(body); ok && r.specific(c) {
			st.cond = c
			return st, true
		}
		if lazily(`^(?:that|which|who) (?:are|is)\s*$`).MatchString(w) { // that are active
			if c, ok := r.condition("is " + body); ok && r.specific(c) {
				st.cond = c
				return st, true
			}
		}
	}
	if c, ok := r.condition(rest); ok && r.specific(c) {
		st.cond = c
		return st, true
	}
	if mm := lazily(`(?i)\b(with|without|that (?:have|has)(?: no)?|having(?: no)?)\s+(?:an?\s+|any\s+|the\s+)?([a-z_][\w.]*|«q\d+»)$`).FindStringSubmatch(rest); mm != nil {
		op := "notEmpty"
		if lower := strings.ToLower(mm[1]); lower == "without" || strings.HasSuffix(lower, "no") {
			op = "empty"
		}
		if f := r.fieldName(mm[2]); f != "" {
			st.cond = condition{tests: []test{{field: f, kind: "any", op: op}}}
			return st, true
		}
	}
	// "the paid orders", "active users": a state before the noun
	if mm := lazily(`(?i)^(?:all\s+|any\s+)?(?:the\s+|those\s+)?(not |un)?([a-z]+)\s+(?:` + items + `)$`).FindStringSubmatch(strings.TrimSpace(rest)); mm != nil && !lazily(`(?i)^(?:first|last|all|new|the|these|those|other|same|following|single|duplicate|unique|of|every|each)$`).MatchString(mm[2]) {
		if lazily(`(?i)^(?:active|enabled|verified|confirmed|completed|done|read|available|visible|premium|archived|deleted|disabled|finished)$`).MatchString(mm[2]) {
			st.cond = condition{tests: []test{{field: strings.ToLower(mm[2]), kind: "boolean", op: map[bool]string{true: "false", false: "true"}[mm[1] != ""]}}}
			return st, true
		}
		st.cond = condition{tests: []test{{field: "status", kind: "string", op: "equals", value: strings.ToLower(mm[1] + mm[2])}}}
		return st, true
	}
	if c, ok := r.condition(rest); ok { // a comparison without a field
		st.cond, st.slot = c, "filter"
		return st, true
	}
	if strings.HasPrefix(strings.ToLower(s), "filter") {
		st.slot = "filter"
		return st, true
	}
	return step{}, false
}

// specific reports whether the condition's fields are named: "orders over
// 100" does not say which of an order's fields is meant.
func (r *reading) specific(c condition) bool {
	for _, t := range c.tests {
		if pronoun(t.field) || lazily(`(?i)^`+items+`$`).MatchString(t.field) && !strings.EqualFold(t.field, "message") && (t.op == "gt" || t.op == "lt" || t.op == "gte" || t.op == "lte" || strings.HasSuffix(strings.ToLower(t.field), "s")) {
			return false
		}
	}
	return true
}
