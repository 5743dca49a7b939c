package node

import (
	"context"
	"fmt"

	"flowgate/internal/workflow"
)

type switchParams struct {
	Mode          string        `json:"mode" doc:"rules: by conditions; expression: the index of the output is computed." default:"rules" enum:"rules,expression"`
	NumberOutputs int           `json:"numberOutputs" doc:"How many outputs there are." default:"4" show:"mode=expression"`
	Output        int           `json:"output" doc:"Index of the output, from 0." show:"mode=expression"`
	Rules         switchRules   `json:"rules" doc:"One output a rule, in order." show:"mode=rules"`
	Loose         bool          `json:"looseTypeValidation" doc:"Convert values of other types instead of failing." show:"mode=rules"`
	Options       switchOptions `json:"options"`
}

type switchRules struct {
	Values []switchRule `json:"values" doc:"The rules."`
	Rules  []switchRule `json:"rules" doc:"The rules, under the name some documents use."`
}

func (r switchRules) all() []switchRule {
	if len(r.Values) > 0 {
		return r.Values
	}
	return r.Rules
}

type switchRule struct {
	Conditions   filterParam `json:"conditions" doc:"When an item goes to this output."`
	RenameOutput bool        `json:"renameOutput" doc:"Whether outputKey names the output."`
	OutputKey    string      `json:"outputKey" doc:"The output's name." show:"renameOutput=true"`
}

type switchOptions struct {
	FallbackOutput       any    `json:"fallbackOutput" doc:"Where items go that match no rule: none, extra (one more output) or the index of an output." default:"none"`
	RenameFallbackOutput string `json:"renameFallbackOutput" doc:"Name of the extra output."`
	AllMatchingOutputs   bool   `json:"allMatchingOutputs" doc:"Send an item to every output whose rule matches, not only the first."`
	conditionOptions
}

// switchType routes items to one of several outputs.
func switchType() *Type {
	const name = "n8n-nodes-base.switch"
	return &Type{
		Name: name, DisplayName: "Switch", Category: workflow.CategoryFlow,
		Description: "Sends each item to the output of the first rule that matches, or to an output computed by an expression.",
		Versions:    []float64{1, 2, 3, 3.1, 3.2, 3.3, 3.4},
		Params:      switchParams{}, OldParams: []VersionedParams{{2, switchParams1{}}, {3, switchParams2{}}},
		Outputs:  switchOutputs,
		Check:    checkSwitch,
		Examples: []workflow.NodeExample{example("Route by amount", name, 3.2, `{"rules":{"values":[{"conditions":`+exampleFilter+`,"renameOutput":true,"outputKey":"large"}]},"options":{"fallbackOutput":"extra"}}`)},
		Run:      runSwitch,
	}
}

func checkSwitch(n *workflow.Node) []workflow.Finding {
	if n.TypeVersion > 0 && n.TypeVersion < 3 {
		return nil
	}
	rules, _ := n.Parameters.Value("rules").(*workflow.Object)
	list, _ := rules.Value("values").([]any)
	var out []workflow.Finding
	for i, e := range list {
		rule, _ := e.(*workflow.Object)
		out = append(out, checkFilter(rule.Value("conditions"), indexed("parameters.rules.values", i)+".conditions")...)
	}
	return out
}

// switchOutputs names the outputs of a node as it is configured.
func switchOutputs(n *workflow.Node) []workflow.Port {
	if n.TypeVersion > 0 && n.TypeVersion < 2 {
		return mainPorts("0", "1", "2", "3")
	}
	p := n.Parameters
	if textOf(p.Value("mode")) == "expression" {
		count := p.Value("numberOutputs")
		if n.TypeVersion < 3 && n.TypeVersion > 0 {
			count = p.Value("outputsAmount")
		}
		f, ok := count.(float64)
		if !ok || f < 1 || f > maxOutputs {
			f = 4
		}
		return numbered(int(f))
	}
	rules, _ := p.Value("rules").(*workflow.Object)
	list, ok := rules.Value("values").([]any)
	if !ok {
		list, _ = rules.Value("rules").([]any)
	}
	var names []string
	for i, e := range list {
		rule, _ := e.(*workflow.Object)
		names = append(names, firstOf(textOf(rule.Value("outputKey")), fmt.Sprint(i)))
	}
	options, _ := p.Value("options").(*workflow.Object)
	fallback := options.Value("fallbackOutput")
	if n.TypeVersion < 3 && n.TypeVersion > 0 {
		fallback = p.Value("fallbackOutput")
	}
	if fallback == "extra" {
		names = append(names, firstOf(textOf(options.Value("renameFallbackOutput")), "fallback"))
	}
	return mainPorts(names...)
}

const maxOutputs = 100

func numbered(n int) []workflow.Port {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprint(i)
	}
	return mainPorts(names...)
}

// runSwitch puts each item where its version's rules send it.
func runSwitch(ctx context.Context, c *Call) (Output, error) {
	route := routeRules
	switch {
	case c.Node.TypeVersion < 2:
		route = route1
	case c.Node.TypeVersion < 3:
		route = route2
	}
	out := make([][]workflow.Item, max(1, len(switchOutputs(c.Node))))
	for i := range out {
		out[i] = []workflow.Item{}
	}
	for i, item := range c.Items() {
		if err := ctx.Err(); err != nil {
			return Output{}, err
		}
		targets, err := route(ctx, c, i, len(out))
		if err != nil {
			if !c.ContinueOnFail() || ctx.Err() != nil {
				return Output{}, AtItem(err, i)
			}
			out[0] = append(out[0], ErrorItem(err, i))
			continue
		}
		item.Paired = workflow.PairedTo(i)
		for _, t := range targets {
			out[t] = append(out[t], item)
		}
	}
	return Output{Main: out}, nil
}

func routeRules(ctx context.Context, c *Call, i, outputs int) ([]int, error) {
	p, err := Bind[switchParams](ctx, c, i)
	if err != nil {
		return nil, err
	}
	if p.Mode == "expression" {
		return oneOutput(p.Output, outputs)
	}
	var targets []int
	rules := p.Rules.all()
	for n := range rules {
		ok, err := rules[n].Conditions.holds(ctx, c.rules(p.Options.conditionOptions, p.Loose), i)
		if err != nil {
			return nil, err
		}
		if ok {
			targets = append(targets, n)
			if !p.Options.AllMatchingOutputs {
				break
			}
		}
	}
	if len(targets) > 0 {
		return targets, nil
	}
	return fallback(p.Options.FallbackOutput, len(rules), outputs)
}

// fallback is where an item without a matching rule goes.
func fallback(v any, extra, outputs int) ([]int, error) {
	switch v {
	case nil, "", "none":
		return nil, nil
	case "extra":
		return oneOutput(extra, outputs)
	}
	f, ok := numberOf(v)
	if !ok {
		return nil, badType("options.fallbackOutput", v, "none, extra or the index of an output")
	}
	if f < 0 {
		return nil, nil
	}
	return oneOutput(int(f), outputs)
}

func oneOutput(n, outputs int) ([]int, error) {
	if n < 0 || n >= outputs {
		return nil, Fail("Output %d does not exist: the node has the outputs 0 to %d.", n, outputs-1)
	}
	return []int{n}, nil
}
