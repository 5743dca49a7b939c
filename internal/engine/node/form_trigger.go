package node

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"flowgate/internal/workflow"
)

type formTriggerParams struct {
	Path           string             `json:"path" doc:"Path below /form/; the node's webhookId where it is empty." expr:"no"`
	Title          string             `json:"formTitle" doc:"Heading of the form." required:"true" expr:"no"`
	Description    string             `json:"formDescription" doc:"Text above the fields." hint:"multiline" expr:"no"`
	Fields         formFields         `json:"formFields" doc:"The fields."`
	ResponseMode   string             `json:"responseMode" doc:"Kept for documents that have it: the person is thanked at once." default:"onReceived" expr:"no"`
	Authentication string             `json:"authentication" doc:"Only none is supported: whoever knows the address may fill the form in." default:"none" enum:"none" expr:"no"`
	Options        formTriggerOptions `json:"options" doc:"Further settings."`
}

type formTriggerOptions struct {
	Path        string            `json:"path" doc:"Path below /form/." expr:"no"`
	Button      string            `json:"buttonLabel" doc:"Text of the button that sends the form." expr:"no"`
	RespondWith formTriggerThanks `json:"respondWithOptions" doc:"What is said afterwards."`
}

type formTriggerThanks struct {
	Values struct {
		RespondWith string `json:"respondWith" expr:"no"`
		Text        string `json:"formSubmittedText" doc:"Text that thanks." expr:"no"`
		URL         string `json:"redirectUrl" expr:"no"`
	} `json:"values"`
}

const formTriggerName = "n8n-nodes-base.formTrigger"

// formTrigger starts a workflow when a person has filled a form in.
func formTrigger() *Type {
	return &Type{
		Name: formTriggerName, DisplayName: "Form Trigger", Category: workflow.CategoryTrigger,
		Description: "Starts the workflow when a person has filled in its form, which active workflows show at /form/<path>. Gives one item with the fields' values.",
		Versions:    []float64{1, 2, 2.1, 2.2, 2.3, 2.4, 2.5}, Trigger: true, Params: formTriggerParams{},
		Docs: "File fields are not supported yet. Who knows the address may fill the form in.",
		Examples: []workflow.NodeExample{example("Contact form", formTriggerName, 2.2,
			`{"path":"contact","formTitle":"Contact us","formFields":{"values":[{"fieldLabel":"email","fieldType":"email","requiredField":true},{"fieldLabel":"message","fieldType":"textarea"}]}}`)},
		Run: runTrigger,
	}
}

// FormTrigger is a form that starts its workflow.
type FormTrigger struct {
	Node   string
	Path   string          // below /form/
	Asked  json.RawMessage // as a waiting form's data
	Thanks string          // what is said afterwards; may be empty
}

// Forms lists the forms that an active document shows. Those that cannot be
// read are left out.
func Forms(ctx context.Context, d *workflow.Document) []FormTrigger {
	var out []FormTrigger
	for i := range d.Nodes {
		n := &d.Nodes[i]
		if n.Type != formTriggerName || n.Disabled {
			continue
		}
		if f, err := readForm(ctx, n); err == nil {
			out = append(out, f)
		}
	}
	return out
}

// formAddress is the path of a node's form below /form/.
func formAddress(n *workflow.Node) string {
	options, _ := n.Parameters.Value("options").(*workflow.Object)
	path := firstOf(textOf(options.Value("path")), textOf(n.Parameters.Value("path")))
	path = strings.ReplaceAll(strings.Trim(path, "/ "), ":", "-")
	return firstOf(path, n.WebhookID, n.ID)
}

func readForm(ctx context.Context, n *workflow.Node) (FormTrigger, error) {
	p, err := Bind[formTriggerParams](ctx, &Call{Node: n, Eval: literalEvaluator{}}, 0)
	if err != nil {
		return FormTrigger{}, err
	}
	asked, err := workflow.NewObject("title", p.Title, "description", p.Description, "button", firstOf(p.Options.Button, "Submit"),
		"fields", p.Fields.shown()).MarshalJSON()
	return FormTrigger{Node: n.Name, Path: formAddress(n), Asked: asked, Thanks: p.Options.RespondWith.Values.Text}, err
}

// FormItem is what a form trigger puts out for an answer.
func FormItem(asked json.RawMessage, answer *workflow.Object, at time.Time) (*workflow.Item, error) {
	values, err := CheckAnswer(&workflow.Waiting{Kind: waitForm, Data: asked}, answer)
	if err != nil {
		return nil, err
	}
	values.Set("submittedAt", at.Format(time.RFC3339))
	values.Set("formMode", "production")
	return &workflow.Item{JSON: values}, nil
}
