package planner

import (
	"strconv"
	"strings"
)

// rephrasing brings one way of saying something to another that the rules for
// clauses read. with, where not nil, may refuse a match by returning false.
type rephrasing struct {
	re   *pattern
	to   string // as regexp.Expand has it
	with func(r *reading, can abilities, m []string) (string, bool)
}

func say(expr, to string) rephrasing {
	return rephrasing{re: lazily(`(?i)` + expr), to: to}
}

func sayIf(expr string, f func(r *reading, can abilities, m []string) (string, bool)) rephrasing {
	return rephrasing{re: lazily(`(?i)` + expr), with: f}
}

const (
	goesTo  = `(?:(?:must|should|shall|will|have to|has to|need to|needs to)\s+)?(?:go(?:es)?|(?:be|are|is|get|gets)\s+(?:sent|forwarded|routed|passed|posted|delivered))\s+(?:straight\s+|directly\s+)?(?:in)?to`
	isDown  = `(?:(?:is|are|goes|has gone|seems)\s+(?:down|unreachable|offline|unavailable|broken|dead|not (?:up|reachable|available|responding|online|working))|isn't (?:up|reachable|available|responding|online|working)|fails|(?:does not|doesn't|stops|can ?not|can't|won't)\s+(?:respond(?:ing)?|answer(?:ing)?|work(?:ing)?|load(?:ing)?|be reached)|returns an error|times out|gives an error)`
	isUp    = `(?:(?:is|are)\s+(?:still\s+)?(?:reachable|up(?: and running)?|online|alive|available|accessible|responding|running|healthy|working|ok(?:ay)?)|(?:still\s+)?(?:responds|answers|works|loads))`
	the     = `(?:(?:the|a|an|our|my|all|all the|any|each|every|its|this|that|these|those)\s+)?`
	oneOf   = `(?:items?|orders?|records?|rows?|results?|users?|customers?|products?|people|contacts?|events?|tickets?|invoices?|tasks?|articles?|transactions?|payments?|leads?|jobs?|messages?|requests?|cases|issues|ones|entries|applications?|employees|students|files?|members|deals|bookings?|reviews?|claims?)`
	urlMark = `(«u\d+»)`
	timeOf  = `(?:noon|midnight|\d{1,2}:\d{2}(?:\s*[ap]m)?|\d{1,2}\s*[ap]m)`
	overZh  = `(?:大于等于|小于等于|不等于|大于|小于|等于|超过|低于|高于|少于|多于|不足|不到|包含|为空|为|是)`
	sendsZh = `(?:发送到|发到|发送给|推送到|发给|提交到|存到|保存到|写入|转发到|转给|通知)`
)

// englishRephrasings are tried in order, each wherever it fits.
var englishRephrasings = []rephrasing{
	say(`^\s*(?:hey|hi|hello|good (?:morning|evening|day)|dear \w+)(?:\s+there)?\s*[!,.]+\s*`, ""),
	say(`(^|[.\n;]\s*)(?:schedule|trigger|time|actions?|steps?|task|do)\s*:\s*`, "$1"),
	sayIf(`(^|[:\s])(\d{1,2})[.)]\s+([a-z])`, func(r *reading, _ abilities, m []string) (string, bool) { // steps in one line
		return "\n" + m[3], reFirstStep.MatchString(r.text) && reSecondStep.MatchString(r.text) || !reFirstStep.MatchString(r.text) && strings.Contains(r.text, "\n")
	}),
	sayIf(`^([A-Z][^«:.,;!?\n]{3,60}):\s+`, func(r *reading, _ abilities, m []string) (string, bool) { // a heading
		return "", !reStartWords.MatchString(m[1]) && !strings.Contains(r.text, "\n")
	}),
	sayIf(`^at\s+(noon|midday|midnight|\d{1,2}(?::\d{2})?\s*(?:am|pm)|\d{1,2}:\d{2}|\d{1,2} o'?clock)\s*,?\s+`, func(r *reading, _ abilities, m []string) (string, bool) {
		return "every day at " + m[1] + ", ", !reRepeats.MatchString(r.text)
	}),
	say(`\ban?\s+daily\s+(\w+)\s+at\s+(`+timeOf+`)`, "a $1 every day at $2"),
	say(`(^|[.;,]\s*)(?:please\s+)?(?:and\s+)?(?:check|run|do|repeat|test|poll)\s+(?:it|this|that|them)\s+(every|each|once|hourly|daily)\b`, "$1$2"),
	say(`\bat\s+(`+timeOf+`)((?:\s*(?:,\s*and|,|and|&)\s*(?:at\s+)?`+timeOf+`)+)\s+(?:on\s+)?(every|each)\s+(day|week\s?day|working day|business day|`+dayName+`)\b`, "$3 $4 at $1$2"),
	sayIf(`\b(?:every|each|on)\s+(week\s?days?|working days?|business days?|work\s?days?|days?)\s*,?\s*(?:(?:every|each)\s+(hour|\d+\s*min(?:ute)?s?)\s+|hourly\s+)?(?:between|from)\s+(\d{1,2})(?::00)?\s*(am|pm)?\s*(?:and|to|until|till|-)\s*(\d{1,2})(?::00)?\s*(am|pm)?\b`, window),
	// a state that is asked for, and what follows from it
	sayIf(`\b(?:check|checks|make sure|makes sure|ensure|ensures|verify|verifies|validate|validates)\s+(?:that|if|whether)\s+([^.;«\n]{3,80}?)\s*[,;.]?\s+(?:and\s+)?(?:otherwise|or else|if not)\s*,?\s*`,
		func(r *reading, _ abilities, m []string) (string, bool) {
			_, ok := r.condition(m[1])
			if lazily(`(?i)\bif not\b`).MatchString(m[0]) && lazily(`(?i)\b(?:otherwise|else)\b`).MatchString(r.text) {
				return "unless " + m[1] + ", ", ok
			}
			return "if " + m[1] + " do nothing, otherwise ", ok
		}),
	sayIf(`\b(?:check|test|see|verify|determine|find out|look)\s+(?:whether|if)\s+([^.;«\n]{3,80}?)\s*[.;,]\s*(?:and\s+)?(?:in (?:that|this|such a) case|if (?:so|yes|true)|if (?:it|that|this) (?:is|does|has)(?: so| the case| true)?|if that's (?:so|the case|true)|when it (?:is|does))\s*,?\s*(?:then\s+)?`,
		func(r *reading, _ abilities, m []string) (string, bool) {
			_, ok := r.condition(m[1])
			return "if " + m[1] + ", ", ok
		}),
	// whether an address answers
	say(`\b(?:check|test|see|verify|make sure|watch|monitor)\s+(?:whether|if|that)\s+`+the+`(?:\w+\s+){0,2}?`+urlMark+`\s+`+isUp, "fetch $1"),
	say(`\b((?:send|post|tell|notify|alert|ping|inform|warn|call)\b[^.;\n]*?)\s*,?\s+(?:if|when(?:ever)?|in case|as soon as)\s+`+the+`(?:\w+\s+){0,2}?`+urlMark+`\s+`+isDown, "fetch $2, if it fails, $1"),
	say(`(?:^|\b)(?:if|when(?:ever)?|in case|should)\s+`+the+`(?:\w+\s+){0,2}?`+urlMark+`\s+`+isDown+`\s*,?\s*(?:then\s+)?`, "fetch $1, if it fails, "),
	say(`\b(?:if|when)\s+(?:it|that|this|the (?:site|page|server|service|api|website|check|url|endpoint))\s+(?:is|isn't|is not|does not|doesn't)\s+(?:not\s+)?(?:down|unreachable|offline|unavailable|reachable|up|online|responding|respond|answer|work|load|available)\b`, "if it fails"),
	say(`\b(?:tell|alert|inform|warn|ping)\s+`+urlMark, "notify by posting to $1"),
	// how many came of an address
	say(`\b(send|post|tell|notify|alert|message|e-?mail|mail|inform|warn)\b([^.;«\n]*?)\s+(?:if|when(?:ever)?|in case|as soon as)\s+`+the+`(?:\w+\s+){0,2}?`+urlMark+`\s+(?:returns|has|contains|shows|gives|reports|lists|holds)\s+([^.;\n]+)`, "fetch $3, if it has $4, $1$2"),
	say(`\b(?:which\s+|that\s+|it\s+)?(?:receives?|takes?|gets?|accepts?|collects?)\s+(?:new\s+|incoming\s+)?(?:\w+\s+)?(?:on|at|via|by|through|from|over)\s+(?:the|a|an|my|our)\s+(?:web ?hook|endpoint)(\s+(?:at\s+|on\s+)?(?:the\s+)?(?:path\s+)?(?:/[\w/:-]+|«q\d+»))?`, "when a webhook$1 is called"),
	// requests that are answered
	sayIf(`\b(?:respond|answer|reply)\s+to\s+(?:an?|the|each|every|any|all)?\s*(?:incoming\s+)?((?:get|post|put|patch|delete)\s+)?(?:web ?hooks?|requests?|(?:api |http )?calls?)(\s+(?:(?:at|on|to|under)\s+)?(?:the\s+)?(?:path\s+)?(?:/[\w/:-]+|«q\d+»))?\s+(?:with|by (?:returning|sending|saying))\s+`,
		func(_ *reading, _ abilities, m []string) (string, bool) {
			return "when a " + m[1] + "webhook" + m[2] + " is called, respond with ", true
		}),
	say(`\b(?:new\s+|incoming\s+)?\w+\s+(?:come|comes|arrive|arrives|are (?:posted|sent|received|delivered))\s+(?:in\s+)?(?:at|on|via|by|through|over|to)\s+(?:the\s+|a\s+|our\s+|my\s+)?(?:web ?hook|endpoint)(\s+(?:/[\w/:-]+|«q\d+»))?`, "when a webhook$1 is called"),
	say(`\b(?:take|use|get|read|accept)\s+(?:the\s+)?(?:web ?hook|request|post)(?:'s)?\s+(?:body|data|payload)\s+(?:from|of|at|on|sent to)\s+(/[\w/:-]+)`, "when a webhook $1 is called"),
	sayIf(`\b(is (?:called|hit|triggered|invoked))\s+with\s+(\w+)\s+(?:=\s*|is\s+)?(\w+|«q\d+»)\s*,\s*`, func(r *reading, _ abilities, m []string) (string, bool) {
		return m[1] + ", if " + m[2] + " is " + m[3] + ", ", !lazily(`(?i)^(?:fields?|the|an?|and|data|json|body|method)$`).MatchString(m[2])
	}),
	say(`\s*[;,.]?\s*(?:and\s+)?\b(?:for|in|on|with)\s+(?:any|every|all)\s+other\s+\w+\s*,?\s*`, ", otherwise "),
	say(`\b(?:return|respond with|answer with|reply with)\s+(?:the\s+)?sum of (\w+) and (\w+)(?:\s+as json)?`, "respond with $1 + $2"),
	sayIf(`\b(?:if|when)\s+[^,;.«\n]{0,60}?\s(?:according to|at|from|on|in|by)\s+`+urlMark+`\s*\(\s*([^()«\n]{3,60})\)\s*,?\s*`, func(r *reading, _ abilities, m []string) (string, bool) {
		_, ok := r.condition(m[2])
		return "fetch " + m[1] + ", if " + m[2] + ", ", ok
	}),
	say(`\b(?:everything|anything|all|those|products?|items?|ones|articles?)\s+(?:that (?:is|are)\s+)?cheaper than (\d+)`, "items where price < $1"),
	say(`\b(?:everything|anything|all|those|products?|items?|ones|articles?)\s+(?:that (?:is|are|costs?)\s+|costing\s+)?(?:more expensive than|more than the price of)\s+(\d+)`, "items where price > $1"),
	say(`\bthe\s+(\d+|two|three|four|five|six|seven|eight|nine|ten)\s+(?:best|highest|biggest|largest|most (?:popular|sold|valuable|viewed))\s*(?:[-\w]+\s+)?by\s+(\w+)`, "the top $1 by $2"),
	sayIf(`\b(?:if|when)\s+`+urlMark+`\s+(?:shows|returns|reports|gives|has|contains|says)\s+(less|fewer|more|greater)\s+than\s+(\d+)\s+(?:in|for|as|at)\s+(?:the\s+)?(?:field\s+)?(\w+)\s*,?\s*`, func(_ *reading, _ abilities, m []string) (string, bool) {
		op := map[string]string{"less": "<", "fewer": "<", "more": ">", "greater": ">"}[strings.ToLower(m[2])]
		return "fetch " + m[1] + ", if " + m[4] + " " + op + " " + m[3] + ", ", true
	}),
	sayIf(`\b(set|mark|change|update|flag)\s+([^,.;«\n]{3,60}?)\s+(?:for|of|on|in)\s+(?:all\s+|every\s+|the\s+|those\s+)*(?:`+oneOf+`|\w+s)\s+(?:whose|where|with|that (?:have|has|are))\s+([^,.;«\n]{3,60}?)\s*,?\s+(?:from|of|at|in)\s+`+urlMark,
		func(r *reading, _ abilities, m []string) (string, bool) {
			c, ok := r.condition(m[3])
			return "fetch " + m[4] + ", keep only items where " + m[3] + ", " + m[1] + " " + m[2], ok && r.specific(c)
		}),
	say(`\b(?:i have|we have|there is|there's|there are)\s+`+the+`(?:\w+\s+){1,3}?(?:at|on|behind|under)\s+`+urlMark, "fetch $1"),
	say(`\b(log|send|forward|post|record|store|save|push|report)\s+(?:each|every|all)\s+(?:incoming\s+)?(?:calls?|requests?|posts?|events?|payloads?)\s+(?:of|to|on|at|from)\s+(?:the\s+|my\s+|our\s+)?(?:web ?hook|endpoint)(\s+(?:/[\w/:-]+|«q\d+»))?`, "when a webhook$2 is called, $1 it"),
	sayIf(`(?:\bsend\s+)?\b(?:people|users|customers|those|everyone|visitors|orders|guests)\s+from\s+([a-z]\w+)\s+to\s+`+urlMark, func(_ *reading, _ abilities, m []string) (string, bool) {
		return "if country is " + m[1] + ", send it to " + m[2], true
	}),
	say(`,\s*(?:and\s+)?((?:status|state|type|priority|level|category|kind|country|plan|stage)\s+(?:is\s+)?\w+)\s+(?:(?:ones|orders|items)\s+)?(?:go(?:es)?\s+)?to\s+`+urlMark, ", if $1, send it to $2"),
	say(`,?\s*(?:and|but|while)?\s*\b(?:all others|all other \w+)\s+to\s+`+urlMark, ", otherwise send it to $1"),
	say(`\bthe\s+(\d+)\s+(most expensive|cheapest|newest|latest|oldest|most recent)\b`, "the $2 $1"),
	say(`\b(?:drop|give|hand|send)\s+me\s+(?:the\s+\w+|it|them|that)\s+(?:at|on|via)\s+`+urlMark, "send it to $1"),
	// files of what an address gives
	sayIf(`\b(?:export|download|save|convert|turn|write|store|dump|get|fetch|put)\s+`+the+`(?:[\w-]+\s+){0,3}?(?:(?:from|at|of|on|behind)\s+)?`+urlMark+`\s+(?:as|to|into|in)\s+(?:an?\s+|the\s+)?(csv|excel|xlsx|spreadsheet|html table|json file|text file)(?:\s+(?:file|format|sheet|spreadsheet|table|workbook))?`,
		func(_ *reading, _ abilities, m []string) (string, bool) {
			return "fetch " + m[1] + ", convert it to a " + m[2] + " file", true
		}),
	say(`\b(?:read|parse|open|extract)\s+(?:the\s+|its\s+)?(?:rows of\s+|data (?:of|from)\s+)?(?:the\s+)?(?:first|second|only|sheet'?s?|work ?sheet'?s?)\s*(?:work)?(?:sheet|tab|rows|table)\b`, "read the excel file"),
	say(`\b(?:turn|convert|transform|parse|load|import|open)\s+`+the+`(csv|excel|xlsx|spreadsheet)(?:\s+(?:file|sheet))?\s+(?:at|from|of|behind|on|in)\s+`+urlMark+`(?:\s+(?:in)?to\s+(?:json|items|rows|data|records|a list))?`, "read the $1 file from $2"),
	say(`\b(?:extract|scrape|pull|parse|grab|collect)\s+((?:the\s+|all\s+|every\s+)*(?:\w+\s+)?(?:titles?|links?|head(?:ing|line)s?|images?|paragraphs?|h[1-6]|prices?)(?:(?:\s*,\s*|\s+and\s+)(?:the\s+|all\s+)*(?:\w+\s+)?(?:titles?|links?|head(?:ing|line)s?|images?|paragraphs?|h[1-6]|prices?|text))*)\s+(?:from|of|on|in)\s+`+the+`(?:\w+\s+)?(?:at\s+)?`+urlMark, "fetch $2, extract $1 from the page"),
	// where the items come from
	say(`\b(?:grab|get|take|fetch|load|show|list|pick|read)\s+(?:me\s+)?(?:only\s+)?(the\s+)?(first|last|top|newest|latest|oldest)\s+(\d+)\s+(`+oneOf+`|\w+)?\s*(?:of|from|in|at|on)\s+(?:the\s+)?(?:\w+\s+(?:at|from)\s+)?`+urlMark, "fetch $5, take the $2 $3 $4"),
	sayIf(`\b(send|forward|post|push|pass|relay|submit)\s+(?:me\s+)?(?:only\s+|just\s+|all\s+)?`+the+`(?:\w+\s+)?(`+oneOf+`|\w+s)\s+(?:whose|where|with|that (?:have|has|are)|having|which (?:have|has|are))\s+([^.;,\n]{3,60}?)\s+(?:on\s+)?to\s+`+urlMark,
		func(r *reading, _ abilities, m []string) (string, bool) {
			c, ok := r.condition(m[3])
			if reElseSaid.MatchString(r.text) {
				return "if " + m[3] + ", " + m[1] + " it to " + m[4], ok && r.specific(c)
			}
			return "keep only items where " + m[3] + ", " + m[1] + " them to " + m[4], ok && r.specific(c)
		}),
	sayIf(`\b(keep|take|select|pick|choose|drop|remove|exclude|ignore|skip|discard)\b\s+(?:only\s+)?[^,.;()«\n]{0,40}\(\s*([^()«\n]{3,60})\)`,
		func(r *reading, _ abilities, m []string) (string, bool) {
			c, ok := r.condition(m[2])
			return m[1] + " items where " + m[2], ok && r.specific(c)
		}),
	say(`\b(?:combine|merge|join|concatenate|unite|put together|collect)\s+(?:the\s+)?(?:\w+\s+(?:from|of|at)\s+)?`+urlMark+`\s+(?:and|with)\s+(?:the\s+)?(?:\w+\s+(?:from|of|at)\s+)?`+urlMark+`\s+(?:in)?to\s+(?:one|a single|a)\s+(?:\w+\s+)?(?:list|array|table|set|feed|catalog(?:ue)?)\b`, "fetch $1 and $2, merge them"),
	say(`\b(?:loop|iterate|go|run)\s+(?:through|over)\s+`+the+`(?:\w+\s+(?:from|at|of|in|on)\s+)?`+urlMark+`\s*,?\s*(?:and\s+)?(?:for (?:each|every)(?: one| of them| \w+)?\s*,?\s*)?`, "fetch $1. For each item, "),
	say(`\s*,?\s*(?:and\s+)?waiting\s+(\w+)\s+(seconds?|minutes?|hours?)\s+(?:in\s+)?(?:between|after)\s+(?:each\s+|every\s+|the\s+|two\s+)?(?:calls?|requests?|them|items?|one|each)\b`, ", wait $1 $2"),
	say(`\s*[;,.]\s*(?:and\s+|but\s+)?`+the+`(?:smaller|larger|bigger|lower|higher|cheaper|other|remaining|older|newer)\s+(?:ones|`+oneOf+`)\s+(?:(?:can|may|should|must)\s+)?(?:go(?:es)?|are sent|be sent)\s+(?:straight\s+|directly\s+)?to\s+`+urlMark, ", otherwise send it to $1"),
	say(`\b(and|then)\s+(post|call|report|store|check|upload|email|message|log|record|request)s\s+(each|every|the|it|them|all|that|this|an?|both)\b`, "$1 $2 $3"),
	sayIf(`\b(?:parses?|(?:turns?|converts?|transforms?)(?:\s+(?:it|them)\s+(?:in)?to\s+json\b)?)(?:\s+(?:it|them|the (?:file|content|response|data|download))\b)?`, func(r *reading, _ abilities, m []string) (string, bool) {
		if !lazily(`(?i)^parses?\s|json$`).MatchString(m[0]) {
			return "", false
		}
		kind := ""
		for _, u := range r.every("u", r.text) {
			if m := reExtension.FindStringSubmatch(u); m != nil {
				kind = map[string]string{"csv": "read the csv file", "xlsx": "read the excel file", "ics": "read the ics file", "xml": "convert the xml to json", "rss": "convert the xml to json"}[strings.ToLower(m[1])]
				break
			}
		}
		return kind, kind != ""
	}),
	say(`\b(web ?hook|endpoint)(\s+(?:/[\w/:-]+|«q\d+»))?\s+(?:receives|gets|is sent|is given)\s+(?:some\s+|new\s+|any\s+|an?\s+)?(?:data|something|requests?|calls?|payloads?|posts?|json|orders?|messages?)\b`, "$1$2 is called"),
	say(`\b(?:compute|calculate|create|make|take|generate|build|add)\s+(?:the|a|an)\s+(md5|sha-?\d+)(?:\s+(?:hash|digest|checksum))?\s+(?:of|for|from|over)\s+(?:the\s+)?(?:field\s+)?(\w+)(?:\s+field)?`, "hash the field $2 with $1"),
	// forms, and results that are looked at
	say(`\bask\s+(?:me|the user|users|people|someone|somebody|customers|them)\s+for\s+([\w ,'-]{2,60}?)\s+(?:with|in|through|by|using|via|on)\s+an?\s+(?:\w+\s+)?form\b\s*[,.;]?\s*(?:and\s+)?(?:then\s+)?`, "when a form with $1 is submitted, "),
	say(`\s*(?:,|\band\b|\bthen\b|,\s*and)\s+(?:then\s+)?(?:show|display|print|give|tell)\s+(?:me\s+)?(?:the\s+)?(?:result|results|output|outcome|it|them|everything|answer|response)\s*(?:\.|$)`, ""),
	say(`\b(?:show|display|print|tell)\s+(?:me\s+)?(?:only\s+)?the\s+(\w+(?:(?:\s*,\s*|\s+and\s+)(?:the\s+)?\w+)*)\s*(?:\.|$)`, "keep only the fields $1"),
	say(`\b(?:take|use|load|consume|start (?:with|from)|begin with|go through|open)\s+`+the+`(?:[\w-]+\s+){1,3}?(?:from|at|of|on|behind|returned by)\s+`+urlMark, "fetch $1"),
	say(`\b(?:take|use|consume|go through)\s+`+urlMark, "fetch $1"),
	say(`\b(?:look|have a look|take a look|peek)\s+(?:at|into)\s+`+urlMark, "fetch $1"),
	sayIf(`\b(send|post|forward|push|publish|share|write|put|save|copy|insert|append|add|store|upload|sync|log)\s+`+the+`(?:[\w-]+\s+){0,3}?(?:(?:of|from|at|returned by|behind)\s+)?`+urlMark+`\s+(to|into|in|on|via|with|through)\s+([^.;,«\n]+)`,
		func(_ *reading, can abilities, m []string) (string, bool) {
			return "fetch " + m[2] + ", " + m[1] + " it " + m[3] + " " + m[4], can.missing(m[4]) != ""
		}),
	// who gets what
	sayIf(`\b(?:send|forward|post|pass|route|put|direct)\s+`+the+`(?:everyone|everybody|people|persons|users|customers|visitors|guests|applicants|those|anyone|members|kids|patients|students|employees)\s+(?:who (?:is|are)\s+|aged\s+)?(over|above|older than|under|below|younger than|at least)\s+(?:the age of\s+)?(\d+)(?:\s+years(?: old)?)?\s+(?:in)?to\s+`+urlMark,
		func(_ *reading, _ abilities, m []string) (string, bool) {
			op := map[string]string{"over": ">", "above": ">", "older than": ">", "under": "<", "below": "<", "younger than": "<", "at least": ">="}[strings.ToLower(m[1])]
			return "if age " + op + " " + m[2] + ", send it to " + m[3], true
		}),
	say(`,?\s*(?:and|but|while)?\s*\b(?:everyone|everybody|anyone|anybody|everything|anything|all)\s+else\s+(?:(?:must|should|will)\s+)?(?:(?:goes?|be sent|is sent|are sent|gets? sent)\s+)?to\s+`+urlMark, ", otherwise send it to $1"),
	say(`,?\s*(?:and|but|while)?\s*\b(?:the (?:rest|others|remaining ones)|all others|others|everything else|anything else|everyone else)\s+(?:is|are|gets?|get|can be|should be|will be|may be)\s+(?:simply\s+|just\s+)?(?:ignored|dropped|skipped|discarded|left alone|thrown away)`, ", otherwise do nothing"),
	sayIf(`\b`+the+`(?:[a-z-]+\s+)?`+oneOf+`\s*\(\s*([^()«\n]{3,60})\)\s*`+goesTo+`\s+`+urlMark, goesWhere),
	sayIf(`\b`+the+oneOf+`\s+(?:with|whose|where|that (?:have|has|are)|having|which (?:have|has|are))\s+([^.;,«\n]{3,60}?)\s+`+goesTo+`\s+`+urlMark, goesWhere),
	// a key that one request gives and the next needs
	sayIf(`\b(?:and\s+)?(?:then\s+)?(?:use|take|with|using)\s+(?:the\s+|its\s+|that\s+)?(?:returned\s+|resulting\s+|received\s+|new\s+|given\s+)?(\w*(?:token|jwt|session_id|api_key)\w*)(?:\s+(?:from|in|of)\s+(?:the\s+|its\s+|that\s+)?(?:response|answer|reply|result|it))?\s+(?:to|and|for|when)\s+(?:get|fetch|call|request|query|load|read)\s+`+the+`(?:\w+\s+){0,2}?(?:from\s+)?`+urlMark,
		func(r *reading, _ abilities, m []string) (string, bool) {
			return ", fetch " + m[2] + " with header " + r.aside("q", "Authorization: Bearer {{"+m[1]+"}}"), true
		}),
}

var (
	reElseSaid   = lazily(`(?i)\b(?:otherwise|else|the rest|the others|all others|others)\b`)
	reExtension  = lazily(`(?i)\.(csv|xlsx|ics|xml|rss)(?:$|[?#])`)
	reFirstStep  = lazily(`(?:^|[:\s])1[.)]\s`)
	reSecondStep = lazily(`\s2[.)]\s`)
	reStartWords = lazily(`(?i)\b(?:web ?hooks?|endpoints?|api|forms?|every|each|daily|hourly|weekly|monthly|nightly|when(?:ever)?|if|on|at|once|after|step)\b`)
	reRepeats    = lazily(`(?i)\b(?:every|each|daily|hourly|weekly|monthly|nightly|when(?:ever)?|once an?)\b|cron`)
)

// window reads "on weekdays between 9 and 17" as a cron expression.
func window(r *reading, _ abilities, m []string) (string, bool) {
	hour := func(n, half string) string {
		h, _ := strconv.Atoi(n)
		if strings.EqualFold(half, "pm") && h < 12 {
			h += 12
		}
		return strconv.Itoa(h % 24)
	}
	minute, days := "0", "*"
	if n := lazily(`\d+`).FindString(m[2]); n != "" {
		minute = "*/" + n
	}
	if !strings.HasPrefix(strings.ToLower(m[1]), "day") {
		days = "1-5"
	}
	return "on the schedule " + r.aside("k", minute+" "+hour(m[3], m[4])+"-"+hour(m[5], m[6])+" * * "+days) + ", ", true
}

// goesWhere reads "tickets with priority high go to …".
func goesWhere(r *reading, _ abilities, m []string) (string, bool) {
	c, ok := r.condition(m[1])
	return "if " + m[1] + ", send it to " + m[2], ok && r.specific(c)
}

var chineseRephrasings = []rephrasing{
	say(`(当|每当|一旦|每次)\s+`, "$1"),
	sayIf(`(^|[，。；,;])\s*([^，。；,;«如若当]{1,12}`+overZh+`[^，。；,;«]{0,12}?)(?:的|时|则|就|就要)?(?:需要|需|要|由|请|让)([\p{Han}]{0,4}(?:审批|审核|批准))`, func(r *reading, _ abilities, m []string) (string, bool) {
		c, ok := r.condition(m[2])
		return m[1] + "如果" + m[2] + "，请" + m[3], ok && r.specific(c)
	}),
	say(`(?:检查|判断|看看?)\s*([\p{L}\w.]+?)\s*是否为空\s*[，,]\s*(?:如果|若)?为空(?:则|就|时)?([^，。；,;]+)[，,；;]\s*(?:如果|若)?不为空(?:则|就|时)?`, "如果 $1 为空，$2，否则"),
	say(`(?:用|通过)\s*(webhook|接口)\s*(/[\w/:-]+)?\s*接收(?:数据|请求|消息|订单|内容)?`, "当$1 $2 被调用时"),
	say(`(^|[，。；])(?:如果|若)?(?:不可用|无法访问|访问失败|不通|打不开|挂了)(?:时|了|的话|就|则)+`, "$1如果失败，"),
	say(`未满\s*(\d+)\s*岁?`, "年龄小于$1"),
	sayIf(`(?:计算|求|算出?)\s*([A-Za-z_]\w*)\s*(加上?|减去?|乘以?|除以)\s*([A-Za-z_]\w*)\s*(?:的(?:和|差|积|商|结果))?\s*(?:并且?|然后|再|，|,)*\s*返回(?:结果)?`, func(_ *reading, _ abilities, m []string) (string, bool) {
		op := map[string]string{"加": "+", "减": "-", "乘": "*", "除": "/"}[string([]rune(m[2])[:1])]
		return "返回 " + m[1] + " " + op + " " + m[3], true
	}),
	say(`(?:循环|逐页|翻页|分页)(?:调用|请求|获取|读取)\s*(«u\d+»)\s*[，,]?\s*(?:每页\s*\d+\s*条\s*[，,]?)?\s*(?:直到(?:没有(?:更多)?(?:的)?数据|最后一页|为空|取完)(?:为止)?\s*[，,]?)?`, "获取 $1 所有页，"),
	say(`汇总(?:所有|全部)?(?:的)?(?:结果|数据)?(?:之?后|起来)?(`+sendsZh+`)`, "合并结果，$1"),
	say(`(/[\w/:-]+)\s*(?:这个|该|的|这一)?\s*(webhook|接口|端点|地址)`, "$2 $1 "),
	sayIf(`(?:检查|判断|看看?|查看|确认)\s*([^，。；,;«]{1,24}?)\s*是否\s*(等于|大于|小于|超过|低于|高于|少于|多于|包含|为空|为|是)\s*([^，。；,;]{0,24}?)\s*[，。；,;]\s*(?:如果)?(?:是(?:的话)?|满足|成立|符合)[，,]?(?:就|则|那么)?`,
		func(r *reading, _ abilities, m []string) (string, bool) {
			_, ok := r.condition(m[1] + m[2] + m[3])
			return "如果 " + m[1] + m[2] + m[3] + "，", ok
		}),
	say(`(?:检查|检测|监控|测试|看看?)\s*(«u\d+»)\s*是否(?:还)?(?:可以|能够?)?(?:正常)?(?:访问|在线|可用|正常|打开|响应|工作|运行)?`, "获取 $1"),
	say(`(?:如果|若|当|一旦)\s*(«u\d+»)\s*(?:无法访问|访问不了|不可用|不通|打不开|挂了|宕机|没有?响应|不正常|出错|失败|超时)(?:了|时|的话)?[，,]?(?:就|则)?`, "获取 $1，如果失败，"),
	say(`(?:如果|若|一旦)(?:它|网站|服务|接口|服务器)?(?:无法访问|访问不了|不可用|不通|打不开|挂了|宕机|没有?响应|不正常)(?:了|时|的话)?`, "如果失败"),
	say(`(?:把|将)\s*(«u\d+»)\s*(?:和|与|跟|、|及)\s*(«u\d+»)\s*(?:返回|里|中)?的?(?:数据|结果|订单|用户|内容|列表)?\s*((?:按照?|根据|以|用)[^，。«]{1,20}?)?\s*(?:合并|关联|拼接)(?:起来|到一起|在一起)?(?:之?后|，|,|并|再)?`, "获取 $1 和 $2，$3合并，"),
	sayIf(`(?:把|将)\s*(«u\d+»)\s*(?:里面?|中|上|返回|接口|页面)*的?\s*([^，。；,;\s«到给]?[^，。；,;«]*)`,
		func(_ *reading, can abilities, m []string) (string, bool) {
			rest := strings.TrimSpace(m[2])
			away := can.missing(rest) != ""
			return "获取 " + m[1] + "，把" + rest, rest != "" && (away || lazily(`改名|重命名|改为|导出|转换?为|转成|保存为|排序|去重|筛选|过滤|删除|去掉|保留|统计|求和`).MatchString(rest))
		}),
	sayIf(`对\s*(«u\d+»)\s*(?:里面?|中|返回)?的?每一?[个条项笔位][\p{Han}]{0,4}[，,]\s*`, func(_ *reading, _ abilities, m []string) (string, bool) { return "获取 " + m[1] + "，逐个", true }),
	say(`[，,]\s*(?:每次|每个之间|中间|其间)(?:间隔|等待?|停顿?|暂停)\s*(\d+|[一二两三四五六七八九十]+)\s*(秒|分钟)`, "，等待$1$2"),
	sayIf(`(^|[，。；,;])\s*([^，。；,;«]{1,12}`+overZh+`[^，。；,;«]{0,12}?)的(?:[\p{Han}]{0,4}?)(?:就|则|都|直接)?(`+sendsZh+`)\s*(«u\d+»)`, ifZh),
	sayIf(`(^|[，。；,;])\s*([^，。；,;«如若当]{0,12}`+overZh+`[^，。；,;«]{0,12}?)(?:(?:时|的时候|的话)(?:就|则|便)?|就|则|便)(`+sendsZh+`)\s*(«u\d+»)`, ifZh),
	sayIf(`(^|[，。；点时分天晚早上午\s])([\p{Han}]{2,6})[：:]\s*`, func(_ *reading, _ abilities, m []string) (string, bool) {
		return m[1] + "，", !lazily(`字段|包含|包括|填写|内容|表单|返回|消息|标题|主题|名|为|是|路径|代码|问题|如果|否则|其他|分流|路由|分发|分支|分别|处理|分类|判断`).MatchString(m[2])
	}),
	say(`((?:webhook|接口|端点)\s*(?:/[\w/:-]+\s*)?)收到(?:新的?)?[\p{Han}]{1,4}(?:之?后|时|的时候)`, "$1被调用时"),
	say(`收到([\p{Han}]{0,4}表单)`, "提交$1"),
	sayIf(`(?:把|将|对|从)?\s*(«u\d+»)\s*(?:中|里|里面|返回)的?\s*([^，。；«]{1,16}?`+overZh+`[^，。；«]{1,12}?)的(?:[\p{Han}]{0,4}?)(按|根据|统计|去重|排序|`+sendsZh+`)`,
		func(r *reading, _ abilities, m []string) (string, bool) {
			c, ok := r.condition(m[2])
			return "获取 " + m[1] + "，只保留" + m[2] + "的数据，" + m[3], ok && r.specific(c)
		}),
	say(`((?:取|保留|留下?|返回|选出?|截取|只要|的?)(?:前|后|最后)\s*[\d一二两三四五六七八九十]+\s*(?:个|条|项|名|笔|位|份|行|篇)(?:数据|记录|订单|结果|用户)?|合并(?:所有|全部)?(?:的)?(?:结果|数据)?|汇总(?:所有|全部)?(?:的)?(?:结果|数据)|去重|排序)(发送|推送|提交|保存|导出|写入|存到|发到|发给|通知|POST)`, "$1，$2"),
}

var (
	reBareZh        = lazily(`^\s*` + overZh)
	reFieldBeforeZh = lazily(`(?:^|[，。；,;]|如果|若|当)\s*([\p{L}_][\p{L}\p{N}_.]*?)\s*` + overZh)
)

// ifZh reads "价格大于100的发送到 …".
func ifZh(r *reading, _ abilities, m []string) (string, bool) {
	if reBareZh.MatchString(m[2]) { // "低于 50": of the field spoken of before
		if f := reFieldBeforeZh.FindStringSubmatch(r.text); f != nil {
			m[2] = f[1] + " " + m[2]
		}
	}
	c, ok := r.condition(m[2])
	return m[1] + "如果" + m[2] + "，就" + m[3] + " " + m[4], ok && r.specific(c)
}

// bracedGroups lets a group be followed by a letter.
var bracedGroups = strings.NewReplacer("$1", "${1}", "$2", "${2}", "$3", "${3}", "$4", "${4}", "$5", "${5}")

// rephrase brings the request's ways of saying things to those that the rest
// of the rules know.
func (r *reading) rephrase(can abilities) {
	if m := reFormNamed.FindStringSubmatchIndex(r.text); m != nil {
		r.form = r.parts[r.text[m[2]:m[3]]]
		r.text = r.text[:m[0]] + "form" + r.text[m[1]:]
	}
	list := englishRephrasings
	if r.lang == "zh" {
		list = append(append([]rephrasing(nil), chineseRephrasings...), englishRephrasings...)
	}
	for _, p := range list {
		r.text = p.re.ReplaceAllStringFunc(r.text, func(s string) string {
			m := p.re.FindStringSubmatchIndex(s)
			if p.with == nil {
				return string(p.re.compiled().ExpandString(nil, bracedGroups.Replace(p.to), s, m))
			}
			if out, ok := p.with(r, can, groups(s, m)); ok {
				return out
			}
			return s
		})
	}
	r.afterForm()
}

func groups(s string, m []int) []string {
	out := make([]string, len(m)/2)
	for i := range out {
		if m[2*i] >= 0 {
			out[i] = s[m[2*i]:m[2*i+1]]
		}
	}
	return out
}

var (
	reFormNamed = lazily(`(?i)\bform\s+(?:called\s+|named\s+|titled\s+)?(«q\d+»)`)
	reFormSaid  = lazily(`(?i)\bform\b|表单`)
	reSubmitted = lazily(`(?i)\s*[,;.]?\s*(?:and\s+)?\b(?:when|once|after|on|upon|as soon as)\s+(?:it(?:'s| is| has been| gets)?\s+|someone\s+|somebody\s+)?(?:being\s+)?(?:submit(?:ted|s|ting|ssion)?|filled (?:in|out)|sent)\s*(?:it\s*)?[,:]?\s*|[，,。；]\s*(?:用户|客户|有人|对方)?(?:提交|填写|填完|填好|填写并提交)(?:完成?|成功|了)?(?:之后|以后|后|时|的时候)[，,]?\s*`)
)

// afterForm takes out "when it is submitted" behind a form: that is when a
// form starts its workflow anyway.
func (r *reading) afterForm() {
	form := reFormSaid.FindStringIndex(r.text)
	if form == nil {
		return
	}
	at := reSubmitted.FindStringIndex(r.text[form[1]:])
	if at == nil || strings.TrimSpace(r.text[form[1]+at[1]:]) == "" {
		return
	}
	sep := ". "
	if r.lang == "zh" {
		sep = "。"
	}
	r.text = r.text[:form[1]+at[0]] + sep + r.text[form[1]+at[1]:]
}
