package migrate

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"flowgate/internal/workflow"
)

// readDocument reads a document in the format of this gateway, which is decoded
// as it is, or in the one of the earlier gateway, whose nodes have a type and a
// subtype. Of the latter's nodes those that have a twin here become it, and
// the others keep their name, place and parameters under a type "type.subtype"
// that is to be replaced.
func readDocument(in row, data json.RawMessage) (*workflow.Document, []string, error) {
	doc := &workflow.Document{}
	nodes := objectsOf(in.raw("nodes"))
	if !slices.ContainsFunc(nodes, func(n row) bool { return n.raw("subtype") != nil }) {
		if err := json.Unmarshal(data, doc); err != nil {
			return nil, nil, refuse("its workflow_data is not a workflow document: %v", err)
		}
		return doc, nil, nil
	}
	doc.Name, doc.Description = rowOf(in.raw("metadata")).text("name"), rowOf(in.raw("metadata")).text("description")
	doc.Settings.ExecutionOrder = "v1"
	var remarks []string
	names := map[string]string{} // by id and by name
	for i, n := range nodes {
		node, remark, err := nodeOf(n, i)
		if err != nil {
			return nil, nil, err
		}
		if remark != "" {
			remarks = append(remarks, "node "+node.Name+": "+remark)
		}
		names[n.text("id")], names[node.Name] = node.Name, node.Name
		if zone := configured(n).text("timezone"); node.Type == scheduleType && zone != "" {
			doc.Settings.Timezone = zone
		}
		doc.Nodes = append(doc.Nodes, node)
	}
	doc.Connections = connectionsOf(in.raw("connections"), names)
	return doc, remarks, nil
}

// configured returns a node's parameters, which versions name differently.
func configured(n row) row { return rowOf(n.raw("configurations", "parameters")) }

func nodeOf(n row, i int) (workflow.Node, string, error) {
	out := workflow.Node{ID: n.text("id"), Name: n.text("name", "id"), Notes: n.text("notes", "description")}
	if out.Name == "" {
		out.Name = fmt.Sprintf("Node %d", i+1)
	}
	out.Disabled, _ = n.flag("disabled")
	at := rowOf(n.raw("position"))
	if out.Position = [2]float64{at.number("x"), at.number("y")}; at == nil {
		out.Position = [2]float64{float64(i) * 220, 0}
	}
	family, subtype := strings.TrimSuffix(strings.ToUpper(n.text("type")), "_NODE"), strings.ToUpper(n.text("subtype"))
	kind := family + "." + subtype
	if t := twins[family+"."+strings.TrimPrefix(subtype, family+"_")]; t != nil {
		var parameters map[string]any
		out.Type, out.TypeVersion, parameters = t(configured(n), rowOf(n.raw("input_params")))
		if parameters != nil {
			var err error
			out.Parameters, err = objectFrom(parameters)
			return out, "", err
		}
	}
	parameters := map[string]json.RawMessage{}
	for _, part := range []row{rowOf(n.raw("input_params")), configured(n)} {
		for key, v := range part {
			parameters[key] = v
		}
	}
	left := row{}
	for _, name := range []string{"attached_nodes", "credentials", "on_error", "retry_policy", "webhooks", "output_params"} {
		if v := n.raw(name); v != nil {
			left[name] = v
		}
	}
	var err, extraErr error
	out.Type, out.TypeVersion = kind, 1
	out.Parameters, err = objectFrom(parameters)
	out.Extra, extraErr = objectFrom(map[string]any{"migrated": left})
	err = errors.Join(err, extraErr)
	return out, "there is no node of the type " + kind + " here; it kept its parameters, to replace it by", err
}

func objectFrom(v any) (*workflow.Object, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	out := &workflow.Object{}
	return out, json.Unmarshal(data, out)
}

const scheduleType = "n8n-nodes-base.scheduleTrigger"

// twin returns the type and the parameters of the same node here; nil
// parameters when it has none with these settings.
type twin func(set, in row) (kind string, version float64, parameters map[string]any)

// twins are the nodes that do the same here. Some versions write the type in
// front of the subtype once more, which the names here leave out.
var twins = map[string]twin{
	"TRIGGER.MANUAL": func(_, _ row) (string, float64, map[string]any) {
		return "n8n-nodes-base.manualTrigger", 1, map[string]any{}
	},
	"TRIGGER.CRON":             schedule,
	"TRIGGER.WEBHOOK":          hook,
	"FLOW.DELAY":               delay,
	"ACTION.HTTP_REQUEST":      request,
	"ACTION.SEND_HTTP_REQUEST": request,
}

func schedule(set, _ row) (string, float64, map[string]any) {
	cron := set.text("cron_expression", "cron")
	if cron == "" {
		return "", 0, nil
	}
	return scheduleType, 1.2, map[string]any{"rule": map[string]any{"interval": []any{map[string]any{"field": "cronExpression", "expression": cron}}}}
}

func hook(set, _ row) (string, float64, map[string]any) {
	path, methods := strings.Trim(set.text("webhook_path", "path"), "/"), set.list("allowed_methods")
	if auth := set.text("authentication"); path == "" || auth != "" && auth != "none" {
		return "", 0, nil // its secret has no place in a document
	}
	parameters := map[string]any{"path": path, "httpMethod": "POST", "responseMode": "onReceived"}
	switch len(methods) {
	case 0:
	case 1:
		parameters["httpMethod"] = methods[0]
	default:
		parameters["multipleMethods"], parameters["httpMethod"] = true, methods
	}
	return "n8n-nodes-base.webhook", 2, parameters
}

func delay(set, _ row) (string, float64, map[string]any) {
	seconds := set.number("duration_seconds")
	if seconds <= 0 {
		return "", 0, nil
	}
	return "n8n-nodes-base.wait", 1.1, map[string]any{"resume": "timeInterval", "amount": seconds, "unit": "seconds"}
}

// request is one without expressions, which are written differently here.
func request(set, in row) (string, float64, map[string]any) {
	url, body := set.text("url"), in.raw("body")
	if whole, _ := json.Marshal([]row{set, in}); url == "" || strings.Contains(string(whole), "{{") || strings.Contains(string(whole), "${") {
		return "", 0, nil
	}
	parameters := map[string]any{"url": url, "method": orText(strings.ToUpper(set.text("method")), "GET")}
	if pairs := pairsOf(set.raw("headers")); pairs != nil {
		parameters["sendHeaders"], parameters["headerParameters"] = true, map[string]any{"parameters": pairs}
	}
	if pairs := pairsOf(set.raw("query_params")); pairs != nil {
		parameters["sendQuery"], parameters["queryParameters"] = true, map[string]any{"parameters": pairs}
	}
	if objectOf(body) != nil {
		parameters["sendBody"], parameters["specifyBody"], parameters["jsonBody"] = true, "json", string(body)
	}
	return "n8n-nodes-base.httpRequest", 4.2, parameters
}

func orText(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// pairsOf returns an object's members by name, in their order by name.
func pairsOf(v json.RawMessage) (out []any) {
	members := textsOf(v)
	for _, name := range slices.Sorted(maps.Keys(members)) {
		out = append(out, map[string]any{"name": name, "value": members[name]})
	}
	return out
}

// connectionsOf reads connections: a list of {from_node, to_node, output_key},
// or by node, below "connection_types", lists of targets.
func connectionsOf(v json.RawMessage, names map[string]string) workflow.Connections {
	out := workflow.Connections{}
	for _, c := range objectsOf(v) {
		from, to := names[c.text("from_node", "source", "source_node_id")], names[c.text("to_node", "target", "target_node_id")]
		if from != "" && to != "" {
			connect(out, from, "main", outputs[c.text("output_key")], to)
		}
	}
	by := rowOf(v)
	by = orRow(rowOf(by.raw("connections")), by) // some wrap the map once more
	for _, source := range slices.Sorted(maps.Keys(by)) {
		for kind, list := range rowOf(rowOf(by.raw(source)).raw("connection_types")) {
			for _, c := range objectsOf(rowOf(list).raw("connections")) {
				if from, to := names[source], names[c.text("node")]; from != "" && to != "" {
					connect(out, from, kind, outputs[c.text("source_port")], to)
				}
			}
		}
	}
	return out
}

// outputs are the outputs by their key there.
var outputs = map[string]int{"false": 1, "rejected": 1, "unrelated": 2, "timeout": 3}

func connect(c workflow.Connections, from, kind string, output int, to string) {
	if c[from] == nil {
		c[from] = map[string][][]workflow.Target{}
	}
	for len(c[from][kind]) <= output {
		c[from][kind] = append(c[from][kind], nil)
	}
	c[from][kind][output] = append(c[from][kind][output], workflow.Target{Node: to, Type: kind})
}

func orRow(r, otherwise row) row {
	if r != nil {
		return r
	}
	return otherwise
}
