package planner

import (
	"strconv"
	"strings"
)

// trigger is what starts the workflow.
type trigger struct {
	kind   string // "manual", "schedule", "webhook", "form", "chat", "sub", "error", or "" for none said
	rules  []rule
	path   string
	method string
	title  string
	fields []string
	about  string // the words it was read from
}

// rule is one time of a schedule as the Schedule Trigger has it.
type rule struct {
	field string // minutes, hours, days, weeks, months, seconds, cronExpression
	every int
	hour  int
	min   int
	days  []int
	day   int
	cron  string
}

var reClock = lazily(`(?i)^\s*,?\s*(?:in the (?:morning|evening|afternoon)\s*,?\s*)?(?:at|@|by|around|on)?\s*(?:about\s+)?(?:(\d{1,2})(?:[:.h](\d{2}))?\s*(a\.?m\.?|p\.?m\.?|o'?clock)?|(noon|midnight|midday))(?:\s+(?:in the )?(morning|evening|afternoon|night|at night))?\b`)

var weekdays = map[string]int{"sunday": 0, "sun": 0, "monday": 1, "mon": 1, "tuesday": 2, "tue": 2, "tues": 2, "wednesday": 3, "wed": 3,
	"thursday": 4, "thu": 4, "thur": 4, "thurs": 4, "friday": 5, "fri": 5, "saturday": 6, "sat": 6,
	"日": 0, "天": 0, "一": 1, "二": 2, "三": 3, "四": 4, "五": 5, "六": 6, "1": 1, "2": 2, "3": 3, "4": 4, "5": 5, "6": 6, "7": 0}

var numberWords = map[string]int{"a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
	"ten": 10, "eleven": 11, "twelve": 12, "fifteen": 15, "twenty": 20, "thirty": 30, "forty-five": 45, "sixty": 60, "half": 30, "couple": 2, "other": 2, "second": 2,
	"一": 1, "二": 2, "两": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9, "十": 10, "半": 30}

// number reads a number in figures or words, in English or Chinese.
func number(s string) (int, bool) {
	s = strings.ToLower(strings.TrimSpace(s))
	if n, err := strconv.Atoi(s); err == nil {
		return n, true
	}
	if n, ok := numberWords[s]; ok {
		return n, true
	}
	if before, after, ok := strings.Cut(s, "十"); ok {
		tens, ones := 1, 0
		if before != "" {
			tens = numberWords[before]
		}
		if after != "" {
			ones = numberWords[after]
		}
		if tens > 0 && (after == "" || ones > 0) {
			return tens*10 + ones, true
		}
	}
	return 0, false
}

const dayName = `(?:mon|tues?|wed(?:nes)?|thu(?:rs?)?|fri|sat(?:ur)?|sun)(?:day)?s?`

var (
	reCronSaid   = lazily(`(?i)(?:(?:on|with|by|using|following|per|according to|use)\s+|按照?\s*|以\s*|用\s*|使用\s*)?(?:(?:a|the)\s+)?(?:(?:cron(?:\s*(?:expression|schedule|job|tab))?|schedule|run(?: it)?|定时|按照?|cron\s*表达式)\s*(?:of|is|:|：|为|是|at|on)?\s*)?«k\d+»(?:\s*(?:运行|执行|触发|的?时间表?))?`)
	reEveryN     = lazily(`(?i)\b(?:every|each|once (?:every|per|in)|repeat every)\s+(\d+|a|one|two|three|four|five|six|ten|twelve|fifteen|twenty|thirty|half|couple of|other|second)?\s*(?:an?\s+)?(seconds?|secs?|minutes?|mins?|hours?|hrs?|days?|weeks?|months?|h\b)(?:\b|$)`)
	reOnceA      = lazily(`(?i)\b(?:once|one time)\s+(?:a|an|per|every)\s+(minute|hour|day|week|month)\b|\b(minutely|hourly|daily|weekly|monthly|nightly)\b`)
	rePartOfDay  = lazily(`(?i)\b(?:(?:every|each|in the|on (?:every|each))\s+(morning|evening|night|noon|midnight|afternoon|lunchtime)|(nightly)|every day in the (morning|evening|afternoon)|(?:at|every) (midnight|noon) (?:every|each) day)\b`)
	reWeekday    = lazily(`(?i)\b(?:(?:on\s+)?(?:every|each|all)\s+|on\s+)(week\s?days?|working days?|business days?|work\s?days?|weekends?|week\s?end days?|` + dayName + `(?:(?:\s*,\s*|\s+and\s+|\s*,\s*and\s+|\s*&\s*|\s+to\s+|\s*-\s*|\s+through\s+)(?:on\s+|every\s+)?` + dayName + `)*)\b|\b(` + dayName + `\s+(?:to|through|-)\s+` + dayName + `|mondays|tuesdays|wednesdays|thursdays|fridays|saturdays|sundays|weekdays)\b`)
	reMonthDay   = lazily(`(?i)\b(?:on\s+|at\s+)?(?:the\s+)?(?:(first|1st|last|\d{1,2}(?:st|nd|rd|th)|second|third|fifteenth)\s+(?:day\s+)?of\s+(?:every|each|the)\s+month|(?:every|each)\s+month\s+on\s+(?:the\s+|day\s+)?(first|1st|\d{1,2}(?:st|nd|rd|th)?|fifteenth)(?:\s+day)?|(?:every|each)\s+(first|1st|\d{1,2}(?:st|nd|rd|th))\s+of\s+the\s+month)\b`)
	reEveryDayAt = lazily(`(?i)\b(?:every\s*day|each day|daily|every single day|day by day)\b`)
	reAtEvery    = lazily(`(?i)\b(?:at\s+)?(\d{1,2}(?::\d{2})?\s*(?:am|pm)?|noon|midnight)\s+(?:every|each)\s+(?:single\s+)?(day|morning|evening|night|week\s?day|working day|business day|` + dayName + `)\b`)
	reZhEveryN   = lazily(`(?:每隔?|隔)\s*(\d+|[一二两三四五六七八九十半]+)?\s*个?\s*(秒钟?|分钟?|小时|钟头|天|日|周|星期|礼拜|个月|月)(?:一次|就|定时)*`)
	reZhDay      = lazily(`(?:每天|每日|天天|每个?(?:早上|晚上|早晨|清晨|中午|凌晨|上午|下午|傍晚|午夜)|每晚|每早)`)
	reZhWeek     = lazily(`每个?(?:周|星期|礼拜)([一二三四五六日天末1-7](?:(?:\s*[、,，和及与]\s*|到|至)(?:每?(?:周|星期|礼拜))?[一二三四五六日天1-7])*)|每个?(工作日|周末)|(?:工作日)(?:每天)?|周一到周五|周一至周五`)
	reZhMonth    = lazily(`每个?月的?\s*(?:第)?(\d{1,2}|[一二三四五六七八九十]+|初一|月初)?\s*(?:号|日|天)?`)
	reZhClock    = lazily(`^\s*的?[，,]?\s*(凌晨|早上|早晨|清晨|上午|中午|下午|傍晚|晚上|夜里|午夜|晚间|晚)?\s*(?:(\d{1,2}|[一二两三四五六七八九十]{1,3})\s*(?:点钟?|时|[:：])\s*(?:(半)|(\d{1,2}|[一二三四五六七八九十]{1,3})\s*分?)?|(中午|午夜))?(?:准时|整|钟|左右)*`)
)

// schedule cuts times out of the text. Several of them are one trigger.
func (r *reading) schedule() (trigger, bool) {
	t := trigger{kind: "schedule"}
	for range 5 {
		rl, from, to, ok := r.oneRule()
		if !ok {
			break
		}
		t.about = strings.TrimSpace(t.about + " " + r.plain(r.text[from:to]))
		t.rules = append(t.rules, rl...)
		r.cut(from, to)
	}
	return t, len(t.rules) > 0
}

// cut takes a part of the text out, leaving a comma.
func (r *reading) cut(from, to int) {
	before, after := strings.TrimRight(r.text[:from], " ,，"), strings.TrimLeft(r.text[to:], " ,，、:：")
	before = reRunWords.ReplaceAllString(before, "")
	after = lazily(`(?i)^(?:(?:运行|执行|触发)(?:[，,]|$)|定时|自动|时候?|的时候|就|and (?:then )?|then |to )[，,]?`).ReplaceAllString(after, "")
	sep := ", "
	if strings.TrimSpace(before) == "" || strings.HasSuffix(before, "\n") || strings.HasSuffix(before, ".") || strings.HasSuffix(before, "。") || after == "" || strings.HasPrefix(after, ".") || strings.HasPrefix(after, "。") {
		sep = " "
	}
	r.text = strings.TrimSpace(before + sep + after)
}

var reRunWords = lazily(`(?i)(?:^|[\s,.])(?:(?:it |the workflow |this |that )?(?:should |must |shall |will )?(?:runs?|starts?|triggers?|executes?|be run|happens?|is run|running|scheduled?)(?: it| this| the workflow)?|and|i want|at|on|定时|并且)$`)

func (r *reading) oneRule() (rules []rule, from, to int, ok bool) {
	if loc := reCronSaid.FindStringIndex(r.text); loc != nil {
		return []rule{{field: "cronExpression", cron: r.first("k", r.text[loc[0]:loc[1]])}}, loc[0], loc[1], true
	}
	if r.lang == "zh" {
		if rules, from, to, ok = r.chineseRule(); ok {
			return rules, from, to, ok
		}
	}
	return r.englishRule()
}

// clock reads a time of day behind a place in the text.
func clock(s string) (hour, minute, length int, ok bool) {
	m := reClock.FindStringSubmatch(s)
	if m == nil {
		return 0, 0, 0, false
	}
	switch strings.ToLower(m[4]) {
	case "noon", "midday":
		return 12, 0, len(m[0]), true
	case "midnight":
		return 0, 0, len(m[0]), true
	}
	hour, _ = strconv.Atoi(m[1])
	minute, _ = strconv.Atoi(m[2])
	half := strings.ToLower(strings.ReplaceAll(m[3], ".", "") + m[5])
	switch {
	case strings.Contains(half, "pm") || half == "evening" || half == "afternoon" || strings.HasSuffix(half, "night"):
		if hour < 12 {
			hour += 12
		}
	case strings.HasPrefix(half, "am") && hour == 12:
		hour = 0
	}
	bare := m[2] == "" && half == "" && !lazily(`(?i)\b(?:at|@|by|around)\b|@`).MatchString(m[0])
	return hour, minute, len(m[0]), hour < 24 && minute < 60 && !bare
}

// partHour is when a part of the day begins, where no hour is said.
var partHour = map[string]int{"morning": 9, "evening": 18, "night": 22, "noon": 12, "midnight": 0, "afternoon": 15, "lunchtime": 12, "nightly": 0,
	"早上": 9, "早晨": 9, "清晨": 7, "早": 9, "上午": 9, "中午": 12, "下午": 15, "傍晚": 18, "晚上": 20, "晚": 20, "凌晨": 0, "午夜": 0, "夜里": 22, "晚间": 20}

func (r *reading) englishRule() (rules []rule, from, to int, ok bool) { //nolint:funlen // one form of words after the other
	s := r.text
	if m := reAtEvery.FindStringSubmatchIndex(s); m != nil {
		h, mi, _, good := clock("at " + s[m[2]:m[3]])
		if good {
			day := strings.ToLower(s[m[4]:m[5]])
			if (day == "evening" || day == "night") && h < 12 && !strings.Contains(strings.ToLower(s[m[2]:m[3]]), "m") {
				h += 12
			}
			return dayRules(day, h, mi), m[0], m[1], true
		}
	}
	type found struct {
		at, end int
		make    func(h, mi int, said bool) []rule
	}
	var best *found
	add := func(re *pattern, build func(g []string) func(h, mi int, said bool) []rule) {
		m := re.FindStringSubmatchIndex(s)
		if m == nil || best != nil && m[0] >= best.at {
			return
		}
		g := make([]string, len(m)/2)
		for i := range g {
			if m[2*i] >= 0 {
				g[i] = strings.ToLower(s[m[2*i]:m[2*i+1]])
			}
		}
		if f := build(g); f != nil {
			best = &found{m[0], m[1], f}
		}
	}
	add(reMonthDay, func(g []string) func(int, int, bool) []rule {
		return func(h, mi int, _ bool) []rule {
			if g[1] == "last" {
				return []rule{{field: "cronExpression", cron: strconv.Itoa(mi) + " " + strconv.Itoa(h) + " 28 * *"}}
			}
			return []rule{{field: "months", every: 1, day: ordinalNumber(g[1] + g[2] + g[3]), hour: h, min: mi}}
		}
	})
	add(rePartOfDay, func(g []string) func(int, int, bool) []rule {
		part := g[1] + g[2] + g[3] + g[4]
		return func(h, mi int, said bool) []rule {
			if !said {
				h = partHour[part]
			} else if (part == "evening" || part == "afternoon" || part == "night" && h > 5) && h > 0 && h < 12 {
				h += 12
			}
			return []rule{{field: "days", every: 1, hour: h, min: mi}}
		}
	})
	add(reWeekday, func(g []string) func(int, int, bool) []rule {
		return func(h, mi int, said bool) []rule {
			if !said {
				h = 9
			}
			return dayRules(g[1]+g[2], h, mi)
		}
	})
	add(reEveryN, func(g []string) func(int, int, bool) []rule {
		n, has := number(strings.TrimSuffix(g[1], " of"))
		if !has {
			n = 1
		}
		unit := g[2]
		if g[1] == "half" && strings.HasPrefix(unit, "h") {
			n, unit = 30, "minutes"
		}
		return func(h, mi int, said bool) []rule { return []rule{unitRule(unit, n, h, mi, said)} }
	})
	add(reOnceA, func(g []string) func(int, int, bool) []rule {
		unit := map[string]string{"minutely": "minute", "hourly": "hour", "daily": "day", "weekly": "week", "monthly": "month", "nightly": "night"}[g[2]]
		unit += g[1]
		return func(h, mi int, said bool) []rule {
			if unit == "night" {
				return []rule{{field: "days", every: 1, hour: h, min: mi}}
			}
			return []rule{unitRule(unit, 1, h, mi, said)}
		}
	})
	add(reEveryDayAt, func([]string) func(int, int, bool) []rule {
		return func(h, mi int, said bool) []rule { return []rule{unitRule("day", 1, h, mi, said)} }
	})
	if best == nil {
		return nil, 0, 0, false
	}
	from, to = best.at, best.end
	h, mi, n, said := clock(s[to:])
	if said {
		to += n
		rules = best.make(h, mi, true)
		if lazily(`(?i)a\.?m`).MatchString(s[to-n : to]) {
			for i := range rules {
				rules[i].hour = h
			}
		}
		for { // at 9 and 17:00
			m := lazily(`(?i)^\s*(?:,|and|&|, and)\s*(?:again\s+)?(?:at\s+)?`).FindString(s[to:])
			if m == "" {
				break
			}
			h, mi, n, more := clock("at " + s[to+len(m):])
			rest := s[to+len(m):]
			if !more || !lazily(`^\d{1,2}(:\d{2}|\s*[ap]\.?m|\b)`).MatchString(rest) || lazily(`^\d+\s+[a-z]{3,}`).MatchString(rest) {
				break
			}
			rules = append(rules, best.make(h, mi, true)...)
			to += len(m) + n - len("at ")
		}
	} else {
		// the time may stand before: "at 8 on weekdays"
		if m := lazily(`(?i)(?:^|[\s,])(at\s+(?:\d{1,2}(?::\d{2})?\s*(?:am|pm|o'clock)?|noon|midnight))\s*,?\s*$`).FindStringSubmatchIndex(s[:from]); m != nil {
			if h2, mi2, _, good := clock(s[m[2]:m[3]]); good {
				return best.make(h2, mi2, true), m[2], to, true
			}
		}
		rules = best.make(0, 0, false)
	}
	return rules, from, to, true
}

func ordinalNumber(s string) int {
	words := map[string]int{"first": 1, "second": 2, "third": 3, "fifteenth": 15, "last": 28}
	if n, ok := words[s]; ok {
		return n
	}
	n, _ := strconv.Atoi(strings.TrimRight(s, "stndrh"))
	return max(1, min(n, 31))
}

func unitRule(unit string, n, h, mi int, said bool) rule {
	switch unit = strings.ToLower(unit); {
	case strings.HasPrefix(unit, "s") || unit == "秒" || unit == "秒钟":
		return rule{field: "seconds", every: n}
	case strings.HasPrefix(unit, "mi") || strings.HasPrefix(unit, "分"):
		return rule{field: "minutes", every: n}
	case strings.HasPrefix(unit, "h") || unit == "小时" || unit == "钟头":
		return rule{field: "hours", every: n}
	case strings.HasPrefix(unit, "w") || unit == "周" || unit == "星期" || unit == "礼拜":
		if !said {
			h = 9
		}
		return rule{field: "weeks", every: n, days: []int{1}, hour: h, min: mi}
	case strings.HasPrefix(unit, "mo") || strings.HasSuffix(unit, "月"):
		if !said {
			h = 9
		}
		return rule{field: "months", every: n, day: 1, hour: h, min: mi}
	}
	if !said {
		h = 9
	}
	return rule{field: "days", every: n, hour: h, min: mi}
}

// dayRules reads names of days: "weekday", "monday, wednesday and friday",
// "monday to friday".
func dayRules(s string, h, mi int) []rule {
	s = strings.ToLower(s)
	switch {
	case lazily(`^(?:day|morning|evening|night)$`).MatchString(s):
		return []rule{{field: "days", every: 1, hour: h, min: mi}}
	case lazily(`week\s?day|work|business`).MatchString(s):
		return []rule{{field: "cronExpression", cron: strconv.Itoa(mi) + " " + strconv.Itoa(h) + " * * 1-5"}}
	case strings.HasPrefix(s, "week"):
		return []rule{{field: "weeks", every: 1, days: []int{0, 6}, hour: h, min: mi}}
	}
	var days []int
	names := lazily(dayName).FindAllString(s, -1)
	for _, n := range names {
		if d, ok := weekdays[strings.TrimSuffix(n, "s")]; ok {
			days = append(days, d)
		} else if d, ok := weekdays[n]; ok {
			days = append(days, d)
		}
	}
	if len(days) == 2 && lazily(`\s(?:to|through)\s|-`).MatchString(s) {
		return []rule{{field: "weeks", every: 1, days: span(days[0], days[1]), hour: h, min: mi}}
	}
	return []rule{{field: "weeks", every: 1, days: days, hour: h, min: mi}}
}

func span(a, b int) []int {
	var out []int
	for d := a; ; d = (d + 1) % 7 {
		out = append(out, d)
		if d == b {
			return out
		}
	}
}

func (r *reading) chineseRule() (rules []rule, from, to int, ok bool) { //nolint:funlen // one form of words after the other
	s := r.text
	at := func(end, part int) (h, mi, stop int) {
		m := reZhClock.FindStringSubmatch(s[end:])
		h = part
		if m == nil || m[0] == "" {
			return h, 0, end
		}
		if m[1] != "" {
			h = partHour[m[1]]
		}
		if m[5] != "" {
			return partHour[m[5]], 0, end + len(m[0])
		}
		if m[2] == "" {
			return h, 0, end + len(m[0])
		}
		n, _ := number(m[2])
		late := m[1]
		if late == "" && part >= 15 {
			late = "晚上"
		}
		if (late == "下午" || late == "晚上" || late == "傍晚" || late == "晚" || late == "夜里" || late == "晚间") && n < 12 {
			n += 12
		}
		if late == "中午" && n < 6 {
			n += 12
		}
		if m[3] != "" {
			mi = 30
		} else if m[4] != "" {
			mi, _ = number(m[4])
		}
		return n % 24, mi, end + len(m[0])
	}
	if m := reZhWeek.FindStringSubmatchIndex(s); m != nil {
		text := s[m[0]:m[1]]
		h, mi, end := at(m[1], 9)
		switch {
		case strings.Contains(text, "工作日") || strings.HasPrefix(text, "周一到周五") || strings.HasPrefix(text, "周一至周五"):
			return []rule{{field: "cronExpression", cron: strconv.Itoa(mi) + " " + strconv.Itoa(h) + " * * 1-5"}}, m[0], end, true
		case strings.Contains(text, "末"):
			return []rule{{field: "weeks", every: 1, days: []int{0, 6}, hour: h, min: mi}}, m[0], end, true
		}
		var days []int
		for _, c := range strings.TrimLeft(s[m[2]:m[3]], "周星期礼拜") {
			if d, known := weekdays[string(c)]; known {
				days = append(days, d)
			}
		}
		if len(days) == 2 && strings.ContainsAny(s[m[2]:m[3]], "到至") {
			days = span(days[0], days[1])
		}
		return []rule{{field: "weeks", every: 1, days: days, hour: h, min: mi}}, m[0], end, true
	}
	if m := reZhEveryN.FindStringSubmatchIndex(s); m != nil && !(m[2] < 0 && strings.HasSuffix(s[m[4]:m[5]], "月")) {
		unit, n := s[m[4]:m[5]], 1
		if m[2] >= 0 {
			n, _ = number(s[m[2]:m[3]])
			if s[m[2]:m[3]] == "半" && (unit == "小时" || unit == "钟头") {
				unit = "分钟"
			}
		}
		h, mi, end := at(m[1], 9)
		if unit == "天" || unit == "日" {
			return []rule{{field: "days", every: n, hour: h, min: mi}}, m[0], end, true
		}
		return []rule{unitRule(unit, n, h, mi, true)}, m[0], m[1], true
	}
	if m := reZhDay.FindStringIndex(s); m != nil {
		part := 9
		for name, h := range partHour {
			if len(name) > 3 && strings.Contains(s[m[0]:m[1]], name) || strings.HasSuffix(s[m[0]:m[1]], "晚") {
				part = h
				if strings.HasSuffix(s[m[0]:m[1]], "晚") {
					part = 20
				}
			}
		}
		h, mi, end := at(m[1], part)
		return []rule{{field: "days", every: 1, hour: h, min: mi}}, m[0], end, true
	}
	if m := reZhMonth.FindStringSubmatchIndex(s); m != nil {
		day := 1
		if m[2] >= 0 {
			if n, good := number(s[m[2]:m[3]]); good {
				day = n
			}
		}
		h, mi, end := at(m[1], 9)
		return []rule{{field: "months", every: 1, day: day, hour: h, min: mi}}, m[0], end, true
	}
	return nil, 0, 0, false
}
