package planner

import (
	"fmt"
	"strings"
	"unicode"
)

// reading is a request with what must not be taken apart (quoted texts,
// addresses, code) put aside: in the text stand tokens such as «u0».
type reading struct {
	text  string
	lang  string
	parts map[string]string // by token
	form  string            // the title of the form, where it has one
	n     int
}

var (
	reFence  = lazily("(?s)```(?:[a-zA-Z]*\\n)?(.*?)```")
	reURL    = lazily(`(?i)https?://[^\s"'<>，。；、）（“”]+`)
	reMail   = lazily(`[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+`)
	reDomain = lazily(`(?i)\b([a-z0-9-]+\.)+(com|org|net|io|dev|app|co|de|uk|eu|cn|ai|info|test|local)\b(:\d+)?(/[^\s"'<>，。；、）（]*)?`)
	reQuote  = lazily("\"([^\"\\n]*)\"|“([^”\\n]*)”|「([^」\\n]*)」|『([^』\\n]*)』|《([^》\\n]*)》|`([^`\\n]*)`|‘([^’\\n]*)’")
	reSingle = lazily(`(^|[\s(:=,，：])'([^'\n]*)'($|[\s).,;:!?，。；])`)
	reCron   = lazily(`(?:^|[\s:：,，(])((?:[0-9*/,\-]+\s+){4,5}(?:[0-9*/,\-]+|(?:(?:MON|TUE|WED|THU|FRI|SAT|SUN)[-,]?)+))(?:$|[\s.,;，。；)])`)
	reJSON   = lazily(`\{\s*"[^{}]*\}`)
	reToken  = lazily(`«[a-z]\d+»`)
)

// read puts aside what must stay whole.
func read(text, lang string) *reading {
	r := &reading{parts: map[string]string{}, lang: lang}
	if r.lang == "" {
		r.lang = languageOf(text)
	}
	text = strings.NewReplacer("\r\n", "\n", "’", "'", "\u00a0", " ", "\u3000", " ", "；", "；", "\t", " ").Replace(text)
	text = reFence.ReplaceAllStringFunc(text, func(s string) string { return r.aside("c", strings.TrimSpace(reFence.FindStringSubmatch(s)[1])) })
	text = reJSON.ReplaceAllStringFunc(text, func(s string) string { return r.aside("j", s) })
	text = r.quoted(text)
	text = reURL.ReplaceAllStringFunc(text, r.address)
	text = reMail.ReplaceAllStringFunc(text, func(s string) string { return r.aside("e", s) })
	text = reDomain.ReplaceAllStringFunc(text, func(s string) string {
		if strings.HasPrefix(s, "«") {
			return s
		}
		return r.address("https://" + s)
	})
	text = reCron.ReplaceAllStringFunc(text, func(s string) string {
		m := reCron.FindStringSubmatch(s)
		return strings.Replace(s, m[1], r.aside("k", m[1]), 1)
	})
	r.text = text
	return r
}

// quoted puts quoted texts aside; what a quotation holds as a whole (an
// address) keeps its kind.
func (r *reading) quoted(text string) string {
	keep := func(inner string) string {
		trimmed := strings.TrimSpace(inner)
		switch {
		case reURL.FindString(trimmed) == trimmed && trimmed != "":
			return r.aside("u", trimmed)
		case reMail.FindString(trimmed) == trimmed && trimmed != "":
			return r.aside("e", trimmed)
		case len(strings.Fields(trimmed)) >= 5 && reCron.FindString(trimmed) == trimmed:
			return r.aside("k", trimmed)
		}
		return r.aside("q", inner)
	}
	text = reQuote.ReplaceAllStringFunc(text, func(s string) string {
		for _, inner := range reQuote.FindStringSubmatch(s)[1:] {
			if inner != "" {
				return keep(inner)
			}
		}
		return keep("")
	})
	for range 8 { // neighbours share a separator
		next := reSingle.ReplaceAllStringFunc(text, func(s string) string {
			m := reSingle.FindStringSubmatch(s)
			return m[1] + keep(m[2]) + m[3]
		})
		if next == text {
			break
		}
		text = next
	}
	return text
}

func (r *reading) address(s string) string {
	end := strings.TrimRight(s, ".,;:!?)")
	if strings.Count(end, "(") > strings.Count(end, ")") {
		end += ")"
	}
	if i := strings.IndexFunc(end, func(c rune) bool { return unicode.Is(unicode.Han, c) }); i > 0 {
		end = end[:i]
	}
	return r.aside("u", end) + strings.TrimPrefix(s, end)
}

func (r *reading) aside(kind, value string) string {
	token := fmt.Sprintf("«%s%d»", kind, r.n)
	r.n++
	r.parts[token] = value
	return token
}

// plain puts back what was put aside.
func (r *reading) plain(s string) string {
	return strings.TrimSpace(reToken.ReplaceAllStringFunc(s, func(t string) string { return r.parts[t] }))
}

// shown is plain with quotation marks around quoted texts, for people.
func (r *reading) shown(s string) string {
	return strings.TrimSpace(reToken.ReplaceAllStringFunc(s, func(t string) string {
		if strings.HasPrefix(t, "«q") {
			return `"` + r.parts[t] + `"`
		}
		return r.parts[t]
	}))
}

// first returns the first part of a kind in s, "" when there is none.
func (r *reading) first(kind, s string) string {
	for _, t := range reToken.FindAllString(s, -1) {
		if strings.HasPrefix(t, "«"+kind) {
			return r.parts[t]
		}
	}
	return ""
}

// every returns all parts of a kind in s.
func (r *reading) every(kind, s string) []string {
	var out []string
	for _, t := range reToken.FindAllString(s, -1) {
		if strings.HasPrefix(t, "«"+kind) {
			out = append(out, r.parts[t])
		}
	}
	return out
}

// Language tells the language of a text: "zh" or "en".
func Language(text string) string { return languageOf(text) }

// languageOf tells Chinese from other languages by the script.
func languageOf(text string) string {
	han, latin := 0, 0
	text = reURL.ReplaceAllString(text, "")
	for _, c := range text {
		switch {
		case unicode.Is(unicode.Han, c):
			han++
		case unicode.IsLetter(c):
			latin++
		}
	}
	if han > 0 && han*6 >= latin {
		return "zh"
	}
	return "en"
}

// clause is one thing said of a workflow.
type clause struct {
	text  string
	start bool // it begins a sentence
	last  bool // it follows when all before is done: "finally", "at the end"
}

var (
	reSentence = lazily(`[.;!?]+(\s+|$)|\n+|[。；！？]+`)
	reBullet   = lazily(`^\s*(?:[-*•]|\(?\d{1,2}[.)、]|[①-⑨]|(?i:step \d+[:.]?)|第[一二三四五六七八九十]步[:：,，]?)\s*`)
)

// clauses takes the text apart at sentence ends, and inside sentences where
// a separator is followed by what begins a clause.
func (r *reading) clauses() []clause {
	var out []clause
	for _, s := range reSentence.Split(r.text, -1) {
		s = strings.Trim(reBullet.ReplaceAllString(s, ""), " ,，、:：")
		if s == "" {
			continue
		}
		start := true
		split, trim := splitEnglish, trimEnglish
		if r.lang == "zh" {
			split, trim = splitChinese, trimChinese
		}
		for _, c := range split(s) {
			last := reLast.MatchString(c)
			if c = strings.Trim(trim(c), " ,，、"); c != "" {
				out = append(out, clause{c, start, last})
				start = false
			}
		}
	}
	return out
}

var reLast = lazily(`(?i)^\s*(?:and\s+|then\s+)?(?:finally|lastly|at the end|in the end|afterwards|after that|after (?:the loop|all)|when (?:all|everything|it) (?:is|are) done|once (?:all|everything)|at last|最后|最终|全部(?:完成|处理完)|处理完|循环(?:结束|完)|都(?:完成|处理完))`)

var reWordy = lazily(`^[a-z]+\s`)

// cutAt cuts s at separators that are followed by an opener.
func cutAt(s string, separator, opener *pattern) []string {
	var out []string
	from := 0
	for at := 0; at < len(s); {
		loc := separator.FindStringIndex(s[at:])
		if loc == nil {
			break
		}
		a, b := at+loc[0], at+loc[1]
		if a > from && (opener.MatchString(s[b:]) || strings.Contains(s[a:b], "then") && reWordy.MatchString(s[b:])) {
			out = append(out, s[from:a])
			from = b
		}
		at = max(b, at+1)
	}
	return append(out, s[from:])
}
