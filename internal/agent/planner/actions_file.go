package planner

import (
	"strings"
)

func readFile(_ *reading, m []string, s string) (step, bool) {
	if strings.Contains(s, "«u") {
		return step{}, false
	}
	return step{kind: "file", what: fileKind(m[1])}, true
}

func fileKind(s string) string {
	switch s = strings.ToLower(s); {
	case s == "csv":
		return "csv"
	case s == "xlsx" || s == "excel" || s == "spreadsheet" || s == "表格":
		return "xlsx"
	case strings.HasPrefix(s, "html"):
		return "html"
	case strings.HasPrefix(s, "json"):
		return "toJson"
	case strings.HasPrefix(s, "text"), s == "文本文件":
		return "toText"
	}
	return "iCal"
}

func readExtract(r *reading, m []string, s string) (step, bool) {
	if strings.Contains(s, "«u") {
		st, ok := readFetch(r, []string{"", s}, s)
		st.what = "file"
		st.steps = []step{{kind: "read", what: readKind(m[1]), about: st.about}}
		return st, ok
	}
	return step{kind: "read", what: readKind(m[1])}, true
}

func readKind(s string) string {
	switch k := fileKind(s); k {
	case "toJson":
		return "fromJson"
	case "toText":
		return "text"
	case "iCal":
		return "fromIcs"
	default:
		return k
	}
}

func readHTML(r *reading, m []string, s string) (step, bool) {
	st := step{kind: "html"}
	selectors := r.every("q", m[2])
	for i, n := range names(m[1]) {
		name := r.fieldName(n)
		if name == "" {
			continue
		}
		sel := selectorOf(name)
		if i < len(selectors) {
			sel = selectors[i]
		}
		st.pairs = append(st.pairs, pair{name: name, value: sel})
	}
	if len(selectors) == 1 && len(st.pairs) != 1 {
		st.pairs = []pair{{name: "value", value: selectors[0]}}
	}
	if u := r.first("u", s); u != "" {
		st.url = u
	}
	return st, len(st.pairs) > 0
}

func selectorOf(name string) string {
	switch strings.ToLower(singular(name)) {
	case "title", "标题":
		return "title"
	case "headline", "heading", "header", "h1":
		return "h1"
	case "link", "url", "href", "链接":
		return "a"
	case "image", "picture", "图片":
		return "img"
	case "paragraph", "text", "正文":
		return "p"
	case "price", "价格":
		return ".price"
	}
	return "." + strings.ToLower(name)
}

func fieldBefore(r *reading, s string) []string {
	if m := lazily(`(?i)\b(?:field|字段)\s+(«q\d+»|[\w.]+)|\b(?:convert|turn|transform|render)\s+(?:the\s+)?(«q\d+»|[\w.]+)\s+(?:field\s+)?(?:from|to|into)\b`).FindStringSubmatch(s); m != nil {
		f := r.fieldName(m[1] + m[2])
		if f != "" && !lazily(`(?i)^(?:markdown|html|xml|it|them|text)$`).MatchString(f) {
			return []string{f}
		}
	}
	return nil
}

func fieldAs(r *reading, s, otherwise string) string {
	if m := lazily(`(?i)\b(?:as|in|into|to|called|named|field)\s+(?:the\s+|a\s+)?(?:field\s+)?(«q\d+»|[\w.]+)(?:\s+field)?\s*$`).FindStringSubmatch(s); m != nil {
		if f := r.fieldName(m[1]); f != "" && !lazily(`(?i)^(?:`+items+`|each|every)$`).MatchString(f) {
			return f
		}
	}
	return otherwise
}

func readHash(r *reading, m []string, s string) (step, bool) {
	st := step{kind: "hash", what: "SHA256"}
	lower := strings.ToLower(strings.ReplaceAll(s, "-", ""))
	for _, a := range []string{"MD5", "SHA512", "SHA384", "SHA256", "SHA3"} {
		if strings.Contains(lower, strings.ToLower(a)) {
			st.what = a
			break
		}
	}
	rest := lazily(`(?i)\b(?:with|using|by|as|in|via)\b.*$`).ReplaceAllString(m[1], "")
	rest = lazily(`(?i)\b(?:md5|sha-?\d*|hash|of)\b`).ReplaceAllString(rest, "")
	f := r.fieldName(rest)
	if f == "" {
		st.slot = "hash"
	}
	st.fields = []string{f}
	return st, true
}

func readDate(r *reading, m []string, _ string) (step, bool) {
	f := r.fieldName(m[1])
	format := r.plain(m[2])
	if strings.HasPrefix(strings.ToLower(format), "iso") {
		format = "yyyy-MM-dd'T'HH:mm:ss"
	}
	format = strings.NewReplacer("YYYY", "yyyy", "DD", "dd").Replace(format)
	if f == "" {
		f = "date"
	}
	return step{kind: "date", what: "formatDate", fields: []string{f}, text: format}, true
}
