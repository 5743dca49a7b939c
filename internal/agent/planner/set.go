package planner

import (
	"fmt"
	"strconv"
	"strings"
)

const nameOf = `(«q\d+»|[\p{L}_][\p{L}\p{N}_.]*(?: (?:name|date|at|by|id|price|total|time|amount|address))?)`

var (
	reAssign      = lazily(`(?i)^(?:(?:the\s+|a\s+|an\s+|its\s+|their\s+|each\s+\w+'s\s+|new\s+)*(?:field|key|property|column|value)?\s*(?:called\s+|named\s+|of\s+)?)` + nameOf + `(?:\s+field)?\s*(?:to be\b|to\b|=|:=|:|：|as\b|with(?: the)?(?: value)?(?: of)?\b|set to\b|equal to\b|equals\b|of\b|is\b|containing\b|that (?:is|contains|holds|equals|says)\b|which (?:is|contains|holds)\b|from\b|the value\b|being\b|based on\b|by\b|设为|设置为|设成|等于|赋值为|的值为|值为|值是|内容为|为|是|=)\s*(.+)$`)
	reInto        = lazily(`(?i)^(.+?)\s+(?:as|to|in|into|under|called|named)\s+(?:the\s+|a\s+|an\s+)?(?:new\s+)?(?:field|key|property|column)?\s*(?:called\s+|named\s+)?` + nameOf + `(?:\s+(?:field|to (?:each|every|all|the)\b.*))?$`)
	reSetHead     = lazily(`(?i)^(?:set|assign|change|update|add|create|include|append|define|put|insert|enrich|extend|calculate|compute|make|store|save|write|build|give|stamp|fill|work out|determine|derive|generate)\b\s*(?:(?:each|every|all(?: the)?|the|it|them|these|those)\s+(?:` + items + `)\s+(?:with\s+|an?\s+)?|(?:it|them)\s+(?:with\s+|an?\s+)?)?`)
	reFieldHead   = lazily(`(?i)^(?:with\s+)?(?:a|an|the|new|another|extra|additional|one)?\s*(?:new\s+|extra\s+|additional\s+|computed\s+|calculated\s+)?(?:fields?|keys?|propert(?:y|ies)|columns?|values?)\s+(?:called\s+|named\s+)?`)
	reBinaryWords = lazily(`(?i)\s+(times|multiplied by|plus|minus|divided by|added to|over)\s+|\s*([*+/×÷]|\s-\s)\s*|\s*(乘以|乘|加上|加|减去|减|除以)\s*`)
	reSumOf       = lazily(`(?i)^(?:the\s+)?(sum|product|difference|quotient)\s+(?:of|between)\s+(.+?)\s+(?:and|from)\s+(.+)$`)
	rePercentOf   = lazily(`(?i)^(\d+(?:\.\d+)?)\s*(?:%|percent)\s+of\s+(?:the\s+)?([\p{L}_][\p{L}\p{N}_.]*)$`)
	reNow         = lazily(`(?i)^(?:the\s+|a\s+)?(?:current\s+|present\s+|today'?s?\s+)?(?:date(?: and time)?|time(?:stamp)?|datetime|now|today|day|date/time)(?: (?:of (?:today|now)|now))?$|^(?:当前|现在的?|今天的?|此刻的?)(?:时间戳?|日期|时间)?$|^时间戳$`)
	reCopyOf      = lazily(`(?i)^(?:the\s+)?(?:value of|content of|copy of|field|value in|value from|value)\s+(?:the\s+)?(?:field\s+)?(«q\d+»|[\p{L}_][\p{L}\p{N}_.]*)(?:\s+field)?$`)
	reCase        = lazily(`(?i)^(?:the\s+)?(upper|lower)[- ]?case(?:d)?(?:\s+(?:of|version of|form of))?\s+(?:the\s+)?([\p{L}_][\p{L}\p{N}_.]*)(?:\s+field)?$|^(?:the\s+)?([\p{L}_][\p{L}\p{N}_.]*)\s+in\s+(upper|lower)[- ]?case$`)
	reJoined      = lazily(`(?i)^(?:the\s+)?(?:combination of\s+|concatenation of\s+)?([\p{L}_][\p{L}\p{N}_.]*)\s+(?:and|\+|with)\s+([\p{L}_][\p{L}\p{N}_.]*)\s*(?:joined|combined|concatenated|put together|together|separated|with)?\b.*$`)
)

// readSet reads assignments of fields.
func readSet(r *reading, _ []string, s string) (step, bool) {
	st := step{kind: "set"}
	if p, ok := r.changed(s); ok {
		st.pairs = p
		return st, true
	}
	rest := reSetHead.ReplaceAllString(s, "")
	if rest == s {
		return st, false
	}
	named := reFieldHead.MatchString(rest)
	rest = reFieldHead.ReplaceAllString(rest, "")
	if st.pairs = r.assignments(rest); len(st.pairs) > 0 {
		return st, true
	}
	verb := strings.ToLower(strings.Fields(s)[0])
	if !named && !map[string]bool{"set": true, "assign": true}[verb] {
		return st, false
	}
	st.fields = names(rest)
	if len(st.fields) == 0 || len(st.fields) > 5 {
		st.fields = nil
	}
	for i := range st.fields {
		st.fields[i] = r.fieldName(st.fields[i])
	}
	st.slot = "set"
	return st, true
}

// changed reads changes of a field that name no value: uppercase the name,
// mark them as done.
func (r *reading) changed(s string) ([]pair, bool) {
	ref := func(f string) string { return "«f:" + f + "»" }
	try := func(re string, f func(m []string) []pair) []pair {
		if m := lazily(`(?i)` + re).FindStringSubmatch(s); m != nil {
			return f(m)
		}
		return nil
	}
	one := func(name, code string) []pair {
		if name = r.fieldName(name); name == "" {
			return nil
		}
		return []pair{{name: name, code: strings.ReplaceAll(code, "X", ref(name))}}
	}
	for _, p := range [][]pair{
		try(`^(?:mark|flag)\s+(?:it|them|each|every|all|the|those|these)?\s*(?:`+items+`)?\s*as\s+(.+)$`, func(m []string) []pair {
			v, _ := r.value(m[1])
			if text, ok := v.(string); ok {
				v = strings.ReplaceAll(text, " ", "_")
			}
			return []pair{{name: "status", value: v}}
		}),
		try(`^(?:tag|label)\s+(?:it|them|each|every|all|the|those|these)?\s*(?:`+items+`)?\s*(?:as|with)\s+(.+)$`, func(m []string) []pair {
			v, _ := r.value(m[1])
			return []pair{{name: map[bool]string{true: "tag", false: "label"}[strings.HasPrefix(strings.ToLower(s), "tag")], value: v}}
		}),
		try(`^(?:upper-?case|capitali[sz]e)\s+(?:the\s+)?(.+)$|^(?:convert|turn|change|make|transform|put)\s+(?:the\s+)?(.+?)\s+(?:to|into|in)?\s*(?:all\s+)?upper[- ]?case$`, func(m []string) []pair { return one(m[1]+m[2], "String(X).toUpperCase()") }),
		try(`^(?:lower-?case)\s+(?:the\s+)?(.+)$|^(?:convert|turn|change|make|transform|put)\s+(?:the\s+)?(.+?)\s+(?:to|into|in)?\s*(?:all\s+)?lower[- ]?case$`, func(m []string) []pair { return one(m[1]+m[2], "String(X).toLowerCase()") }),
		try(`^(?:将|把)?\s*(.+?)\s*(?:转换?|变)?(?:为|成)?大写$`, func(m []string) []pair { return one(m[1], "String(X).toUpperCase()") }),
		try(`^(?:将|把)?\s*(.+?)\s*(?:转换?|变)?(?:为|成)?小写$`, func(m []string) []pair { return one(m[1], "String(X).toLowerCase()") }),
		try(`^trim\s+(?:the\s+)?(?:white ?space|spaces?)?\s*(?:from|of|around)?\s*(?:the\s+)?(.+)$`, func(m []string) []pair { return one(m[1], "String(X).trim()") }),
		try(`^round\s+(?:the\s+)?(.+?)(?:\s+to\s+(\d+|an?|the nearest)\s*(?:decimals?|decimal places?|digits?|places?|integer|whole number)?)?$`, func(m []string) []pair {
			return one(m[1], "Number(Number(X).toFixed("+firstDigits(m[2])+"))")
		}),
		try(`^(multiply|divide)\s+(?:the\s+)?(.+?)\s+(?:by|with|and)\s+(?:the\s+)?(.+?)(?:\s*,?\s*(?:and\s+)?(?:to get|into|as|store (?:it|that|the result) (?:as|in)|save (?:it|the result) (?:as|in)|giving|in)\s+(?:the\s+|a\s+)?(?:field\s+)?(.+))?$`, func(m []string) []pair {
			name := r.fieldName(m[4])
			a := r.fieldName(m[2])
			if a == "" {
				return nil
			}
			if name == "" {
				name = a
			}
			op := map[string]string{"multiply": " * ", "divide": " / "}[strings.ToLower(m[1])]
			return []pair{{name: name, code: ref(a) + op + r.operand(m[3])}}
		}),
	} {
		if len(p) > 0 {
			return p, true
		}
	}
	return nil, false
}

func firstDigits(s string) string {
	if _, err := strconv.Atoi(s); err == nil {
		return s
	}
	return "0"
}

var reNextPair = lazily(`(?i)(?:\s*[,;，、]\s*(?:and\s+)?|\s+and\s+|\s*(?:和|并且|以及)\s*)(?:set\s+|the\s+|field\s+|a\s+field\s+)?` + nameOf + `(?:\s+field)?\s*(?:=|:|：|to\b|as\b|设为|为|with (?:the )?value\b|with\b|is\b)`)

// assignments reads "status to done and total = price * count".
func (r *reading) assignments(s string) []pair {
	s = strings.TrimSpace(strings.Trim(s, " .,"))
	var parts []string
	for {
		head := reAssign.FindStringSubmatchIndex(s)
		if head == nil {
			break
		}
		loc := reNextPair.FindStringSubmatchIndex(s[head[4]:])
		if loc == nil {
			break
		}
		at := head[4] + loc[0]
		parts = append(parts, s[:at])
		s = s[head[4]+loc[2]:]
	}
	parts = append(parts, s)
	var out []pair
	for _, p := range parts {
		if m := reInto.FindStringSubmatch(p); m != nil && reNow.MatchString(m[1]) {
			out = append(out, r.assign(r.fieldName(m[2]), m[1]))
			continue
		}
		if m := reAssign.FindStringSubmatch(p); m != nil && !badName(m[1]) {
			out = append(out, r.assign(r.fieldName(m[1]), m[2]))
			continue
		}
		if m := reInto.FindStringSubmatch(p); m != nil && !badName(m[2]) {
			out = append(out, r.assign(r.fieldName(m[2]), m[1]))
			continue
		}
		if reNow.MatchString(strings.TrimSpace(p)) {
			out = append(out, pair{name: "date", code: "$now.toISO()"})
			continue
		}
		return nil
	}
	return out
}

func badName(s string) bool {
	return lazily(`(?i)^(?:it|them|each|every|all|items?|orders?|the|a|result|this|that|value|data|field)$`).MatchString(s)
}

// assign reads the value of a field.
func (r *reading) assign(name, text string) pair {
	text = strings.TrimSpace(strings.TrimRight(strings.TrimSpace(text), ".,，。"))
	text = lazily(`(?i)\s+(?:to|for|on|in)\s+(?:each|every|all|the)\s+(?:of the\s+)?(?:`+items+`)$`).ReplaceAllString(text, "")
	text = lazily(`(?i)^(?:the value\s+|value\s+|the text\s+|the result of\s+|set to\s+|being\s+|multiplying\s+)`).ReplaceAllString(text, "")
	p := pair{name: name}
	switch {
	case reNow.MatchString(text):
		p.code = "$now.toISO()"
		if lazily(`(?i)\bdate\b|today|日期`).MatchString(text) && !lazily(`(?i)time`).MatchString(text) {
			p.code = "$now.toFormat('yyyy-MM-dd')"
		}
		return p
	case reSumOf.MatchString(text):
		m := reSumOf.FindStringSubmatch(text)
		op := map[string]string{"sum": " + ", "product": " * ", "difference": " - ", "quotient": " / "}[strings.ToLower(m[1])]
		p.code = r.operand(m[2]) + op + r.operand(m[3])
		return p
	case rePercentOf.MatchString(text):
		m := rePercentOf.FindStringSubmatch(text)
		p.code = "«f:" + m[2] + "» * " + m[1] + " / 100"
		return p
	case reCase.MatchString(text):
		m := reCase.FindStringSubmatch(text)
		fn := map[string]string{"upper": "toUpperCase", "lower": "toLowerCase"}[strings.ToLower(m[1]+m[4])]
		p.code = "String(«f:" + m[2] + m[3] + "»)." + fn + "()"
		return p
	case reCopyOf.MatchString(text):
		p.code = "«f:" + r.fieldName(reCopyOf.FindStringSubmatch(text)[1]) + "»"
		return p
	}
	if code, ok := r.arithmetic(text); ok {
		p.code = code
		return p
	}
	if m := reJoined.FindStringSubmatch(text); m != nil && !strings.Contains(text, "«") {
		p.code = "«f:" + m[1] + "» + ' ' + «f:" + m[2] + "»"
		return p
	}
	v, _ := r.value(text)
	p.value = v
	if s, ok := v.(string); ok {
		if code, ok := template(s); ok {
			p.value, p.code = nil, code
		}
	}
	return p
}

// arithmetic reads a calculation with fields and numbers.
func (r *reading) arithmetic(s string) (string, bool) {
	locs := reBinaryWords.FindAllStringSubmatchIndex(s, -1)
	if len(locs) == 0 || len(locs) > 6 {
		return "", false
	}
	var b strings.Builder
	from := 0
	for i := 0; i <= len(locs); i++ {
		end := len(s)
		if i < len(locs) {
			end = locs[i][0]
		}
		part := strings.TrimSpace(s[from:end])
		open := len(part) - len(strings.TrimLeft(part, "("))
		closed := len(part) - len(strings.TrimRight(part, ")"))
		operand := strings.Trim(part, "() ")
		if operand == "" || len(strings.Fields(operand)) > 3 {
			return "", false
		}
		b.WriteString(strings.Repeat("(", open) + r.operand(operand) + strings.Repeat(")", closed))
		if i < len(locs) {
			op := ""
			for g := 1; g <= 3; g++ {
				if locs[i][2*g] >= 0 {
					op = s[locs[i][2*g]:locs[i][2*g+1]]
				}
			}
			b.WriteString(" " + operatorOf(op) + " ")
			from = locs[i][1]
		}
	}
	if strings.Count(b.String(), "(") != strings.Count(b.String(), ")") {
		return "", false
	}
	return b.String(), true
}

func operatorOf(s string) string {
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "times", "multiplied by", "×", "乘以", "乘", "*":
		return "*"
	case "plus", "added to", "加", "加上", "+":
		return "+"
	case "minus", "减", "减去", "-":
		return "-"
	}
	return "/"
}

// operand is a number, a text or a field of a calculation.
func (r *reading) operand(s string) string {
	s = strings.TrimSpace(s)
	if q := r.first("q", s); q != "" || strings.HasPrefix(s, "«q") {
		return strconv.Quote(r.plain(s))
	}
	if m := lazily(`^(\d+(?:\.\d+)?)\s*%$`).FindStringSubmatch(s); m != nil {
		return m[1] + " / 100"
	}
	v, _ := r.value(s)
	if f, ok := v.(float64); ok {
		return strconv.FormatFloat(f, 'f', -1, 64)
	}
	return "«f:" + r.fieldName(s) + "»"
}

var reSlot = lazily(`\{\{\s*(?:\$json\.)?([\p{L}_][\p{L}\p{N}_.]*)\s*\}\}|\{([\p{L}_][\p{L}\p{N}_.]*)\}|\$\{([\p{L}_][\p{L}\p{N}_.]*)\}`)

// template reads a text with {field} in it as code that puts the values in.
func template(s string) (string, bool) {
	locs := reSlot.FindAllStringSubmatchIndex(s, -1)
	if len(locs) == 0 {
		return "", false
	}
	var parts []string
	from := 0
	for _, l := range locs {
		if l[0] > from {
			parts = append(parts, fmt.Sprintf("%q", s[from:l[0]]))
		}
		for g := 1; g <= 3; g++ {
			if l[2*g] >= 0 {
				parts = append(parts, "«f:"+s[l[2*g]:l[2*g+1]]+"»")
			}
		}
		from = l[1]
	}
	if from < len(s) {
		parts = append(parts, fmt.Sprintf("%q", s[from:]))
	}
	if len(parts) == 1 {
		return parts[0], true
	}
	return strings.Join(parts, " + "), true
}
