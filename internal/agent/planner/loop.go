package planner

import (
	"strings"
)

// each reads a loop.
func (p *parser) each(s string, c clause) ([]step, bool) {
	r := p.r
	loop := step{kind: "each", n: 1, about: r.shown(s)}
	var before []step
	rest := ""
	switch m, z := reEach.FindStringSubmatch(s), reEachZh.FindStringSubmatch(s); {
	case r.lang == "zh" && z != nil && lazily(`每|逐|循环|遍历|依次`).MatchString(s):
		if q := lazily(`(?:按|根据|小时|分钟|天|周|月)`).MatchString(z[1]); q {
			return nil, false
		}
		rest = z[2]
	case m != nil:
		if m[3] != "" {
			n, _ := number(m[3])
			loop.n = float64(max(n, 1))
			rest = m[4]
		} else {
			body := m[1] + m[2]
			if !lazily(`(?i)\b(?:each|every|all|over|through|one by one|one at a time|individually)\b`).MatchString(s) {
				return nil, false
			}
			if f := lazily(`(?i)^(?:[\w-]+\s+)?(?:in|of|from)\s+(?:the\s+|its\s+|their\s+)?(?:(?:list|array|field)\s+(«q\d+»|\w+)|(«q\d+»|\w+)\s+(?:list|array|field)|(«q\d+»))`).FindStringSubmatch(body); f != nil {
				before = []step{{kind: "split", fields: []string{r.fieldName(f[1] + f[2] + f[3])}, about: r.shown(s)}}
				body = body[len(f[0]):]
			} else if f := lazily(`(?i)^(?:[\w-]+\s+){0,2}(?:in|of|from|at|returned by)\s+(?:the\s+)?(?:\w+\s+)?(?:at\s+|from\s+)?(«u\d+»)`).FindStringSubmatch(body); f != nil {
				before = []step{{kind: "fetch", url: r.parts[f[1]], about: r.shown(s)}}
				body = body[len(f[0]):]
			} else if f := lazily(`(?i)^(?:[\w-]+\s+){0,2}(?:in|of|from)\s+(?:the\s+)?(?:list|array|result|results|response|it|them|data|output)\b`).FindString(body); f != "" {
				body = body[len(f):]
			} else {
				body = lazily(`(?i)^(?:one\b|of them\b|[\w-]+)(?:\s+(?:items?|one))?`).ReplaceAllString(body, "")
			}
			if b := lazily(`(?i)\s*in (?:batches|groups|chunks) of (\d+|\w+)`).FindStringSubmatch(body); b != nil {
				n, _ := number(b[1])
				loop.n = float64(max(n, 1))
				body = strings.Replace(body, b[0], "", 1)
			}
			rest = trimEnglish(body)
		}
	default:
		loc := reEachEnd.FindStringSubmatchIndex(s)
		if loc == nil || lazily(`(?i)^(?:sum|count|total|average|group|aggregate|summari[sz]e|compute|calculate)\b`).MatchString(s) {
			return nil, false
		}
		if loc[2] >= 0 {
			n, _ := number(s[loc[2]:loc[3]])
			loop.n = float64(max(n, 1))
		}
		st, ok := p.action(strings.TrimRight(s[:loc[0]], " ,"))
		if !ok || st.kind == "set" || st.kind == "split" || st.kind == "html" || st.kind == "uuid" {
			return nil, false
		}
		loop.steps = []step{st}
		return []step{loop}, true
	}
	stop := func(c clause) bool { return c.last || c.start }
	if rest != "" {
		p.insert(rest, clause{start: c.start})
	}
	if _, ok := p.peek(); ok {
		loop.steps = p.block(stop)
	}
	if len(loop.steps) == 1 && loop.steps[0].kind == "each" { // said twice: "loop over …, for each of them …"
		loop.n, loop.steps = max(loop.n, loop.steps[0].n), loop.steps[0].steps
	}
	if len(loop.steps) == 0 {
		return nil, false
	}
	return append(before, loop), true
}

// join puts the requests before a merge side by side.
func (p *parser) join(out []step, st step) []step {
	var sides []step
	if len(st.urls) > 1 {
		for _, u := range st.urls {
			sides = append(sides, step{kind: "fetch", url: u, about: u})
		}
	}
	if len(sides) == 0 {
		for len(out) > 0 && out[len(out)-1].kind == "fetch" {
			f := out[len(out)-1]
			if len(f.urls) > 1 {
				for i := len(f.urls) - 1; i >= 0; i-- {
					sides = append([]step{{kind: "fetch", url: f.urls[i], about: f.about}}, sides...)
				}
			} else {
				sides = append([]step{f}, sides...)
			}
			out = out[:len(out)-1]
		}
	}
	if len(sides) < 2 {
		if st.kind == "merge" && len(sides) == 1 {
			return append(out, sides[0], step{kind: "aggregate", all: true, about: st.about})
		}
		out = append(out, sides...)
		return append(out, step{kind: "aggregate", all: true, about: st.about})
	}
	st.steps = sides
	return append(out, st)
}
