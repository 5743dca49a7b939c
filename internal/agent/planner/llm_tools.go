package planner

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"flowgate/internal/agent/planner/llm"
	"flowgate/internal/workflow"
)

// tool is a tool with what it does. It gives the model a text, or ends the
// plan. Errors are for the model.
type tool struct {
	llm.Tool
	use func(ctx context.Context, w *work, args json.RawMessage) (text string, plan *Plan, err error)
}

// lookTools are the capabilities by which a model sees what the user has, and
// the scope that each needs.
var lookTools = []struct{ name, scope, description string }{
	{"search_workflows", "workflows:read", "Finds workflows that the user has, by words."},
	{"get_workflow", "workflows:read", "Returns one of the user's workflows in full, for instance to go by it."},
	{"list_credentials", "credentials:read", "Lists names and types of the user's stored credentials, without their values."},
}

// tools are those for a request.
func (p *LLM) tools(r Request) []tool {
	out := []tool{
		{define("find_node_types", "Finds node types by words; without words lists all. Returns type, version to write, and what it does.",
			schema("query", text("words in English, such as http, schedule, filter"))), findNodeTypes},
		{define("get_node_details", "Returns parameters (JSON schema), ports, credentials and an example of node types.",
			required(schema("types", list("node types, at most 6", text(""))), "types")), nodeDetails},
		{define("validate_workflow", "Checks a workflow document and returns what is wrong.",
			required(schema("workflow", document()), "workflow")), validate},
		{define("ask_user", "Ends the plan with questions to the user.", required(schema("summary", text("what the user wants, in short"),
			"questions", list("at most 3", required(schema("question", text(""), "category", choice("input", "output", "trigger", "logic", "general"),
				"options", list("answers to choose from", text(""))), "question"))), "questions")), askUser},
		{define("offer_alternatives", "Ends the plan with other ways to what cannot be done as asked.", required(schema("summary", text("what the user wants, in short"),
			"gaps", list("what cannot be done", text("")),
			"alternatives", list("2 to 4", required(schema("title", text(""), "description", text(""), "approach", text(""), "trade_offs", list("", text("")),
				"complexity", choice("simple", "medium", "complex")), "title", "description"))), "gaps", "alternatives")), offer},
		{define("submit_workflow", "Ends the plan with a whole workflow document.", required(schema("summary", text("what it does, in short"),
			"workflow", document(), "notes", list("what was assumed, and what is to be known before running it", text(""))), "workflow")), submit},
	}
	if r.Document != nil || r.Draft != nil {
		out = append(out, tool{define("change_workflow", "Ends the plan with changes to the workflow shown, done in order. op: put_node adds a node or replaces the one of that name; rename_node; remove_node; connect and disconnect (output, input: 0 unless told); set_name.",
			required(schema("summary", text(""), "changes", list("", required(schema("op", choice(changeOps...), "node", map[string]any{"type": "object", "description": "put_node: the whole node"},
				"name", text("the node, or for set_name the workflow's name"), "new_name", text(""), "from", text(""), "to", text(""),
				"output", map[string]any{"type": "integer"}, "input", map[string]any{"type": "integer"}, "type", text("main unless told")), "op")),
				"notes", list("", text(""))), "changes")), change})
	}
	if p.Desk.Look == nil {
		return out
	}
	for _, l := range lookTools {
		if !slices.Contains(r.Scopes, l.scope) {
			continue
		}
		s := schema("query", text("words"))
		if l.name == "get_workflow" {
			s = required(schema("workflow_id", text("")), "workflow_id")
		} else if l.name == "list_credentials" {
			s = schema()
		}
		out = append(out, tool{define(l.name, l.description, s), look(l.name)})
	}
	return out
}

// use calls the tool that c names. cut: the model was cut off while writing.
func (w *work) use(ctx context.Context, c llm.ToolCall, cut bool) (string, *Plan, error) {
	i := slices.IndexFunc(w.tools, func(t tool) bool { return t.Name == c.Name })
	if i < 0 {
		return "", nil, forModel("There is no tool %q.", bounded(c.Name, 60))
	}
	args := c.Args
	if len(strings.TrimSpace(string(args))) == 0 {
		args = json.RawMessage("{}")
	}
	var o map[string]json.RawMessage
	if err := json.Unmarshal(args, &o); err != nil {
		if cut {
			return "", nil, forModel("The arguments were cut off for their length. Send them again, shorter: change_workflow, or a smaller workflow.")
		}
		return "", nil, forModel("The arguments are not a JSON object (%s). Send them again.", err)
	}
	return w.tools[i].use(ctx, w, args)
}

// forModel is an error that a model reads.
func forModel(format string, args ...any) error {
	return workflow.Errorf(workflow.CodeInvalid, format, args...)
}

// decode reads arguments; lists and texts of the wrong kind are the model's
// fault and told to it.
func decode(args json.RawMessage, into any) error {
	if err := json.Unmarshal(args, into); err != nil {
		return forModel("The arguments do not fit the schema: %s.", err)
	}
	return nil
}

// maxFound bounds the node types of one answer.
const maxFound = 60

func findNodeTypes(_ context.Context, w *work, args json.RawMessage) (string, *Plan, error) {
	var in struct {
		Query string `json:"query"`
	}
	if err := decode(args, &in); err != nil {
		return "", nil, err
	}
	words := strings.Fields(strings.ToLower(in.Query))
	var b strings.Builder
	found := 0
	for _, need := range []int{len(words), 1} { // all of the words, else any
		for _, t := range w.planner.Desk.Types {
			all := strings.ToLower(t.Type + " " + t.DisplayName + " " + t.Description)
			has := 0
			for _, word := range words {
				if strings.Contains(all, word) {
					has++
				}
			}
			if has < need || found >= maxFound && len(words) > 0 {
				continue
			}
			found++
			fmt.Fprintf(&b, "%s v%g [%s] %s: %s\n", t.Type, t.Versions[len(t.Versions)-1], t.Category, t.DisplayName, bounded(t.Description, 160))
		}
		if found > 0 {
			return b.String(), nil, nil
		}
	}
	return "No node type matches. Reach a service that has none with n8n-nodes-base.httpRequest, or leave query out to see all.", nil, nil
}

func nodeDetails(_ context.Context, w *work, args json.RawMessage) (string, *Plan, error) {
	var in struct {
		Types []string `json:"types"`
	}
	if err := decode(args, &in); err != nil {
		return "", nil, err
	}
	if len(in.Types) == 0 {
		return "", nil, forModel("types: Name at least one.")
	}
	var b strings.Builder
	each := maxResult / min(len(in.Types), 6)
	for _, name := range in.Types[:min(len(in.Types), 6)] {
		i := slices.IndexFunc(w.planner.Desk.Types, func(t workflow.NodeType) bool {
			return t.Type == name || strings.EqualFold(t.Type[strings.LastIndex(t.Type, ".")+1:], name)
		})
		if i < 0 {
			fmt.Fprintf(&b, "%s: there is no such type; near: %s\n\n", bounded(name, 80), strings.Join(w.planner.Desk.Near(name), ", "))
			continue
		}
		b.WriteString(bounded(details(w.planner.Desk.Types[i]), each) + "\n\n")
	}
	return b.String(), nil, nil
}

func details(t workflow.NodeType) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s typeVersion %g\n%s\ninputs: %s\noutputs: %s\n", t.Type, t.Versions[len(t.Versions)-1], t.Description, ports(t.Inputs), ports(t.Outputs))
	if len(t.Credentials) > 0 {
		fmt.Fprintf(&b, "credentials: %s\n", strings.Join(t.Credentials, ", "))
	}
	if len(t.Examples) > 0 {
		fmt.Fprintf(&b, "example (%s): %s\n", t.Examples[0].Title, t.Examples[0].Node)
	}
	fmt.Fprintf(&b, "parameters: %s\n", t.Parameters)
	if t.Docs != "" {
		b.WriteString(t.Docs)
	}
	return b.String()
}

func ports(list []workflow.Port) string {
	out := make([]string, len(list))
	for i, p := range list {
		out[i] = fmt.Sprintf("%d %s", i, p.Type)
		if p.Name != "" {
			out[i] += " " + p.Name
		}
	}
	if len(out) == 0 {
		return "none"
	}
	return strings.Join(out, ", ")
}

func validate(ctx context.Context, w *work, args json.RawMessage) (string, *Plan, error) {
	doc, _, err := w.document(args)
	if err != nil {
		return "", nil, err
	}
	v, err := w.planner.Desk.Validate(ctx, w.req.OwnerID, doc)
	if err != nil {
		return "", nil, err
	}
	return asJSON(v), nil, nil
}

func look(name string) func(context.Context, *work, json.RawMessage) (string, *Plan, error) {
	return func(ctx context.Context, w *work, args json.RawMessage) (string, *Plan, error) {
		text, err := w.planner.Desk.Look(ctx, Look{OwnerID: w.req.OwnerID, Scopes: w.req.Scopes, Tool: name, Args: args})
		return text, nil, err
	}
}

// The schemas of tools.

func define(name, description string, s map[string]any) llm.Tool {
	return llm.Tool{Name: name, Description: description, Schema: s}
}

func schema(pairs ...any) map[string]any {
	properties := map[string]any{}
	for i := 0; i+1 < len(pairs); i += 2 {
		properties[pairs[i].(string)] = pairs[i+1]
	}
	return map[string]any{"type": "object", "properties": properties}
}

func required(s map[string]any, names ...string) map[string]any {
	s["required"] = names
	return s
}

func text(description string) map[string]any {
	s := map[string]any{"type": "string"}
	if description != "" {
		s["description"] = description
	}
	return s
}

func list(description string, items map[string]any) map[string]any {
	s := map[string]any{"type": "array", "items": items}
	if description != "" {
		s["description"] = description
	}
	return s
}

func choice(values ...string) map[string]any {
	return map[string]any{"type": "string", "enum": values}
}

func document() map[string]any {
	return map[string]any{"type": "object", "description": "a workflow document", "properties": map[string]any{
		"name": text(""), "nodes": list("", map[string]any{"type": "object"}), "connections": map[string]any{"type": "object"},
		"settings": map[string]any{"type": "object"}}, "required": []string{"name", "nodes", "connections"}}
}
