package planner

import (
	"strings"
)

func readMail(r *reading, m []string, s string) (step, bool) {
	if !lazily(`(?i)^(?:send|write|deliver|forward|notify|inform|alert|tell|reply|report|let|shoot|drop)\b|^(?:e-?mail|mail)\s|\b(?:by|via|per|through|as|with|in) (?:an? )?(?:e-?mail|mail)\b`).MatchString(s) ||
		lazily(`(?i)\be-?mail (?:field|contains?|is|ends|starts|and)\b`).MatchString(s) && r.first("e", s) == "" {
		return step{}, false
	}
	if strings.Contains(s, "«u") && !lazily(`(?i)\be-?mail\b.*\bto\b\s*«e`).MatchString(s) && r.first("e", s) == "" {
		return step{}, false
	}
	st := step{kind: "mail", to: r.first("e", s)}
	quotes := r.every("q", s)
	if mm := lazily(`(?i)\b(?:subject|title|titled|主题|标题)\s*(?:is|of|为|是|:|：)?\s*(«q\d+»)`).FindStringSubmatch(s); mm != nil {
		st.unit = r.parts[mm[1]] // the subject
		for _, q := range quotes {
			if q != st.unit {
				st.text = q
			}
		}
	} else if len(quotes) > 0 {
		st.text = quotes[0]
	}
	if st.to == "" {
		if mm := lazily(`(?i)\bto (?:the )?(?:address in (?:the )?)?(?:field )?(e-?mail|\w*email\w*|the customer'?s? e-?mail)\b`).FindStringSubmatch(s); mm != nil && lazily(`(?i)field|address in|'s`).MatchString(mm[0]) {
			st.to = "=" + r.fieldName(mm[1])
		} else {
			st.slot = "mail"
		}
	}
	return st, true
}

var reHeader = lazily(`(?i)(?:\bheader|请求头)\s+(?:«q(\d+)»|([A-Za-z][\w-]*)\s*(?::|=|set to|of|with(?: value)?|为)\s*(«q\d+»|[\w./-]+))`)

// call reads what requests have in common.
func (r *reading) call(st *step, s string) {
	st.url = r.first("u", s)
	if m := lazily(`\b(GET|POST|PUT|PATCH|DELETE|HEAD)\b`).FindStringSubmatch(s); m != nil {
		st.method = m[1]
	} else if m := lazily(`(?i)^(post|put|patch|delete)\b|\b(?:a|an|with|using|via|by|用)\s*(post|put|patch|delete|get)\b`).FindStringSubmatch(s); m != nil {
		st.method = strings.ToUpper(m[1] + m[2])
	}
	for _, m := range reHeader.FindAllStringSubmatch(s, -1) {
		if m[1] != "" {
			if name, value, ok := strings.Cut(r.parts["«q"+m[1]+"»"], ":"); ok {
				st.head = append(st.head, pair{name: strings.TrimSpace(name), value: strings.TrimSpace(value)})
			}
			continue
		}
		st.head = append(st.head, pair{name: m[2], value: r.plain(m[3])})
	}
	switch lower := strings.ToLower(s); {
	case strings.Contains(lower, "bearer"):
		st.auth = "httpBearerAuth"
	case strings.Contains(lower, "basic auth"):
		st.auth = "httpBasicAuth"
	case strings.Contains(lower, "oauth"):
		st.auth = "oAuth2Api"
	case strings.Contains(lower, "api key"), strings.Contains(lower, "api token"), strings.Contains(lower, "密钥"), strings.Contains(lower, "access token"):
		st.auth = "httpHeaderAuth"
	}
	if m := lazily(`(?i)\b(?:retry(?:ing)?|try(?: again)?)\s+(?:it\s+)?(?:up to\s+)?(\d+|once|twice|three|five|two)(?:\s+(?:more\s+)?times)?|\b(?:re-?try|try)\b.*\b(\d+|two|three|five) times|重试\s*(\d+|[一二两三四五])\s*次`).FindStringSubmatch(s); m != nil {
		st.n = float64(times(m[1] + m[2] + m[3]))
	}
}

func times(s string) int {
	switch strings.ToLower(s) {
	case "once":
		return 2
	case "twice":
		return 3
	}
	n, _ := number(s)
	return max(2, min(n, 5))
}

func readFetch(r *reading, m []string, s string) (step, bool) {
	st := step{kind: "fetch"}
	r.call(&st, s)
	if st.url == "" {
		return step{}, false
	}
	if st.method == "POST" || st.method == "PUT" || st.method == "PATCH" || st.method == "DELETE" {
		return readSend(r, m, s)
	}
	urls := r.every("u", s)
	if len(urls) > 1 {
		st.urls = urls
	}
	if mm := lazily(`(?i)\b(?:with|and)\s+(?:the\s+)?(?:query|url)?\s*param(?:eter)?s?\s+(.+)$`).FindStringSubmatch(s); mm != nil {
		st.pairs = r.assignments(mm[1])
	}
	if lazily(`(?i)\b(?:page by page|all pages|paginat\w+|every page)\b|分页|翻页|所有页`).MatchString(s) {
		st.what = "pages"
	}
	if lazily(`(?i)^(?:download)\b.*\b(?:file|pdf|image|picture|csv|zip)\b|下载.*(?:文件|图片)`).MatchString(s) {
		st.what = "file"
	}
	return st, true
}

// reWithAuth is what a call is made with that is nothing to send.
var reWithAuth = lazily(`(?i)\bwith\s+(?:an?\s+|the\s+|my\s+)?(?:bearer|token|access token|api key|basic auth\w*|oauth\w*|header|credentials?)\b`)

func readSend(r *reading, m []string, s string) (step, bool) {
	st := step{kind: "send"}
	r.call(&st, s)
	if st.url == "" {
		return step{}, false
	}
	if st.method == "GET" || st.method == "" && lazily(`(?i)^(?:call|hit|ping)\s+(?:the\s+)?(?:api\s+|endpoint\s+|url\s+)?(?:at\s+)?«u`).MatchString(s) && !lazily(`(?i)\bwith\b`).MatchString(reWithAuth.ReplaceAllString(s, "")) {
		st.kind, st.method = "fetch", ""
		return st, true
	}
	if st.method == "" {
		st.method = "POST"
	}
	if urls := r.every("u", s); len(urls) > 1 {
		st.urls = urls
	}
	st.all = lazily(`(?i)\b(?:all at once|in one (?:request|go|call|message|batch)|as (?:a|one) (?:single )?(?:list|array|batch|request)|as a whole|together|whole list|entire list|all of them (?:at once|in one))\b|一次性|一起发|整个列表|打包`).MatchString(s)
	words := reHeader.ReplaceAllString(s, "")
	switch {
	case r.first("j", words) != "":
		st.what, st.text = "json", r.first("j", words)
	case r.first("q", words) != "":
		st.what, st.text = "text", r.first("q", words)
	default:
		before := lazily(`(?i)\b(?:to|at|via|on)\s+(?:the\s+)?(?:url\s+|endpoint\s+|webhook\s+|address\s+|api\s+|server\s+)?(?:at\s+)?«u.*$|(?:到|给|至|往)\s*«u.*$|«u.*$`).ReplaceAllString(words, "")
		after := ""
		if mm := lazily(`(?i)«u\d+»\s*(?:with|containing|including|passing|,\s*with|带上|包含|内容(?:是|为)?)\s+(?:the\s+)?(?:body\s+|fields?\s+|json\s+|payload\s+|data\s+)*(.+)$`).FindStringSubmatch(words); mm != nil {
			after = mm[1]
		}
		st.pairs = r.payload(before, after)
	}
	return st, true
}

// payload reads which fields are sent; none: the whole item.
func (r *reading) payload(before, after string) []pair {
	if after != "" {
		if p := r.assignments(after); len(p) > 0 {
			return p
		}
		if !lazily(`(?i)\b(?:header|auth|token|key|basic|result|it|them|retry)\b`).MatchString(after) {
			return r.plainFields(after)
		}
		return nil
	}
	m := lazily(`(?i)^(?:post|put|patch|send|forward|push|submit|report|pass|write|deliver|publish)\s+(?:only\s+|just\s+)?(?:me\s+)?(?:the\s+|their\s+|its\s+|each\s+)?(.+)$`).FindStringSubmatch(strings.TrimSpace(before))
	if m == nil || !lazily(`(?i)\band\b|,|\bfield`).MatchString(m[1]) {
		return nil
	}
	return r.plainFields(m[1])
}

func (r *reading) plainFields(s string) []pair {
	var out []pair
	for _, n := range names(s) {
		f := r.fieldName(n)
		if f == "" || !lazily(`^[\p{L}_][\p{L}\p{N}_.]*$`).MatchString(f) || lazily(`(?i)^(?:`+items+`|data|result|everything|all|request|body)$`).MatchString(f) {
			return nil
		}
		out = append(out, pair{name: f, code: "«f:" + f + "»"})
	}
	return out
}
