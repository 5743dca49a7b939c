package node

import (
	"context"

	"flowgate/internal/workflow"
)

type subTriggerParams struct {
	InputSource string           `json:"inputSource" doc:"What callers send: anything, or declared inputs." default:"workflowInputs" enum:"passthrough,workflowInputs,jsonExample" show:"@version>=1.1" expr:"no"`
	Inputs      subTriggerInputs `json:"workflowInputs" doc:"The declared inputs." show:"inputSource=workflowInputs&@version>=1.1"`
	JSONExample any              `json:"jsonExample" doc:"An example of an input, as JSON." hint:"json" show:"inputSource=jsonExample&@version>=1.1" expr:"no"`
	Events      string           `json:"events" expr:"no"`
	Notice      string           `json:"notice" expr:"no"`
}

type subTriggerInputs struct {
	Values []subTriggerInput `json:"values" doc:"The inputs."`
}

type subTriggerInput struct {
	Name string `json:"name" doc:"Name of the input." required:"true" expr:"no"`
	Type string `json:"type" doc:"Type of the input." default:"string" enum:"string,number,boolean,array,object,any" expr:"no"`
}

// executeWorkflowTrigger starts a workflow that another one calls.
func executeWorkflowTrigger() *Type {
	const name = "n8n-nodes-base.executeWorkflowTrigger"
	return &Type{
		Name: name, DisplayName: "When Called by Another Workflow", Category: workflow.CategoryTrigger,
		Description: "Starts the workflow when another one calls it, and gives the items it was called with.",
		Versions:    []float64{1, 1.1}, Trigger: true, Params: subTriggerParams{},
		Examples: []workflow.NodeExample{example("When called", name, 1.1, `{"inputSource":"passthrough"}`)},
		Run:      runSubTrigger,
	}
}

func runSubTrigger(ctx context.Context, c *Call) (Output, error) {
	out, err := runTrigger(ctx, c)
	if err != nil || c.Node.TypeVersion < 1.1 {
		return out, err
	}
	p, err := Bind[subTriggerParams](ctx, c, 0)
	if err != nil {
		return Output{}, err
	}
	names := p.declared()
	if p.InputSource == "passthrough" || len(names) == 0 {
		return out, nil
	}
	items := make([]workflow.Item, len(out.Main[0]))
	for i, item := range out.Main[0] {
		o := &workflow.Object{}
		for _, name := range names {
			o.Set(name, item.JSON.Value(name))
		}
		item.JSON = o
		items[i] = item
	}
	return Items(items), nil
}

// declared are the names of the inputs; other fields are not handed on.
func (p *subTriggerParams) declared() []string {
	if p.InputSource == "jsonExample" {
		o, _ := parsed(p.JSONExample).(*workflow.Object)
		return o.Keys()
	}
	var names []string
	for _, v := range p.Inputs.Values {
		if v.Name != "" {
			names = append(names, v.Name)
		}
	}
	return names
}

// errorTrigger starts a workflow when an execution of another one failed.
func errorTrigger() *Type {
	const name = "n8n-nodes-base.errorTrigger"
	return &Type{
		Name: name, DisplayName: "Error Trigger", Category: workflow.CategoryTrigger,
		Description: "Starts the workflow when a workflow that names it as settings.errorWorkflow fails. Gives {execution, workflow}.",
		Versions:    []float64{1}, Trigger: true, Params: noParams{},
		Examples: []workflow.NodeExample{example("On failure", name, 1, `{}`)},
		Run:      runTrigger,
	}
}
