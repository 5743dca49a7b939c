package planner

import (
	"strings"
)

const (
	whenWord = `(?:when(?:ever)?|as soon as|once|every time|each time|any ?time|after|on|upon|if|for (?:each|every)|triggered by|starts? (?:with|when|on|from)|in response to)`
	comesIn  = `(?:comes? in|arrives?|is received|are received|is (?:called|hit|triggered|invoked|posted|sent|made|fired|requested)|gets? (?:called|hit|triggered|invoked)|fires|received|triggers|called|hits?|happens|coming in|lands)`
)

var eventPatterns = []struct {
	kind string
	re   *pattern
}{
	{"error", lazily(`(?i)\b` + whenWord + `\s+(?:a|any|another|one of my|some|my)\s+(?:other\s+)?(?:workflows?|executions?|automations?)(?:\s+runs?)?\s+(?:fails?|has an error|goes wrong|errors?(?: out)?|breaks|crashes)\b`)},
	{"error", lazily(`(?:当|每当|如果)?(?:某个|任何|任一|其他|别的|另一个|有)?工作流(?:程)?(?:运行|执行)?(?:失败|出错|报错|异常)(?:时|的时候|后|了)?`)},
	{"sub", lazily(`(?i)\b(?:` + whenWord + `\s+)?(?:it is |it's |this is )?(?:called|invoked|started|triggered|run) (?:by|from) (?:another|other|a different|a parent|my other) workflows?\b|\b(?:a |reusable )?sub-?workflow that\b|\b` + whenWord + `\s+another workflow calls (?:it|this)\b|\bas a (?:reusable )?sub-?workflow\b`)},
	{"sub", lazily(`(?:当|每当)?被(?:其他|别的|另一个|其它)工作流(?:程)?(?:调用|触发)(?:时|的时候|后)?|作为子(?:工作流|流程)`)},
	{"chat", lazily(`(?i)\b` + whenWord + `\s+(?:a |an |the |new |any |i get a |someone sends a |a user sends a |the user sends a )*(?:new )?chat(?: message)?(?:\s+` + comesIn + `)?\b|\b(?:build|make|create)?\s*(?:me )?(?:a |an )?(?:ai )?chat ?bot (?:that|which)\b|\b` + whenWord + `\s+(?:someone|a user|the user|somebody) (?:chats|writes in the chat|types in the chat|sends a chat message)\b`)},
	{"chat", lazily(`(?:当|每当)?(?:收到|有(?:新的?)?)(?:新的?)?聊天(?:消息|信息)?(?:时|的时候|后)?|聊天机器人`)},
	{"form", lazily(`(?i)\b(?:` + whenWord + `\s+)(?:an?|the|my|our)\s+(?:[\w-]+ ){0,2}form\s*\(?\s*(?:with|asking for|that asks for|containing|for)\s+(?:the\s+|an?\s+)?(?:fields?\s+)?[\w ,&-]+?\)?\s+(?:is|gets|was)\s+(?:submitted|filled(?: in| out)?|sent|completed|received)`)},
	{"form", lazily(`(?i)\b(?:` + whenWord + `\s+)(?:someone|somebody|an? [\w-]+|people|the (?:user|customer|visitor)|anyone|users|visitors|customers)\s+(?:fills?(?:s)?(?: in| out)?|submits?|completes?|sends?)\s+(?:in |out )?(?:an?|the|my|our|this)?\s*(?:[\w-]+ ){0,2}form\b|\b` + whenWord + `\s+(?:an?|the|my|our)\s+(?:[\w-]+ ){0,2}form (?:submission )?(?:is |gets )?(?:submitted|filled(?: in| out)?|sent|completed|` + comesIn + `)|\b(?:make|create|build|show|set up|start with|offer|publish|have|provide|with|use|from|collect (?:\w+ ){0,4}(?:with|through|by|via|using))\s+(?:me )?(?:an?|the)\s+(?:[\w-]+ ){0,2}(?:form)\b|\b(?:an?|the) (?:[\w-]+ ){0,2}form (?:that )?(?:asks|asking|with|for|collects)\b|\bon form submi(?:ssion|t)\b`)},
	{"form", lazily(`(?:当|每当)?(?:有人|用户|客户|访客|顾客)?(?:填写完?|提交|填完|填好)(?:了)?(?:一个|这个)?[\p{Han}]{0,6}?表单(?:后|时|的时候|之后)?|(?:做|创建|建|制作|用|通过|提供|来)(?:一个|个)?[\p{Han}]{0,6}?表单|表单(?:被)?提交(?:后|时|之后)?`)},
	{"webhook", lazily(`(?i)\b(?:` + whenWord + `\s+)(?:my |our |the |a |an |any |new |incoming |some |i get an? |i receive an? |we receive an? |it receives an? |receiving an? )*(?:(?:get|post|put|patch|delete)\s+)?(?:incoming )?(?:web ?hooks?|http calls?|http requests?|api calls?|requests?|calls?|post|callbacks?|payloads?|endpoint|url)(?:\s+(?:call|request|event))?(?:\s+(?:of|to|on|at)\s+(?:the\s+|my\s+|a\s+)?(?:web ?hook|endpoint|url))?(?:\s+(?:path\s+)?(?:/[\w/:-]+|«q\d+»))?(?:\s+with [\w, ]+?)?(?:\s+` + comesIn + `)?(?:\s+(?:(?:at|on|to|under|with)\s+)?(?:the )?(?:path |url |address |endpoint )?(?:/[\w/:-]+|«q\d+»))?(?:\s+` + comesIn + `)?`)},
	{"webhook", lazily(`(?i)\b(?:` + whenWord + `\s+)(?:someone|somebody|a client|a system|another (?:system|service|app)|an external (?:system|service)|my (?:\w+ )?(?:shop|app|site|website|server|system|backend|service))\s+(?:calls|posts|sends|hits|makes|does)\s+(?:(?:a|an|the|some|data|json)\s+)*(?:(?:get|post|put)\s+)?(?:request |data |json |call )*(?:to )?(?:(?:the|a|an|this|our|my)\s+)?(?:web ?hook|endpoint|url|address|path|api|it)?(?:\s+(?:at|to|on|under))?(?:\s*(?:path\s+)?(?:/[\w/:-]+|«q\d+»))?`)},
	{"webhook", lazily(`(?i)\b(?:make|create|build|expose|provide|set ?up|offer|add|receive|accept|take|listen (?:on|for|to)|open|start with|i need|i want|have|catch)\s+(?:me )?(?:an?|the|incoming)?\s*(?:(?:simple|small|public|new|rest|http|json)\s+)*(?:(?:get|post|put|patch|delete)\s+)?(?:web ?hooks?(?: url)?|endpoint|api(?: endpoint)?|http (?:endpoint|requests?|calls?)|post requests?|get requests?|route)(?:\s+(?:(?:at|on|under|with|for|called|named)\s+)?(?:the )?(?:path |url )?(?:/[\w/:-]+|«q\d+»))?(?:\s+(?:that|which|to))?\b`)},
	{"webhook", lazily(`(?i)^(?:an?\s+)?(?:incoming\s+)?(?:(?:get|post|put)\s+)?(?:web ?hook|http endpoint|post request|api endpoint)s?(?:\s+(?:at|on|under|with)?\s*(?:path )?(?:/[\w/:-]+|«q\d+»))?(?:\s+(?:` + comesIn + `|that|which))?\b|\b(?:on|via|by|through|from)\s+(?:an?\s+|the\s+)?(?:incoming\s+)?web ?hooks?(?:\s+(?:call|request|event))?(?:\s+(?:at|on)?\s*(?:path )?(?:/[\w/:-]+|«q\d+»))?`)},
	{"webhook", lazily(`(?:当|每当|一旦|每次)?(?:我|系统|接口|服务器)?(?:收到|接收到?|接到|有(?:新的?)?|来了?|监听)(?:一个|到|新的?|外部的?)*\s*(?i:GET|POST|PUT|DELETE|HTTP)?\s*(?i:webhook|web hook|钩子|HTTP\s*请求|请求|回调|API\s*调用|接口调用)\s*(?:调用|请求|回调|到达|进来|到来|触发|数据|消息|的)*\s*(?:/[\w/:-]+)?\s*(?:时|的时候|后|之后)?(?:[，,]?\s*路径(?:是|为|：|:)?\s*(?:/[\w/:-]+|«q\d+»|[\w-]+))?`)},
	{"webhook", lazily(`(?:当|每当)?(?i:webhook|web hook|钩子|接口|端点)\s*(?:/[\w/:-]+\s*)?(?:被(?:调用|触发|请求|访问)|触发|来了|到达|收到(?:请求|数据|调用)?)(?:时|的时候|后|之后)?|(?:做|创建|建|提供|暴露|开放|写|搭|新建|用|通过)(?:一个|个)?\s*(?i:webhook\s*(?:接口|地址|端点)?|(?:http|api|post|get)?\s*(?:接口|端点))(?:\s*/[\w/:-]+)?(?:触发|接收)?`)},
	{"webhook", lazily(`(?:当|每当|一旦)?有(?:人|系统|程序|服务)?(?:调用|请求|访问|POST|向|往)\s*(?:这个|我的|到)?\s*(?:接口|地址|端点|(?i:webhook))?\s*(?:/[\w/:-]+)\s*(?:发(?:送)?(?:POST|GET)?(?:请求|数据))?(?:时|的时候|后)?`)},
	{"manual", lazily(`(?i)\b(?:` + whenWord + `\s+)(?:i|someone|a user|we|the user|somebody)\s+(?:click|clicks|press|presses|start|starts|run|runs|trigger|triggers|push|pushes|launch|launches|execute|executes|want|ask)(?:\s+(?:it|this|the (?:workflow|button)|run|start|a button|on run|it to))?(?:\s+(?:by hand|manually|myself))?\b|\b(?:started|run|triggered|start it|run it|trigger it|launched|executed)\s+(?:it\s+)?(?:manually|by hand|on demand)\b|^(?:manually|by hand|on demand)\b|\bmanual(?:ly)?(?:\s+(?:trigger(?:ed)?|start(?:ed)?|run))\b|\bon (?:a )?(?:button )?click\b|\bwith a manual trigger\b|\b(?:by hand|on demand|manually)$`)},
	{"manual", lazily(`(?:当|每当)?(?:我|用户)?(?:手动|人工|点击|按下)(?:运行|执行|触发|启动|按钮|开始)*(?:时|的时候|后)?`)},
}

var (
	rePath       = lazily(`/([A-Za-z][\w/:-]*)`)
	rePathSaid   = lazily(`(?i)(?:^|[\s,，])(?:at|on|under|with|to|路径(?:是|为|：|:)?)\s*(?:the )?(?:path|address|url|endpoint)?\s*(?:is |called |named )?(/[A-Za-z][\w/:-]*|«q\d+»)`)
	reMethod     = lazily(`(?i)\b(GET|POST|PUT|PATCH|DELETE)\b`)
	reFormFields = lazily(`(?i)^\s*[,，]?\s*(?:\(|（)?\s*(?:that |which |and |to )?(?:asks?(?: for)?|asking(?: for)?|with|has|having|collects?|for|containing|包含|包括|询问|收集|填写|有|字段(?:有|是|为|包括)?|要求填写)\s*(?:the |a |an )?(?:fields?|inputs?|questions?|字段)?\s*(?:named |called |for |[:：])?\s*([^.;。；\n)）]+?)(?:\)|）|[.;。；\n]|$|,?\s+(?:and\s+)?(?:then|send|post|when|store|save|forward|filter|respond|if|is|are|comes|gets)\b|[，,]?\s*(?:然后|把|发送|并|提交|后|，))`)
)

// event cuts out what starts the workflow, where it is no time.
func (r *reading) event() (trigger, bool) {
	best, loc := -1, []int(nil)
	for i, p := range eventPatterns {
		at := p.re.FindStringIndex(r.text)
		if at == nil || strings.HasPrefix(r.text[at[1]:], "'") || p.kind == "webhook" && notEvent(r.text[at[0]:at[1]]) {
			continue
		}
		if loc == nil || at[0] < loc[0] || at[0] == loc[0] && at[1] > loc[1] && p.kind == eventPatterns[best].kind {
			best, loc = i, at
		}
	}
	if best >= 0 {
		p := eventPatterns[best]
		t := trigger{kind: p.kind, about: r.plain(r.text[loc[0]:loc[1]])}
		from, to := loc[0], loc[1]
		switch p.kind {
		case "form":
			if m := lazily(`(?i)form\s*\(?\s*(?:with|asking for|that asks for|containing|for)\s+(?:the\s+|an?\s+)?(?:fields?\s+)?(.+?)\)?\s+(?:is|gets|was)\s+\w+(?: in| out)?$`).FindStringSubmatch(r.text[from:to]); m != nil {
				t.fields = names(m[1])
			} else {
				to = r.formFields(&t, to)
			}
			if t.title = r.form; t.title == "" {
				t.title = formTitle(t.about)
			}
		case "webhook":
			words := r.text[from:to]
			if m := rePathSaid.FindStringSubmatchIndex(r.text[to:]); m != nil && m[0] == 0 {
				words += r.text[to : to+m[1]]
				to += m[1]
			}
			if q := r.first("q", words); q != "" {
				t.path = strings.Trim(q, "/")
			} else if m := rePath.FindStringSubmatch(words); m != nil {
				t.path = m[1]
			} else if m := lazily(`路径(?:是|为|：|:)?\s*([\w-]+)$`).FindStringSubmatch(words); m != nil {
				t.path = m[1]
			}
			t.path = strings.Trim(t.path, ":/")
			t.method = strings.ToUpper(reMethod.FindString(words))
			if m := lazily(`(?i)^(?:\s*(?:with|时|的时候|后|之后|comes in|arrives|is received|,))+`).FindString(r.text[to:]); m != "" && !lazily(`(?i)with\b`).MatchString(m) {
				to += len(m)
			}
		}
		r.cut(from, to)
		return t, true
	}
	return trigger{}, false
}

// notEvent is true for words that look like an event and are an action:
// "for each request" and "on call" without anything else.
func notEvent(s string) bool {
	return lazily(`(?i)^(?:if|for each|for every|after|on|once) (?:the |a )?(?:requests?|calls?|post|url|endpoint)$`).MatchString(strings.TrimSpace(s))
}

// formFields reads the names behind a form and returns where they end.
func (r *reading) formFields(t *trigger, from int) int {
	if m := lazily(`^\s*[（(](?:(?:with|fields?|字段|包含|包括)[:：]?\s*)?([^)）]+)[)）]\s*(?:后|时|之后|的时候)?`).FindStringSubmatchIndex(r.text[from:]); m != nil {
		t.fields = names(r.text[from+m[2] : from+m[3]])
		return from + m[1]
	}
	m := reFormFields.FindStringSubmatchIndex(r.text[from:])
	if m == nil {
		return from
	}
	list := cutAt(r.text[from+m[2]:from+m[3]], reEnglishSeparator, reEnglishOpener)[0]
	m[3] = m[2] + len(list)
	t.fields = names(list)
	for i, f := range t.fields {
		t.fields[i] = r.plain(f)
	}
	if len(t.fields) == 0 {
		return from
	}
	return from + m[3]
}

func formTitle(about string) string {
	m := lazily(`(?i)\b(?:an?|the|my|our|this)\s+((?:[\w-]+ )?form)\b`).FindStringSubmatch(about)
	if m == nil || strings.EqualFold(m[1], "form") {
		if m := lazily(`(?:一个|个|填写|提交)([\p{Han}]{2,6}表单)`).FindStringSubmatch(about); m != nil {
			return m[1]
		}
		return ""
	}
	return strings.ToUpper(m[1][:1]) + m[1][1:]
}

var reNames = lazily(`(?i)\s*(?:,\s*(?:and|or)\s+|,|\band\b|&|、|，|和|与|及|以及|还有|\bplus\b)\s*`)

// names reads a list of names: "name, email and phone".
func names(s string) []string {
	var out []string
	for _, n := range reNames.Split(s, -1) {
		n = strings.TrimSpace(reDeterminer.ReplaceAllString(strings.Trim(n, " .:：()（）")+" ", ""))
		n = strings.TrimSpace(reFieldWord.ReplaceAllString(n, ""))
		n = reFieldZhEnd.ReplaceAllString(n, "")
		n = lazily(`^(?:字段|the )`).ReplaceAllString(n, "")
		if n != "" && len(strings.Fields(n)) <= 4 {
			out = append(out, n)
		}
	}
	return out
}

var (
	reWhen   = lazily(`(?i)^(?:when(?:ever)?|as soon as|once|every time|each time|any ?time|upon|on every|on each|for every new|on new)\s+(.+)$`)
	reWhenZh = lazily(`^(?:当|每当|一旦|每次)?(.+?)(?:时|的时候|之后|后|了)$`)
	reHappen = lazily(`(?i)\b(?:arrives?|comes? in|is (?:created|added|placed|received|made|uploaded|updated|changed|paid|published|opened|closed|submitted|merged|posted|deleted)|are (?:created|added|received|uploaded)|signs? up|registers?|subscribes?|buys?|orders?|pays?|uploads?|books?|posts?|mentions?|replies|sends?|receives?|gets? (?:created|added|a new)|(?:i|we) (?:get|receive)|new)\b`)
	reNewZh  = lazily(`新(?:的)?|收到|创建|下单|注册|付款|支付|上传|发布|订阅|更新|提交|到达|添加`)
)

// happening reads a clause as something that happens elsewhere: "when a new
// order comes in". It becomes a webhook, which the other system has to call.
func (r *reading) happening(s string) (trigger, bool) {
	if m := reWhen.FindStringSubmatch(s); m != nil && reHappen.MatchString(m[1]) {
		return trigger{kind: "webhook", about: r.plain(s), path: slug(m[1])}, true
	}
	if m := reWhenZh.FindStringSubmatch(s); r.lang == "zh" && m != nil && reNewZh.MatchString(m[1]) && !strings.Contains(s, "«") {
		return trigger{kind: "webhook", about: r.plain(s)}, true
	}
	return trigger{}, false
}

// slug makes a path of the nouns in s.
func slug(s string) string {
	var out []string
	for _, w := range lazily(`[a-z0-9]+`).FindAllString(strings.ToLower(s), -1) {
		switch w {
		case "a", "an", "the", "new", "is", "in", "my", "our", "i", "we", "comes", "come", "arrives", "arrive", "get", "receive", "to", "at", "on", "of", "for", "someone", "q0", "q1", "u0":
			continue
		}
		if out = append(out, w); len(out) == 2 {
			break
		}
	}
	return strings.Join(out, "-")
}
