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
	ResponseMode   string             `json:"responseMode" doc:"When the person is answered: at once, when the workflow has ended, or by a Respond to Webhook node. Where form nodes follow, their pages come first." default:"onReceived" enum:"onReceived,lastNode,responseNode" expr:"no"`
	Authentication string             `json:"authentication" doc:"Who may fill the form in: whoever knows the address, or who has the user name and the password of the node's httpBasicAuth credential." default:"none" enum:"none,basicAuth" expr:"no"`
	Options        formTriggerOptions `json:"options" doc:"Further settings."`
}

type formTriggerOptions struct {
	Path        string            `json:"path" doc:"Path below /form/." expr:"no"`
	Button      string            `json:"buttonLabel" doc:"Text of the button that sends the form." expr:"no"`
	RespondWith formTriggerThanks `json:"respondWithOptions" doc:"What is said afterwards."`
	IgnoreBots  bool              `json:"ignoreBots" doc:"Refuse crawlers and link previews." expr:"no"`
	CustomCSS   string            `json:"customCss" doc:"CSS of the page." expr:"no"`
	Attribution bool              `json:"appendAttribution" expr:"no"`
	ZoneTime    bool              `json:"useWorkflowTimezone" doc:"Write submittedAt in the workflow's time zone rather than in UTC." default:"true" expr:"no"`
}

type formTriggerThanks struct {
	Values struct {
		RespondWith string `json:"respondWith" doc:"Say a text, or lead to another page." default:"text" enum:"text,redirect" expr:"no"`
		Text        string `json:"formSubmittedText" doc:"Text that thanks." show:"respondWith=text"`
		URL         string `json:"redirectUrl" doc:"Where the person is sent." show:"respondWith=redirect" expr:"no"`
	} `json:"values"`
}

const formTriggerName = "n8n-nodes-base.formTrigger"

// formTrigger starts a workflow when a person has filled a form in.
func formTrigger() *Type {
	return &Type{
		Name: formTriggerName, DisplayName: "Form Trigger", Category: workflow.CategoryTrigger,
		Description: "Starts the workflow when a person has filled in its form, which active workflows show at /form/<path>. Gives one item with the fields' values; files become binary data.",
		Versions:    []float64{1, 2, 2.1, 2.2, 2.3, 2.4, 2.5}, Trigger: true, Params: formTriggerParams{},
		Credentials: []string{"httpBasicAuth"},
		Docs: "Before the workflow is active the form can be tried once at /form-test/<path>, when the test is armed. " +
			"Fields are prefilled from the address: ?email=a@example.com. Form nodes behind this one are further pages.",
		Examples: []workflow.NodeExample{example("Contact form", formTriggerName, 2.2,
			`{"path":"contact","formTitle":"Contact us","formFields":{"values":[{"fieldLabel":"email","fieldType":"email","requiredField":true},{"fieldLabel":"message","fieldType":"textarea"}]}}`)},
		Check: checkFormTrigger,
		Run:   runTrigger,
	}
}

// checkFormTrigger finds addresses that lead nowhere.
func checkFormTrigger(n *workflow.Node) []workflow.Finding {
	p, err := Bind[formTriggerParams](context.Background(), &Call{Node: n, Eval: literalEvaluator{}}, 0)
	if thanks := p.Options.RespondWith.Values; err == nil && thanks.RespondWith == "redirect" && !webLink(thanks.URL) {
		return []workflow.Finding{{Code: FindingBadParameter, Path: "parameters.options.respondWithOptions.values.redirectUrl",
			Message: "The form leads to " + describe(thanks.URL) + " afterwards, which is no web address.", Hint: "Write an address that begins with https:// or http://."}}
	}
	return nil
}

// FormTrigger is a form that starts its workflow.
type FormTrigger struct {
	Node     string
	Path     string          // below /form/
	Asked    json.RawMessage // as a waiting form's data
	Thanks   string          // what is said afterwards; may be empty
	Redirect string          // where people are sent afterwards; may be empty
	// Waits reports whether people wait for what the workflow answers.
	Waits bool
	// Guard is a webhook node that admits who may fill the form in.
	Guard workflow.Node
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
		if f, err := readForm(ctx, d, n); err == nil {
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

func readForm(ctx context.Context, d *workflow.Document, n *workflow.Node) (FormTrigger, error) {
	p, err := Bind[formTriggerParams](ctx, &Call{Node: n, Eval: literalEvaluator{}}, 0)
	if err != nil {
		return FormTrigger{}, err
	}
	thanks := p.Options.RespondWith.Values
	f := FormTrigger{Node: n.Name, Path: formAddress(n), Thanks: thanks.Text, Waits: p.ResponseMode != "onReceived" || FormFollows(d, n.Name)}
	if thanks.RespondWith == "redirect" && webLink(thanks.URL) {
		f.Redirect = thanks.URL
	}
	f.Guard = workflow.Node{Name: n.Name, Type: webhookName, TypeVersion: 1, Credentials: n.Credentials, Parameters: workflow.NewObject(
		"path", f.Path, "authentication", p.Authentication, "responseMode", p.ResponseMode, "options", workflow.NewObject("ignoreBots", p.Options.IgnoreBots))}
	f.Asked, err = workflow.NewObject("title", p.Title, "description", p.Description, "button", firstOf(p.Options.Button, "Submit"),
		"css", p.Options.CustomCSS, "fields", p.Fields.shown(), "zoned", p.Options.ZoneTime).MarshalJSON()
	return f, err
}

// FormItem is what a form trigger puts out for an answer. mode is test or
// production, zone the workflow's.
func FormItem(asked json.RawMessage, answer *workflow.Object, at time.Time, mode string, zone *time.Location) (*workflow.Item, error) {
	values, err := CheckAnswer(&workflow.Waiting{Kind: waitForm, Data: asked}, answer)
	if err != nil {
		return nil, err
	}
	form := &workflow.Object{}
	if err := json.Unmarshal(asked, form); err != nil {
		return nil, err
	}
	fields, _ := form.Value("fields").([]any)
	item := formItem(fields, values)
	if form.Value("zoned") == true {
		at = at.In(zone)
	}
	item.JSON.Set("submittedAt", at.Format("2006-01-02T15:04:05.000Z07:00"))
	item.JSON.Set("formMode", mode)
	return &item, nil
}
