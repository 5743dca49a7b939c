package app

import (
	"fmt"
	"strings"

	"flowgate/internal/service"
	"flowgate/internal/workflow"
	"flowgate/web"
)

// NodesDocument is docs/workflows.md's list of node types, from the catalogue.
func NodesDocument(types []workflow.NodeType) string {
	var b strings.Builder
	b.WriteString("<!-- Made from the node catalogue; go test ./internal/app -update makes it anew. -->\n# Node types\n\n" +
		"What a workflow can be made of, and what each node takes. The same is in each type's JSON schema: the tool\n" +
		"`get_node_details` shows it, with examples. A document with other types is kept, and refuses to run with the\n" +
		"list of them. Where a kind is followed by =, an expression may stand there, too: text that begins with `=`.\n")
	for _, c := range []workflow.Category{workflow.CategoryTrigger, workflow.CategoryAction, workflow.CategoryExternalAction,
		workflow.CategoryFlow, workflow.CategoryHumanInTheLoop, workflow.CategoryAIAgent, workflow.CategoryTool, workflow.CategoryMemory} {
		rows := ""
		for _, t := range types {
			if t.Category == c {
				rows += fmt.Sprintf("| %s | `%s` | %s | %s |\n", t.DisplayName, t.Type, versions(t.Versions), oneLine(t.Description))
			}
		}
		if rows != "" {
			fmt.Fprintf(&b, "\n## %s\n\n| node | type | versions | does |\n|---|---|---|---|\n%s", c, rows)
		}
	}
	b.WriteString("\n# Parameters\n")
	for i := range types {
		describeNode(&b, &types[i])
	}
	return b.String()
}

// ToolsDocument is docs/api/mcp.md: every capability with its scope, its
// routes and its arguments.
func ToolsDocument(table []*service.Capability) string {
	var b strings.Builder
	b.WriteString("<!-- Made from the capability table; go test ./internal/app -update makes it anew. -->\n# Tools and routes\n\n" +
		"Each ability is an MCP tool and a REST route with the same arguments, result and rules. Routes stand under\n" +
		"`/api/app` (a user's token); by API key every tool is called with `POST /api/mcp/invoke`\n" +
		"`{\"tool_name\": …, \"params\": {…}}`. A tool may be called with its own scope or with `tools:execute`.\n" +
		"Path and query parameters and the body's fields together are the arguments.\n")
	group := ""
	for _, c := range table {
		if c.Group != group {
			group = c.Group
			fmt.Fprintf(&b, "\n## %s\n", group)
		}
		fmt.Fprintf(&b, "\n### %s\n\n%s\n\nScope `%s`.", c.Name, c.Description, c.Scope)
		for _, r := range c.Routes {
			fmt.Fprintf(&b, " `%s %s` answers %d.", r.Method, r.Path, r.Status)
		}
		if c.RESTOnly {
			b.WriteString(" Not a tool: its route is the only way in.")
		}
		b.WriteString("\n")
		if args := c.Input.Arguments(); len(args) > 0 {
			b.WriteString("\n| argument | type | |\n|---|---|---|\n")
			for _, a := range args {
				fmt.Fprintf(&b, "| `%s`%s | %s | %s |\n", a.Name, required(a.Required), a.Type, oneLine(a.Description))
			}
		}
	}
	return b.String()
}

// PublicDocument is docs/api/public.md.
func PublicDocument(routes []web.Described) string {
	var b strings.Builder
	b.WriteString("<!-- Made from web/describe.go; go test ./internal/app -update makes it anew. -->\n# Public routes\n\n" +
		"Anyone may call these; limits go by address. `/api/v1/public/…` is the same as `/api/public/…`.\n" +
		"`PUBLIC_API_ENABLED=false` takes `/api/public` away; the root's routes stay.\n\n| route | answer |\n|---|---|\n")
	for _, r := range routes {
		fmt.Fprintf(&b, "| `%s %s` | %s |\n", r.Method, r.Path, oneLine(r.Does))
	}
	b.WriteString("\n```sh run server\ncurl -fsS $URL/api/public/health\ncurl -fsS $URL/api/public/status\ncurl -fsS $URL/api/public/info\ncurl -fsS $URL/readyz\n```\n\n" +
		"Failures of every tier look like `{\"error\": \"<code>\", \"message\", \"request_id\", \"details\"?}`;\n" +
		"`X-Request-Id` is on every answer, and one that is sent along is kept.\n")
	return b.String()
}

// AppDocument is docs/api/app.md: every route of every capability.
func AppDocument(table []*service.Capability) string {
	var b strings.Builder
	b.WriteString("<!-- Made from the capability table; go test ./internal/app -update makes it anew. -->\n# App routes\n\n" +
		"For signed-in users: `Authorization: Bearer <token>`, and every row belongs to one user; another user's id\n" +
		"answers 404. `/api/v1/app/…` is the same as `/api/app/…`. Arguments are the path's, the query's and the body's\n" +
		"fields together; [tools and routes](mcp.md) describes each.\n\n" +
		"```sh run server\nTOKEN=$(flowgate token --email ann@example.org)\ncurl -fsS -H \"Authorization: Bearer $TOKEN\" $URL/api/app/auth/profile\n" +
		"curl -fsS -H \"Authorization: Bearer $TOKEN\" $URL/api/app/workflows\n```\n\n" +
		"| route | answers | does | arguments |\n|---|---|---|---|\n| `GET /api/app/auth/profile` | 200 | Who is signed in. | |\n")
	for _, c := range table {
		for _, r := range c.Routes {
			fmt.Fprintf(&b, "| `%s /api/app%s` | %d | %s | %s |\n", r.Method, r.Path, r.Status, oneLine(c.Title), argumentList(c))
		}
	}
	return b.String()
}

func argumentList(c *service.Capability) string {
	var names []string
	for _, a := range c.Input.Arguments() {
		names = append(names, "`"+a.Name+"`"+required(a.Required))
	}
	return strings.Join(names, ", ")
}

func required(yes bool) string {
	if yes {
		return " (needed)"
	}
	return ""
}

func versions(list []float64) string {
	texts := make([]string, len(list))
	for i, v := range list {
		texts[i] = string(workflow.AppendNumber(nil, v))
	}
	return strings.Join(texts, ", ")
}

func oneLine(text string) string {
	return strings.ReplaceAll(strings.Join(strings.Fields(text), " "), "|", "\\|")
}
