package node

import (
	"errors"
	"fmt"
	"sort"
	"strings"

	"flowgate/internal/workflow"
)

// expressions checks every expression of a node: its syntax, and that the
// nodes it names are there.
func (c *checker) expressions(n *workflow.Node, path string, verbatim map[string]bool) {
	eachText(n.Parameters, path+".parameters", func(at, text string) {
		switch {
		case verbatim[at]:
			if strings.HasSuffix(at, "ode") { // user code: jsCode, functionCode, code
				c.code(n, at, text)
				c.references(n, at, text, true)
			}
		case strings.HasPrefix(text, "="):
			if check := c.reg.opts.CheckExpression; check != nil {
				if err := check(text); err != nil {
					c.badExpression(n, at, err)
					return
				}
			}
			c.openBraces(n, at, text)
			c.references(n, at, text, false)
		case strings.Contains(text, "{{") && strings.Contains(text, "}}") && !strings.HasSuffix(at, ".html"): // html is a template by itself
			c.warning(workflow.Finding{Code: FindingPlainBraces, Node: n.Name, Path: at,
				Message: "It holds {{ }} but does not begin with =, so it is taken as plain text.", Hint: "Put = before it to make it an expression."})
		}
	})
}

// openBraces warns of an expression that opens {{ and never closes it: it is
// plain text.
func (c *checker) openBraces(n *workflow.Node, at, text string) {
	rest := strings.ReplaceAll(text, `\{{`, "")
	if i := strings.LastIndex(rest, "{{"); i >= 0 && !strings.Contains(rest[i:], "}}") {
		c.warning(workflow.Finding{Code: FindingPlainBraces, Node: n.Name, Path: at,
			Message: "It opens {{ and does not close it, so it is taken as plain text.", Hint: "Close it with }}."})
	}
}

// code checks the syntax of user code.
func (c *checker) code(n *workflow.Node, at, text string) {
	if check := c.reg.opts.CheckCode; check != nil {
		if err := check(text); err != nil {
			c.fault(n, workflow.Finding{Code: FindingBadCode, Path: at, Message: err.Error(), Hint: "The code is the body of a JavaScript function."})
		}
	}
}

func (c *checker) badExpression(n *workflow.Node, at string, err error) {
	f := workflow.Finding{Code: FindingBadExpression, Path: at, Message: err.Error(),
		Hint: "An expression is text that begins with = and holds JavaScript in {{ }}; a chunk ends at the first }}."}
	var d interface{ Hint() string }
	if errors.As(err, &d) && d.Hint() != "" {
		f.Hint = d.Hint()
	}
	c.fault(n, f)
}

func (c *checker) references(n *workflow.Node, at, text string, code bool) {
	for _, name := range workflow.NodeReferences(text) {
		if c.known[name] {
			continue
		}
		f := workflow.Finding{Code: FindingUnknownReference, Node: n.Name, Path: at,
			Message: fmt.Sprintf("It refers to a node named %q, and there is none.", name)}
		if near := nearest(name, c.nodeNames()); near != "" {
			f.Hint = fmt.Sprintf("Did you mean %q?", near)
		}
		if code {
			c.warning(f)
			continue
		}
		c.fault(n, f)
	}
}

func (c *checker) nodeNames() []string {
	out := make([]string, 0, len(c.known))
	for name := range c.known {
		out = append(out, name)
	}
	sort.Strings(out)
	return out
}

// eachText calls fn for every text in v with its path.
func eachText(v any, path string, fn func(path, text string)) {
	switch v := v.(type) {
	case string:
		fn(path, v)
	case []any:
		for i, e := range v {
			eachText(e, fmt.Sprintf("%s[%d]", path, i), fn)
		}
	case *workflow.Object:
		for i := range v.Len() {
			k, e := v.At(i)
			eachText(e, path+"."+k, fn)
		}
	}
}
