package node

import (
	"context"
	"encoding/json"
	"strconv"

	"flowgate/internal/workflow"
)

type executeWorkflowParams struct {
	Source         string             `json:"source" doc:"Where the workflow is: stored here, or given as JSON." default:"database" enum:"database,parameter,localFile,url" expr:"no"`
	WorkflowID     Locator            `json:"workflowId" doc:"Id of the workflow." show:"source=database"`
	WorkflowJSON   any                `json:"workflowJson" doc:"The workflow itself, as JSON." hint:"json" show:"source=parameter"`
	WorkflowPath   string             `json:"workflowPath" expr:"no" show:"source=localFile"`
	WorkflowURL    string             `json:"workflowUrl" expr:"no" show:"source=url"`
	Mode           string             `json:"mode" doc:"One call with all items, or a call for each." default:"once" enum:"once,each"`
	WorkflowInputs workflowInputs     `json:"workflowInputs" doc:"What to send, where the called workflow declares its inputs."`
	Options        subWorkflowOptions `json:"options"`
}

type workflowInputs struct {
	MappingMode string           `json:"mappingMode" expr:"no"`
	Value       *workflow.Object `json:"value" doc:"Input names and their values."`
	Matching    any              `json:"matchingColumns" expr:"no"`
	Schema      any              `json:"schema" expr:"no"`
	Attempt     any              `json:"attemptToConvertTypes" expr:"no"`
	Convert     any              `json:"convertFieldsToString" expr:"no"`
}

type subWorkflowOptions struct {
	Wait bool `json:"waitForSubWorkflow" doc:"Wait for the called workflow and give its items; otherwise hand on the input." default:"true"`
}

// executeWorkflow calls another workflow.
func executeWorkflow() *Type {
	const name = "n8n-nodes-base.executeWorkflow"
	return &Type{
		Name: name, DisplayName: "Execute Sub-workflow", Category: workflow.CategoryFlow,
		Description: "Calls another workflow of the same owner and gives the items of its last node.",
		Versions:    []float64{1, 1.1, 1.2, 1.3}, Params: executeWorkflowParams{}, SideEffects: true,
		Check:    checkExecuteWorkflow,
		Examples: []workflow.NodeExample{example("Call for each item", name, 1.2, `{"workflowId":{"__rl":true,"mode":"id","value":"WORKFLOW_ID"},"mode":"each","workflowInputs":{"mappingMode":"defineBelow","value":{}},"options":{}}`)},
		Run:      runExecuteWorkflow,
	}
}

func checkExecuteWorkflow(n *workflow.Node) []workflow.Finding {
	switch source := textOf(n.Parameters.Value("source")); source {
	case "localFile", "url":
		return []workflow.Finding{{Code: FindingUnsupported, Path: "parameters.source",
			Message: "Workflows from files or addresses cannot be called.", Hint: "Store the workflow and call it by id."}}
	case "", "database":
		var l Locator
		l.fromRaw(n.Parameters.Value("workflowId"))
		if l.Text() == "" {
			return []workflow.Finding{{Code: FindingMissingParameter, Path: "parameters.workflowId",
				Message: "The workflow to call is not named.", Hint: "Set workflowId to {\"__rl\":true,\"mode\":\"id\",\"value\":\"…\"}."}}
		}
	}
	return nil
}

func runExecuteWorkflow(ctx context.Context, c *Call) (Output, error) {
	p, err := Bind[executeWorkflowParams](ctx, c, 0)
	if err != nil {
		return Output{}, err
	}
	if p.Mode == "each" {
		items, err := c.EachItem(ctx, func(i int, in workflow.Item) ([]workflow.Item, error) { return callForItem(ctx, c, i, in) })
		return Items(items), err
	}
	items, err := p.inputs(ctx, c)
	if err != nil {
		return Output{}, err
	}
	ref, err := p.reference()
	if err != nil {
		return Output{}, err
	}
	out, err := c.Host.SubWorkflow(ctx, "sub", ref, items, p.Options.Wait)
	if err != nil {
		if !c.ContinueOnFail() || ctx.Err() != nil {
			return Output{}, err
		}
		return Items([]workflow.Item{ErrorItem(err, 0)}), nil
	}
	if !p.Options.Wait {
		return Items(passed(c.Items())), nil
	}
	return Items(unpaired(out)), nil
}

func callForItem(ctx context.Context, c *Call, i int, in workflow.Item) ([]workflow.Item, error) {
	p, err := Bind[executeWorkflowParams](ctx, c, i)
	if err != nil {
		return nil, err
	}
	ref, err := p.reference()
	if err != nil {
		return nil, err
	}
	out, err := c.Host.SubWorkflow(ctx, "sub-"+strconv.Itoa(i), ref, []workflow.Item{p.input(c.Node.TypeVersion, in)}, p.Options.Wait)
	if err != nil || p.Options.Wait {
		return unpaired(out), err
	}
	return []workflow.Item{{JSON: in.JSON, Binary: in.Binary}}, nil
}

// unpaired drops pairings that mean items inside the called workflow.
func unpaired(items []workflow.Item) []workflow.Item {
	out := make([]workflow.Item, len(items))
	for i, item := range items {
		item.Paired = nil
		out[i] = item
	}
	return out
}

func (p *executeWorkflowParams) inputs(ctx context.Context, c *Call) ([]workflow.Item, error) {
	in := c.Items()
	out := make([]workflow.Item, len(in))
	for i := range in {
		each, err := Bind[executeWorkflowParams](ctx, c, i)
		if err != nil {
			return nil, err
		}
		out[i] = each.input(c.Node.TypeVersion, in[i])
		out[i].Paired = workflow.PairedTo(i)
	}
	return out, nil
}

// input is what is sent for an item: the mapped values where there are some,
// the item otherwise.
func (p *executeWorkflowParams) input(version float64, in workflow.Item) workflow.Item {
	if version >= 1.2 && p.WorkflowInputs.Value.Len() > 0 {
		return workflow.Item{JSON: p.WorkflowInputs.Value, Binary: in.Binary}
	}
	return workflow.Item{JSON: in.JSON, Binary: in.Binary}
}

func (p *executeWorkflowParams) reference() (SubWorkflow, error) {
	switch p.Source {
	case "parameter":
		data, err := workflow.AppendJSON(nil, parsed(p.WorkflowJSON))
		doc := &workflow.Document{}
		if err == nil {
			err = json.Unmarshal(data, doc)
		}
		if err != nil {
			return SubWorkflow{}, Fail("Parameter %q holds no workflow: %v.", "workflowJson", err)
		}
		return SubWorkflow{Document: doc}, nil
	case "localFile", "url":
		return SubWorkflow{}, Fail("Workflows from files or addresses cannot be called. Store the workflow and call it by id.")
	}
	id := p.WorkflowID.Text()
	if id == "" {
		return SubWorkflow{}, Fail("Parameter %q names no workflow.", "workflowId")
	}
	return SubWorkflow{ID: id}, nil
}
