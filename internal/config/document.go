package config

import (
	"fmt"
	"strings"
)

// Example returns config.yaml: every key with its default and meaning. The
// file at the top of the repository is held equal to it by a test.
func Example() string {
	var b strings.Builder
	b.WriteString("# Every key with its default. The environment's names are the same in upper case,\n" +
		"# also with FLOWGATE_ before them; the environment wins over this file, flags over both.\n")
	for _, k := range Keys() {
		b.WriteString("\n")
		for _, line := range wrap(k.Doc, 96) {
			fmt.Fprintf(&b, "# %s\n", line)
		}
		if len(k.Enum) > 0 {
			fmt.Fprintf(&b, "# One of: %s.\n", strings.Join(k.Enum, ", "))
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
