package node

import (
	"context"
	"time"

	"flowgate/internal/workflow"
)

type formParams struct {
	Operation   string      `json:"operation" doc:"Ask with a form, or show an end page." default:"page" enum:"page,completion" expr:"no"`
	DefineForm  string      `json:"defineForm" expr:"no"`
	Title       string      `json:"formTitle" doc:"Heading of the form." default:"Please fill in"`
	Description string      `json:"formDescription" doc:"Text above the fields." hint:"multiline"`
	Fields      formFields  `json:"formFields" doc:"The fields."`
	Options     formPageOpt `json:"options" doc:"Further settings."`
	timeLimit
	RespondWith       string `json:"respondWith" show:"operation=completion"`
	CompletionTitle   string `json:"completionTitle" show:"operation=completion"`
	CompletionMessage string `json:"completionMessage" show:"operation=completion"`
}

type formPageOpt struct {
	Title       string `json:"formTitle" doc:"Heading of the form."`
	Description string `json:"formDescription" doc:"Text above the fields."`
	Button      string `json:"buttonLabel" doc:"Text of the button that sends the form."`
	CustomCSS   string `json:"customCss"`
}

const formName = "n8n-nodes-base.form"

// formType holds the execution until a person has filled a form in.
func formType() *Type {
	return &Type{
		Name: formName, Aliases: []string{"flowgate.form"}, DisplayName: "Form", Category: workflow.CategoryHumanInTheLoop,
		Description: "Holds the execution until a person has filled in a form. Gives one item with the fields' values; where a time limit is set and passed, the input goes on by the second output.",
		Versions:    []float64{1, 2, 2.1, 2.2, 2.3, 2.4, 2.5}, Params: formParams{}, SideEffects: true,
		Docs: "It is answered with resume_execution, whose response holds the fields by name, by the App's resume route, or on the page behind $execution.resumeFormUrl " +
			"(or $execution.resumeUrl), which a node before this one can send to the person. Waiting takes no memory. File fields are not supported yet.",
		Examples: []workflow.NodeExample{example("Ask for details", formName, 1,
			`{"formTitle":"Delivery","formDescription":"Where shall we send it?","formFields":{"values":[{"fieldLabel":"address","fieldType":"textarea","requiredField":true},{"fieldLabel":"express","fieldType":"dropdown","fieldOptions":{"values":[{"option":"yes"},{"option":"no"}]}}]}}`)},
		Outputs: formOutputs,
		Run:     runForm,
	}
}

func formOutputs(n *workflow.Node) []workflow.Port {
	if limited, _ := boolOf(n.Parameters.Value("limitWaitTime")); limited {
		return mainPorts("submitted", "timeout")
	}
	return mainPorts("submitted")
}

func runForm(ctx context.Context, c *Call) (Output, error) {
	p, err := Bind[formParams](ctx, c, 0)
	if err != nil {
		return Output{}, err
	}
	if p.Operation == "completion" {
		return Items(passed(c.Items())), nil
	}
	asked := workflow.NewObject("title", firstOf(p.Options.Title, p.Title), "description", firstOf(p.Options.Description, p.Description),
		"button", firstOf(p.Options.Button, "Submit"), "fields", p.Fields.shown())
	answer, err := p.ask(ctx, c, waitForm, asked)
	if err != nil {
		return Output{}, err
	}
	out := Output{Main: make([][]workflow.Item, len(formOutputs(c.Node)))}
	if answer == nil {
		out.Main[len(out.Main)-1] = passed(c.Items())
		return out, nil
	}
	answer.Set("submittedAt", c.Host.Now().In(c.zone()).Format(time.RFC3339))
	answer.Set("formMode", formMode(c))
	item := workflow.Item{JSON: answer, Paired: pairedToAll(len(c.Items()))}
	if len(c.Items()) == 1 {
		item.Paired = workflow.PairedTo(0)
	}
	out.Main[0] = []workflow.Item{item}
	return out, nil
}

func formMode(c *Call) string {
	if c.Mode.Production() {
		return "production"
	}
	return "test"
}
