package planner

import (
	"strconv"
	"strings"
)

func readCode(r *reading, _ []string, s string) (step, bool) {
	code := r.first("c", s)
	return step{kind: "code", code: code, all: !lazily(`(?i)(?:for|on) (?:each|every) item|\$json`).MatchString(s + code)}, true
}

func readCodeWords(r *reading, m []string, s string) (step, bool) {
	st := step{kind: "code", all: true}
	for _, q := range r.every("q", s) {
		if strings.ContainsAny(q, "=;{(") || strings.Contains(q, "return") {
			st.code = q
		}
	}
	if st.code == "" {
		if i := strings.IndexAny(s, ":："); i >= 0 {
			if code := r.plain(s[i+1:]); strings.ContainsAny(code, "={(") {
				st.code = code
			}
		}
	}
	st.all = !strings.Contains(st.code, "$json")
	return st, true
}

func readApproval(r *reading, _ []string, s string) (step, bool) {
	st := step{kind: "approval", text: r.first("q", s)}
	if st.text == "" {
		if m := lazily(`(?i)\b(?:approval|approve|confirm|confirmation|sign off)\s+(?:of|for|to|on)?\s*(.{3,60})$`).FindStringSubmatch(s); m != nil {
			st.text = r.plain(m[1])
		}
	}
	if m := lazily(`(?i)\b(?:within|for at most|up to|wait(?:ing)?(?: at most)?|max(?:imum)?)\s+(\d+|an?|one|two)\s+(minutes?|hours?|days?)\b`).FindStringSubmatch(s); m != nil {
		n, _ := number(m[1])
		st.n, st.unit = float64(n), strings.TrimSuffix(m[2], "s")+"s"
	}
	return st, true
}

var reStatus = lazily(`\b([2-5]\d{2})\b`)

func readRespond(r *reading, m []string, s string) (step, bool) {
	rest := m[1]
	if lazily(`(?i)\bto\s+«u`).MatchString(rest) {
		return step{}, false
	}
	if lazily(`(?i)^(?:return|give)\s+(?:me\s+|only\s+|just\s+)*(?:the\s+)?(?:sum|total|count|average|number|mean|maximum|minimum|max|min|first|last|top|highest|lowest|newest|latest)\b`).MatchString(s) {
		return step{}, false
	}
	if lazily(`(?i)^give\s+(?:each|every|it|them)\b`).MatchString(s) {
		return step{}, false
	}
	st := step{kind: "respond", what: "item"}
	if m := reStatus.FindStringSubmatch(reToken.ReplaceAllString(rest, "")); m != nil {
		st.status, _ = strconv.Atoi(m[1])
	}
	r.answer(&st, rest)
	return st, true
}

var reWords = lazily(`(?i)\b(?:the\s+)?(?:plain\s+)?(?:text|words?|string|phrase)\s+([^«]{1,80}?)\s*$`)

// answer reads what a response holds.
func (r *reading) answer(st *step, rest string) {
	switch {
	case r.first("j", rest) != "":
		st.what, st.text = "json", r.first("j", rest)
	case r.first("q", rest) != "":
		st.what, st.text = "text", r.first("q", rest)
		if v := strings.TrimSpace(st.text); strings.HasPrefix(v, "{") || strings.HasPrefix(v, "[") {
			st.what = "json"
		}
		if lazily(`(?i)\bfield\b|字段`).MatchString(rest) {
			st.what, st.fields = "fields", r.every("q", rest)
		}
	case r.first("u", rest) != "":
		st.what, st.text = "redirect", r.first("u", rest)
	case reWords.MatchString(rest):
		st.what, st.text = "text", strings.TrimSpace(r.plain(reWords.FindStringSubmatch(rest)[1]))
	case lazily(`(?i)\b(?:all|list|every|items|orders|results|array|users|products|records|rows|entries|posts)\b|所有|全部|列表|数组`).MatchString(rest):
		st.what = "all"
	case lazily(`(?i)\b(?:nothing|no content|no body|empty)\b|空`).MatchString(rest):
		st.what = "none"
	case lazily(`\w\s*[*+/×]\s*\w|\w - \w|(?i)\b(?:times|plus|minus|multiplied by|divided by)\b`).MatchString(rest):
		if code, ok := r.arithmetic(lazily(`(?i)^\s*(?:with\s+)?(?:the\s+)?(?:result of\s+|value of\s+)?`).ReplaceAllString(rest, "")); ok {
			st.what, st.code = "calc", code
		}
	default:
		words := lazily(`(?i)\b(?:with|the|status|code|http|a|an|to|caller|client|request|back|webhook|json|response|body|result|and|it|that|message|of|as|them|data|item|outcome|answer|text|saying|error|final|sender|user|directly)\b|\d{3}`).ReplaceAllString(reToken.ReplaceAllString(rest, ""), "")
		words = lazily(`状态码|状态|结果|给|调用者|调用方|数据|内容|请求|响应|返回|它|客户端|用户|这个|该|处理|最终|后|的|：|:|json|JSON`).ReplaceAllString(words, "")
		list := names(words)
		if len(list) > 0 && len(list) <= 6 && lazily(`^[\p{L}\p{N}_. ]+$`).MatchString(strings.Join(list, "")) && !lazily(`(?i)^(?:ok|success|thanks?(?: you)?|done|received|accepted|not found|bad request|created|成功|收到|谢谢|完成|好的?|失败|无效)$`).MatchString(strings.TrimSpace(words)) {
			fits := true
			for i := range list {
				list[i] = r.fieldName(list[i])
				fits = fits && list[i] != ""
			}
			if fits {
				st.what, st.fields = "fields", list
			}
			return
		}
		if w := strings.TrimSpace(words); lazily(`\p{L}`).MatchString(w) {
			st.what, st.text = "text", strings.TrimSpace(w)
		} else if st.status >= 400 || st.status == 204 {
			st.what = "none"
		}
	}
}

func readStop(r *reading, m []string, s string) (step, bool) {
	rest := m[1]
	if lazily(`(?i)^throw\s+(?:out|away)\b`).MatchString(s) || lazily(`(?i)^cancel\b.*\b(?:order|booking|subscription|meeting)`).MatchString(s) {
		return step{}, false
	}
	text := r.first("q", rest)
	isError := text != "" || lazily(`(?i)\berror|fail|message|exception\b|^(?:fail|throw|raise|abort)`).MatchString(s)
	if !isError {
		return step{kind: "noop"}, true
	}
	if text == "" {
		text = strings.TrimSpace(lazily(`(?i)^\s*(?:the (?:workflow|execution|run)|it|execution|with|an?|the|error|message|saying|:|and|by|exception)+(?:\s+(?:with|an?|the|error|message|saying|that says|:)+)*\s*`).ReplaceAllString(r.plain(rest), ""))
	}
	if text == "" {
		text = "Stopped by the workflow"
	}
	return step{kind: "stop", text: text}, true
}

func readWait(r *reading, m []string, _ string) (step, bool) {
	rest := m[1]
	if lazily(`(?i)\buntil (?:it is |it's )?(?:called|the (?:call|callback|webhook))|for (?:a |the )?(?:callback|call|webhook|signal|external)|webhook|callback`).MatchString(rest) {
		return step{kind: "wait", what: "webhook"}, true
	}
	if lazily(`(?i)\bform\b|\bfill`).MatchString(rest) {
		return step{kind: "form"}, true
	}
	if d := lazily(`\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2})?)?`).FindString(rest); d != "" {
		return step{kind: "wait", until: strings.Replace(d, " ", "T", 1)}, true
	}
	if m := lazily(`(?i)(\d+(?:\.\d+)?|half an?|an?|one|two|three|four|five|six|ten|fifteen|twenty|thirty|couple of|a few)\s*-?\s*(seconds?|secs?|s|minutes?|mins?|m|hours?|hrs?|h|days?|d|weeks?)\b`).FindStringSubmatch(rest); m != nil {
		n, err := strconv.ParseFloat(m[1], 64)
		unit := waitUnit(m[2])
		if err != nil {
			word := strings.ToLower(m[1])
			k, ok := number(word)
			switch {
			case strings.HasPrefix(word, "half"):
				k = 30
				unit = map[string]string{"minutes": "seconds", "hours": "minutes"}[unit]
				if unit == "" {
					k, unit = 12, "hours"
				}
			case strings.HasPrefix(word, "a few"):
				k = 3
			case strings.HasPrefix(word, "couple"):
				k = 2
			case !ok:
				k = 1
			}
			n = float64(k)
		}
		if strings.HasPrefix(strings.ToLower(m[2]), "w") {
			n *= 7
		}
		return step{kind: "wait", n: n, unit: unit}, true
	}
	if h, mi, _, ok := clock(lazily(`(?i)^.*\buntil\b`).ReplaceAllString(rest, "at")); ok && strings.Contains(strings.ToLower(rest), "until") {
		day := "$today"
		if strings.Contains(strings.ToLower(rest), "tomorrow") {
			day = "$today.plus(1, 'day')"
		}
		return step{kind: "wait", until: "={{ " + day + ".set({ hour: " + strconv.Itoa(h) + ", minute: " + strconv.Itoa(mi) + " }).toISO() }}"}, true
	}
	if strings.Contains(strings.ToLower(rest), "tomorrow") {
		return step{kind: "wait", n: 1, unit: "days"}, true
	}
	return step{kind: "wait", slot: "wait"}, true
}

func waitUnit(s string) string {
	switch s = strings.ToLower(s); {
	case strings.HasPrefix(s, "s"), strings.HasPrefix(s, "秒"):
		return "seconds"
	case strings.HasPrefix(s, "m"), strings.HasPrefix(s, "分"):
		return "minutes"
	case strings.HasPrefix(s, "h"), s == "小时", s == "钟头", s == "个小时", s == "个钟头":
		return "hours"
	}
	return "days"
}

func readSub(r *reading, m []string, s string) (step, bool) {
	st := step{kind: "sub"}
	if q := r.first("q", s); q != "" {
		st.to = q
	} else if mm := lazily(`(?i)\bworkflow\s+(?:with\s+)?(?:the\s+)?(?:id\s+|named\s+|called\s+)?([A-Za-z0-9][\w-]{2,})`).FindStringSubmatch(s); mm != nil && !lazily(`(?i)^(?:for|with|and|on|to|that|the|id|when|named|called|then|again|each|every|once|which|from)$`).MatchString(mm[1]) {
		st.to = mm[1]
	} else if mm := lazily(`(?i)\b(?:run|call|execute|start|trigger|invoke)\s+(?:my\s+|the\s+|our\s+)?([\w-]{3,})\s+(?:sub-?)?workflow`).FindStringSubmatch(s); mm != nil && !lazily(`(?i)^(?:another|other|the|sub|existing)$`).MatchString(mm[1]) {
		st.to = mm[1]
	}
	if st.to == "" {
		st.slot = "workflow"
	}
	return st, true
}

func readMCP(r *reading, m []string, s string) (step, bool) {
	st := step{kind: "mcp", url: r.first("u", s), to: r.plain(m[1] + m[3])}
	if st.to == "" {
		st.slot = "tool"
	}
	return st, true
}

func readFormPage(r *reading, m []string, s string) (step, bool) {
	st := step{kind: "form"}
	if mm := lazily(`(?i)\b(?:for|with|asking for|that asks for|collect)\s+(?:the\s+|an?\s+|their\s+|his\s+|my\s+)*(.+?)(?:\s+(?:with|through|by|via|using|in)\s+(?:an?\s+|another\s+)?form.*)?$`).FindStringSubmatch(s); mm != nil {
		for _, n := range names(mm[1]) {
			if n = r.plain(n); !lazily(`(?i)\bform\b`).MatchString(n) {
				st.fields = append(st.fields, n)
			}
		}
	}
	if len(st.fields) == 0 {
		st.slot = "form"
	}
	return st, true
}
