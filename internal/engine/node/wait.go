package node

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"flowgate/internal/workflow"
)

type waitParams struct {
	Resume          string           `json:"resume" doc:"What ends the wait." default:"timeInterval" enum:"timeInterval,specificTime,webhook,form" expr:"no"`
	Amount          float64          `json:"amount" doc:"How long to wait." default:"5" show:"resume=timeInterval"`
	Unit            string           `json:"unit" doc:"Unit of the amount." default:"seconds" enum:"seconds,minutes,hours,days" show:"resume=timeInterval"`
	DateTime        any              `json:"dateTime" doc:"When to go on." show:"resume=specificTime"`
	HTTPMethod      string           `json:"httpMethod" doc:"Method of the call that ends the wait." default:"GET" show:"resume=webhook" expr:"no"`
	ResponseMode    string           `json:"responseMode" default:"onReceived" enum:"onReceived,lastNode,responseNode" show:"resume=webhook" expr:"no"`
	ResponseCode    int              `json:"responseCode" default:"200" show:"resume=webhook"`
	ResponseData    string           `json:"responseData" show:"resume=webhook"`
	Authentication  string           `json:"incomingAuthentication" show:"resume=webhook|form" expr:"no"`
	FormTitle       string           `json:"formTitle" doc:"Title of the form." show:"resume=form"`
	FormDescription string           `json:"formDescription" doc:"Text above the form." show:"resume=form"`
	FormFields      formFields       `json:"formFields" doc:"Fields of the form." show:"resume=form"`
	Options         *workflow.Object `json:"options"`
	timeLimit
}

type waitParams1 struct {
	waitParams
	Amount1 float64 `json:"amount" doc:"How long to wait." default:"1" show:"resume=timeInterval"`
	Unit1   string  `json:"unit" doc:"Unit of the amount." default:"hours" enum:"seconds,minutes,hours,days" show:"resume=timeInterval"`
}

const waitName = "n8n-nodes-base.wait"

// waitType holds the execution for a time or until it is called.
func waitType() *Type {
	const name = waitName
	return &Type{
		Name: name, DisplayName: "Wait", Category: workflow.CategoryFlow,
		Description: "Holds the execution for a time, until a date, or until its resume address or form is used. Waiting takes no memory.",
		Versions:    []float64{1, 1.1}, Params: waitParams{}, OldParams: []VersionedParams{{1.1, waitParams1{}}}, SideEffects: true,
		Examples: []workflow.NodeExample{
			example("Ten minutes", name, 1.1, `{"amount":10,"unit":"minutes"}`),
			example("Until called", name, 1.1, `{"resume":"webhook","options":{}}`),
		},
		Run: runWait,
	}
}

func runWait(ctx context.Context, c *Call) (Output, error) {
	p, err := bindWait(ctx, c)
	if err != nil {
		return Output{}, err
	}
	switch p.Resume {
	case waitWebhook, waitForm:
		return p.receive(ctx, c)
	}
	until, err := p.until(c)
	if err != nil {
		return Output{}, err
	}
	if err := c.Host.WaitUntil(ctx, "wait", until); err != nil {
		return Output{}, err
	}
	return Items(passed(c.Items())), nil
}

func bindWait(ctx context.Context, c *Call) (waitParams, error) {
	if c.Node.TypeVersion >= 1.1 {
		return Bind[waitParams](ctx, c, 0)
	}
	old, err := Bind[waitParams1](ctx, c, 0)
	p := old.waitParams
	p.Amount, p.Unit = old.Amount1, old.Unit1
	return p, err
}

func (p *waitParams) until(c *Call) (time.Time, error) {
	if p.Resume == "specificTime" {
		t, ok := parseDate(p.DateTime, c.zone())
		if !ok {
			return t, badType("dateTime", p.DateTime, "a date")
		}
		return t, nil
	}
	return after(c.Host.Now(), p.Amount, p.Unit, "amount")
}

// maxWait bounds waits to what a duration can hold.
const maxWait = 200 * 365 * 24 * time.Hour

func after(now time.Time, amount float64, unit, name string) (time.Time, error) {
	if amount < 0 || amount*float64(unitLength(unit)) > float64(maxWait) {
		return now, Fail("Parameter %q is %s %s; it must be 0 or more and less than 200 years.", name, numberText(amount), unit)
	}
	return now.Add(time.Duration(amount * float64(unitLength(unit)))), nil
}

// receive waits for a call. What came is the output; the input goes on when
// the time ran out.
func (p *waitParams) receive(ctx context.Context, c *Call) (Output, error) {
	deadline, err := p.deadline(c)
	if err != nil {
		return Output{}, err
	}
	w := workflow.Waiting{Node: c.Node.Name, Kind: p.Resume}
	if !deadline.IsZero() {
		w.Until = &deadline
	}
	if w.Data, err = p.shown(c); err != nil {
		return Output{}, err
	}
	message, err := c.Host.Receive(ctx, "wait", w, deadline)
	if err != nil {
		return Output{}, err
	}
	if message == nil {
		return Items(passed(c.Items())), nil
	}
	item := messageItem(message, len(c.Items()))
	if p.Resume == waitForm {
		paired := item.Paired
		item = formItem(p.FormFields.shown(), item.JSON)
		item.Paired = paired
	}
	return Items([]workflow.Item{item}), nil
}

// shown is what those see who may end the wait. For a call it holds the
// wait as a webhook node: its method, its answer and its authentication.
func (p *waitParams) shown(c *Call) (json.RawMessage, error) {
	n := c.Node
	if p.Resume == waitForm {
		return workflow.NewObject("title", firstOf(p.FormTitle, "Please fill in"), "description", p.FormDescription,
			"button", "Submit", "fields", p.FormFields.shown(), "follows", FormFollows(c.Document, n.Name)).MarshalJSON()
	}
	suffix := strings.Trim(textOf(p.Options.Value("webhookSuffix")), "/")
	params := workflow.NewObject("httpMethod", p.HTTPMethod, "path", suffix, "authentication", firstOf(p.Authentication, "none"),
		"responseMode", p.ResponseMode, "responseCode", float64(p.ResponseCode), "responseData", firstOf(p.ResponseData, "firstEntryJson"),
		"options", p.Options.Copy())
	hook := workflow.Node{Name: n.Name, Type: webhookName, TypeVersion: 1, Parameters: params, Credentials: n.Credentials}
	return json.Marshal(struct {
		Method  string         `json:"method"`
		Suffix  string         `json:"suffix,omitempty"`
		Webhook *workflow.Node `json:"webhook"`
	}{strings.ToUpper(p.HTTPMethod), suffix, &hook})
}

// messageItem reads what ended a wait: an item, or its fields.
func messageItem(message []byte, inputs int) workflow.Item {
	v, err := workflow.DecodeJSON(message)
	item := workflow.Item{JSON: workflow.NewObject("body", string(message))}
	if o, ok := v.(*workflow.Object); ok && err == nil {
		item.JSON = o
		if isKind[*workflow.Object](o.Value("json")) {
			o = o.Copy()
			o.Delete("respond") // see WantsAnswer
			if read, err := readItem(o); err == nil {
				item = read
			}
		}
	}
	item.Paired = pairedToAll(inputs)
	if inputs == 1 {
		item.Paired = workflow.PairedTo(0)
	}
	return item
}
