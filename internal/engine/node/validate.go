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
	FindingUnknownReference  = "unknown_node_reference"
	FindingBrokenConnection  = "broken_connection"
	FindingUnreachable       = "unreachable_node"
	FindingNoTrigger         = "no_trigger"
	FindingDuplicateName     = "duplicate_name"
	FindingMissingName       = "missing_name"
	FindingMissingCredential = "missing_credential"
	FindingBadTimezone       = "invalid_timezone"
	FindingBadSetting        = "invalid_setting"
	FindingEndlessLoop       = "endless_loop"
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

func (c *checker) node(n *workflow.Node, path string) {
	t := c.reg.Lookup(n.Type)
	if t == nil {
		c.unknownType(n, path)
		c.expressions(n, path, nil)
		return
	}
	c.version(n, t, path)
	verbatim := c.parameters(n, t, path+".parameters")
	c.expressions(n, path, verbatim)
	c.credentials(n, path)
	if t.Check != nil {
		for _, f := range t.Check(n) {
			f.Path = joinPath(path, f.Path)
			c.fault(n, f)
		}
	}
	switch n.OnError {
	case "", workflow.OnErrorStop, workflow.OnErrorContinue, workflow.OnErrorContinueToError:
	default:
		c.warning(workflow.Finding{Code: FindingBadSetting, Node: n.Name, Path: path + ".onError",
			Message: fmt.Sprintf("onError is %q, which is no known policy; the node will stop the workflow when it fails.", n.OnError),
			Hint:    "Use stopWorkflow, continueRegularOutput or continueErrorOutput."})
	}
}

func (c *checker) unknownType(n *workflow.Node, path string) {
	var hints []string
	if near := c.reg.Near(n.Type); len(near) > 0 {
		hints = append(hints, "Did you mean "+strings.Join(near, " or ")+"?")
	}
	if c.opts.ServedBy != nil {
		if by := c.opts.ServedBy(n.Type); by != "" {
			hints = append(hints, by)
		}
	}
	if len(hints) == 0 {
		hints = append(hints, "Use a type of the node catalogue, an HTTP Request node or an MCP tool node for it, or disable the node.")
	}
	c.fault(n, workflow.Finding{Code: FindingUnknownType, Path: path + ".type",
		Message: fmt.Sprintf("There is no node type %q here.", n.Type), Hint: strings.Join(hints, " ")})
}

func (c *checker) version(n *workflow.Node, t *Type, path string) {
	v := n.TypeVersion
	if v == 0 || hasVersion(t.Versions, v) {
		return
	}
	f := workflow.Finding{Code: FindingUnknownVersion, Path: path + ".typeVersion",
		Message: fmt.Sprintf("%s has no version %s.", t.Name, numberText(v)),
		Hint:    "Known versions: " + versionList(t.Versions) + "; write " + numberText(t.Newest()) + "."}
	if int(v) > int(t.Newest()) {
		c.fault(n, f)
		return
	}
	f.Node = n.Name
	f.Message += " It will be run by the rules of the nearest one below."
	c.warning(f)
}

func hasVersion(list []float64, v float64) bool {
	for _, e := range list {
		if e == v {
			return true
		}
	}
	return false
}

func versionList(list []float64) string {
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = numberText(v)
	}
	return strings.Join(out, ", ")
}

func (c *checker) credentials(n *workflow.Node, path string) {
	for kind, ref := range n.Credentials {
		at := path + ".credentials." + kind
		switch {
		case ref.ID == "" && ref.Name == "":
			c.fault(n, workflow.Finding{Code: FindingMissingCredential, Path: at,
				Message: fmt.Sprintf("The node needs a credential of type %s and names none.", kind),
				Hint:    "Store one and refer to it by id or name."})
		case c.opts.HasCredential != nil && !c.opts.HasCredential(kind, ref):
			c.fault(n, workflow.Finding{Code: FindingMissingCredential, Path: at,
				Message: fmt.Sprintf("There is no credential %q of type %s.", firstOf(ref.Name, ref.ID), kind),
				Hint:    "Store it under that name, or refer to one that is there."})
		}
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
