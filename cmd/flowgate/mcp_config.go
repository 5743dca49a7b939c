package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"flowgate/internal/app"
)

// connection is how an MCP client reaches flowgate: by starting it, or by
// HTTP.
type connection struct {
	command string
	args    []string
	url     string // "" for stdio
	key     string
}

// mcpClient is a client program and where its configuration belongs.
type mcpClient struct {
	name, title, place string
	remote             bool // it cannot start programs
	write              func(c connection) (string, error)
}

func mcpClients() []mcpClient {
	return []mcpClient{
		{name: "claude-desktop", title: "Claude Desktop", place: "claude_desktop_config.json (Settings, Developer, Edit Config); restart the app", write: claudeDesktop},
		{name: "claude-code", title: "Claude Code", place: "a shell, in the project's folder", write: claudeCode},
		{name: "cursor", title: "Cursor", place: "~/.cursor/mcp.json, or .cursor/mcp.json in the project", write: cursorConfig},
		{name: "vscode", title: "VS Code", place: ".vscode/mcp.json in the project", write: vscodeConfig},
		{name: "codex", title: "Codex", place: "~/.codex/config.toml", write: codexConfig},
		{name: "openai", title: "OpenAI Responses API", place: "a shell; the server has to be reachable from the internet", remote: true, write: openaiCall},
		{name: "curl", title: "curl", place: "a shell", remote: true, write: curlCall},
	}
}

func mcpConfigCommand(o *options) *cobra.Command {
	var c connection
	var overHTTP, keyStdin bool
	var keyEnv string
	var names, table []string
	for _, client := range mcpClients() {
		names = append(names, client.name)
		table = append(table, fmt.Sprintf("  %-15s %s", client.name, client.title))
	}
	cmd := &cobra.Command{
		Use: "mcp-config CLIENT", GroupID: "about", Short: "Print the configuration that connects an MCP client", ValidArgs: names,
		Args: cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs),
		Long: `Prints what to put into an MCP client's configuration, ready to be copied; where
it belongs is said on standard error. Clients on this machine start flowgate by
themselves; with --http, or --url of a server elsewhere, they connect to one
that runs. The key is made with: flowgate keys create. Given with --key it is in
the process list while this runs; --key-env and --key-stdin keep it out.

` + strings.Join(table, "\n"),
		RunE: func(_ *cobra.Command, args []string) error {
			if err := o.keyFrom(&c, keyEnv, keyStdin); err != nil {
				return &usageError{err}
			}
			return o.mcpConfig(args[0], c, overHTTP)
		},
	}
	cmd.Flags().BoolVar(&overHTTP, "http", false, "connect to a server that runs, at the configured address")
	cmd.Flags().StringVar(&c.url, "url", "", "connect to the server at this address, such as https://flow.example.org")
	cmd.Flags().StringVar(&c.key, "key", "", "API key to write (default: a placeholder to replace)")
	cmd.Flags().StringVar(&keyEnv, "key-env", "", "environment variable that holds the API key, such as FLOWGATE_API_KEY")
	cmd.Flags().BoolVar(&keyStdin, "key-stdin", false, "read the API key from standard input")
	cmd.MarkFlagsMutuallyExclusive("key", "key-env", "key-stdin")
	return cmd
}

// keyFrom takes the key from where other users of the machine cannot see it.
func (o *options) keyFrom(c *connection, env string, stdin bool) (err error) {
	switch {
	case env != "":
		if c.key = os.Getenv(env); c.key == "" {
			return fmt.Errorf("--key-env: the environment variable %s is not set", env)
		}
	case stdin:
		if c.key, err = readLine(o.in); err != nil {
			return err
		}
		if c.key == "" {
			return errors.New("--key-stdin: there is no key on standard input")
		}
	}
	return nil
}

func (o *options) mcpConfig(name string, c connection, overHTTP bool) error {
	cfg, _, err := o.loadQuiet()
	if err != nil {
		return err
	}
	for _, client := range mcpClients() {
		if client.name != name {
			continue
		}
		if c.url == "" && (overHTTP || client.remote) {
			c.url = (&app.Core{Config: cfg}).PublicURL()
		}
		if c.url != "" {
			c.url = strings.TrimSuffix(strings.TrimSuffix(c.url, "/"), "/mcp") + "/mcp"
			if c.key == "" {
				c.key = "YOUR_API_KEY"
			}
		} else if c.command, c.args, err = o.startsItself(); err != nil {
			return err
		}
		text, err := client.write(c)
		if err != nil {
			return err
		}
		fmt.Fprintf(o.err, "%s: put this into %s\n", client.title, client.place)
		_, err = fmt.Fprintln(o.out, strings.TrimRight(text, "\n"))
		return err
	}
	return nil // the arguments were checked
}

// startsItself is the command line that starts this program on this folder.
func (o *options) startsItself() (string, []string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", nil, err
	}
	args := []string{"stdio"}
	for _, f := range []struct{ flag, value string }{{"--data-dir", o.flags["data_dir"]}, {"--config", o.configFile}} {
		if f.value == "" {
			continue
		}
		path, err := filepath.Abs(f.value) // clients start it elsewhere
		if err != nil {
			return "", nil, err
		}
		args = append(args, f.flag, path)
	}
	return self, args, nil
}

// entry is a server's entry as most clients write it.
func (c connection) entry(kind bool) map[string]any {
	out := map[string]any{}
	if c.url == "" {
		out["command"], out["args"] = c.command, c.args
		if c.key != "" {
			out["env"] = map[string]string{"FLOWGATE_API_KEY": c.key}
		}
		if kind {
			out["type"] = "stdio"
		}
		return out
	}
	out["url"], out["headers"] = c.url, map[string]string{"X-API-Key": c.key}
	if kind {
		out["type"] = "http"
	}
	return out
}

func pretty(v any) (string, error) {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err := enc.Encode(v)
	return b.String(), err
}

// claudeDesktop starts programs only; a server that runs is reached by a bridge.
func claudeDesktop(c connection) (string, error) {
	entry := c.entry(false)
	if c.url != "" {
		entry = map[string]any{"command": "npx", "args": []string{"-y", "mcp-remote", c.url, "--header", "X-API-Key:${FLOWGATE_API_KEY}"},
			"env": map[string]string{"FLOWGATE_API_KEY": c.key}}
		if strings.HasPrefix(c.url, "http://") {
			entry["args"] = append(entry["args"].([]string), "--allow-http")
		}
	}
	return pretty(map[string]any{"mcpServers": map[string]any{"flowgate": entry}})
}

func cursorConfig(c connection) (string, error) {
	return pretty(map[string]any{"mcpServers": map[string]any{"flowgate": c.entry(false)}})
}

func vscodeConfig(c connection) (string, error) {
	return pretty(map[string]any{"servers": map[string]any{"flowgate": c.entry(true)}})
}

func claudeCode(c connection) (string, error) {
	if c.url != "" {
		return fmt.Sprintf("claude mcp add --transport http flowgate %s --header %s", shellQuote(c.url), shellQuote("X-API-Key: "+c.key)), nil
	}
	env := ""
	if c.key != "" {
		env = " --env " + shellQuote("FLOWGATE_API_KEY="+c.key)
	}
	words := []string{shellQuote(c.command)}
	for _, a := range c.args {
		words = append(words, shellQuote(a))
	}
	return "claude mcp add" + env + " flowgate -- " + strings.Join(words, " "), nil
}

// codexConfig writes TOML, whose basic strings are quoted as JSON's are.
func codexConfig(c connection) (string, error) {
	var b strings.Builder
	b.WriteString("[mcp_servers.flowgate]\n")
	if c.url != "" {
		fmt.Fprintf(&b, "url = %s\nhttp_headers = { \"X-API-Key\" = %s }\n", strconv.Quote(c.url), strconv.Quote(c.key))
		return b.String(), nil
	}
	args := make([]string, len(c.args))
	for i, a := range c.args {
		args[i] = strconv.Quote(a)
	}
	fmt.Fprintf(&b, "command = %s\nargs = [%s]\n", strconv.Quote(c.command), strings.Join(args, ", "))
	if c.key != "" {
		fmt.Fprintf(&b, "env = { \"FLOWGATE_API_KEY\" = %s }\n", strconv.Quote(c.key))
	}
	return b.String(), nil
}

func openaiCall(c connection) (string, error) {
	body, err := pretty(map[string]any{"model": "gpt-5", "input": "Which workflows do I have?", "tools": []any{map[string]any{"type": "mcp",
		"server_label": "flowgate", "server_url": c.url, "headers": map[string]string{"X-API-Key": c.key}, "require_approval": "never"}}})
	return "curl https://api.openai.com/v1/responses -H \"Authorization: Bearer $OPENAI_API_KEY\" -H 'Content-Type: application/json' -d " +
		shellQuote(strings.TrimRight(body, "\n")), err
}

func curlCall(c connection) (string, error) {
	return fmt.Sprintf(`curl %s -H %s -H 'Content-Type: application/json' \
  -H 'Accept: application/json, text/event-stream' -H 'MCP-Protocol-Version: 2026-07-28' \
  -H 'Mcp-Method: tools/list' -d '{"jsonrpc": "2.0", "id": 1, "method": "tools/list",
    "params": {"_meta": {"io.modelcontextprotocol/protocolVersion": "2026-07-28",
      "io.modelcontextprotocol/clientCapabilities": {}}}}'`, shellQuote(c.url), shellQuote("X-API-Key: "+c.key)), nil
}

// shellQuote makes text one word of a POSIX shell.
func shellQuote(text string) string {
	if text != "" && strings.Trim(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:=@") == "" {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}
