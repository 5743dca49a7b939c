package workflow

import (
	"regexp"
	"strings"
)

// The ways in which expressions and code name other nodes. Group 1 is what
// comes before the name, group 2 the name.
var referencePatterns = []*regexp.Regexp{
	regexp.MustCompile(`(\$\(\s*')((?:[^'\\]|\\.)*)'`),
	regexp.MustCompile(`(\$\(\s*")((?:[^"\\]|\\.)*)"`),
	regexp.MustCompile("(\\$\\(\\s*`)([^`$\\\\]*)`"),
	regexp.MustCompile(`(\$(?:node\[|items\(|item\()\s*')((?:[^'\\]|\\.)*)'`),
	regexp.MustCompile(`(\$(?:node\[|items\(|item\()\s*")((?:[^"\\]|\\.)*)"`),
	regexp.MustCompile(`(\$node\.)([A-Za-z_][A-Za-z0-9_]*)`),
}

// NodeReferences returns the names of nodes that an expression or code refers
// to by literal text, each once.
func NodeReferences(text string) []string {
	if !strings.Contains(text, "$") {
		return nil
	}
	var out []string
	seen := map[string]bool{}
	for _, re := range referencePatterns {
		for _, m := range re.FindAllStringSubmatch(text, -1) {
			name := unescape(m[2])
			if !seen[name] {
				seen[name] = true
				out = append(out, name)
			}
		}
	}
	return out
}

// renameReferences returns text with references to the node from changed.
func renameReferences(text, from, to string) string {
	if !strings.Contains(text, "$") {
		return text
	}
	for _, re := range referencePatterns {
		text = re.ReplaceAllStringFunc(text, func(found string) string {
			m := re.FindStringSubmatch(found)
			if unescape(m[2]) != from {
				return found
			}
			if m[1] == "$node." {
				return `$node["` + escape(to, '"') + `"]`
			}
			quote := found[len(found)-1]
			return m[1] + escape(to, quote) + string(quote)
		})
	}
	return text
}

func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func escape(s string, quote byte) string {
	s = strings.ReplaceAll(s, `\`, `\\`)
	return strings.ReplaceAll(s, string(quote), `\`+string(quote))
}
