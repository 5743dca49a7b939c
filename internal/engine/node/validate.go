package node

import (
	"fmt"
	"strings"
	"time"

	"flowgate/internal/workflow"
)

// ValidateOptions are what a look at one document may know beyond it.
type ValidateOptions struct {
	// HasCredential reports whether the owner has the credential that a node
	// refers to. Nil: not checked.
	HasCredential func(kind string, ref workflow.CredentialRef) bool
	// ServedBy says what could do the work of an unknown node type, for the
	// hint. Nil or "": nothing known.
	ServedBy func(nodeType string) string
}

// The codes of findings.
const (
	FindingUnknownType       = "unknown_node_type"
	FindingUnknownVersion    = "unknown_type_version"
	FindingUnknownParameter  = "unknown_parameter"
	FindingMissingParameter  = "missing_parameter"
	FindingBadParameter      = "invalid_parameter"
	FindingBadExpression     = "invalid_expression"
	FindingPlainBraces       = "plain_braces"
	FindingBadCode           = "invalid_code"
	FindingUnknownReference  = "unknown_node_reference"
	FindingBrokenConnection  = "broken_connection"
	FindingUnusedErrorOutput = "unused_error_output"
	FindingUnreachable       = "unreachable_node"
	FindingNoTrigger         = "no_trigger"
	FindingDuplicateName     = "duplicate_name"
	FindingMissingName       = "missing_name"
	FindingMissingCredential = "missing_credential"
	FindingBadTimezone       = "invalid_timezone"
	FindingBadSetting        = "invalid_setting"
	FindingEndlessLoop       = "endless_loop"
	FindingOpenLoop          = "open_loop"
	FindingUnsupported       = "unsupported"
)

// Blocking returns the errors of v that keep a document from being run at
// all. The other errors fail the node they are about when it is reached.
func Blocking(v workflow.Validation) []workflow.Finding {
	var out []workflow.Finding
	for _, f := range v.Errors {
		switch f.Code {
		case FindingUnknownType, FindingNoTrigger, FindingDuplicateName, FindingMissingName, FindingUnsupported, FindingBadTimezone:
			out = append(out, f)
		}
	}
	return out
}

// ValidateDocument looks at everything that can be known of doc without
// running it. It is the one validation behind saving, tools and the command
// line. Disabled nodes only get warnings, sticky notes nothing.
func ValidateDocument(doc *workflow.Document, reg *Registry, opts ValidateOptions) workflow.Validation {
	c := &checker{doc: doc, reg: reg, opts: opts, out: workflow.Validation{
		Errors: []workflow.Finding{}, Warnings: []workflow.Finding{},
	}}
	c.names()
	for i := range doc.Nodes {
		if n := &doc.Nodes[i]; !isNote(n) {
			c.node(n, fmt.Sprintf("nodes[%d]", i))
		}
	}
	c.graph()
	c.settings()
	c.out.Valid = len(c.out.Errors) == 0
	return c.out
}

// checker gathers findings about one document.
type checker struct {
	doc   *workflow.Document
	reg   *Registry
	opts  ValidateOptions
	out   workflow.Validation
	known map[string]bool // names of nodes
}

func (c *checker) error(f workflow.Finding)   { c.out.Errors = append(c.out.Errors, f) }
func (c *checker) warning(f workflow.Finding) { c.out.Warnings = append(c.out.Warnings, f) }

// fault is an error of a node that would run and a warning of a disabled one.
func (c *checker) fault(n *workflow.Node, f workflow.Finding) {
	f.Node = n.Name
	if n.Disabled {
		c.warning(f)
		return
	}
	c.error(f)
}

func isNote(n *workflow.Node) bool { return n.Type == stickyNoteName }

func (c *checker) names() {
	c.known = map[string]bool{}
	for i := range c.doc.Nodes {
		n := &c.doc.Nodes[i]
		if isNote(n) {
			continue
		}
		path := fmt.Sprintf("nodes[%d].name", i)
		switch {
		case n.Name == "":
			c.error(workflow.Finding{Code: FindingMissingName, Path: path,
				Message: "The node has no name.", Hint: "Give every node a name of its own; connections refer to it."})
		case c.known[n.Name]:
			c.error(workflow.Finding{Code: FindingDuplicateName, Node: n.Name, Path: path,
				Message: fmt.Sprintf("More than one node is named %q.", n.Name), Hint: "Rename one of them and mend its connections."})
		}
		c.known[n.Name] = true
	}
}

func (c *checker) settings() {
	if zone := c.doc.Settings.Timezone; zone != "" && zone != "DEFAULT" {
		if _, err := time.LoadLocation(zone); err != nil {
			c.error(workflow.Finding{Code: FindingBadTimezone, Path: "settings.timezone",
				Message: fmt.Sprintf("%q is no time zone.", zone), Hint: "Use a name such as Europe/Berlin or UTC."})
		}
	}
}

func firstOf(list ...string) string {
	for _, s := range list {
		if s != "" {
			return s
		}
	}
	return ""
}

func joinPath(a, b string) string {
	if b == "" || strings.HasPrefix(b, a) {
		return firstOf(b, a)
	}
	return a + "." + b
}
