package node

import (
	"context"

	"flowgate/internal/workflow"
)

type stopParams struct {
	ErrorType    string `json:"errorType" doc:"Whether the error is a message or an object." default:"errorMessage" enum:"errorMessage,errorObject" expr:"no"`
	ErrorMessage string `json:"errorMessage" doc:"What the execution fails with." show:"errorType=errorMessage"`
	ErrorObject  any    `json:"errorObject" doc:"JSON of an object; its message, description or error is shown." show:"errorType=errorObject" hint:"json"`
}

// stopAndError fails the execution on purpose.
func stopAndError() *Type {
	const name = "n8n-nodes-base.stopAndError"
	return &Type{
		Name: name, DisplayName: "Stop and Error", Category: workflow.CategoryFlow,
		Description: "Fails the execution with a message or an error object of your own.",
		Versions:    []float64{1}, Params: stopParams{},
		Outputs:  stopOutputs,
		Examples: []workflow.NodeExample{example("Refuse", name, 1, `{"errorMessage":"=Order {{ $json.id }} has no customer"}`)},
		Run:      runStop,
	}
}

// stopOutputs: there is a way on only where the error policy continues.
func stopOutputs(n *workflow.Node) []workflow.Port {
	if n.ErrorPolicy() == workflow.OnErrorStop {
		return nil
	}
	return mainPorts("output")
}

func runStop(ctx context.Context, c *Call) (Output, error) {
	p, err := Bind[stopParams](ctx, c, 0)
	if err != nil {
		return Output{}, err
	}
	if p.ErrorType != "errorObject" {
		return Output{}, Fail("%s", firstOf(p.ErrorMessage, "The workflow stopped itself with an error."))
	}
	o, ok := parsed(p.ErrorObject).(*workflow.Object)
	if !ok {
		return Output{}, badType("errorObject", p.ErrorObject, "a JSON object")
	}
	f := Fail("%s", firstOf(textOf(o.Value("message")), textOf(o.Value("description")), textOf(o.Value("error")), textOf(o)))
	f.Description, f.Code, f.Detail = textOf(o.Value("description")), textOf(o.Value("code")), o
	return Output{}, f
}
