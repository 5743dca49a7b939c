package planner

import (
	"fmt"
	"strconv"
	"strings"

	"flowgate/internal/workflow"
)

// say puts a condition into words.
func (r *reading) say(c condition) string {
	parts := make([]string, len(c.tests))
	for i, t := range c.tests {
		parts[i] = r.sayTest(t)
	}
	return strings.Join(parts, map[bool]string{true: r.pick(" or ", " 或 "), false: r.pick(" and ", " 且 ")}[c.any])
}

var opSigns = map[string]string{"gt": ">", "gte": "≥", "lt": "<", "lte": "≤", "equals": "=", "notEquals": "≠"}

var opSaid = map[string][2]string{"contains": {"contains", "包含"}, "notContains": {"does not contain", "不包含"}, "startsWith": {"starts with", "开头是"}, "notStartsWith": {"does not start with", "开头不是"},
	"endsWith": {"ends with", "结尾是"}, "notEndsWith": {"does not end with", "结尾不是"}, "regex": {"matches", "匹配"}, "notRegex": {"does not match", "不匹配"},
	"after": {"after", "晚于"}, "before": {"before", "早于"}, "afterOrEquals": {"from", "不早于"}, "beforeOrEquals": {"until", "不晚于"},
	"empty": {"is empty", "为空"}, "notEmpty": {"is there", "不为空"}, "true": {"is true", "为真"}, "false": {"is false", "为假"}}

func (r *reading) sayTest(t test) string {
	sign := opSigns[t.op]
	if words, ok := opSaid[t.op]; ok {
		sign = r.pick(words[0], words[1])
	}
	if t.value == nil {
		return t.field + " " + sign
	}
	v := fmt.Sprint(t.value)
	if f, ok := t.value.(float64); ok {
		v = strconv.FormatFloat(f, 'f', -1, 64)
	}
	return t.field + " " + sign + " " + strings.TrimPrefix(v, "=")
}

// Describe puts a document into words: what starts it and what it does, node
// by node along the connections.
func Describe(doc *workflow.Document, lang string) string {
	if doc == nil || len(doc.Nodes) == 0 {
		return ""
	}
	entered := map[string]bool{}
	for _, outs := range doc.Connections {
		for _, out := range outs["main"] {
			for _, t := range out {
				entered[t.Node] = true
			}
		}
	}
	var lines []string
	seen := map[string]bool{}
	var walk func(name, lead string)
	walk = func(name, lead string) {
		for name != "" && !seen[name] {
			seen[name] = true
			n := doc.NodeByName(name)
			if n == nil {
				return
			}
			lines = append(lines, lead+name+detail(n))
			outs := doc.Connections.MainOutputs(name)
			next := ""
			for i, out := range outs {
				for _, t := range out {
					if seen[t.Node] {
						continue
					}
					if len(outs) == 1 && len(out) == 1 {
						next = t.Node
						continue
					}
					walk(t.Node, strings.Repeat("  ", strings.Count(lead, "  "))+"  "+outputName(n, i, lang))
				}
			}
			name = next
			lead = strings.Repeat("  ", strings.Count(lead, "  ")) + "- "
		}
	}
	for i := range doc.Nodes {
		if n := &doc.Nodes[i]; !entered[n.Name] && !strings.HasSuffix(n.Type, "stickyNote") {
			walk(n.Name, "- ")
		}
	}
	return strings.Join(lines, "\n")
}

// outputName names a branch.
func outputName(n *workflow.Node, i int, lang string) string {
	names := map[string][]string{"if": {"yes", "no"}, "approval": {"approved", "rejected", "too late"}, "splitinbatches": {"then", "each"}}[short(n.Type)]
	if lang == "zh" {
		names = map[string][]string{"if": {"是", "否"}, "approval": {"通过", "拒绝", "超时"}, "splitinbatches": {"之后", "每条"}}[short(n.Type)]
	}
	if i < len(names) {
		return "- *" + names[i] + "*: "
	}
	if short(n.Type) == "switch" {
		rules, _ := n.Parameters.Value("rules").(*workflow.Object)
		list, _ := rules.Value("values").([]any)
		if i < len(list) {
			o, _ := list[i].(*workflow.Object)
			if key, _ := o.Value("outputKey").(string); key != "" {
				return "- *" + key + "*: "
			}
		}
		return "- *" + map[bool]string{true: "其他", false: "all others"}[lang == "zh"] + "*: "
	}
	return "- "
}

// detail is what a node's name does not say.
func detail(n *workflow.Node) string {
	switch short(n.Type) {
	case "httprequest":
		method, _ := n.Parameters.Value("method").(string)
		if method == "" {
			method = "GET"
		}
		u, _ := n.Parameters.Value("url").(string)
		return " (" + method + " " + strings.TrimPrefix(u, "=") + ")"
	case "webhook":
		method, _ := n.Parameters.Value("httpMethod").(string)
		path, _ := n.Parameters.Value("path").(string)
		return " (" + method + " /webhook/" + path + ")"
	case "scheduletrigger":
		rule, _ := n.Parameters.Value("rule").(*workflow.Object)
		list, _ := rule.Value("interval").([]any)
		var out []string
		for _, e := range list {
			if o, ok := e.(*workflow.Object); ok {
				out = append(out, sayRule(o))
			}
		}
		return " (" + strings.Join(out, "; ") + ")"
	}
	return ""
}

var dayNames = []string{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"}

func sayRule(o *workflow.Object) string {
	num := func(k string) int { f, _ := o.Value(k).(float64); return int(f) }
	at := fmt.Sprintf("%02d:%02d", num("triggerAtHour"), num("triggerAtMinute"))
	field, _ := o.Value("field").(string)
	every := func(unit string) string {
		if n := num(field + "Interval"); n > 1 {
			return fmt.Sprintf("every %d %s", n, unit)
		}
		return "every " + strings.TrimSuffix(unit, "s")
	}
	switch field {
	case "cronExpression":
		return "cron " + fmt.Sprint(o.Value("expression"))
	case "days", "":
		return every("days") + " " + at
	case "weeks":
		days, _ := o.Value("triggerAtDay").([]any)
		var names []string
		for _, d := range days {
			if f, ok := d.(float64); ok && f >= 0 && f < 7 {
				names = append(names, dayNames[int(f)])
			}
		}
		return every("weeks") + " " + strings.Join(names, ", ") + " " + at
	case "months":
		return fmt.Sprintf("%s, day %d, %s", every("months"), num("triggerAtDayOfMonth"), at)
	}
	return every(field)
}
