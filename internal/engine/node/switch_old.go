package node

import "context"

// switchParams1 are the parameters of version 1: four outputs, chosen by
// number.
type switchParams1 struct {
	Mode           string       `json:"mode" doc:"rules: by comparing one value; expression: the output is computed." default:"rules" enum:"rules,expression"`
	Output         int          `json:"output" doc:"Index of the output, 0 to 3." show:"mode=expression"`
	DataType       string       `json:"dataType" doc:"Type of the value." default:"number" enum:"boolean,dateTime,number,string" show:"mode=rules"`
	Value1         any          `json:"value1" doc:"The value that the rules compare." show:"mode=rules"`
	Rules          switchRules1 `json:"rules" show:"mode=rules"`
	FallbackOutput any          `json:"fallbackOutput" doc:"Output of items that match no rule; -1 drops them." default:"-1" show:"mode=rules"`
}

type switchRules1 struct {
	Rules []switchRule1 `json:"rules" doc:"The rules."`
}

type switchRule1 struct {
	Operation string `json:"operation" doc:"The comparison, as in If 1."`
	Value2    any    `json:"value2" doc:"What the value is compared with."`
	Output    int    `json:"output" doc:"Index of the output, 0 to 3."`
	OutputKey string `json:"outputKey" doc:"The output's name (version 2)."`
}

// switchParams2 are the parameters of version 2: one output a rule.
type switchParams2 struct {
	Mode           string       `json:"mode" doc:"rules: by comparing one value; expression: the output is computed." default:"rules" enum:"rules,expression"`
	OutputsAmount  int          `json:"outputsAmount" doc:"How many outputs there are." default:"4" show:"mode=expression"`
	Output         any          `json:"output" doc:"Index of the output, from 0." default:"0" show:"mode=expression"`
	DataType       string       `json:"dataType" doc:"Type of the value." default:"number" enum:"boolean,dateTime,number,string" show:"mode=rules"`
	Value1         any          `json:"value1" doc:"The value that the rules compare." show:"mode=rules"`
	Rules          switchRules1 `json:"rules" show:"mode=rules"`
	FallbackOutput any          `json:"fallbackOutput" doc:"none, extra or the index of an output." default:"none" show:"mode=rules"`
}

func route1(ctx context.Context, c *Call, i, outputs int) ([]int, error) {
	p, err := Bind[switchParams1](ctx, c, i)
	if err != nil {
		return nil, err
	}
	if p.Mode == "expression" {
		return oneOutput(p.Output, outputs)
	}
	n, err := c.firstRule(p.DataType, p.Value1, p.Rules.Rules)
	if err != nil {
		return nil, err
	}
	if n >= 0 {
		return oneOutput(p.Rules.Rules[n].Output, outputs)
	}
	return fallback(p.FallbackOutput, outputs, outputs)
}

func route2(ctx context.Context, c *Call, i, outputs int) ([]int, error) {
	p, err := Bind[switchParams2](ctx, c, i)
	if err != nil {
		return nil, err
	}
	if p.Mode == "expression" {
		f, ok := numberOf(p.Output)
		if !ok {
			return nil, badType("output", p.Output, "the index of an output")
		}
		return oneOutput(int(f), outputs)
	}
	n, err := c.firstRule(p.DataType, p.Value1, p.Rules.Rules)
	if err != nil {
		return nil, err
	}
	if n >= 0 {
		return oneOutput(n, outputs)
	}
	return fallback(p.FallbackOutput, len(p.Rules.Rules), outputs)
}

// firstRule is the index of the first rule that value fulfils, -1 if none.
func (c *Call) firstRule(kind string, value any, rules []switchRule1) (int, error) {
	for n, r := range rules {
		op := r.Operation
		if op == "" {
			op = map[string]string{"dateTime": "after", "number": "smaller"}[kind]
		}
		ok, err := compareGrouped(kind, firstOf(op, "equal"), value, r.Value2, c.zone())
		if err != nil {
			return -1, err
		}
		if ok {
			return n, nil
		}
	}
	return -1, nil
}
