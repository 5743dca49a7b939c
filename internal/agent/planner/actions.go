package planner

import (
	"strconv"
	"strings"
)

// action is a way of reading a clause. The first that fits wins.
type action struct {
	re   *pattern
	read func(r *reading, m []string, s string) (step, bool)
}

func act(expr string, f func(r *reading, m []string, s string) (step, bool)) action {
	return action{lazily(`(?i)` + expr), f}
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
		return step{kind: "xml", what: map[bool]string{true: "jsonToxml", false: "xmlToJson"}[lazily(`(?i)\b(?:to|into|as) xml\b`).MatchString(s)]}, true
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
		if lazily(`(?i)^(?:subtract|minus)|\bfrom\b`).MatchString(s) {
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
