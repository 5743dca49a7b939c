package planner

import (
	"strings"
)

// triggers adds what starts the workflow.
func (b *builder) triggers(list []trigger, steps []step) []end {
	responds := has(steps, "respond")
	if len(list) == 0 && responds {
		list = []trigger{{kind: "webhook"}}
	}
	if len(list) == 0 {
		list = []trigger{{kind: "manual"}}
		if len(steps) > 0 {
			b.note("It starts when you run it. Say for instance \"every morning at 9\" or \"when a webhook is called\" to change that.",
				"它在你手动运行时启动。说“每天早上9点”或“收到 webhook 时”可以更改。")
		}
	}
	var ends []end
	for i, t := range list {
		b.x, b.y = 0, float64(i)*180
		ends = append(ends, end{b.trigger(t, responds), 0})
	}
	b.x, b.y = 220, 0
	return ends
}

func (b *builder) trigger(t trigger, responds bool) string {
	p := b.r.pick
	switch t.kind {
	case "schedule":
		b.at = scope{known: map[string]bool{}}
		b.note("The schedule runs once you activate the workflow.", "激活工作流后，定时才会生效。")
		return b.add(nil, "scheduleTrigger", p("Schedule", "定时触发"), obj("rule", obj("interval", rules(t.rules))))
	case "webhook":
		return b.webhook(t, responds)
	case "form":
		b.at = scope{known: map[string]bool{}}
		fields := t.fields
		if len(fields) == 0 {
			fields = []string{"name", "email"}
		}
		title := t.title
		if title == "" {
			title = p("Form", "表单")
		}
		for _, f := range fields {
			b.at.known[f] = true
		}
		return b.add(nil, "formTrigger", p("Form", "表单"), obj("path", pathOf(title, "form"), "formTitle", title, "formFields", obj("values", formValues(fields))))
	case "sub":
		b.at = scope{known: map[string]bool{}}
		return b.add(nil, "executeWorkflowTrigger", p("When called", "被调用时"), obj("inputSource", "passthrough"))
	case "error":
		b.at = scope{known: map[string]bool{}}
		b.note("Name this workflow as the error workflow in the settings of those it is to watch.", "请在要监控的工作流设置里把它设为错误工作流。")
		return b.add(nil, "errorTrigger", p("On failure", "失败时"), obj())
	case "chat":
		b.at = scope{known: map[string]bool{"chatInput": true, "sessionId": true}}
		return b.add(nil, "chatTrigger", p("Chat message", "聊天消息"), obj("options", obj()))
	}
	b.at = scope{known: map[string]bool{}}
	return b.add(nil, "manualTrigger", p("Start by hand", "手动触发"), obj())
}

func (b *builder) webhook(t trigger, responds bool) string {
	method := t.method
	if method == "" {
		method = "POST"
	}
	path := strings.Trim(t.path, "/")
	if path == "" {
		path = pathOf(t.about, "incoming")
	}
	b.at = scope{prefix: "body.", known: map[string]bool{"body": true, "query": true, "headers": true, "params": true}}
	if method == "GET" || method == "DELETE" {
		b.at.prefix = "query."
	}
	params := obj("httpMethod", method, "path", path, "responseMode", "onReceived", "options", obj())
	if responds {
		params.Set("responseMode", "responseNode")
	}
	b.note("Its address answers once you activate the workflow; what is sent there arrives under \"body\".", "激活工作流后，它的地址即可使用；收到的数据在 body 里。")
	name := b.add(nil, "webhook", b.r.pick("Webhook", "Webhook"), params)
	n := b.doc.NodeByName(name)
	n.WebhookID = n.ID
	return name
}

// pathOf makes a path of a title.
func pathOf(s, otherwise string) string {
	if p := slug(lazily(`(?i)\b(?:when|web ?hooks?|is|called|comes|arrives|received|request|post|get|form|fills?|submits?|someone|http|endpoint)\b`).ReplaceAllString(s, "")); p != "" {
		return p
	}
	return otherwise
}

func rules(list []rule) []any {
	out := []any{}
	for _, r := range list {
		o := obj("field", r.field)
		switch r.field {
		case "cronExpression":
			o.Set("expression", r.cron)
		case "seconds", "minutes", "hours":
			o.Set(r.field+"Interval", float64(r.every))
		default:
			o.Set(r.field+"Interval", float64(max(r.every, 1)))
			if r.field == "weeks" {
				days := []any{}
				for _, d := range r.days {
					days = append(days, float64(d))
				}
				o.Set("triggerAtDay", days)
			}
			if r.field == "months" {
				o.Set("triggerAtDayOfMonth", float64(max(r.day, 1)))
			}
			o.Set("triggerAtHour", float64(r.hour))
			o.Set("triggerAtMinute", float64(r.min))
		}
		out = append(out, o)
	}
	return out
}

func formValues(fields []string) []any {
	out := []any{}
	for _, f := range fields {
		kind := "text"
		switch lower := strings.ToLower(f); {
		case strings.Contains(lower, "mail"), strings.Contains(f, "邮箱"), strings.Contains(f, "邮件"):
			kind = "email"
		case lazily(`message|comment|description|text|留言|备注|描述|内容`).MatchString(lower):
			kind = "textarea"
		case lazily(`\b(?:age|amount|number|quantity|price|count)\b|数量|金额|年龄|价格`).MatchString(lower):
			kind = "number"
		case lazily(`\bdate\b|日期`).MatchString(lower):
			kind = "date"
		}
		out = append(out, obj("fieldLabel", f, "fieldType", kind, "requiredField", true))
	}
	return out
}
