package node

import (
	"context"
	"mime"
	"net/http"
	"time"

	"flowgate/internal/workflow"
)

type formParams struct {
	Operation   string      `json:"operation" doc:"Ask with a form, or show an end page." default:"page" enum:"page,completion" expr:"no"`
	DefineForm  string      `json:"defineForm" doc:"Where the fields are described: in formFields, or in jsonOutput." default:"fields" enum:"fields,json" show:"operation=page" expr:"no"`
	JSONFields  any         `json:"jsonOutput" doc:"The fields as a list, each written as in formFields." show:"operation=page&defineForm=json" hint:"json"`
	Title       string      `json:"formTitle" doc:"Heading of the form." default:"Please fill in"`
	Description string      `json:"formDescription" doc:"Text above the fields." hint:"multiline"`
	Fields      formFields  `json:"formFields" doc:"The fields."`
	Options     formPageOpt `json:"options" doc:"Further settings."`
	timeLimit
	RespondWith       string `json:"respondWith" doc:"What the person sees at the end: a page with a text, another site, HTML of yours, or a file." default:"text" enum:"text,redirect,showText,returnBinary" show:"operation=completion"`
	CompletionTitle   string `json:"completionTitle" doc:"Heading of the end page." show:"operation=completion"`
	CompletionMessage string `json:"completionMessage" doc:"Text of the end page." show:"operation=completion" hint:"multiline"`
	RedirectURL       string `json:"redirectUrl" doc:"Where the person is sent." show:"operation=completion&respondWith=redirect"`
	ResponseText      string `json:"responseText" doc:"HTML of the end page; scripts in it do not run." show:"operation=completion&respondWith=showText" hint:"html"`
	FileField         string `json:"inputDataFieldName" doc:"Name of the item's file that the person gets." default:"data" show:"operation=completion&respondWith=returnBinary"`
}

type formPageOpt struct {
	Title       string `json:"formTitle" doc:"Heading of the form."`
	Description string `json:"formDescription" doc:"Text above the fields."`
	Button      string `json:"buttonLabel" doc:"Text of the button that sends the form."`
	CustomCSS   string `json:"customCss" doc:"CSS of the page."`
}

const formName = "n8n-nodes-base.form"

// formType holds the execution until a person has filled a form in.
func formType() *Type {
	return &Type{
		Name: formName, Aliases: []string{"flowgate.form"}, DisplayName: "Form", Category: workflow.CategoryHumanInTheLoop,
		Description: "Holds the execution until a person has filled in a form. Gives one item with the fields' values; where a time limit is set and passed, the input goes on by the second output.",
		Versions:    []float64{1, 2, 2.1, 2.2, 2.3, 2.4, 2.5}, Params: formParams{}, SideEffects: true,
		Docs: "It is answered with resume_execution, whose response holds the fields by name, by the App's resume route, or on the page behind $execution.resumeFormUrl " +
			"(or $execution.resumeUrl), which a node before this one can send to the person. Behind a Form Trigger or another form it is the next page, and the person gets there by itself. " +
			"A form with operation completion shows the last page. Waiting takes no memory. Files become binary data; to send one without the page, " +
			"answer its field with {fileName, mimeType, data} where data is base64.",
		Examples: []workflow.NodeExample{example("Ask for details", formName, 1,
			`{"formTitle":"Delivery","formDescription":"Where shall we send it?","formFields":{"values":[{"fieldLabel":"address","fieldType":"textarea","requiredField":true},{"fieldLabel":"express","fieldType":"dropdown","fieldOptions":{"values":[{"option":"yes"},{"option":"no"}]}}]}}`)},
		Outputs: formOutputs,
		Check:   checkFormNode,
		Run:     runForm,
	}
}

func formOutputs(n *workflow.Node) []workflow.Port {
	if limited, _ := boolOf(n.Parameters.Value("limitWaitTime")); limited {
		return mainPorts("submitted", "timeout")
	}
	return mainPorts("submitted")
}

// checkFormNode finds forms that ask nothing.
func checkFormNode(n *workflow.Node) []workflow.Finding {
	if n.Parameters.Value("defineForm") != "json" {
		return nil
	}
	text, ok := n.Parameters.Value("jsonOutput").(string)
	if !ok || isExpression(text) {
		return nil
	}
	if _, err := readFormFields(text); err != nil {
		return []workflow.Finding{{Code: FindingBadParameter, Path: "parameters.jsonOutput", Message: err.Error(),
			Hint: `Write a list such as [{"fieldLabel": "Name", "fieldType": "text", "requiredField": true}].`}}
	}
	return nil
}

// readFormFields reads fields that are written as JSON.
func readFormFields(v any) (formFields, error) {
	list, ok := parsed(v).([]any)
	if !ok {
		return formFields{}, Fail("Parameter \"jsonOutput\" must be a list of fields, but it is %s.", describe(v))
	}
	n := &workflow.Node{Parameters: workflow.NewObject("values", list)}
	return Bind[formFields](context.Background(), &Call{Node: n, Eval: verbatim{}}, 0)
}

// verbatim takes every text as it is.
type verbatim struct{}

// Resolve returns raw.
func (verbatim) Resolve(_ context.Context, raw any, _ int, _ map[string]any) (any, error) {
	return raw, nil
}

func runForm(ctx context.Context, c *Call) (Output, error) {
	p, err := Bind[formParams](ctx, c, 0)
	if err != nil {
		return Output{}, err
	}
	if p.Operation == "completion" {
		return p.complete(ctx, c)
	}
	if p.DefineForm == "json" {
		if p.Fields, err = readFormFields(p.JSONFields); err != nil {
			return Output{}, err
		}
	}
	fields := p.Fields.shown()
	asked := workflow.NewObject("title", firstOf(p.Options.Title, p.Title), "description", firstOf(p.Options.Description, p.Description),
		"button", firstOf(p.Options.Button, "Submit"), "css", p.Options.CustomCSS, "fields", fields, "follows", FormFollows(c.Document, c.Node.Name))
	answer, err := p.ask(ctx, c, waitForm, asked)
	if err != nil {
		return Output{}, err
	}
	out := Output{Main: make([][]workflow.Item, len(formOutputs(c.Node)))}
	if answer == nil {
		out.Main[len(out.Main)-1] = passed(c.Items())
		return out, nil
	}
	item := formItem(fields, answer)
	item.JSON.Set("submittedAt", c.Host.Now().In(c.zone()).Format(time.RFC3339))
	item.JSON.Set("formMode", formMode(c))
	item.Paired = pairedToAll(len(c.Items()))
	if len(c.Items()) == 1 {
		item.Paired = workflow.PairedTo(0)
	}
	out.Main[0] = []workflow.Item{item}
	return out, nil
}

// complete shows the last page to the person who filled the form in.
func (p *formParams) complete(ctx context.Context, c *Call) (Output, error) {
	r := &workflow.Response{Status: http.StatusOK}
	switch p.RespondWith {
	case "redirect":
		if !webLink(p.RedirectURL) {
			return Output{}, Fail("Parameter \"redirectUrl\" is %s; it must be an address that begins with https:// or http://.", describe(p.RedirectURL))
		}
		r.Status = http.StatusSeeOther
		setResponseHeader(r, "Location", p.RedirectURL)
	case "showText":
		r = textResponse(http.StatusOK, p.ResponseText)
	case "returnBinary":
		if len(c.Items()) == 0 {
			return Output{}, Fail("There is no item whose file could be given.")
		}
		b, _, err := itemFile(c.Items()[0], p.FileField, "inputDataFieldName")
		if err != nil {
			return Output{}, err
		}
		r = fileResponse(http.StatusOK, b)
		setResponseHeader(r, "Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": fileNameOr(b, "file")}))
	default:
		r = jsonResponse(http.StatusOK, workflow.NewObject("title", firstOf(p.CompletionTitle, "Thank you"), "message", p.CompletionMessage, "css", p.Options.CustomCSS))
		setResponseHeader(r, "Content-Type", workflow.FormEndType)
	}
	answered, err := c.Host.Respond(ctx, *r)
	if err != nil {
		return Output{}, err
	}
	out := Items(passed(c.Items()))
	if !answered {
		out.Hints = []string{"Nobody saw this page: no form was filled in before it in this execution."}
	}
	return out, nil
}

// FormFollows reports whether a form's page lies behind a node of d.
func FormFollows(d *workflow.Document, from string) bool {
	return reaches(d, from, func(n *workflow.Node) bool {
		return n.Type == formName || n.Type == "flowgate.form" || n.Type == waitName && n.Parameters.Value("resume") == waitForm
	})
}

func formMode(c *Call) string {
	if c.Mode.Production() {
		return "production"
	}
	return "test"
}
