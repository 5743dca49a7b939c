package planner

import (
	"regexp"
	"strconv"
	"strings"
)

// action is a way of reading a clause. The first that fits wins.
type action struct {
	re   *regexp.Regexp
	read func(r *reading, m []string, s string) (step, bool)
}

func act(expr string, f func(r *reading, m []string, s string) (step, bool)) action {
	return action{regexp.MustCompile(`(?i)` + expr), f}
}

// step reads one clause.
func (r *reading) step(s string) (step, bool) {
	lists := [][]action{englishActions}
	if r.lang == "zh" {
		lists = [][]action{chineseActions, englishActions}
	}
	for _, list := range lists {
		for _, a := range list {
			m := a.re.FindStringSubmatch(s)
			if m == nil {
				continue
			}
			if st, ok := a.read(r, m, s); ok {
				st.about, st.raw = r.shown(s), s
				return st, true
			}
		}
	}
	return step{}, false
}

const (
	fetchVerb = `(?:fetch|get|grab|download|load|pull|read|query|request|call|hit|ping|retrieve|scrape|check|look up|poll|import|access|visit|open|crawl|consult|ask|monitor|watch|make a (?:get )?request to|do a get (?:request )?(?:on|to)|send a get (?:request )?to|issue a get (?:request )?to)`
	sendVerb  = `(?:post|put|patch|send|forward|push|submit|upload|publish|deliver|notify|report|pass|write|store|save|append|add|call|hit|ping|trigger|tell|inform|alert|make a (?:post|put|patch|delete) (?:request )?to|log|record|relay|hand|transmit|echo|sync|copy|archive)`
	items     = `(?:items?|orders?|entries|entry|records?|rows?|results?|elements?|users?|customers?|products?|posts?|ones|those|them|it|things?|data|lines?|messages?|people|contacts?|events?|tickets?|invoices?|tasks?|todos?|articles?|transactions?|payments?|leads?|objects?|list|repos(?:itories)?|issues|books?|photos?|comments?|employees|students|files?|jobs|stories)`
)

var englishActions = []action{
	act("«c\\d+»", readCode),
	// approvals
	act(`\b(?:ask|request|get|require|need|wait for|seek|obtain|have|let|hold for|with|after)\b.*\b(?:approval|approve|approves|sign-?off|sign off|confirmation|permission|confirm|decide|ok(?:ay)?|go-?ahead|review it)\b|\b(?:needs?|requires?|must be|has to be|should be|to be|is|gets?)\s+(?:\w+\s+)?(?:approval|approved|confirmed|signed off)\b`, readApproval),
	// ends
	act(`^(?:respond|reply|answer|return|give back|send back|give)\b(.*)$`, readRespond),
	act(`^(?:stop|fail|throw|abort|raise|end|cancel)\b(.*)$`, readStop),
	act(`^(?:do nothing|nothing|leave it|leave (?:it|them|the rest)(?: alone| as (?:it is|is|they are))?|no-?op|ignore (?:it|them|the rest|everything else|the others|that|this)|skip(?: (?:it|them|the rest))?|just (?:continue|go on|end)|do not do anything|don't do anything|drop (?:it|them))\.?$`, func(*reading, []string, string) (step, bool) { return step{kind: "noop"}, true }),
	// waits
	act(`^(?:wait|pause|delay|sleep|hold(?: on)?|hold off)\b(.*)$`, readWait),
	act(`^(?:after|in)\s+(?:another\s+)?(\d+|an?|one|two|three|five|ten|half an?)\s*(seconds?|secs?|minutes?|mins?|hours?|hrs?|days?|weeks?)(?:\s+later)?$`, func(r *reading, m []string, _ string) (step, bool) {
		return readWait(r, []string{"", " " + m[1] + " " + m[2]}, "")
	}),
	// lists
	act(`^(?:(?:and\s+)?only\s+)?(?:keep|take|return|use|get|pick|select|limit|show|give|cut|leave|include|send)?\b.*?\b(?:(?:to|just|only|at most|no more than|a maximum of|max(?:imum)?(?: of)?)\s+)?(?:the\s+)?(?:first|top|last|latest|newest|most recent|oldest|highest|lowest|biggest|largest|smallest|cheapest|most expensive|best|worst)\s+(\d+|one|two|three|four|five|six|seven|eight|nine|ten|twenty)\b(.*)$`, readTop),
	act(`^(?:limit|cap|restrict|cut|reduce|trim|truncate)\b.*?\b(\d+|one|two|three|five|ten)\b(.*)$`, readLimit),
	act(`^(?:only\s+)?(?:keep|take|use|pick|select|return|get|let through)\s+(?:only|just|at most|no more than|up to|a maximum of)?\s*(\d+|one|two|three|five|ten)\s+(?:of\s+)?(?:the\s+|them)?`+items+`?\b(.*)$`, readLimit),
	act(`^(?:take|keep|use|get|pick|select)\s+(?:only\s+|just\s+)?the\s+(first|last|newest|latest|oldest)(?:\s+(?:one|`+items+`))?$`, func(r *reading, m []string, _ string) (step, bool) {
		return step{kind: "limit", n: 1, last: m[1] == "last"}, true
	}),
	act(`^(?:take|keep|use|get|pick|select|find)\s+(?:only\s+|just\s+)?the\s+(?:one|`+items+`)\s+with\s+the\s+(highest|lowest|biggest|largest|smallest|most|least|newest|latest|earliest|oldest|minimum|maximum|min|max)\s+(.+)$`, func(r *reading, m []string, _ string) (step, bool) {
		return step{kind: "top", n: 1, fields: []string{r.fieldName(m[2])}, order: orderOf(m[1])}, true
	}),
	act(`(?:^(?:de-?duplicate|dedupe|dedup)\b|\bduplicates?\b|\b(?:only|keep|make|get|find|select|take|return)\b.*\b(?:unique|distinct)\b|^(?:unique|distinct)\b|\b(?:once only|only once)\b)(.*)$`, readDedupe),
	act(`\b(?:sort(?:ed|ing)?|order(?:ed)?|rank(?:ed)?|arrange[d]?)\b\s*(.*)$`, readSort),
	act(`^(?:group)\b(.*)$`, readGroup),
	act(`\b(sum(?: up)?|total(?: up)?|add up|count(?: up)?|average|mean|avg|maximum|minimum|max|min|highest|lowest|largest|smallest|how many|number of|summari[sz]e|aggregate)\b(.*)$`, readSummarize),
	act(`\b(?:split(?: out| up)?|break(?: up| out| apart)?|flatten|unpack|explode|expand|unwind|separate)\b(.*)$`, readSplit),
	act(`\b(?:turn|convert|make|transform)\b\s+(?:the |each |every )?(.+?)\s+(?:list|array)\s+into\s+(?:separate |single |individual |one )?(?:item|items|row|rows|entries|records)\b`, func(r *reading, m []string, _ string) (step, bool) {
		return step{kind: "split", fields: []string{r.fieldName(m[1])}}, true
	}),
	act(`\b(?:make|create|get|produce|emit|turn)\b.*\b(?:one|an|a separate|separate|single|individual)\s+(?:item|items|row|rows|record|records|entry)\s+(?:for each|per|from each|of each|for every|out of each)\s+(?:element|entry|item|one|value)?\s*(?:of|in|from)?\s*(.*)$`, func(r *reading, m []string, _ string) (step, bool) {
		f := r.listName(m[1])
		return step{kind: "split", fields: []string{f}}, f != ""
	}),
	act(`^(?:aggregate|combine|collect|gather|bundle|put|group|join|merge|wrap|pack|concatenate|turn|make|convert|roll|batch)\b.*\b(?:into|in|to|as|on)\s+(?:one|a single|a|1|the same|single)\s+(?:\w+\s+)?(?:item|list|array|object|message|record|row|batch|request|result|bundle|report|entry|body|payload|summary|digest)\b(.*)$`, readAggregate),
	act(`^(?:aggregate|collect|gather|bundle)\b(.*)$`, readAggregate),
	act(`\b(?:merge|join|combine|match|enrich)\b(.*)$`, readMerge),
	act(`^compare\b(.*)$`, readCompare),
	// files and formats
	act(`\b(?:convert|turn|make|create|export|save|write|transform|generate|build|put|store|format|render|produce)\b.*\b(csv|xlsx|excel|spreadsheet|html table|html file|json file|text file|ics|calendar file|calendar event)\b(.*)$`, readFile),
	act(`\b(?:read|parse|extract|import|convert|load|turn|process)\b.*\b(csv|xlsx|excel|spreadsheet|json file|text file|ics)\b(.*)$`, readExtract),
	act(`\b(?:parse|convert|turn|transform|read)\b.*\bxml\b(.*)$`, func(_ *reading, m []string, s string) (step, bool) {
		return step{kind: "xml", what: map[bool]string{true: "jsonToxml", false: "xmlToJson"}[regexp.MustCompile(`(?i)\b(?:to|into|as) xml\b`).MatchString(s)]}, true
	}),
	act(`\b(?:convert|turn|transform|render|format|make)\b.*\b(markdown|html)\b.*\b(?:to|into|as)\b.*\b(html|markdown)\b`, func(r *reading, m []string, s string) (step, bool) {
		return step{kind: "markdown", what: map[bool]string{true: "markdownToHtml", false: "htmlToMarkdown"}[strings.EqualFold(m[2], "html")], fields: fieldBefore(r, s)}, true
	}),
	act(`\b(?:extract|scrape|take|get|pull|grab|read|find|parse|pick)\b\s+(?:out\s+)?(.+?)\s+(?:from|of|in|out of|on)\s+(?:the\s+|its\s+|that\s+|this\s+)?(?:html|web ?page|page|website|site|response html|markup|document)(?:\s+(?:by|with|using)\s+(?:the\s+)?(?:css\s+)?selectors?\s+(.+))?$`, readHTML),
	act(`\b(?:hash|digest)\b(.*)$`, readHash),
	act(`\b(?:generate|create|add|make|give|assign)\b.*\b(?:uuid|unique id|random id|guid)\b`, func(r *reading, _ []string, s string) (step, bool) {
		return step{kind: "uuid", text: fieldAs(r, s, "id")}, true
	}),
	act(`\b(?:format|convert|reformat|turn)\b\s+(?:the\s+)?(?:date|time|timestamp|date field|date in)?\s*(.*?)\s*\b(?:as|to|into|(?:in|to|into|with|as|by)(?: the)? format(?: of)?|in)\s+(«q\d+»|[yMdHhms]{1,4}(?:[-/. :'T][yMdHhmsS]{1,4})+|iso(?: ?8601)?)`, readDate),
	act(`\b(?:add|subtract|plus|minus)\s+(\d+)\s+(seconds?|minutes?|hours?|days?|weeks?|months?|years?)\s+(?:to|from)\s+(?:the\s+)?(.+)$`, func(r *reading, m []string, s string) (step, bool) {
		n, _ := strconv.ParseFloat(m[1], 64)
		op := "addToDate"
		if regexp.MustCompile(`(?i)^(?:subtract|minus)|\bfrom\b`).MatchString(s) {
			op = "subtractFromDate"
		}
		return step{kind: "date", what: op, n: n, unit: strings.TrimSuffix(strings.ToLower(m[2]), "s") + "s", fields: []string{r.fieldName(m[3])}}, true
	}),
	act(`\b(?:run|call|execute|start|trigger|invoke|use|hand(?: it| them)? (?:over )?to|pass (?:it|them|the .+?) to|send (?:it|them|the .+?) to|continue with)\s+(?:my\s+|the\s+|our\s+|another\s+|a\s+|other\s+|an existing\s+)*(?:sub-?)?workflow\b\s*(.*)$`, readSub),
	act(`\b(?:run|call|execute|start|trigger|invoke)\s+(?:my\s+|the\s+|our\s+|another\s+|a\s+)?(«q\d+»|[\w-]+)\s+(?:sub-?)?workflow\b`, readSub),
	act(`\bmcp\b.*?\btool\b\s*(«q\d+»|[\w-]+)?(.*)$|\btool\s+(«q\d+»|[\w-]+)\s+(?:of|on|from|at)\s+(?:the\s+)?mcp\b(.*)$`, readMCP),
	act(`\b(?:run|execute|use|write|with|process\b.*\bwith)\b.*\b(?:java ?script|js|custom code|code|script|a function|snippet)\b(.*)$`, readCodeWords),
	act(`\b(?:ask|show|present|let|have|request|collect)\b.*\b(?:with|through|by|via|using|in|fill(?: in| out)?|fills|a|an|second|another)\s+(?:an?\s+|another\s+|the\s+|second\s+)?form\b(.*)$`, readFormPage),
	// e-mail
	act(`\b(?:e-?mail|mail)\b(.*)$`, readMail),
	// sending
	act(`^`+sendVerb+`\b(.*?)\b(?:to|at|on|via|into|by|in|towards|under|with)\s+(.*«u\d+».*)$`, readSend),
	act(`^(?:post|put|patch|delete)\b(.*«u\d+».*)$`, readSend),
	act(`^(?:notify|ping|trigger|hit|alert|inform|call)\s+(«u\d+».*?)(?:\s+with\s+.+)$`, readSend),
	act(`^(?:send|forward|push|submit|post|notify|upload|deliver)\b(.*«u\d+».*)$`, readSend),
	act(`^`+fetchVerb+`\b(.*«u\d+».*)$`, readFetch),
	act(`^(?:re-?try|try)\b(.*«u\d+».*)$`, readFetch),
	act(`^(?:it |them |the results? |everything |all )?(?:to|at)\s+(«u\d+».*)$`, readSend),
	act(`^«u\d+».*$`, readFetch),
	// fields
	act(`\brename\b(.*)$`, readRename),
	act(`^(?:change|map)\s+(?:the\s+)?(?:field|key|name|column)\s+(.*?\bto\b.*)$`, readRename),
	act(`^(?:only\s+)?(?:keep|take|use|pick|select|return|leave|include|retain|output|extract)\s+(?:only\s+|just\s+)?(?:the\s+)?(?:(?:fields?|columns?|properties|keys|attributes)\s+(.+)|(.+?)\s+(?:fields?|columns?|properties|keys)(?:\s+only)?)$`, readKeep),
	act(`^(?:only\s+)?(?:keep|take|pick|select|extract|retain)\s+(?:only\s+|just\s+)?(?:the\s+)?((?:[\w.]+)(?:\s*,\s*[\w.]+)*\s*,?\s+and\s+(?:the\s+)?[\w.]+)(?:\s+(?:of|from|for)\s+(?:each|every|the|all)\b.*)?$`, readKeepList),
	act(`^(?:remove|drop|delete|strip|hide|clear|unset|omit|leave out)\s+(?:the\s+)?(?:(?:fields?|columns?|properties|keys|attributes)\s+(.+)|(.+?)\s+(?:fields?|columns?|properties|keys))(?:\s+from\b.*)?$`, readDrop),
	// filters
	act(`^(?:filter|only|keep|select|take|pick|find|choose|drop|discard|remove|exclude|ignore|skip|throw away|throw out|get rid of|leave out|reject|retain|return|continue|proceed|let|pass|delete|look for|go on|process)\b(.*)$`, readFilter),
	act(`\b(?:set|assign|change|mark|tag|label|put|include|enrich|insert|calculate|compute|multiply|add|append|create|upper-?case|lower-?case|capitali[sz]e|round|replace|stamp|flag|trim|convert|turn|make|build|transform|update|concatenate|give|store|format|save|define|extend|write|fill|prefix)\b(.*)$`, readSet),
}

func orderOf(word string) string {
	switch strings.ToLower(word) {
	case "lowest", "smallest", "least", "oldest", "earliest", "minimum", "min", "cheapest", "worst":
		return "ascending"
	}
	return "descending"
}

func readCode(r *reading, _ []string, s string) (step, bool) {
	code := r.first("c", s)
	return step{kind: "code", code: code, all: !regexp.MustCompile(`(?i)(?:for|on) (?:each|every) item|\$json`).MatchString(s + code)}, true
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
		if m := regexp.MustCompile(`(?i)\b(?:approval|approve|confirm|confirmation|sign off)\s+(?:of|for|to|on)?\s*(.{3,60})$`).FindStringSubmatch(s); m != nil {
			st.text = r.plain(m[1])
		}
	}
	if m := regexp.MustCompile(`(?i)\b(?:within|for at most|up to|wait(?:ing)?(?: at most)?|max(?:imum)?)\s+(\d+|an?|one|two)\s+(minutes?|hours?|days?)\b`).FindStringSubmatch(s); m != nil {
		n, _ := number(m[1])
		st.n, st.unit = float64(n), strings.TrimSuffix(m[2], "s")+"s"
	}
	return st, true
}

var reStatus = regexp.MustCompile(`\b([2-5]\d{2})\b`)

func readRespond(r *reading, m []string, s string) (step, bool) {
	rest := m[1]
	if regexp.MustCompile(`(?i)\bto\s+«u`).MatchString(rest) || regexp.MustCompile(`(?i)^\s*(?:only\s+)?(?:the\s+)?(?:first|last|top)\s+\d`).MatchString(rest) && false {
		return step{}, false
	}
	if regexp.MustCompile(`(?i)^(?:return|give)\s+(?:me\s+|only\s+|just\s+)*(?:the\s+)?(?:sum|total|count|average|number|mean|maximum|minimum|max|min|first|last|top|highest|lowest|newest|latest)\b`).MatchString(s) {
		return step{}, false
	}
	if regexp.MustCompile(`(?i)^give\s+(?:each|every|it|them)\b`).MatchString(s) {
		return step{}, false
	}
	st := step{kind: "respond", what: "item"}
	if m := reStatus.FindStringSubmatch(reToken.ReplaceAllString(rest, "")); m != nil {
		st.status, _ = strconv.Atoi(m[1])
	}
	r.answer(&st, rest)
	return st, true
}

var reWords = regexp.MustCompile(`(?i)\b(?:the\s+)?(?:plain\s+)?(?:text|words?|string|phrase)\s+([^«]{1,80}?)\s*$`)

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
		if regexp.MustCompile(`(?i)\bfield\b|字段`).MatchString(rest) {
			st.what, st.fields = "fields", r.every("q", rest)
		}
	case r.first("u", rest) != "":
		st.what, st.text = "redirect", r.first("u", rest)
	case reWords.MatchString(rest):
		st.what, st.text = "text", strings.TrimSpace(r.plain(reWords.FindStringSubmatch(rest)[1]))
	case regexp.MustCompile(`(?i)\b(?:all|list|every|items|orders|results|array|users|products|records|rows|entries|posts)\b|所有|全部|列表|数组`).MatchString(rest):
		st.what = "all"
	case regexp.MustCompile(`(?i)\b(?:nothing|no content|no body|empty)\b|空`).MatchString(rest):
		st.what = "none"
	case regexp.MustCompile(`\w\s*[*+/×]\s*\w|\w - \w|(?i)\b(?:times|plus|minus|multiplied by|divided by)\b`).MatchString(rest):
		if code, ok := r.arithmetic(regexp.MustCompile(`(?i)^\s*(?:with\s+)?(?:the\s+)?(?:result of\s+|value of\s+)?`).ReplaceAllString(rest, "")); ok {
			st.what, st.code = "calc", code
		}
	default:
		words := regexp.MustCompile(`(?i)\b(?:with|the|status|code|http|a|an|to|caller|client|request|back|webhook|json|response|body|result|and|it|that|message|of|as|them|data|item|outcome|answer|text|saying|error|final|sender|user|directly)\b|\d{3}`).ReplaceAllString(reToken.ReplaceAllString(rest, ""), "")
		words = regexp.MustCompile(`状态码|状态|结果|给|调用者|调用方|数据|内容|请求|响应|返回|它|客户端|用户|这个|该|处理|最终|后|的|：|:|json|JSON`).ReplaceAllString(words, "")
		list := names(words)
		if len(list) > 0 && len(list) <= 6 && regexp.MustCompile(`^[\p{L}\p{N}_. ]+$`).MatchString(strings.Join(list, "")) && !regexp.MustCompile(`(?i)^(?:ok|success|thanks?(?: you)?|done|received|accepted|not found|bad request|created|成功|收到|谢谢|完成|好的?|失败|无效)$`).MatchString(strings.TrimSpace(words)) {
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
		if w := strings.TrimSpace(words); regexp.MustCompile(`\p{L}`).MatchString(w) {
			st.what, st.text = "text", strings.TrimSpace(w)
		} else if st.status >= 400 || st.status == 204 {
			st.what = "none"
		}
	}
}

func readStop(r *reading, m []string, s string) (step, bool) {
	rest := m[1]
	if regexp.MustCompile(`(?i)^throw\s+(?:out|away)\b`).MatchString(s) || regexp.MustCompile(`(?i)^cancel\b.*\b(?:order|booking|subscription|meeting)`).MatchString(s) {
		return step{}, false
	}
	text := r.first("q", rest)
	isError := text != "" || regexp.MustCompile(`(?i)\berror|fail|message|exception\b|^(?:fail|throw|raise|abort)`).MatchString(s)
	if !isError {
		return step{kind: "noop"}, true
	}
	if text == "" {
		text = strings.TrimSpace(regexp.MustCompile(`(?i)^\s*(?:the (?:workflow|execution|run)|it|execution|with|an?|the|error|message|saying|:|and|by|exception)+(?:\s+(?:with|an?|the|error|message|saying|that says|:)+)*\s*`).ReplaceAllString(r.plain(rest), ""))
	}
	if text == "" {
		text = "Stopped by the workflow"
	}
	return step{kind: "stop", text: text}, true
}

func readWait(r *reading, m []string, _ string) (step, bool) {
	rest := m[1]
	if regexp.MustCompile(`(?i)\buntil (?:it is |it's )?(?:called|the (?:call|callback|webhook))|for (?:a |the )?(?:callback|call|webhook|signal|external)|webhook|callback`).MatchString(rest) {
		return step{kind: "wait", what: "webhook"}, true
	}
	if regexp.MustCompile(`(?i)\bform\b|\bfill`).MatchString(rest) {
		return step{kind: "form"}, true
	}
	if d := regexp.MustCompile(`\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2})?)?`).FindString(rest); d != "" {
		return step{kind: "wait", until: strings.Replace(d, " ", "T", 1)}, true
	}
	if m := regexp.MustCompile(`(?i)(\d+(?:\.\d+)?|half an?|an?|one|two|three|four|five|six|ten|fifteen|twenty|thirty|couple of|a few)\s*-?\s*(seconds?|secs?|s|minutes?|mins?|m|hours?|hrs?|h|days?|d|weeks?)\b`).FindStringSubmatch(rest); m != nil {
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
	if h, mi, _, ok := clock(regexp.MustCompile(`(?i)^.*\buntil\b`).ReplaceAllString(rest, "at")); ok && strings.Contains(strings.ToLower(rest), "until") {
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

func readTop(r *reading, m []string, s string) (step, bool) {
	n, ok := number(m[1])
	if !ok {
		return step{}, false
	}
	st := step{kind: "limit", n: float64(n)}
	lower := strings.ToLower(s)
	if d := regexp.MustCompile(`(?i)^\s*(?:seconds?|minutes?|hours?|days?|weeks?|months?|years?)`).FindString(m[2]); d != "" {
		return step{}, false
	}
	by := regexp.MustCompile(`(?i)\b(?:by|with the (?:highest|lowest|most|least|largest|smallest|best)|ordered by|sorted by|in terms of|according to)\s+(?:the\s+)?(.+)$`).FindStringSubmatch(m[2])
	word := regexp.MustCompile(`(?i)\b(first|top|last|latest|newest|most recent|oldest|highest|lowest|biggest|largest|smallest|cheapest|most expensive|best|worst)\s+(?:\d+|one|two|three|four|five|six|seven|eight|nine|ten|twenty)\b`).FindStringSubmatch(lower)[1]
	switch {
	case by != nil:
		field := by[1]
		order := orderOf(word)
		if regexp.MustCompile(`(?i)with the (?:lowest|least|smallest)`).MatchString(m[2]) || regexp.MustCompile(`(?i)\b(?:ascending|lowest|smallest)\b`).MatchString(field) {
			order = "ascending"
		}
		field = regexp.MustCompile(`(?i)\b(?:in\s+)?(?:ascending|descending)(?:\s+order)?\b.*|,.*`).ReplaceAllString(field, "")
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
		if f := r.fieldName(regexp.MustCompile(`(?i)^\s*(?:of (?:the|them|all)\b.*|`+items+`\b)\s*`).ReplaceAllString(m[2], "")); f != "" {
			st.fields, st.slot = []string{f}, ""
		}
	}
	return st, true
}

func readLimit(_ *reading, m []string, s string) (step, bool) {
	n, ok := number(m[1])
	if !ok || regexp.MustCompile(`(?i)\b(?:where|whose|with|above|below|over|under|than)\b`).MatchString(s) {
		return step{}, false
	}
	if regexp.MustCompile(`(?i)^\s*(?:seconds?|minutes?|hours?|days?|times?|fields?)\b`).MatchString(m[2]) {
		return step{}, false
	}
	return step{kind: "limit", n: float64(n), last: regexp.MustCompile(`(?i)\blast\b`).MatchString(s)}, true
}

func readDedupe(r *reading, m []string, s string) (step, bool) {
	st := step{kind: "dedupe"}
	by := regexp.MustCompile(`(?i)\b(?:by|based on|on|with the same|having the same|sharing the same|according to|using|per|in|of|for)\s+(?:the\s+|their\s+|its\s+|same\s+)*(.+)$`).FindStringSubmatch(s)
	if by != nil {
		for _, f := range names(by[1]) {
			if f = r.fieldName(f); f != "" && !regexp.MustCompile(`(?i)^`+items+`$`).MatchString(f) {
				st.fields = append(st.fields, f)
			}
		}
	} else if m := regexp.MustCompile(`(?i)\b(?:unique|distinct|duplicate)\s+(.+)$`).FindStringSubmatch(s); m != nil {
		for _, f := range names(m[1]) {
			if f = r.fieldName(f); f != "" && !regexp.MustCompile(`(?i)^`+items+`$`).MatchString(f) {
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
	reDescending = regexp.MustCompile(`(?i)\b(?:desc(?:ending(?:ly)?)?|(?:highest|largest|biggest|newest|latest|most recent|most expensive|best|greatest|longest)(?:\s+\w+)?(?:\s+(?:first|on top|at the top|to (?:the )?(?:lowest|smallest|cheapest|oldest)))?|high to low|from high|largest to smallest|newest to oldest|z ?(?:to|-) ?a|reverse(?:d)?|from (?:the )?(?:highest|largest|newest|biggest|most expensive))\b|降序|倒序|从大到小|从高到低|从新到旧|最新|递减|由高到低|由大到小|从贵到便宜|逆序`)
	reAscending  = regexp.MustCompile(`(?i)\b(?:asc(?:ending(?:ly)?)?|(?:lowest|smallest|oldest|earliest|cheapest|least|shortest)(?:\s+\w+)?(?:\s+(?:first|on top|at the top|to (?:the )?(?:highest|largest|newest|most expensive)))?|low to high|from low|a ?(?:to|-) ?z|alphabetical(?:ly)?(?:\s+order)?|in order|increasing|from (?:the )?(?:lowest|smallest|oldest|cheapest))\b|升序|正序|从小到大|从低到高|从旧到新|最早|递增|由低到高|由小到大|字母顺序|从便宜到贵`)
)

func readSort(r *reading, m []string, s string) (step, bool) {
	st := step{kind: "sort", order: "ascending"}
	rest := m[1]
	if regexp.MustCompile(`(?i)\b(?:randomly|random|shuffle)\b|随机`).MatchString(s) {
		st.order = "random"
		return st, true
	}
	// "order" the noun: it is followed by no "by"
	if !regexp.MustCompile(`(?i)\bsort|rank|arrange|\border(?:ed)?\b.*\b(?:by|alphabetical|ascending|descending|first)\b|排序`).MatchString(s) {
		return step{}, false
	}
	if reDescending.MatchString(rest) && !(reAscending.MatchString(rest) && reAscending.FindStringIndex(rest)[0] < reDescending.FindStringIndex(rest)[0]) {
		st.order = "descending"
	}
	if by := regexp.MustCompile(`(?i)\b(?:by|on|according to|based on|after)\s+(.+)$`).FindStringSubmatch(rest); by != nil {
		for _, f := range regexp.MustCompile(`(?i)\s*,?\s*(?:and then by|then by|and by|then|and)\s+|\s*,\s*`).Split(by[1], -1) {
			order := st.order
			if reDescending.MatchString(f) {
				order = "descending"
			} else if reAscending.MatchString(f) {
				order = "ascending"
			}
			name := r.fieldName(regexp.MustCompile(`(?i)\bin\s*$|\b(?:in (?:an? )?|with the |from |\(|with )?$|\bin (?:an? )?(?:alphabetical )?order\b`).ReplaceAllString(strings.Trim(reAscending.ReplaceAllString(reDescending.ReplaceAllString(f, ""), ""), " ()-,"), ""))
			name = regexp.MustCompile(`(?i)_?(?:order|in|first|with|with_the|to|from|from_to)$`).ReplaceAllString(name, "")
			if name != "" {
				st.pairs = append(st.pairs, pair{name: name, value: order})
			}
		}
	}
	if len(st.pairs) == 0 {
		if m := regexp.MustCompile(`(?i)\b(?:highest|lowest|largest|smallest|biggest)\s+(\w+)\s+(?:first|on top|at the top)`).FindStringSubmatch(rest); m != nil {
			st.pairs = []pair{{name: m[1], value: st.order}}
		} else if regexp.MustCompile(`(?i)\b(?:cheapest|most expensive)\b`).MatchString(rest) {
			st.pairs = []pair{{name: "price", value: st.order}}
		} else {
			st.slot = "sort"
		}
	}
	return st, true
}

var aggregations = map[string]string{"sum": "sum", "sum up": "sum", "total": "sum", "total up": "sum", "add up": "sum", "count": "count", "count up": "count", "how many": "count", "number of": "count",
	"average": "average", "mean": "average", "avg": "average", "maximum": "max", "max": "max", "highest": "max", "largest": "max", "minimum": "min", "min": "min", "lowest": "min", "smallest": "min"}

var reBy = regexp.MustCompile(`(?i)\b(?:grouped by|group by|by|per|for each|for every|in each|of each|broken down by|of every)\s+(?:the\s+|each\s+)?(.+)$`)

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
	if cut := regexp.MustCompile(`(?i)\s*(?:,|\band\b|\bthen\b)\s*(?:and\s+)?(?:then\s+)?(?:calculate|compute|get|show|find|return)?\s*(?:the\s+)?(sum(?: up)?|total(?: up)?|add up|count|average|mean|avg|max(?:imum)?|min(?:imum)?|highest|lowest|number of)\b(.*)$`).FindStringSubmatchIndex(rest); cut != nil {
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
	re := regexp.MustCompile(`(?i)\b(sum up|sum|total up|total|add up|count up|count|average|mean|avg|maximum|max|highest|largest|minimum|min|lowest|smallest|how many|number of)\b`)
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
		if i+1 < len(locs) && regexp.MustCompile(`(?i)^(?:of|the|up|all|\s)*$`).MatchString(field) { // "the sum of total"
			field = s[locs[i+1][0]:locs[i+1][1]]
			skip = locs[i+1][1]
		}
		field = regexp.MustCompile(`(?i)^(?:up\s+)?(?:of|the|all|their|up|value of)\s+`).ReplaceAllString(field, "")
		field = regexp.MustCompile(`(?i)(?:\s*(?:,|\band\b|\bthe\b|&|,?\s*as well as\b))+\s*$`).ReplaceAllString(field, "")
		field = regexp.MustCompile(`(?i)\s+(?:of|for|from|in|across|over)\s+(?:all|the|each|every|these|those|them|all of)\b.*$`).ReplaceAllString(field, "")
		field = r.fieldName(field)
		if regexp.MustCompile(`(?i)^(?:` + items + `|there_are|are_there|it_has)$`).MatchString(field) {
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
	if regexp.MustCompile(`(?i)^(?:if|when|only|multiply|divide|round|convert|keep|filter|set|add a|add the|sort|order|rename|respond|return|post|send)\b`).MatchString(s) && !regexp.MustCompile(`(?i)^(?:return|send|post|respond)\b.*\b(?:sum|total|average|count|number) of\b|^add up`).MatchString(s) {
		return step{}, false
	}
	if regexp.MustCompile(`(?i)\b(?:with (?:ai|gpt|chatgpt|claude|an? llm|openai)|text|article|meeting|conversation|document|content)\b`).MatchString(s) && strings.HasPrefix(word, "summar") {
		return step{}, false
	}
	if regexp.MustCompile(`(?i)\b(?:total|sum|average)\s+(?:as|=|from|by multiplying)\b|\*|\btimes\b|\bmultipl`).MatchString(s) && !reBy.MatchString(s) {
		return step{}, false
	}
	st := step{kind: "summarize"}
	rest, by := r.groups(s)
	st.by = by
	st.pairs = r.figures(rest)
	if len(st.pairs) == 0 && strings.HasPrefix(word, "summar") || len(st.pairs) == 0 && word == "aggregate" && len(by) > 0 {
		if f := r.fieldName(regexp.MustCompile(`(?i)^.*?\b(?:summari[sz]e|aggregate)\b\s*`).ReplaceAllString(rest, "")); f != "" && len(by) > 0 && !regexp.MustCompile(`(?i)^(?:`+items+`|the_.*)$`).MatchString(f) {
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
	s = regexp.MustCompile(`(?i)\s*\b(?:into|so that|to get|to|as)\b.*$`).ReplaceAllString(s, "")
	s = regexp.MustCompile(`(?i)\b(?:list|array|lists|arrays|elements?|entries|out|up|apart|of each \w+|items? in)\b(?:\s+of)?`).ReplaceAllString(s, " ")
	s = regexp.MustCompile(`(?i)\b(?:in|of|from)\s+(?:the\s+)?(?:response|result|answer|body|data|order|item|webhook|it)\s*$`).ReplaceAllString(s, "")
	f := r.fieldName(strings.Join(strings.Fields(s), " "))
	if regexp.MustCompile(`(?i)^(?:it|them|result|response|answer|the|)$`).MatchString(f) {
		return ""
	}
	return f
}

func readSplit(r *reading, m []string, s string) (step, bool) {
	f := r.listName(m[1])
	if f == "" {
		if q := r.first("q", s); q != "" {
			f = q
		} else if regexp.MustCompile(`(?i)\bitems\b`).MatchString(m[1]) {
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
	if regexp.MustCompile(`(?i)\b(?:into|in|to|as)\s+(?:a\s+)?(?:csv|xlsx|excel|file)`).MatchString(s) {
		return step{}, false
	}
	st := step{kind: "aggregate", all: true}
	if mm := regexp.MustCompile(`(?i)^(?:aggregate|combine|collect|gather|bundle|put|group|join|merge|wrap|pack|turn|make|convert)\s+(?:only\s+)?(?:all\s+)?(?:of\s+)?(?:the\s+)?(.*?)(?:\s+(?:field|values?)s?)?(?:\s+(?:from|of)\s+(?:all|the|each|every)\s+\w+)?(?:\s+(?:into|in|to|as|on)\b.*)?$`).FindStringSubmatch(s); mm != nil {
		f := r.fieldName(mm[1])
		if f != "" && !regexp.MustCompile(`(?i)^(?:`+items+`|into_.*|in_.*|to_.*|everything|all|all_.*|of_.*|every.*|.*_(?:items|results|orders|records|entries|rows|data))$`).MatchString(f) {
			st.all, st.fields = false, []string{singular(f)}
			if regexp.MustCompile(`(?i)\bfield\b|«q`).MatchString(mm[1] + s) {
				st.fields = []string{f}
			}
		}
	}
	return st, true
}

func readMerge(r *reading, m []string, s string) (step, bool) {
	if strings.Contains(s, "«u") && !regexp.MustCompile(`(?i)«u\d+».*«u\d+»`).MatchString(s) {
		return step{}, false
	}
	st := step{kind: "merge", urls: r.every("u", s), what: "append"}
	if by := regexp.MustCompile(`(?i)\b(?:by|on|using|via|based on|with matching|where|matching)\s+(?:the\s+|their\s+|matching\s+|same\s+|common\s+|shared\s+)*(.+)$`).FindStringSubmatch(m[1]); by != nil {
		f := r.fieldName(by[1])
		switch {
		case regexp.MustCompile(`(?i)^(?:position|index|order|row)$`).MatchString(f):
			st.what = "position"
		case f != "":
			st.what, st.fields = "fields", []string{f}
		}
	}
	return st, true
}

func readCompare(r *reading, m []string, s string) (step, bool) {
	st := step{kind: "compare", urls: r.every("u", s), fields: []string{"id"}}
	if by := regexp.MustCompile(`(?i)\b(?:by|on|using)\s+(?:the\s+|their\s+)*(.+)$`).FindStringSubmatch(m[1]); by != nil {
		if f := r.fieldName(by[1]); f != "" {
			st.fields = []string{f}
		}
	}
	return st, len(st.urls) == 2 || st.urls == nil
}

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
	if m := regexp.MustCompile(`(?i)\b(?:field|字段)\s+(«q\d+»|[\w.]+)|\b(?:convert|turn|transform|render)\s+(?:the\s+)?(«q\d+»|[\w.]+)\s+(?:field\s+)?(?:from|to|into)\b`).FindStringSubmatch(s); m != nil {
		f := r.fieldName(m[1] + m[2])
		if f != "" && !regexp.MustCompile(`(?i)^(?:markdown|html|xml|it|them|text)$`).MatchString(f) {
			return []string{f}
		}
	}
	return nil
}

func fieldAs(r *reading, s, otherwise string) string {
	if m := regexp.MustCompile(`(?i)\b(?:as|in|into|to|called|named|field)\s+(?:the\s+|a\s+)?(?:field\s+)?(«q\d+»|[\w.]+)(?:\s+field)?\s*$`).FindStringSubmatch(s); m != nil {
		if f := r.fieldName(m[1]); f != "" && !regexp.MustCompile(`(?i)^(?:`+items+`|each|every)$`).MatchString(f) {
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
	rest := regexp.MustCompile(`(?i)\b(?:with|using|by|as|in|via)\b.*$`).ReplaceAllString(m[1], "")
	rest = regexp.MustCompile(`(?i)\b(?:md5|sha-?\d*|hash|of)\b`).ReplaceAllString(rest, "")
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

func readSub(r *reading, m []string, s string) (step, bool) {
	st := step{kind: "sub"}
	if q := r.first("q", s); q != "" {
		st.to = q
	} else if mm := regexp.MustCompile(`(?i)\bworkflow\s+(?:with\s+)?(?:the\s+)?(?:id\s+|named\s+|called\s+)?([A-Za-z0-9][\w-]{2,})`).FindStringSubmatch(s); mm != nil && !regexp.MustCompile(`(?i)^(?:for|with|and|on|to|that|the|id|when|named|called|then|again|each|every|once|which|from)$`).MatchString(mm[1]) {
		st.to = mm[1]
	} else if mm := regexp.MustCompile(`(?i)\b(?:run|call|execute|start|trigger|invoke)\s+(?:my\s+|the\s+|our\s+)?([\w-]{3,})\s+(?:sub-?)?workflow`).FindStringSubmatch(s); mm != nil && !regexp.MustCompile(`(?i)^(?:another|other|the|sub|existing)$`).MatchString(mm[1]) {
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
	if mm := regexp.MustCompile(`(?i)\b(?:for|with|asking for|that asks for|collect)\s+(?:the\s+|an?\s+|their\s+|his\s+|my\s+)*(.+?)(?:\s+(?:with|through|by|via|using|in)\s+(?:an?\s+|another\s+)?form.*)?$`).FindStringSubmatch(s); mm != nil {
		for _, n := range names(mm[1]) {
			if n = r.plain(n); !regexp.MustCompile(`(?i)\bform\b`).MatchString(n) {
				st.fields = append(st.fields, n)
			}
		}
	}
	if len(st.fields) == 0 {
		st.slot = "form"
	}
	return st, true
}

func readMail(r *reading, m []string, s string) (step, bool) {
	if !regexp.MustCompile(`(?i)^(?:send|write|deliver|forward|notify|inform|alert|tell|reply|report|let|shoot|drop)\b|^(?:e-?mail|mail)\s|\b(?:by|via|per|through|as|with|in) (?:an? )?(?:e-?mail|mail)\b`).MatchString(s) ||
		regexp.MustCompile(`(?i)\be-?mail (?:field|contains?|is|ends|starts|and)\b`).MatchString(s) && r.first("e", s) == "" {
		return step{}, false
	}
	if strings.Contains(s, "«u") && !regexp.MustCompile(`(?i)\be-?mail\b.*\bto\b\s*«e`).MatchString(s) && r.first("e", s) == "" {
		return step{}, false
	}
	st := step{kind: "mail", to: r.first("e", s)}
	quotes := r.every("q", s)
	if mm := regexp.MustCompile(`(?i)\b(?:subject|title|titled|主题|标题)\s*(?:is|of|为|是|:|：)?\s*(«q\d+»)`).FindStringSubmatch(s); mm != nil {
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
		if mm := regexp.MustCompile(`(?i)\bto (?:the )?(?:address in (?:the )?)?(?:field )?(e-?mail|\w*email\w*|the customer'?s? e-?mail)\b`).FindStringSubmatch(s); mm != nil && regexp.MustCompile(`(?i)field|address in|'s`).MatchString(mm[0]) {
			st.to = "=" + r.fieldName(mm[1])
		} else {
			st.slot = "mail"
		}
	}
	return st, true
}

var reHeader = regexp.MustCompile(`(?i)(?:\bheader|请求头)\s+(?:«q(\d+)»|([A-Za-z][\w-]*)\s*(?::|=|set to|of|with(?: value)?|为)\s*(«q\d+»|[\w./-]+))`)

// call reads what requests have in common.
func (r *reading) call(st *step, s string) {
	st.url = r.first("u", s)
	if m := regexp.MustCompile(`\b(GET|POST|PUT|PATCH|DELETE|HEAD)\b`).FindStringSubmatch(s); m != nil {
		st.method = m[1]
	} else if m := regexp.MustCompile(`(?i)^(post|put|patch|delete)\b|\b(?:a|an|with|using|via|by|用)\s*(post|put|patch|delete|get)\b`).FindStringSubmatch(s); m != nil {
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
	if m := regexp.MustCompile(`(?i)\b(?:retry(?:ing)?|try(?: again)?)\s+(?:it\s+)?(?:up to\s+)?(\d+|once|twice|three|five|two)(?:\s+(?:more\s+)?times)?|\b(?:re-?try|try)\b.*\b(\d+|two|three|five) times|重试\s*(\d+|[一二两三四五])\s*次`).FindStringSubmatch(s); m != nil {
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
	if mm := regexp.MustCompile(`(?i)\b(?:with|and)\s+(?:the\s+)?(?:query|url)?\s*param(?:eter)?s?\s+(.+)$`).FindStringSubmatch(s); mm != nil {
		st.pairs = r.assignments(mm[1])
	}
	if regexp.MustCompile(`(?i)\b(?:page by page|all pages|paginat\w+|every page)\b|分页|翻页|所有页`).MatchString(s) {
		st.what = "pages"
	}
	if regexp.MustCompile(`(?i)^(?:download)\b.*\b(?:file|pdf|image|picture|csv|zip)\b|下载.*(?:文件|图片)`).MatchString(s) {
		st.what = "file"
	}
	return st, true
}

func readSend(r *reading, m []string, s string) (step, bool) {
	st := step{kind: "send"}
	r.call(&st, s)
	if st.url == "" {
		return step{}, false
	}
	if st.method == "GET" || st.method == "" && regexp.MustCompile(`(?i)^(?:call|hit|ping)\s+(?:the\s+)?(?:api\s+|endpoint\s+|url\s+)?(?:at\s+)?«u`).MatchString(s) && !regexp.MustCompile(`(?i)\bwith\b`).MatchString(s) {
		st.kind, st.method = "fetch", ""
		return st, true
	}
	if st.method == "" {
		st.method = "POST"
	}
	if urls := r.every("u", s); len(urls) > 1 {
		st.urls = urls
	}
	st.all = regexp.MustCompile(`(?i)\b(?:all at once|in one (?:request|go|call|message|batch)|as (?:a|one) (?:single )?(?:list|array|batch|request)|as a whole|together|whole list|entire list|all of them (?:at once|in one))\b|一次性|一起发|整个列表|打包`).MatchString(s)
	words := reHeader.ReplaceAllString(s, "")
	switch {
	case r.first("j", words) != "":
		st.what, st.text = "json", r.first("j", words)
	case r.first("q", words) != "":
		st.what, st.text = "text", r.first("q", words)
	default:
		before := regexp.MustCompile(`(?i)\b(?:to|at|via|on)\s+(?:the\s+)?(?:url\s+|endpoint\s+|webhook\s+|address\s+|api\s+|server\s+)?(?:at\s+)?«u.*$|(?:到|给|至|往)\s*«u.*$|«u.*$`).ReplaceAllString(words, "")
		after := ""
		if mm := regexp.MustCompile(`(?i)«u\d+»\s*(?:with|containing|including|passing|,\s*with|带上|包含|内容(?:是|为)?)\s+(?:the\s+)?(?:body\s+|fields?\s+|json\s+|payload\s+|data\s+)*(.+)$`).FindStringSubmatch(words); mm != nil {
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
		if !regexp.MustCompile(`(?i)\b(?:header|auth|token|key|basic|result|it|them|retry)\b`).MatchString(after) {
			return r.plainFields(after)
		}
		return nil
	}
	m := regexp.MustCompile(`(?i)^(?:post|put|patch|send|forward|push|submit|report|pass|write|deliver|publish)\s+(?:only\s+|just\s+)?(?:me\s+)?(?:the\s+|their\s+|its\s+|each\s+)?(.+)$`).FindStringSubmatch(strings.TrimSpace(before))
	if m == nil || !regexp.MustCompile(`(?i)\band\b|,|\bfield`).MatchString(m[1]) {
		return nil
	}
	return r.plainFields(m[1])
}

func (r *reading) plainFields(s string) []pair {
	var out []pair
	for _, n := range names(s) {
		f := r.fieldName(n)
		if f == "" || !regexp.MustCompile(`^[\p{L}_][\p{L}\p{N}_.]*$`).MatchString(f) || regexp.MustCompile(`(?i)^(?:`+items+`|data|result|everything|all|request|body)$`).MatchString(f) {
			return nil
		}
		out = append(out, pair{name: f, code: "«f:" + f + "»"})
	}
	return out
}

var reRenamePair = regexp.MustCompile(`(?i)(?:^|,|\band\b|;|、|，|和)\s*(?:the\s+)?(?:rename\s+)?(?:field|key|column|property|字段|把|将)?\s*(«q\d+»|[\p{L}_][\p{L}\p{N}_.]*)\s*(?:field|key|column|字段)?\s*(?:to|into|as|->|→|=>|改名为|重命名为|改名成|改为|改成|更名为|命名为|改叫|为|成)\s*(?:the\s+)?(«q\d+»|[\p{L}_][\p{L}\p{N}_.]*)`)

func readRename(r *reading, m []string, s string) (step, bool) {
	st := step{kind: "rename"}
	rest := m[1]
	for _, p := range reRenamePair.FindAllStringSubmatch(rest, -1) {
		st.pairs = append(st.pairs, pair{name: r.plain(p[1]), value: r.plain(p[2])})
	}
	if len(st.pairs) == 0 {
		st.slot = "rename"
	}
	return st, true
}

func readKeep(r *reading, m []string, s string) (step, bool) {
	list := strings.TrimSpace(m[1] + m[2])
	if regexp.MustCompile(`(?i)\b(?:where|whose|with|that|if|than)\b`).MatchString(s) {
		return step{}, false
	}
	st := step{kind: "keep"}
	for _, n := range names(list) {
		if f := r.fieldName(n); f != "" {
			st.fields = append(st.fields, f)
		}
	}
	return st, len(st.fields) > 0
}

func readKeepList(r *reading, m []string, s string) (step, bool) {
	return readKeep(r, []string{"", m[1], ""}, s)
}

func readDrop(r *reading, m []string, s string) (step, bool) {
	st, ok := readKeep(r, m, s)
	st.kind = "drop"
	return st, ok
}

var (
	reFilterHead = regexp.MustCompile(`(?i)^(?:filter|only|keep|select|take|pick|find|choose|drop|discard|remove|exclude|ignore|skip|throw away|throw out|get rid of|leave out|reject|retain|return|continue|proceed|let|pass|delete|look for|go on|process)\b\s*`)
	reNegative   = regexp.MustCompile(`(?i)^(?:drop|discard|remove|exclude|ignore|skip|throw away|throw out|get rid of|leave out|reject|delete|filter out)\b`)
	reWhere      = regexp.MustCompile(`(?i)\b(?:where|whose|that (?:have|has|are|is)?|which (?:have|has|are|is)?|with(?: an?| the)?|for which|when|if|by|if their|having|who (?:have|has|are|is)?|on|for|in which|to)\s+`)
)

func readFilter(r *reading, m []string, s string) (step, bool) {
	st := step{kind: "filter", negate: reNegative.MatchString(s)}
	rest := reFilterHead.ReplaceAllString(s, "")
	rest = regexp.MustCompile(`(?i)^(?:out\s+|for\s+|on\s+|only\s+|just\s+|down to\s+|by\s+|through\s+)+`).ReplaceAllString(rest, "")
	for _, loc := range reWhere.FindAllStringIndex(rest, -1) {
		w := strings.ToLower(rest[loc[0]:loc[1]])
		body := rest[loc[1]:]
		if strings.Contains(w, "not ") {
			continue
		}
		if c, ok := r.condition(body); ok && r.specific(c) {
			st.cond = c
			return st, true
		}
		if regexp.MustCompile(`^(?:that|which|who) (?:are|is)\s*$`).MatchString(w) { // that are active
			if c, ok := r.condition("is " + body); ok && r.specific(c) {
				st.cond = c
				return st, true
			}
		}
	}
	if c, ok := r.condition(rest); ok && r.specific(c) {
		st.cond = c
		return st, true
	}
	if mm := regexp.MustCompile(`(?i)\b(with|without|that (?:have|has)(?: no)?|having(?: no)?)\s+(?:an?\s+|any\s+|the\s+)?([a-z_][\w.]*|«q\d+»)$`).FindStringSubmatch(rest); mm != nil {
		op := "notEmpty"
		if lower := strings.ToLower(mm[1]); lower == "without" || strings.HasSuffix(lower, "no") {
			op = "empty"
		}
		if f := r.fieldName(mm[2]); f != "" {
			st.cond = condition{tests: []test{{field: f, kind: "any", op: op}}}
			return st, true
		}
	}
	// "the paid orders", "active users": a state before the noun
	if mm := regexp.MustCompile(`(?i)^(?:all\s+|any\s+)?(?:the\s+|those\s+)?(not |un)?([a-z]+)\s+(?:` + items + `)$`).FindStringSubmatch(strings.TrimSpace(rest)); mm != nil && !regexp.MustCompile(`(?i)^(?:first|last|all|new|the|these|those|other|same|following|single|duplicate|unique|of|every|each)$`).MatchString(mm[2]) {
		if regexp.MustCompile(`(?i)^(?:active|enabled|verified|confirmed|completed|done|read|available|visible|premium|archived|deleted|disabled|finished)$`).MatchString(mm[2]) {
			st.cond = condition{tests: []test{{field: strings.ToLower(mm[2]), kind: "boolean", op: map[bool]string{true: "false", false: "true"}[mm[1] != ""]}}}
			return st, true
		}
		st.cond = condition{tests: []test{{field: "status", kind: "string", op: "equals", value: strings.ToLower(mm[1] + mm[2])}}}
		return st, true
	}
	if c, ok := r.condition(rest); ok { // a comparison without a field
		st.cond, st.slot = c, "filter"
		return st, true
	}
	if strings.HasPrefix(strings.ToLower(s), "filter") {
		st.slot = "filter"
		return st, true
	}
	return step{}, false
}

// specific reports whether the condition's fields are named: "orders over
// 100" does not say which of an order's fields is meant.
func (r *reading) specific(c condition) bool {
	for _, t := range c.tests {
		if pronoun(t.field) || regexp.MustCompile(`(?i)^`+items+`$`).MatchString(t.field) && !strings.EqualFold(t.field, "message") && (t.op == "gt" || t.op == "lt" || t.op == "gte" || t.op == "lte" || strings.HasSuffix(strings.ToLower(t.field), "s")) {
			return false
		}
	}
	return true
}
