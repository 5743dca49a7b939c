package node

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"flowgate/internal/workflow"
)

const (
	mcpToolName  = "flowgate.mcpTool"
	mcpToolAlias = "@n8n/n8n-nodes-langchain.mcpClientTool"
	mcpNodeAlias = "@n8n/n8n-nodes-langchain.mcpClient"
)

// MCPParams are the parameters of MCP Tool nodes.
type MCPParams struct {
	Server         MCPServerParam  `json:"server" doc:"Which MCP server to ask: url or name."`
	Authentication string          `json:"authentication" default:"none" enum:"none,bearer,header,custom,oauth2,bearerAuth,headerAuth,multipleHeadersAuth,mcpOAuth2Api" doc:"Credential to send to a server with an address: bearer uses the node's httpBearerAuth, header its httpHeaderAuth, custom its httpCustomAuth (several headers), oauth2 its oAuth2Api."`
	Tool           Locator         `json:"tool" doc:"Name of the tool to call." example:"search"`
	Specify        string          `json:"specifyArguments" default:"json" enum:"json,keypair" doc:"How the arguments are written."`
	Arguments      any             `json:"arguments" show:"specifyArguments=json" hint:"json" doc:"The arguments as a JSON object, or as JSON text of one." example:"={{ { query: $json.question } }}"`
	Pairs          MCPArgumentList `json:"argumentValues" show:"specifyArguments=keypair" doc:"The arguments as a list. Text is read as the number, boolean, list or object that the tool asks for."`
	mcpForeign
	Options MCPOptions `json:"options" doc:"Further settings."`
}

// mcpForeign are the names that the format has for the same.
type mcpForeign struct {
	Endpoint     string     `json:"endpointUrl" doc:"Address of the server, as the format's own MCP nodes write it."`
	SSEEndpoint  string     `json:"sseEndpoint" doc:"Address of the server in nodes of version 1. It is asked by streamable HTTP."`
	Transport    string     `json:"serverTransport" expr:"no"`
	Include      string     `json:"include" default:"all" enum:"all,selected,except" doc:"Which of the server's tools may be called."`
	IncludeTools FieldList  `json:"includeTools" show:"include=selected" doc:"The tools that may be called. A single one need not be named in tool."`
	ExcludeTools FieldList  `json:"excludeTools" show:"include=except" doc:"The tools that may not be called."`
	InputMode    string     `json:"inputMode" enum:"manual,json" doc:"How mcpClient nodes write the arguments: in parameters, or in jsonInput."`
	JSONInput    any        `json:"jsonInput" show:"inputMode=json" hint:"json" doc:"The arguments as a JSON object."`
	Mapped       mcpMapping `json:"parameters" show:"inputMode=manual" doc:"The arguments by name, in value."`
}

// mcpMapping are arguments by name.
type mcpMapping struct {
	Mode  string           `json:"mappingMode" expr:"no"`
	Value *workflow.Object `json:"value" doc:"The arguments by name."`
}

// MCPServerParam names an MCP server.
type MCPServerParam struct {
	URL  string `json:"url" doc:"Address of a server that speaks streamable HTTP." example:"https://mcp.example.com/mcp"`
	Name string `json:"name" doc:"Name of a server that the operator has configured in mcp_servers; used where url is empty."`
}

// MCPArgumentList wraps arguments written as a list.
type MCPArgumentList struct {
	Fields []MCPArgument `json:"values" doc:"The arguments."`
}

// MCPArgument is one argument.
type MCPArgument struct {
	Name  string `json:"name" doc:"Name."`
	Value any    `json:"value" doc:"Value."`
}

// MCPOptions are further settings of MCP Tool nodes.
type MCPOptions struct {
	Timeout     int  `json:"timeout" default:"60000" doc:"Milliseconds to wait for the server, connecting included."`
	Convert     bool `json:"convertResult" default:"true" doc:"Make items of the result: its structured content where there is one, else its text, parsed where it is JSON. False gives {content, structuredContent, isError} as the server sent it."`
	FailOnError bool `json:"failOnToolError" default:"true" doc:"Fail when the tool reports an error. False gives the result with isError true."`
}

// mcpTool calls a tool of an MCP server.
func mcpTool() *Type {
	return &Type{
		Name: mcpToolName, Aliases: []string{mcpToolAlias, mcpNodeAlias}, DisplayName: "MCP Tool", Category: workflow.CategoryTool,
		Description: "Calls a tool of an MCP server once for each item and gives what it returns. The arguments are checked against the tool's schema first.",
		Versions:    []float64{1, 1.1, 1.2},
		SideEffects: true,
		Credentials: []string{"httpBearerAuth", "httpHeaderAuth", "httpCustomAuth", "oAuth2Api", "mcpOAuth2Api"},
		Params:      MCPParams{},
		Docs: "server.url is an address that speaks streamable HTTP; requests to private addresses are refused unless the operator allows them. server.name is a server of the operator's configuration key mcp_servers: only there can programs be named that speak MCP over stdio. " +
			"A result that is an object becomes one item, a list of objects one item each, plain text {text}, another value {result}. " +
			"Nodes that the format calls MCP Client and MCP Client Tool are read, too: endpointUrl or sseEndpoint, include with includeTools or excludeTools, inputMode with jsonInput or parameters. " +
			"Failures have a code: MCP_UNKNOWN_SERVER, MCP_TOOL_NOT_ALLOWED, MCP_UNKNOWN_TOOL, MCP_BAD_ARGUMENTS, MCP_TOOL_ERROR, MCP_ERROR (the server's own error), MCP_TIMEOUT, MCP_SERVER_ENDED, the status where the server refused, or a network code such as ECONNREFUSED.",
		Examples: []workflow.NodeExample{
			example("Search", mcpToolName, 1, `{"server":{"url":"https://mcp.example.com/mcp"},"authentication":"bearer","tool":"search","arguments":"={{ { query: $json.question, limit: 5 } }}"}`),
			example("A server of the operator", mcpToolName, 1, `{"server":{"name":"files"},"tool":"read_file","specifyArguments":"keypair","argumentValues":{"values":[{"name":"path","value":"={{ $json.path }}"}]},"options":{"timeout":10000}}`),
		},
		Check: checkMCPTool,
		Run:   runMCPTool,
	}
}

// checkMCPTool asks for what has no default. Under its other names a document
// may hold the node for another to use.
func checkMCPTool(n *workflow.Node) []workflow.Finding {
	var out []workflow.Finding
	find := func(code, path, message, hint string) {
		out = append(out, workflow.Finding{Code: code, Node: n.Name, Path: "parameters." + path, Message: message, Hint: hint})
	}
	missing := func(path, hint string) {
		find(FindingMissingParameter, path, fmt.Sprintf("Parameter %q is missing.", path), hint)
	}
	if n.Parameters.Value("authentication") == "multipleHeadersAuth" {
		find(FindingBadParameter, "authentication", "The authentication multipleHeadersAuth is not supported.",
			"Set authentication to custom, and give the node a httpCustomAuth credential with {\"headers\": {…}}.")
	}
	if n.Type == mcpToolAlias {
		return out
	}
	server, _ := n.Parameters.Value("server").(*workflow.Object)
	named := firstOf(textOf(n.Parameters.Value("endpointUrl")), textOf(n.Parameters.Value("sseEndpoint")), textOf(server.Value("url")), textOf(server.Value("name")))
	if named == "" && !isExpression(n.Parameters.Value("server")) {
		missing("server", "Give url, the address of an MCP server, or name, that of one in the configuration key mcp_servers.")
	}
	tool := Locator{}
	tool.fromRaw(n.Parameters.Value("tool"))
	one := FieldList{}
	one.fromRaw(n.Parameters.Value("includeTools"))
	if tool.Text() == "" && len(one) != 1 {
		missing("tool", "Name of the tool to call.")
	}
	return out
}

// mcpCall is what one item asks for.
type mcpCall struct {
	url, name string
	auth      string // credential type, "" for none
	tool      string
	args      *workflow.Object
	loose     bool // arguments are text that may stand for other kinds
	timeout   time.Duration
	options   MCPOptions
}

func planMCP(ctx context.Context, c *Call, i int) (*mcpCall, error) {
	p, err := Bind[MCPParams](ctx, c, i)
	if err != nil {
		return nil, err
	}
	k := &mcpCall{url: strings.TrimSpace(firstOf(p.Server.URL, p.Endpoint, p.SSEEndpoint)), name: strings.TrimSpace(p.Server.Name),
		tool: strings.TrimSpace(p.Tool.Text()), timeout: time.Duration(p.Options.Timeout) * time.Millisecond, options: p.Options, args: &workflow.Object{}}
	if k.auth, err = mcpCredential(p.Authentication); err != nil {
		return nil, err
	}
	if k.tool == "" && p.Include == "selected" && len(p.IncludeTools) == 1 {
		k.tool = p.IncludeTools[0]
	}
	if err := p.allows(k.tool); err != nil {
		return nil, err
	}
	if k.timeout <= 0 {
		k.timeout = time.Minute
	}
	lower := strings.ToLower(k.url)
	switch {
	case k.url == "" && k.name == "":
		return nil, Fail("Parameter \"server\" names no MCP server: give url, or the name of one in the configuration key mcp_servers.")
	case k.url != "" && !strings.HasPrefix(lower, "http://") && !strings.HasPrefix(lower, "https://"):
		return nil, Fail("Parameter \"server.url\" is %q: an address must begin with http:// or https://.", clip(k.url, 120))
	case k.tool == "":
		return nil, Fail("Parameter \"tool\" names no tool.")
	}
	if p.Specify == "keypair" {
		k.loose = true
		for _, f := range p.Pairs.Fields {
			if f.Name != "" {
				k.args.Set(f.Name, f.Value)
			}
		}
		return k, nil
	}
	return k, k.take(&p)
}

// mcpCredential is the credential type of an authentication, "" for none.
func mcpCredential(authentication string) (string, error) {
	switch authentication {
	case "bearer", "bearerAuth":
		return "httpBearerAuth", nil
	case "header", "headerAuth":
		return "httpHeaderAuth", nil
	case "custom":
		return "httpCustomAuth", nil
	case "oauth2":
		return "oAuth2Api", nil
	case "mcpOAuth2Api":
		return authentication, nil
	case "multipleHeadersAuth":
		return "", Fail("The authentication multipleHeadersAuth is not supported. Set authentication to custom, and give the node a httpCustomAuth credential.")
	}
	return "", nil
}

// allows refuses tools that the node is not to call.
func (p *MCPParams) allows(tool string) error {
	refused := p.Include == "selected" && !slices.Contains(p.IncludeTools, tool) || p.Include == "except" && slices.Contains(p.ExcludeTools, tool)
	if !refused || tool == "" {
		return nil
	}
	f := Fail("The node's include settings do not allow the tool %q.", tool)
	f.Code = "MCP_TOOL_NOT_ALLOWED"
	return f
}

// take reads the arguments.
func (k *mcpCall) take(p *MCPParams) error {
	name, raw := "arguments", p.Arguments
	switch p.InputMode {
	case "manual":
		if p.Mapped.Value != nil {
			k.args = p.Mapped.Value
		}
		k.loose = true
		return nil
	case "json":
		name, raw = "jsonInput", p.JSONInput
	}
	switch v := parsed(raw).(type) {
	case nil:
	case *workflow.Object:
		k.args = v
	default:
		if v != "" {
			return badType(name, raw, "a JSON object")
		}
	}
	return nil
}

// mcpAnswer is what is recorded of a call.
type mcpAnswer struct {
	Content    json.RawMessage `json:"content,omitempty"`
	Structured json.RawMessage `json:"structuredContent,omitempty"`
	IsError    bool            `json:"isError,omitempty"`
}

// mcpRun is one run of the node: the sessions its items share.
type mcpRun struct {
	c        *Call
	sessions map[string]*mcpSession
}

func runMCPTool(ctx context.Context, c *Call) (Output, error) {
	r := &mcpRun{c: c, sessions: map[string]*mcpSession{}}
	defer r.close()
	items, err := c.EachItem(ctx, func(i int, _ workflow.Item) ([]workflow.Item, error) {
		k, err := planMCP(ctx, c, i)
		if err != nil {
			return nil, err
		}
		data, err := c.Host.Effect(ctx, fmt.Sprintf("mcp-%d", i), func(ctx context.Context) ([]byte, error) { return r.call(ctx, k) })
		if err != nil {
			return nil, err
		}
		a := &mcpAnswer{}
		if err := json.Unmarshal(data, a); err != nil {
			return nil, Fail("The recorded result cannot be read.")
		}
		return a.items(k)
	})
	return Items(items), err
}

func (r *mcpRun) close() {
	for _, s := range r.sessions {
		s.close()
	}
}

// call asks the server and returns the record of its answer.
func (r *mcpRun) call(ctx context.Context, k *mcpCall) ([]byte, error) {
	limited, cancel := context.WithTimeout(ctx, k.timeout)
	defer cancel()
	a, err := r.ask(limited, k)
	switch {
	case err != nil && ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		return nil, err
	}
	data, err := json.Marshal(a)
	if err == nil && len(data) > mcpMaxBytes {
		return nil, mcpTooLarge(k.where())
	}
	return data, err
}

func (r *mcpRun) ask(ctx context.Context, k *mcpCall) (*mcpAnswer, error) {
	for again := false; ; again = true {
		s, kept, err := r.session(ctx, k)
		if err != nil {
			return nil, err
		}
		a, err := s.call(ctx, k)
		if err == nil {
			return a, nil
		}
		if !s.usable(err) {
			r.drop(k)
			if s.forgotten(err) && kept && !again { // it refused to begin
				continue
			}
		}
		return nil, s.failure(err, k)
	}
}

func (k *mcpCall) key() string { return k.auth + "\n" + k.url + "\n" + k.name }

// where is the server, for error sentences.
func (k *mcpCall) where() string {
	if k.url == "" {
		return fmt.Sprintf("%q", k.name)
	}
	return "at " + hostOf(k.url)
}

// session returns the run's session with the call's server, and whether an
// earlier item had opened it.
func (r *mcpRun) session(ctx context.Context, k *mcpCall) (s *mcpSession, kept bool, err error) {
	if s := r.sessions[k.key()]; s != nil {
		return s, true, nil
	}
	if s, err = r.open(ctx, k); err != nil {
		return nil, false, err
	}
	r.sessions[k.key()] = s
	return s, false, nil
}

func (r *mcpRun) drop(k *mcpCall) {
	if s := r.sessions[k.key()]; s != nil {
		delete(r.sessions, k.key())
		s.close()
	}
}

// open connects by address or by name. It is only called inside effects, so
// that a recorded run needs neither server nor credential.
func (r *mcpRun) open(ctx context.Context, k *mcpCall) (*mcpSession, error) {
	address := k.url
	if address == "" {
		var pool *MCPPool
		if h, ok := r.c.Host.(interface{ MCP() *MCPPool }); ok {
			pool = h.MCP()
		}
		server, err := pool.server(k.name)
		if err != nil {
			return nil, err
		}
		if server.def.URL == "" {
			if k.auth != "" {
				return nil, Fail("The MCP server %q is a program and takes no credential. Set authentication to none.", k.name)
			}
			return server.session(ctx, k)
		}
		address = server.def.URL
	}
	auth, err := r.credential(ctx, k)
	if err != nil {
		return nil, err
	}
	return dialMCP(ctx, r.c.Host.HTTP(), address, auth, k)
}

func (r *mcpRun) credential(ctx context.Context, k *mcpCall) (*httpAuth, error) {
	if k.auth == "" {
		return nil, nil
	}
	fields, err := r.c.Host.Credential(ctx, k.auth)
	if err != nil {
		return nil, err
	}
	if k.auth == "oAuth2Api" || k.auth == "mcpOAuth2Api" {
		token, err := oauth2Token(ctx, r.c.Host.HTTP(), fields)
		if err != nil {
			return nil, err
		}
		fields = map[string]string{"access_token": token}
	}
	return newHTTPAuth(k.auth, fields)
}
