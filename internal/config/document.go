package config

import (
	"fmt"
	"strconv"
	"strings"
)

// Example returns config.yaml: every key with its default and meaning. The
// file at the top of the repository is held equal to it by a test.
func Example() string {
	var b strings.Builder
	b.WriteString("# Every key with its default. The environment's names are the same in upper case,\n" +
		"# also with FLOWGATE_ before them; the environment wins over this file, flags over both.\n" +
		"# Made from internal/config/config.go.\n")
	group := ""
	for _, k := range Keys() {
		if k.Group != group {
			group = k.Group
			fmt.Fprintf(&b, "\n# --- %s ---\n", group)
		}
		b.WriteString("\n")
		for _, line := range wrap(k.Doc, 96) {
			fmt.Fprintf(&b, "# %s\n", line)
		}
		if len(k.Enum) > 0 {
			fmt.Fprintf(&b, "# One of: %s.\n", strings.Join(k.Enum, ", "))
		}
		if k.Profile != nil {
			fmt.Fprintf(&b, "# Empty: %s.\n", k.Defaults())
		}
		if k.Live {
			b.WriteString("# Live: a change is taken over while the program runs.\n")
		}
		fmt.Fprintf(&b, "%s: %s\n", k.Name, yamlValue(k))
	}
	return b.String()
}

func yamlValue(k Key) string {
	if k.Default == "" || strings.ContainsAny(k.Default, ":,#") {
		return fmt.Sprintf("%q", k.Default)
	}
	return k.Default
}

// EnvExample returns .env.example: every variable with its default, commented
// out. The file at the top of the repository is held equal to it by a test.
func EnvExample() string {
	var b strings.Builder
	b.WriteString("# Copy this file to .env and set what shall differ from the default. The process's own\n" +
		"# environment wins over it. docs/configuration.md says what each means.\n" +
		"# Made from internal/config/config.go.\n")
	group := ""
	for _, k := range Keys() {
		if k.Group != group {
			group = k.Group
			fmt.Fprintf(&b, "\n# --- %s ---\n", group)
		}
		note := ""
		switch {
		case k.Secret:
			note = " # secret"
		case k.Profile != nil:
			note = " # " + k.Defaults()
		}
		value := k.Default
		if strings.Contains(value, " ") {
			value = strconv.Quote(value)
		}
		fmt.Fprintf(&b, "#%s=%s%s\n", k.Env(), value, note)
	}
	return b.String() + "\n# --- deploy/docker-compose.yml ---\n#POSTGRES_PASSWORD= # secret\n"
}

// Reference returns docs/configuration.md.
func Reference() string {
	var b strings.Builder
	b.WriteString("<!-- Made from internal/config/config.go; go test ./internal/config -update makes it anew. -->\n" +
		"# Configuration\n\n" +
		"Nothing has to be configured in development. Values come from `config.yaml` in the working folder (or\n" +
		"`--config FILE`), then `.env` there, then the environment, then flags, each over the one before. A key's\n" +
		"name in the environment is the same in upper case; `FLOWGATE_` may stand before it, and wins over the name\n" +
		"without. Lists are JSON arrays or have commas; lengths of time look like `90s`, `5m`, `2h`.\n\n" +
		"`flowgate config print` shows what is in force, secrets redacted. A key that is unknown or ill-typed is\n" +
		"named and stops the start; so does what a profile refuses: production does not start on generated or short\n" +
		"secrets, wildcard origins together with credentials, keyless callers, or an agent without TLS.\n\n" +
		"Keys marked *live* are taken over while the server runs, when a file changes or at SIGHUP\n" +
		"(`kill -HUP PID`), unless `reload` is off. The new configuration is checked whole first; one with a fault\n" +
		"is refused with a line in the log that says why, and the last good one stays in force. Changes of other\n" +
		"keys are named in the log and wait for a restart.\n")
	group := ""
	for _, k := range Keys() {
		if k.Group != group {
			group = k.Group
			fmt.Fprintf(&b, "\n## %s\n\n| key | environment | default | |\n|---|---|---|---|\n", group)
		}
		def := k.Defaults()
		if def != "" {
			def = "`" + strings.ReplaceAll(strings.ReplaceAll(def, ", ", ","), ",", ", ") + "`"
		}
		fmt.Fprintf(&b, "| `%s` | `%s` | %s | %s |\n", k.Name, k.Env(), def, cell(k))
	}
	return b.String()
}

// cell is what the reference says of a key.
func cell(k Key) string {
	text := strings.ReplaceAll(k.Doc, "|", "\\|")
	if len(k.Enum) > 0 {
		text += " One of " + strings.Join(k.Enum, ", ") + "."
	}
	if k.Secret {
		text += " *Secret.*"
	}
	if k.Live {
		text += " *Live.*"
	}
	return text
}

// wrap breaks text into lines of at most width characters.
func wrap(text string, width int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && len(line)+1+len(word) > width {
			lines, line = append(lines, line), ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}
