package planner

import (
	"strconv"
	"strings"
)

var (
	reOrdinal = lazily(`(?i)^(?:(?:i\s+)?(?:would\s+|'d\s+)?(?:choose|pick|take|go (?:with|for)|prefer|want|like|use|please)\s+)?(?:the\s+)?(?:option|number|no\.?|choice|alternative|#)?\s*(\d+|first|second|third|fourth|last|one|two|three|four)(?:st|nd|rd|th)?(?:\s+(?:one|option|please))?\W*$|^(?:我)?(?:选择?|要|用)?(?:第)?\s*(\d+|[一二三四])\s*(?:个|项|种)?(?:方案|选项)?\W*$`)
	ordinals  = map[string]int{"first": 1, "second": 2, "third": 3, "fourth": 4, "one": 1, "two": 2, "three": 3, "four": 4, "一": 1, "二": 2, "三": 3, "四": 4}
)

var reURLOrMail = lazily(reURL.String() + "|" + reMail.String())

// ordinal reads "2", "the second one", "option 2", "第二个": the place among n,
// counted from 1; 0 when the words are none of these.
func ordinal(text string, n int) int {
	m := reOrdinal.FindStringSubmatch(strings.TrimSpace(text))
	if m == nil {
		return 0
	}
	word := strings.ToLower(m[1] + m[2])
	k, err := strconv.Atoi(word)
	if err != nil {
		k = ordinals[word]
		if word == "last" {
			k = n
		}
	}
	if k < 1 || k > n {
		return 0
	}
	return k
}

// Choose finds the alternative a user means: by place, by id or by words of
// its title. "" when none is meant.
func Choose(text string, list []Alternative) string {
	if k := ordinal(text, len(list)); k > 0 {
		return list[k-1].ID
	}
	lower := strings.ToLower(strings.TrimSpace(text))
	best, points := "", 0
	for _, a := range list {
		if lower == strings.ToLower(a.ID) || lower == strings.ToLower(a.Title) {
			return a.ID
		}
		n := 0
		for _, w := range lazily(`[\p{L}\p{N}]+`).FindAllString(strings.ToLower(a.Title+" "+a.ID), -1) {
			if len([]rune(w)) > 2 && strings.Contains(lower, w) {
				n++
			}
		}
		if n > points {
			best, points = a.ID, n
		}
	}
	if lazily(`(?i)\b(?:skip|leave (?:it|that|this) out|without (?:it|that)|drop it|ignore it|forget (?:it|about it))\b|去掉|跳过|不要了?|算了`).MatchString(lower) {
		for _, a := range list {
			if a.ID == "skip" || a.ID == "hand" {
				return a.ID
			}
		}
	}
	if len([]rune(lower)) > 60 && points < 2 {
		return ""
	}
	return best
}

// Match gives a message to the questions it answers, by id: numbered answers,
// the kind of what is asked (an address, an e-mail address), lines, or the
// whole message for the first question. Options may be chosen by number.
func Match(text string, questions []Question) map[string]string {
	out := map[string]string{}
	text = strings.TrimSpace(text)
	if text == "" || len(questions) == 0 {
		return out
	}
	if len(questions) == 1 {
		out[questions[0].ID] = option(text, questions[0])
		return out
	}
	if parts := numbered(text, len(questions)); len(parts) > 0 {
		for i, a := range parts {
			out[questions[i].ID] = option(a, questions[i])
		}
		return out
	}
	rest := text
	for _, q := range questions {
		re := (*pattern)(nil)
		switch base := strings.TrimRight(q.ID, "_0123456789"); {
		case base == "url" || strings.HasSuffix(q.ID, "_url") || base == "server":
			re = reURL
		case base == "mail" || strings.HasSuffix(q.ID, "_mail"):
			re = reMail
		case base == "send":
			re = reURLOrMail
		}
		if re == nil {
			continue
		}
		if found := re.FindString(rest); found != "" {
			out[q.ID] = found
			rest = strings.Replace(rest, found, "", 1)
		}
	}
	var open []Question
	for _, q := range questions {
		if _, done := out[q.ID]; !done {
			open = append(open, q)
		}
	}
	lines := strings.FieldsFunc(rest, func(r rune) bool { return r == '\n' || r == ';' || r == '；' })
	if len(lines) < len(open) && len(open) > 1 {
		if byComma := lazily(`\s*[,，]\s*`).Split(strings.Trim(rest, " ,，.。"), -1); len(byComma) == len(open) {
			lines = byComma
		}
	}
	for i, q := range open {
		switch {
		case len(lines) == len(open):
			out[q.ID] = option(lines[i], q)
		case i == 0 && len(out) == 0:
			out[q.ID] = option(rest, q)
		}
	}
	for id, a := range out {
		if strings.Trim(a, " ,，.。:：") == "" {
			delete(out, id)
		}
	}
	return out
}

// numbered reads "1. … 2. …".
func numbered(text string, n int) map[int]string {
	out := map[int]string{}
	locs := lazily(`(?:^|[\s,;，；])(\d)\s*[.):：、]\s*`).FindAllStringSubmatchIndex(text, -1)
	for i, l := range locs {
		end := len(text)
		if i+1 < len(locs) {
			end = locs[i+1][0]
		}
		if k, err := strconv.Atoi(text[l[2]:l[3]]); err == nil && k >= 1 && k <= n {
			out[k-1] = strings.Trim(text[l[1]:end], " \n,;，；")
		}
	}
	return out
}

// option returns the text of the option that is meant, else the answer.
func option(answer string, q Question) string {
	answer = strings.TrimSpace(answer)
	if k := ordinal(answer, len(q.Options)); k > 0 {
		return q.Options[k-1]
	}
	return answer
}
