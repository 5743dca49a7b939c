package node

import (
	"context"

	"flowgate/internal/workflow"
)

type mergeParams struct {
	Mode             string       `json:"mode" doc:"append: all items, input by input; combine: join items; combineBySql: by a query; chooseBranch: wait for all inputs, then hand on one." default:"append" enum:"append,combine,combineBySql,chooseBranch" expr:"no"`
	CombineBy        string       `json:"combineBy" doc:"How items are joined." default:"combineByFields" enum:"combineByFields,combineByPosition,combineAll" show:"mode=combine&@version>=3" expr:"no"`
	CombinationMode  string       `json:"combinationMode" doc:"How items are joined (version 2)." default:"mergeByFields" enum:"mergeByFields,mergeByPosition,multiplex" show:"mode=combine&@version<3" expr:"no"`
	NumberInputs     int          `json:"numberInputs" doc:"How many inputs there are, 2 to 10 (append, by position, by SQL, choose branch)." default:"2" expr:"no"`
	Advanced         bool         `json:"advanced" doc:"Whether the fields have different names in the two inputs."`
	FieldsToMatch    FieldList    `json:"fieldsToMatchString" doc:"Fields that must be equal in both inputs, with commas between." show:"mode=combine"`
	MergeByFields    matchFields  `json:"mergeByFields" doc:"Pairs of fields that must be equal." show:"mode=combine"`
	JoinMode         string       `json:"joinMode" doc:"Which items to give." default:"keepMatches" enum:"keepMatches,keepNonMatches,keepEverything,enrichInput1,enrichInput2" show:"mode=combine"`
	OutputDataFrom   string       `json:"outputDataFrom" doc:"Whose fields to give, for keepMatches and keepNonMatches." default:"both" enum:"both,input1,input2" show:"mode=combine"`
	Query            Value        `json:"query" doc:"An SQL SELECT over the tables input1, input2, …" show:"mode=combineBySql" hint:"sql"`
	ChooseBranchMode string       `json:"chooseBranchMode" default:"waitForAll" enum:"waitForAll,waitForBoth" show:"mode=chooseBranch"`
	Output           string       `json:"output" doc:"What to hand on: one input's items, or one empty item." show:"mode=chooseBranch" enum:"specifiedInput,empty,input1,input2"`
	UseDataOfInput   any          `json:"useDataOfInput" doc:"Number of the input to hand on, from 1." default:"1" show:"mode=chooseBranch"`
	Options          mergeOptions `json:"options"`
}

type matchFields struct {
	Values []matchField `json:"values" doc:"The pairs."`
}

type matchField struct {
	Field1 string `json:"field1" doc:"Field of the first input." required:"true"`
	Field2 string `json:"field2" doc:"Field of the second input." required:"true"`
}

type mergeOptions struct {
	ClashHandling      clashHandling `json:"clashHandling" doc:"What to do when both items have a field."`
	DisableDotNotation bool          `json:"disableDotNotation" doc:"Do not read dots in names as paths."`
	FuzzyCompare       bool          `json:"fuzzyCompare" doc:"Let 3 equal \"3\", and null equal an empty text."`
	MultipleMatches    string        `json:"multipleMatches" doc:"Join an item with all its matches or the first." default:"all" enum:"all,first"`
	IncludeUnpaired    bool          `json:"includeUnpaired" doc:"By position: keep items that have no counterpart."`
	EmptyQueryResult   string        `json:"emptyQueryResult" doc:"By SQL: what to give when a query returns nothing." default:"success" enum:"success,empty"`
}

type clashHandling struct {
	Values clash `json:"values"`
}

type clash struct {
	ResolveClash  string `json:"resolveClash" doc:"preferLast, preferInput1, preferInput2, … or addSuffix (fields get _1, _2)." default:"preferLast"`
	MergeMode     string `json:"mergeMode" doc:"Merge objects inside, or replace them." default:"deepMerge" enum:"deepMerge,shallowMerge"`
	OverrideEmpty bool   `json:"overrideEmpty" doc:"An empty value never replaces another."`
}

const mergeName = "n8n-nodes-base.merge"

// mergeType brings several inputs together.
func mergeType() *Type {
	return &Type{
		Name: mergeName, DisplayName: "Merge", Category: workflow.CategoryFlow,
		Description: "Brings the items of several inputs together: one after the other, joined by fields, by position or in every combination, or one input of them.",
		Versions:    []float64{1, 2, 2.1, 3, 3.1, 3.2},
		Params:      mergeParams{}, OldParams: []VersionedParams{{2, mergeParams1{}}},
		Inputs:         mergeInputs,
		RequiredInputs: mergeRequired,
		Examples: []workflow.NodeExample{
			example("All items", mergeName, 3.2, `{"mode":"append"}`),
			example("Add customers", mergeName, 3.2, `{"mode":"combine","combineBy":"combineByFields","fieldsToMatchString":"customerId","joinMode":"enrichInput1","options":{}}`),
		},
		Run: runMerge,
	}
}

func mergeInputs(n *workflow.Node) []workflow.Port {
	count := 2
	if f, ok := n.Parameters.Value("numberInputs").(float64); ok && n.TypeVersion >= 3 {
		count = int(min(max(f, 2), 10))
	}
	names := []string{"input 1", "input 2", "input 3", "input 4", "input 5", "input 6", "input 7", "input 8", "input 9", "input 10"}
	return mainPorts(names[:count]...)
}

// mergeRequired: choosing a branch waits for every input, the other modes
// work on what there is.
func mergeRequired(n *workflow.Node) int {
	switch textOf(n.Parameters.Value("mode")) {
	case "chooseBranch":
		return len(mergeInputs(n))
	}
	return 1
}

func runMerge(ctx context.Context, c *Call) (Output, error) {
	if c.Node.TypeVersion < 2 {
		return runMerge1(ctx, c)
	}
	p, err := Bind[mergeParams](ctx, c, 0)
	if err != nil {
		return Output{}, err
	}
	var items []workflow.Item
	switch p.Mode {
	case "combine":
		items, err = p.combine(c)
	case "chooseBranch":
		items, err = p.choose(c)
	case "combineBySql":
		items, err = p.combineBySQL(ctx, c)
	default:
		items = appended(c.Inputs)
	}
	return Items(items), err
}

func (p *mergeParams) combine(c *Call) ([]workflow.Item, error) {
	by := p.CombineBy
	if by == "" {
		by = map[string]string{"mergeByPosition": "combineByPosition", "multiplex": "combineAll"}[p.CombinationMode]
	}
	switch by {
	case "combineByPosition":
		return p.byPosition(c.Inputs), nil
	case "combineAll":
		return p.combineAll(c.input(0), c.input(1)), nil
	}
	return p.byFields(c.input(0), c.input(1))
}

// input returns the items of one input, none where it got nothing.
func (c *Call) input(n int) []workflow.Item {
	if n < len(c.Inputs) {
		return c.Inputs[n]
	}
	return nil
}

func appended(inputs [][]workflow.Item) []workflow.Item {
	out := []workflow.Item{}
	for n, items := range inputs {
		out = append(out, pairedInput(items, n)...)
	}
	return out
}

// pairedInput returns the items paired with their own places in input n.
func pairedInput(items []workflow.Item, n int) []workflow.Item {
	out := make([]workflow.Item, len(items))
	for i, item := range items {
		item.Paired = pairTo(workflow.Pair{Item: i, Input: n})
		out[i] = item
	}
	return out
}

func pairTo(refs ...workflow.Pair) *workflow.Pairing {
	return &workflow.Pairing{Refs: refs, Array: len(refs) > 1}
}

// choose hands on the items of one input.
func (p *mergeParams) choose(c *Call) ([]workflow.Item, error) {
	wanted := textOf(p.UseDataOfInput)
	switch p.Output {
	case "empty":
		all := &workflow.Pairing{Array: true}
		for n, items := range c.Inputs {
			for i := range items {
				all.Refs = append(all.Refs, workflow.Pair{Item: i, Input: n})
			}
		}
		return []workflow.Item{{JSON: &workflow.Object{}, Paired: all}}, nil
	case "input1", "input2":
		wanted = p.Output
	}
	if len(wanted) > 5 && wanted[:5] == "input" {
		wanted = wanted[5:]
	}
	f, ok := numberOf(wanted)
	if !ok || f < 1 || int(f) > max(len(c.Inputs), 2) {
		return nil, badType("useDataOfInput", p.UseDataOfInput, "the number of an input, from 1")
	}
	return pairedInput(c.input(int(f)-1), int(f)-1), nil
}
