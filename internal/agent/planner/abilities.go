package planner

import (
	"encoding/json"
	"strings"

	"flowgate/internal/workflow"
)

// abilities is what the catalogue allows.
type abilities struct {
	types map[string]workflow.NodeType // by the name's last part, in lower case
	list  []workflow.NodeType
}

func abilitiesOf(list []workflow.NodeType) abilities {
	a := abilities{types: map[string]workflow.NodeType{}, list: list}
	for _, t := range list {
		a.types[short(t.Type)] = t
	}
	return a
}

func short(name string) string {
	return strings.ToLower(name[strings.LastIndexByte(name, '.')+1:])
}

func (a abilities) has(name string) bool {
	_, ok := a.types[strings.ToLower(name)]
	return ok
}

// newest returns the type and the version to write.
func (a abilities) newest(name string) (workflow.NodeType, float64) {
	t := a.types[strings.ToLower(name)]
	v := 1.0
	if n := len(t.Versions); n > 0 {
		v = t.Versions[n-1]
	}
	return t, v
}

// services are systems people name. A node type of the catalogue that bears
// the name does their work; the rest can only be reached over HTTP. Those with
// hook take messages at an address that they give out.
var services = []struct {
	name string
	re   *pattern
	node string
	hook bool
}{
	{"Slack", word(`slack`), "slack", true},
	{"Discord", word(`discord`), "discord", true},
	{"Microsoft Teams", word(`(?:microsoft |ms )?teams(?: channel| chat)?`), "microsoftteams", true},
	{"Telegram", word(`telegram`), "telegram", true},
	{"WhatsApp", word(`whats ?app`), "whatsapp", false},
	{"WeCom", word(`wecom|wechat work|企业微信`), "wecom", true},
	{"WeChat", word(`wechat|微信`), "wechat", false},
	{"DingTalk", word(`ding ?talk|钉钉`), "dingtalk", true},
	{"Feishu", word(`feishu|lark|飞书`), "feishu", true},
	{"Mattermost", word(`mattermost`), "mattermost", true},
	{"Google Chat", word(`google chat`), "googlechat", true},
	{"Gmail", word(`gmail`), "gmail", false},
	{"Outlook", word(`outlook`), "microsoftoutlook", false},
	{"Google Sheets", word(`google sheets?|gsheets?|google spreadsheets?|谷歌表格`), "googlesheets", false},
	{"Google Drive", word(`google drive|gdrive|谷歌云盘`), "googledrive", false},
	{"Google Calendar", word(`google calendar|谷歌日历`), "googlecalendar", false},
	{"Google Docs", word(`google docs?`), "googledocs", false},
	{"Notion", word(`notion`), "notion", false},
	{"Airtable", word(`airtable`), "airtable", false},
	{"GitHub", word(`github|git hub`), "github", false},
	{"GitLab", word(`gitlab`), "gitlab", false},
	{"Jira", word(`jira`), "jira", false},
	{"Trello", word(`trello`), "trello", false},
	{"Asana", word(`asana`), "asana", false},
	{"Linear", lazily(`\bLinear\b`), "linear", false},
	{"HubSpot", word(`hub ?spot`), "hubspot", false},
	{"Salesforce", word(`salesforce`), "salesforce", false},
	{"Stripe", word(`stripe`), "stripe", false},
	{"PayPal", word(`paypal`), "paypal", false},
	{"Shopify", word(`shopify`), "shopify", false},
	{"WooCommerce", word(`woo ?commerce`), "woocommerce", false},
	{"Zendesk", word(`zendesk`), "zendesk", false},
	{"Mailchimp", word(`mail ?chimp`), "mailchimp", false},
	{"Twilio", word(`twilio`), "twilio", false},
	{"SMS", word(`sms|text messages?|短信`), "sms", false},
	{"Twitter", word(`twitter|tweets?|推特`), "twitter", false},
	{"Facebook", word(`facebook`), "facebook", false},
	{"Instagram", word(`instagram`), "instagram", false},
	{"LinkedIn", word(`linked ?in`), "linkedin", false},
	{"YouTube", word(`youtube`), "youtube", false},
	{"Weibo", word(`weibo|微博`), "weibo", false},
	{"Spotify", word(`spotify`), "spotify", false},
	{"Dropbox", word(`dropbox`), "dropbox", false},
	{"OneDrive", word(`one ?drive`), "onedrive", false},
	{"Amazon S3", word(`(?:amazon |aws )?s3(?: bucket)?`), "awss3", false},
	{"FTP", word(`s?ftp`), "ftp", false},
	{"SSH", word(`ssh`), "ssh", false},
	{"PostgreSQL", word(`postgres(?:ql)?`), "postgres", false},
	{"MySQL", word(`mysql|mariadb`), "mysql", false},
	{"MongoDB", word(`mongo(?:db)?`), "mongodb", false},
	{"Redis", word(`redis`), "redis", false},
	{"Kafka", word(`kafka`), "kafka", false},
	{"RabbitMQ", word(`rabbit ?mq`), "rabbitmq", false},
	{"MQTT", word(`mqtt`), "mqtt", false},
	{"a database", word(`(?:my |our |the |a )?(?:sql )?databases?(?: table)?|db|数据库`), "postgres", false},
	{"RSS", word(`rss(?: feed)?s?`), "rssfeedread", false},
	{"Zoom", word(`zoom`), "zoom", false},
	{"calendar", word(`my calendar|我的日历|日历`), "googlecalendar", false},
	{"phone", word(`phone calls?|call me(?: on my phone)?|打电话`), "phone", false},
	{"printer", word(`printer|打印机?`), "printer", false},
}

func word(re string) *pattern {
	if strings.IndexFunc(re, func(r rune) bool { return r > 0x2000 }) >= 0 {
		return lazily(`(?i)(?:\b|^)(?:` + re + `)`)
	}
	return lazily(`(?i)\b(?:` + re + `)\b`)
}

var rePlainZh = lazily(`(?i)企业微信|微信|钉钉|飞书|谷歌表格|谷歌云盘|谷歌日历|短信|推特|微博|数据库|我的日历|打电话|打印机|日历`)

// missing returns the service that s needs and no node type serves.
func (a abilities) missing(s string) string {
	bare := reToken.ReplaceAllString(s, "")
	if lazily(`(?i)^(?:if|when|filter|keep|only|set|add|where)\b.*(?:=|contains|is|equals)`).MatchString(bare) && !lazily(`(?i)\b(?:to|in|from|on|via)\s+(?:slack|discord|notion|gmail|google|github|trello|teams|telegram)`).MatchString(bare) {
		return ""
	}
	found := rePlainZh.FindString(bare)
	for _, sv := range services {
		if !sv.re.MatchString(bare) && (found == "" || !sv.re.MatchString(found)) {
			continue
		}
		if sv.node == "postgres" && sv.name == "a database" && (a.has("postgres") || a.has("mysql")) {
			return ""
		}
		if !a.has(sv.node) {
			return sv.name
		}
	}
	return ""
}

func hooked(service string) bool {
	for _, s := range services {
		if s.name == service {
			return s.hook
		}
	}
	return false
}

var reAI = lazily(`(?i)\b(?:with|using|by|via|ask|let|have|use)\s+(?:an?\s+|the\s+)?(?:ai|gpt(?:-?\d\w*)?|chat ?gpt|claude|gemini|llm|openai|language model|ai model|artificial intelligence)\b|\btranslate\b|\bsentiment\b|\b(?:summari[sz]e|classify|categori[sz]e|analy[sz]e|paraphrase|proofread|understand|interpret)\s+(?:the\s+|each\s+|its\s+|their\s+|this\s+|my\s+)?(?:\w+\s+)?(?:text|article|message|e-?mail|content|document|review|feedback|comment|ticket|meeting|page|conversation|image|news|post|tone)s?\b|\b(?:write|draft|compose|generate)\s+(?:me\s+|us\s+)?(?:an?\s+|the\s+)?(?:\w+\s+)?(?:reply|answer|poem|story|blog post|article|essay|tweet|song|joke|text|response)\b|\bai (?:agent|model|summary)\b|翻译|情感分析|(?:用|让|使用|通过)\s*(?:AI|GPT|ChatGPT|大模型|人工智能|模型)|(?:总结|概括|摘要|分类)(?:一下)?(?:文章|内容|文本|邮件|评论|新闻|这篇|这段)|写(?:一?[首篇封])|生成(?:图片|文案|文章)`)

// reModel is the names of what only a language model is.
var reModel = lazily(`(?i)\b(?:ai|gpt(?:-?\d\w*)?|chat ?gpt|claude|gemini|llms?|openai|language model)\b|大模型|人工智能|语言模型`)

// needsAI reports whether s wants what only a language model can do.
func (a abilities) needsAI(s string) bool {
	return reAI.MatchString(reToken.ReplaceAllString(s, "")) && !lazily(`(?i)^(?:fetch|get|post|send|filter|keep|respond|reply with)\b`).MatchString(s)
}

// byName reads a clause that names a node type: "use the Crypto node". The
// node is the catalogue's first example.
func (a abilities) byName(r *reading, s string) (step, bool) {
	lower := strings.ToLower(s)
	if !lazily(`(?i)\bnode\b|节点`).MatchString(s) {
		return step{}, false
	}
	for _, t := range a.list {
		name := strings.ToLower(strings.NewReplacer("(", "", ")", "").Replace(t.DisplayName))
		if len(t.Examples) > 0 && t.Category != workflow.CategoryTrigger && strings.Contains(lower, name) {
			return step{kind: "example", what: short(t.Type), about: r.shown(s), raw: s}, true
		}
	}
	return step{}, false
}

// example returns the catalogue's first example of a type.
func (a abilities) example(name string) *workflow.Object {
	t := a.types[name]
	if len(t.Examples) == 0 {
		return &workflow.Object{}
	}
	var n workflow.Node
	if json.Unmarshal(t.Examples[0].Node, &n) != nil || n.Parameters == nil {
		return &workflow.Object{}
	}
	return n.Parameters
}
