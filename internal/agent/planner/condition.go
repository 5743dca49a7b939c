package planner

import (
	"strconv"
	"strings"
	"time"
)

// test is one comparison of a field with a value.
type test struct {
	field string
	kind  string // "string", "number", "boolean", "dateTime", "any"
	op    string // as the conditions of the If node have it
	value any    // string, float64, bool; nil for operations of one value
}

// condition are tests of which all or any must hold.
type condition struct {
	any   bool
	tests []test
}

type comparison struct {
	re *pattern
	op string // of numbers and texts; see testOf
}

func comparisons(list ...string) []comparison {
	out := make([]comparison, 0, len(list)/2)
	for i := 0; i+1 < len(list); i += 2 {
		out = append(out, comparison{lazily(`(?i)` + list[i]), list[i+1]})
	}
	return out
}

const be = `(?:\s+(?:is|are|was|were|be|has|have|gets?|becomes?|must be|should be|that is|that are|which is|which are|would be))?\s*(?:\b|\s)`

var englishComparisons = comparisons(
	be+`(?:(?:greater|bigger|more|higher|larger) than or equal(?:s)? to|equal to or (?:greater|more|higher) than|at least|no(?:t)? less than|not (?:below|under)|>=|≥)\s*`, "gte",
	be+`(?:(?:less|lower|smaller|fewer) than or equal(?:s)? to|equal to or (?:less|lower) than|at most|no(?:t)? (?:more|higher|greater) than|not (?:above|over)|up to|<=|≤)\s*`, "lte",
	be+`(?:greater than|bigger than|more than|higher than|larger than|older than|longer than|above|over|exceed(?:s|ing)?|beyond|>)\s*`, "gt",
	be+`(?:less than|lower than|smaller than|fewer than|younger than|shorter than|cheaper than|below|under|beneath|<)\s*`, "lt",
	be+`(?:later than|newer than|after|since)\s+`, "after",
	be+`(?:earlier than|before)\s+`, "before",
	`\s+(?:does not|doesn't|do not|don't|not) (?:contain|include|have|mention)\s+|\s+(?:not containing|without)\s+`, "notContains",
	`\s+(?:contains?|includes?|containing|including|mentions?)\s+`, "contains",
	`\s+(?:does not|doesn't|do not|don't) (?:start|begin) with\s+`, "notStartsWith",
	`\s+(?:starts?|begins?|starting|beginning) with\s+`, "startsWith",
	`\s+(?:does not|doesn't|do not|don't) end (?:with|in)\s+`, "notEndsWith",
	`\s+(?:ends?|ending) (?:with|in|on)\s+`, "endsWith",
	`\s+(?:match(?:es|ing)?)(?: the)?(?: pattern| regex| regular expression)?\s+`, "regex",
	be+`(?:not empty|n't empty|present|filled(?: in)?|given|not (?:null|blank|missing)|not nothing)\s*$|\s+(?:exists?|isn't (?:empty|blank|missing|null)|has a value|is set|are set|is there)\s*$`, "notEmpty",
	be+`(?:empty|missing|blank|null|absent|not (?:set|given|there|present|filled))\s*$|\s+(?:does not exist|doesn't exist|isn't (?:set|given|there|present)|has no value)\s*$`, "empty",
	be+`(?:not equal to|not the same as|different from|other than|anything but|not|!==?|≠|<>)\s*|\s+(?:isn't|aren't|wasn't|does not equal|doesn't equal|differs from|is neither)\s+`, "notEquals",
	`\s*(?:===?|=)\s*|\s+(?:is equal to|equal to|equals?|is exactly|is the same as|is one of|is either|is in|is|are|was|has the value|of|being|set to)\s+`, "equals",
)

var chineseComparisons = comparisons(
	`\s*(?:大于等于|大于或等于|不小于|不少于|不低于|至少为?|>=|≥)\s*`, "gte",
	`\s*(?:小于等于|小于或等于|不大于|不超过|不高于|至多为?|最多为?|<=|≤)\s*`, "lte",
	`\s*(?:大于|超过|超出|高于|多于|高过|>)\s*`, "gt",
	`\s*(?:小于|低于|少于|不足|不到|<)\s*`, "lt",
	`\s*(?:晚于)\s*`, "after",
	`\s*(?:早于)\s*`, "before",
	`\s*(?:不包含|不包括|不含有?|没有包含)\s*`, "notContains",
	`\s*(?:中?(?:包含|包括|含有|带有))\s*`, "contains",
	`\s*(?:不以)\s*`, "notStartsWith",
	`\s*(?:以)\s*`, "startsWith",
	`\s*(?:匹配)\s*`, "regex",
	`\s*(?:不为空|不是空的?|非空|存在|有值|不为null|不空)\s*`, "notEmpty",
	`\s*(?:为空|是空的?|不存在|缺失|为null|没有值|没填)\s*`, "empty",
	`\s*(?:不等于|不是|不为|并非|!==?|≠|<>)\s*`, "notEquals",
	`\s*(?:等于|是|为|===?|=)\s*`, "equals",
)

var (
	reBetween        = lazily(`(?i)\s+(?:is |are |lies )?between\s+(\S+)\s+and\s+(\S+)`)
	reChineseBetween = lazily(`(?:在|介于)\s*(\S+?)\s*(?:和|到|至|与|-|~)\s*(\S+?)\s*之间`)
	reAnd            = lazily(`(?i)\s+and\s+|\s*&&\s*|,\s+and\s+|\s*(?:并且|而且|且)\s*`)
	reOr             = lazily(`(?i)\s+or\s+|\s*\|\|\s*|,\s+or\s+|\s*(?:或者|或是|或)\s*`)
	reList           = lazily(`\s*,\s*|、`)
	reTruth          = lazily(`(?i)^(?:the |their |its )?(?:item |order |user |customer )?(?:is|are) (not )?([a-z_]\w*)$`)
	reDate           = lazily(`^\d{4}-\d{2}-\d{2}(?:T[\d:.]+Z?)?$`)
	reNumber         = lazily(`(?i)^(?:usd|eur|rmb|cny|[$€£¥￥])?\s*(-?\d[\d,]*(?:\.\d+)?)\s*(k|thousand|万|千)?\s*(?:%|percent|dollars?|euros?|usd|eur|yuan|rmb|cny|[$€£¥]|元|块钱?|美元|欧元|pounds?|pieces?|units?|points?|years?|years old|岁|个|件|条|次|分|度|degrees?|°c|celsius|kg|km|items?|stars?|days?|hours?|minutes?|seconds?|characters?|chars?)?$`)
)

// condition reads what must hold. False: it is none.
func (r *reading) condition(s string) (condition, bool) {
	s = strings.Trim(s, " ,，:：()（）")
	s = lazily(`(?i)^(?:that|whether|it is true that)\s+`).ReplaceAllString(s, "")
	s = lazily(`(?:的话|的时候|时候|时|则|，)$`).ReplaceAllString(s, "")
	s = reBetween.ReplaceAllString(s, " >= $1 and <= $2")
	s = reChineseBetween.ReplaceAllString(s, " >= $1 且 <= $2")
	var c condition
	parts := reAnd.Split(s, -1)
	if ors := reOr.Split(s, -1); len(ors) > 1 {
		c.any, parts = true, ors
	}
	var more []string // lists of values: status is a, b or c
	for i, p := range parts {
		if sub := reList.Split(p, -1); len(sub) > 1 && (i > 0 || len(parts) > 1 || c.any) {
			more = append(more, sub...)
			continue
		}
		more = append(more, p)
	}
	var last test
	for _, p := range more {
		if strings.TrimSpace(p) == "" {
			continue
		}
		t, ok := r.test(p)
		if (!ok || pronoun(t.field)) && last.field != "" {
			if t, ok = r.test(last.field + " " + strings.TrimSpace(lazily(`(?i)^(?:it |they |是|为)`).ReplaceAllString(p, ""))); !ok {
				t, ok = r.test(last.field + " " + opWords[last.op] + " " + strings.TrimSpace(p))
			}
		}
		if !ok {
			return condition{}, false
		}
		c.tests = append(c.tests, t)
		last = t
	}
	return c, len(c.tests) > 0
}

var opWords = map[string]string{"equals": "=", "notEquals": "!=", "gt": ">", "lt": "<", "gte": ">=", "lte": "<=", "contains": "contains",
	"notContains": "not containing", "startsWith": "starts with", "endsWith": "ends with"}

func pronoun(field string) bool {
	switch strings.ToLower(field) {
	case "it", "they", "that", "this", "":
		return true
	}
	return false
}

// test reads one comparison.
func (r *reading) test(s string) (test, bool) {
	s = strings.TrimSpace(s)
	list := englishComparisons
	if r.lang == "zh" {
		if t, ok := r.chineseTest(s); ok {
			return t, true
		}
	}
	for _, c := range list {
		for _, loc := range c.re.FindAllStringIndex(s, -1) {
			field, value := r.fieldName(s[:loc[0]]), strings.TrimSpace(s[loc[1]:])
			if field == "" && loc[0] == 0 && (c.op == "gt" || c.op == "lt" || c.op == "gte" || c.op == "lte") && value != "" {
				return r.testOf("it", c.op, value)
			}
			if field == "" || value == "" && c.op != "empty" && c.op != "notEmpty" {
				continue
			}
			if t, ok := r.testOf(field, c.op, value); ok {
				return t, true
			}
		}
	}
	if m := lazily(`(?i)^(?:the\s+|a\s+)?(status|state|type|country|city|category|level|priority|role|kind|colou?r|language|currency|plan|stage|brand)\s+(«q\d+»|[\w-]+)$`).FindStringSubmatch(s); m != nil {
		return r.testOf(strings.ToLower(m[1]), "equals", m[2])
	}
	if m := reTruth.FindStringSubmatch(s); m != nil {
		return test{field: m[2], kind: "boolean", op: map[bool]string{true: "false", false: "true"}[m[1] != ""]}, true
	}
	if m := lazily(`(?i)^(?:there is|there are|it has|they have|has|have|with|having)\s+(no\s+)?(?:an?\s+|any\s+)?([a-z_][\w.]*|«q\d+»)$`).FindStringSubmatch(s); m != nil {
		return test{field: r.fieldName(m[2]), kind: "any", op: map[bool]string{true: "empty", false: "notEmpty"}[m[1] != ""]}, true
	}
	if m := lazily(`(?i)^(?:there is no|without|no)\s+(?:an?\s+|any\s+)?([a-z_][\w.]*|«q\d+»)$`).FindStringSubmatch(s); m != nil {
		return test{field: r.fieldName(m[1]), kind: "any", op: "empty"}, true
	}
	return test{}, false
}

var reEndsIn = lazily(`^(.+?)以\s*(.+?)\s*(开头|开始|结尾|结束)(?:的.*)?$`)

func (r *reading) chineseTest(s string) (test, bool) {
	if m := reEndsIn.FindStringSubmatch(s); m != nil {
		op := "startsWith"
		if m[3] == "结尾" || m[3] == "结束" {
			op = "endsWith"
		}
		return r.testOf(r.fieldName(m[1]), op, m[2])
	}
	if m := lazily(`^(?:没有|无|缺少)\s*([\p{L}\p{N}_.]+|«q\d+»)(?:的.*)?$`).FindStringSubmatch(s); m != nil {
		return test{field: r.fieldName(m[1]), kind: "any", op: "empty"}, true
	}
	best, at := comparison{}, []int(nil)
	for _, c := range chineseComparisons {
		loc := c.re.FindStringIndex(s)
		if loc != nil && loc[0] > 0 && (at == nil || loc[0] < at[0]) {
			best, at = c, loc
		}
	}
	if at == nil {
		return test{}, false
	}
	value := strings.TrimSpace(s[at[1]:])
	if i := strings.Index(value, "的"); i > 0 {
		value = value[:i]
	}
	field := r.fieldName(s[:at[0]])
	if field == "" || strings.HasPrefix(value, "的") && best.op != "empty" && best.op != "notEmpty" || value == "" && best.op != "empty" && best.op != "notEmpty" {
		return test{}, false
	}
	return r.testOf(field, best.op, value)
}

// testOf chooses the operation that fits the value.
func (r *reading) testOf(field, op, text string) (test, bool) {
	t := test{field: field, op: op}
	if op == "empty" || op == "notEmpty" {
		t.kind = "any"
		return t, true
	}
	v, quoted := r.value(text)
	switch v := v.(type) {
	case bool:
		if op == "equals" || op == "notEquals" {
			return test{field: field, kind: "boolean", op: strconv.FormatBool(v == (op == "equals"))}, true
		}
	case float64:
		switch op {
		case "after":
			op = "gt"
		case "before":
			op = "lt"
		}
		switch op {
		case "gt", "lt", "gte", "lte", "equals", "notEquals":
			return test{field, "number", op, v}, true
		}
		return test{field, "string", op, strings.TrimSpace(r.plain(text))}, true
	case string:
		if v == "" {
			return t, false
		}
		if date, ok := dateWords(v); ok {
			v = date
		}
		if as := map[string]string{"after": "after", "before": "before", "gt": "after", "lt": "before", "gte": "afterOrEquals", "lte": "beforeOrEquals"}[op]; as != "" {
			if reDate.MatchString(v) || strings.HasPrefix(v, "=") {
				return test{field, "dateTime", as, v}, true
			}
			if lazily(`^[\p{L}_][\p{L}\p{N}_.]*$`).MatchString(v) && op != "after" && op != "before" && !quoted {
				return test{field, "number", op, "=" + v}, true // another field
			}
			return t, false
		}
		return test{field, "string", op, v}, true
	}
	return t, false
}

// dateWords reads today and the like as expressions.
func dateWords(s string) (string, bool) {
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "today", "今天":
		return "={{ $today.toISO() }}", true
	case "yesterday", "昨天":
		return "={{ $today.minus(1, 'day').toISO() }}", true
	case "now", "现在":
		return "={{ $now.toISO() }}", true
	}
	if t, err := time.Parse("2006-01-02", s); err == nil {
		return t.Format("2006-01-02"), true
	}
	return "", false
}

// value reads a value; quoted says that it was written as a text.
func (r *reading) value(s string) (v any, quoted bool) {
	s = strings.TrimSpace(strings.TrimRight(strings.TrimSpace(s), ".,，。"))
	for _, t := range reToken.FindAllString(s, 1) {
		if strings.HasPrefix(t, "«q") || strings.HasPrefix(t, "«u") || strings.HasPrefix(t, "«e") {
			return r.parts[t], true
		}
	}
	s = lazily(`(?i)^(?:the value |the word |the text |the string |a |an |the |exactly |either |equal to |now )`).ReplaceAllString(s, "")
	if m := reNumber.FindStringSubmatch(s); m != nil {
		f, err := strconv.ParseFloat(strings.ReplaceAll(m[1], ",", ""), 64)
		if err == nil {
			switch strings.ToLower(m[2]) {
			case "k", "thousand", "千":
				f *= 1000
			case "万":
				f *= 10000
			}
			return f, false
		}
	}
	switch strings.ToLower(s) {
	case "true", "yes", "真", "是":
		return true, false
	case "false", "no", "假", "否":
		return false, false
	}
	return r.plain(s), false
}

var (
	reDeterminer = lazily(`(?i)^(?:(?:the|a|an|its|their|his|her|whose|where|that|which|who|with|have|has|having|if|when|of|any|each|every|only|field|column|property|key|value of|all|in|for|and|or)\s+)+`)
	rePossessive = lazily(`(?i)^(?:\w+'s?|\w+s')\s+`)
	reOfThe      = lazily(`(?i)^(.+?)\s+(?:of|in|from)\s+(?:the|each|every|an?|its|their)\s+\w+$`)
	reFieldWord  = lazily(`(?i)\s+(?:field|column|property|key|value|attribute|fields|columns)$`)
	reFieldZh    = lazily(`^(?:其中|所有|那些|把|将|只保留|保留|过滤出?|筛选出?|字段|当|如果|若|订单的|用户的|数据的|每个|数据中|其|里面?|结果中|它的|该|的)+`)
	reFieldZhEnd = lazily(`(?:字段|这个字段|这一列|列|的值|值|属性|的)+$`)
)

// fieldName reads how a field is named: one word or path, or quoted.
func (r *reading) fieldName(s string) string {
	s = strings.Trim(s, " ,，:：、")
	if q := r.first("q", s); q != "" {
		return q
	}
	if strings.Contains(s, "«") {
		return ""
	}
	if r.lang == "zh" {
		s = reFieldZh.ReplaceAllString(s, "")
		s = strings.TrimSpace(reFieldZhEnd.ReplaceAllString(s, ""))
		if i := strings.LastIndex(s, "的"); i >= 0 {
			s = s[i+len("的"):]
		}
	}
	for range 3 {
		s = strings.TrimSpace(reDeterminer.ReplaceAllString(s, ""))
		s = strings.TrimSpace(rePossessive.ReplaceAllString(s, ""))
		s = strings.TrimSpace(reFieldWord.ReplaceAllString(s, ""))
	}
	if m := reOfThe.FindStringSubmatch(s); m != nil {
		s = strings.TrimSpace(reDeterminer.ReplaceAllString(m[1], ""))
	}
	s = lazily(`(?i)\s+(?:is|are|was|has|have)$`).ReplaceAllString(s, "")
	s = strings.Trim(s, " $.")
	s = strings.TrimPrefix(s, "json.")
	words := strings.Fields(s)
	if len(words) > 3 {
		return ""
	}
	return strings.Join(words, "_")
}

// not returns the opposite of c.
func (c condition) not() condition {
	out := condition{any: !c.any && len(c.tests) > 1 || c.any && len(c.tests) == 1}
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
