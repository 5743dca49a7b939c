package planner

import (
	"strings"
)

func orderOf(word string) string {
	switch strings.ToLower(word) {
	case "lowest", "smallest", "least", "oldest", "earliest", "minimum", "min", "cheapest", "worst":
		return "ascending"
	}
	return "descending"
}

func readTop(r *reading, m []string, s string) (step, bool) {
	n, ok := number(m[1])
	if !ok {
		return step{}, false
	}
	st := step{kind: "limit", n: float64(n)}
	lower := strings.ToLower(s)
	if d := lazily(`(?i)^\s*(?:seconds?|minutes?|hours?|days?|weeks?|months?|years?)`).FindString(m[2]); d != "" {
		return step{}, false
	}
	by := lazily(`(?i)\b(?:by|with the (?:highest|lowest|most|least|largest|smallest|best)|ordered by|sorted by|in terms of|according to)\s+(?:the\s+)?(.+)$`).FindStringSubmatch(m[2])
	word := lazily(`(?i)\b(first|top|last|latest|newest|most recent|oldest|highest|lowest|biggest|largest|smallest|cheapest|most expensive|best|worst)\s+(?:\d+|one|two|three|four|five|six|seven|eight|nine|ten|twenty)\b`).FindStringSubmatch(lower)[1]
	switch {
	case by != nil:
		field := by[1]
		order := orderOf(word)
		if lazily(`(?i)with the (?:lowest|least|smallest)`).MatchString(m[2]) || lazily(`(?i)\b(?:ascending|lowest|smallest)\b`).MatchString(field) {
			order = "ascending"
		}
		field = lazily(`(?i)\b(?:in\s+)?(?:ascending|descending)(?:\s+order)?\b.*|,.*`).ReplaceAllString(field, "")
		st.kind, st.order, st.fields = "top", order, []string{r.fieldName(field)}
		if st.fields[0] == "" {
			return step{}, false
		}
	case word == "last":
		st.last = true
	case word == "cheapest":
		st.kind, st.order, st.fields = "top", "ascending", []string{"price"}
	case word == "most expensive":
		st.kind, st.order, st.fields = "top", "descending", []string{"price"}
	case word == "newest", word == "latest", word == "most recent", word == "oldest":
		st.kind, st.order, st.slot = "top", orderOf(word), "sort"
	case word != "first" && word != "top":
		st.kind, st.order, st.slot = "top", orderOf(word), "sort"
		if f := r.fieldName(lazily(`(?i)^\s*(?:of (?:the|them|all)\b.*|`+items+`\b)\s*`).ReplaceAllString(m[2], "")); f != "" {
			st.fields, st.slot = []string{f}, ""
		}
	}
	return st, true
}

func readLimit(_ *reading, m []string, s string) (step, bool) {
	n, ok := number(m[1])
	if !ok || lazily(`(?i)\b(?:where|whose|with|above|below|over|under|than)\b`).MatchString(s) {
		return step{}, false
	}
	if lazily(`(?i)^\s*(?:seconds?|minutes?|hours?|days?|times?|fields?)\b`).MatchString(m[2]) {
		return step{}, false
	}
	return step{kind: "limit", n: float64(n), last: lazily(`(?i)\blast\b`).MatchString(s)}, true
}

func readDedupe(r *reading, m []string, s string) (step, bool) {
	st := step{kind: "dedupe"}
	by := lazily(`(?i)\b(?:by|based on|on|with the same|having the same|sharing the same|according to|using|per|in|of|for)\s+(?:the\s+|their\s+|its\s+|same\s+)*(.+)$`).FindStringSubmatch(s)
	if by != nil {
		for _, f := range names(by[1]) {
			if f = r.fieldName(f); f != "" && !lazily(`(?i)^`+items+`$`).MatchString(f) {
				st.fields = append(st.fields, f)
			}
		}
	} else if m := lazily(`(?i)\b(?:unique|distinct|duplicate)\s+(.+)$`).FindStringSubmatch(s); m != nil {
		for _, f := range names(m[1]) {
			if f = r.fieldName(f); f != "" && !lazily(`(?i)^`+items+`$`).MatchString(f) {
				st.fields = append(st.fields, singular(f))
			}
		}
	}
	return st, true
}

func singular(s string) string {
	lower := strings.ToLower(s)
	switch {
	case strings.HasSuffix(lower, "ies") && len(s) > 4:
		return s[:len(s)-3] + "y"
	case strings.HasSuffix(lower, "sses"), strings.HasSuffix(lower, "xes"):
		return s[:len(s)-2]
	case strings.HasSuffix(lower, "s") && !strings.HasSuffix(lower, "ss") && !strings.HasSuffix(lower, "us") && len(s) > 3:
		return s[:len(s)-1]
	}
	return s
}

var (
	reDescending = lazily(`(?i)\b(?:desc(?:ending(?:ly)?)?|(?:highest|largest|biggest|newest|latest|most recent|most expensive|best|greatest|longest)(?:\s+\w+)?(?:\s+(?:first|on top|at the top|to (?:the )?(?:lowest|smallest|cheapest|oldest)))?|high to low|from high|largest to smallest|newest to oldest|z ?(?:to|-) ?a|reverse(?:d)?|from (?:the )?(?:highest|largest|newest|biggest|most expensive))\b|降序|倒序|从大到小|从高到低|从新到旧|最新|递减|由高到低|由大到小|从贵到便宜|逆序`)
	reAscending  = lazily(`(?i)\b(?:asc(?:ending(?:ly)?)?|(?:lowest|smallest|oldest|earliest|cheapest|least|shortest)(?:\s+\w+)?(?:\s+(?:first|on top|at the top|to (?:the )?(?:highest|largest|newest|most expensive)))?|low to high|from low|a ?(?:to|-) ?z|alphabetical(?:ly)?(?:\s+order)?|in order|increasing|from (?:the )?(?:lowest|smallest|oldest|cheapest))\b|升序|正序|从小到大|从低到高|从旧到新|最早|递增|由低到高|由小到大|字母顺序|从便宜到贵`)
)

func readSort(r *reading, m []string, s string) (step, bool) {
	st := step{kind: "sort", order: "ascending"}
	rest := m[1]
	if lazily(`(?i)\b(?:randomly|random|shuffle)\b|随机`).MatchString(s) {
		st.order = "random"
		return st, true
	}
	// "order" the noun: it is followed by no "by"
	if !lazily(`(?i)\bsort|rank|arrange|\border(?:ed)?\b.*\b(?:by|alphabetical|ascending|descending|first)\b|排序`).MatchString(s) {
		return step{}, false
	}
	if reDescending.MatchString(rest) && !(reAscending.MatchString(rest) && reAscending.FindStringIndex(rest)[0] < reDescending.FindStringIndex(rest)[0]) {
		st.order = "descending"
	}
	if by := lazily(`(?i)\b(?:by|on|according to|based on|after)\s+(.+)$`).FindStringSubmatch(rest); by != nil {
		for _, f := range lazily(`(?i)\s*,?\s*(?:and then by|then by|and by|then|and)\s+|\s*,\s*`).Split(by[1], -1) {
			order := st.order
			if reDescending.MatchString(f) {
				order = "descending"
			} else if reAscending.MatchString(f) {
				order = "ascending"
			}
			name := r.fieldName(lazily(`(?i)\bin\s*$|\b(?:in (?:an? )?|with the |from |\(|with )?$|\bin (?:an? )?(?:alphabetical )?order\b`).ReplaceAllString(strings.Trim(reAscending.ReplaceAllString(reDescending.ReplaceAllString(f, ""), ""), " ()-,"), ""))
			name = lazily(`(?i)_?(?:order|in|first|with|with_the|to|from|from_to)$`).ReplaceAllString(name, "")
			if name != "" {
				st.pairs = append(st.pairs, pair{name: name, value: order})
			}
		}
	}
	if len(st.pairs) == 0 {
		if m := lazily(`(?i)\b(?:highest|lowest|largest|smallest|biggest)\s+(\w+)\s+(?:first|on top|at the top)`).FindStringSubmatch(rest); m != nil {
			st.pairs = []pair{{name: m[1], value: st.order}}
		} else if lazily(`(?i)\b(?:cheapest|most expensive)\b`).MatchString(rest) {
			st.pairs = []pair{{name: "price", value: st.order}}
		} else {
			st.slot = "sort"
		}
	}
	return st, true
}

var aggregations = map[string]string{"sum": "sum", "sum up": "sum", "total": "sum", "total up": "sum", "add up": "sum", "count": "count", "count up": "count", "how many": "count", "number of": "count",
	"average": "average", "mean": "average", "avg": "average", "maximum": "max", "max": "max", "highest": "max", "largest": "max", "minimum": "min", "min": "min", "lowest": "min", "smallest": "min"}

var reBy = lazily(`(?i)\b(?:grouped by|group by|by|per|for each|for every|in each|of each|broken down by|of every)\s+(?:the\s+|each\s+)?(.+)$`)

func (r *reading) groups(s string) (rest string, by []string) {
	m := reBy.FindStringSubmatchIndex(s)
	if m == nil {
		return s, nil
	}
	for _, f := range names(s[m[2]:m[3]]) {
		if f = r.fieldName(f); f != "" {
			by = append(by, f)
		}
	}
	return s[:m[0]], by
}

func readGroup(r *reading, m []string, s string) (step, bool) {
	rest := m[1]
	st := step{kind: "summarize"}
	head, tail := rest, ""
	if cut := lazily(`(?i)\s*(?:,|\band\b|\bthen\b)\s*(?:and\s+)?(?:then\s+)?(?:calculate|compute|get|show|find|return)?\s*(?:the\s+)?(sum(?: up)?|total(?: up)?|add up|count|average|mean|avg|max(?:imum)?|min(?:imum)?|highest|lowest|number of)\b(.*)$`).FindStringSubmatchIndex(rest); cut != nil {
		head, tail = rest[:cut[0]], rest[cut[2]:]
	}
	_, st.by = r.groups(head)
	if len(st.by) == 0 {
		return step{}, false
	}
	if tail != "" {
		st.pairs = r.figures(tail)
	}
	if len(st.pairs) == 0 {
		st.pairs = []pair{{name: "", value: "count"}}
		st.what = "group"
	}
	return st, true
}

// figures reads what is to be computed: "the sum of amount and the average
// price".
func (r *reading) figures(s string) []pair {
	var out []pair
	re := lazily(`(?i)\b(sum up|sum|total up|total|add up|count up|count|average|mean|avg|maximum|max|highest|largest|minimum|min|lowest|smallest|how many|number of)\b`)
	locs, skip := re.FindAllStringIndex(s, -1), 0
	for i, loc := range locs {
		end := len(s)
		if i+1 < len(locs) {
			end = locs[i+1][0]
		}
		if loc[0] < skip {
			continue
		}
		agg := aggregations[strings.ToLower(s[loc[0]:loc[1]])]
		field := strings.TrimSpace(s[loc[1]:end])
		if i+1 < len(locs) && lazily(`(?i)^(?:of|the|up|all|\s)*$`).MatchString(field) { // "the sum of total"
			field = s[locs[i+1][0]:locs[i+1][1]]
			skip = locs[i+1][1]
		}
		field = lazily(`(?i)^(?:up\s+)?(?:of|the|all|their|up|value of)\s+`).ReplaceAllString(field, "")
		field = lazily(`(?i)(?:\s*(?:,|\band\b|\bthe\b|&|,?\s*as well as\b))+\s*$`).ReplaceAllString(field, "")
		field = lazily(`(?i)\s+(?:of|for|from|in|across|over)\s+(?:all|the|each|every|these|those|them|all of)\b.*$`).ReplaceAllString(field, "")
		field = r.fieldName(field)
		if lazily(`(?i)^(?:` + items + `|there_are|are_there|it_has)$`).MatchString(field) {
			field = ""
		}
		if agg == "count" && field != "" && strings.HasPrefix(strings.ToLower(field), "unique_") {
			out = append(out, pair{name: singular(field[7:]), value: "countUnique"})
			continue
		}
		if field == "" && agg != "count" {
			continue
		}
		out = append(out, pair{name: field, value: agg})
	}
	return out
}

func readSummarize(r *reading, m []string, s string) (step, bool) {
	word := strings.ToLower(m[1])
	if lazily(`(?i)^(?:if|when|only|multiply|divide|round|convert|keep|filter|set|add a|add the|sort|order|rename|respond|return|post|send)\b`).MatchString(s) && !lazily(`(?i)^(?:return|send|post|respond)\b.*\b(?:sum|total|average|count|number) of\b|^add up`).MatchString(s) {
		return step{}, false
	}
	if lazily(`(?i)\b(?:with (?:ai|gpt|chatgpt|claude|an? llm|openai)|text|article|meeting|conversation|document|content)\b`).MatchString(s) && strings.HasPrefix(word, "summar") {
		return step{}, false
	}
	if lazily(`(?i)\b(?:total|sum|average)\s+(?:as|=|from|by multiplying)\b|\*|\btimes\b|\bmultipl`).MatchString(s) && !reBy.MatchString(s) {
		return step{}, false
	}
	st := step{kind: "summarize"}
	rest, by := r.groups(s)
	st.by = by
	st.pairs = r.figures(rest)
	if len(st.pairs) == 0 && strings.HasPrefix(word, "summar") || len(st.pairs) == 0 && word == "aggregate" && len(by) > 0 {
		if f := r.fieldName(lazily(`(?i)^.*?\b(?:summari[sz]e|aggregate)\b\s*`).ReplaceAllString(rest, "")); f != "" && len(by) > 0 && !lazily(`(?i)^(?:`+items+`|the_.*)$`).MatchString(f) {
			st.pairs = []pair{{name: f, value: "sum"}}
		} else if len(by) > 0 {
			st.pairs = []pair{{value: "count"}}
		}
	}
	if len(st.pairs) == 0 {
		if word == "aggregate" {
			return step{}, false
		}
		st.slot = "figure"
		if a := aggregations[word]; a != "" {
			st.agg = a
		}
	}
	return st, true
}

// listName reads the name of a list field.
func (r *reading) listName(s string) string {
	s = lazily(`(?i)\s*\b(?:into|so that|to get|to|as)\b.*$`).ReplaceAllString(s, "")
	s = lazily(`(?i)\b(?:list|array|lists|arrays|elements?|entries|out|up|apart|of each \w+|items? in)\b(?:\s+of)?`).ReplaceAllString(s, " ")
	s = lazily(`(?i)\b(?:in|of|from)\s+(?:the\s+)?(?:response|result|answer|body|data|order|item|webhook|it)\s*$`).ReplaceAllString(s, "")
	f := r.fieldName(strings.Join(strings.Fields(s), " "))
	if lazily(`(?i)^(?:it|them|result|response|answer|the|)$`).MatchString(f) {
		return ""
	}
	return f
}

func readSplit(r *reading, m []string, s string) (step, bool) {
	f := r.listName(m[1])
	if f == "" {
		if q := r.first("q", s); q != "" {
			f = q
		} else if lazily(`(?i)\bitems\b`).MatchString(m[1]) {
			f = "items"
		}
	}
	st := step{kind: "split"}
	if f == "" {
		st.slot = "split"
	} else {
		st.fields = []string{f}
	}
	return st, true
}

func readAggregate(r *reading, m []string, s string) (step, bool) {
	if lazily(`(?i)\b(?:into|in|to|as)\s+(?:a\s+)?(?:csv|xlsx|excel|file)`).MatchString(s) {
		return step{}, false
	}
	st := step{kind: "aggregate", all: true}
	if mm := lazily(`(?i)^(?:aggregate|combine|collect|gather|bundle|put|group|join|merge|wrap|pack|turn|make|convert)\s+(?:only\s+)?(?:all\s+)?(?:of\s+)?(?:the\s+)?(.*?)(?:\s+(?:field|values?)s?)?(?:\s+(?:from|of)\s+(?:all|the|each|every)\s+\w+)?(?:\s+(?:into|in|to|as|on)\b.*)?$`).FindStringSubmatch(s); mm != nil {
		f := r.fieldName(mm[1])
		if f != "" && !lazily(`(?i)^(?:`+items+`|into_.*|in_.*|to_.*|everything|all|all_.*|of_.*|every.*|.*_(?:items|results|orders|records|entries|rows|data))$`).MatchString(f) {
			st.all, st.fields = false, []string{singular(f)}
			if lazily(`(?i)\bfield\b|«q`).MatchString(mm[1] + s) {
				st.fields = []string{f}
			}
		}
	}
	return st, true
}

func readMerge(r *reading, m []string, s string) (step, bool) {
	if strings.Contains(s, "«u") && !lazily(`(?i)«u\d+».*«u\d+»`).MatchString(s) {
		return step{}, false
	}
	st := step{kind: "merge", urls: r.every("u", s), what: "append"}
	if by := lazily(`(?i)\b(?:by|on|using|via|based on|with matching|where|matching)\s+(?:the\s+|their\s+|matching\s+|same\s+|common\s+|shared\s+)*(.+)$`).FindStringSubmatch(m[1]); by != nil {
		f := r.fieldName(by[1])
		switch {
		case lazily(`(?i)^(?:position|index|order|row)$`).MatchString(f):
			st.what = "position"
		case f != "":
			st.what, st.fields = "fields", []string{f}
		}
	}
	return st, true
}

func readCompare(r *reading, m []string, s string) (step, bool) {
	st := step{kind: "compare", urls: r.every("u", s), fields: []string{"id"}}
	if by := lazily(`(?i)\b(?:by|on|using)\s+(?:the\s+|their\s+)*(.+)$`).FindStringSubmatch(m[1]); by != nil {
		if f := r.fieldName(by[1]); f != "" {
			st.fields = []string{f}
		}
	}
	return st, len(st.urls) == 2 || st.urls == nil
}
