package node

import (
	"fmt"
	"strings"

	"flowgate/internal/workflow"
)

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
	if hint := LocalFileHint(n.Type); hint != "" {
		hints = append(hints, hint)
	} else if c.opts.ServedBy != nil {
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
