package node

import (
	"context"
	"time"

	"flowgate/internal/workflow"
)

type approvalParams struct {
	Title   string `json:"title" doc:"Heading of the question." default:"Approval needed"`
	Message string `json:"message" doc:"What is to be decided, for the person who decides." required:"true" hint:"multiline"`
	Approve string `json:"approveLabel" doc:"Text of the button that approves." default:"Approve"`
	Reject  string `json:"rejectLabel" doc:"Text of the button that rejects." default:"Reject"`
	Comment bool   `json:"askComment" doc:"Ask for a comment, too." default:"false"`
	timeLimit
}

const approvalName = "flowgate.approval"

// approval holds the execution until a person decides.
func approval() *Type {
	return &Type{
		Name: approvalName, DisplayName: "Approval", Category: workflow.CategoryHumanInTheLoop,
		Description: "Holds the execution until a person approves or rejects. The items go on by the output of the decision, each with a field approval {approved, comment, decided_at}; by the third output when the time is up.",
		Versions:    []float64{1}, Params: approvalParams{}, SideEffects: true,
		Docs: "It is answered with resume_execution {\"approved\": true|false, \"comment\"}, by the App's resume route, or on the page behind $execution.resumeUrl, " +
			"which a node before this one can send to the person. One decision holds for all items. Waiting takes no memory.",
		Examples: []workflow.NodeExample{
			example("Approve a refund", approvalName, 1, `{"title":"Refund","message":"=Refund {{ $json.amount }} to {{ $json.customer }}?"}`),
			example("Within a day", approvalName, 1, `{"message":"Publish the post?","askComment":true,"limitWaitTime":true,"resumeAmount":1,"resumeUnit":"days"}`),
		},
		Outputs: func(*workflow.Node) []workflow.Port { return mainPorts("approved", "rejected", "timeout") },
		Run:     runApproval,
	}
}

func runApproval(ctx context.Context, c *Call) (Output, error) {
	p, err := Bind[approvalParams](ctx, c, 0)
	if err != nil {
		return Output{}, err
	}
	asked := workflow.NewObject("title", p.Title, "message", p.Message, "approve", p.Approve, "reject", p.Reject, "comment", p.Comment)
	answer, err := p.ask(ctx, c, waitApproval, asked)
	if err != nil {
		return Output{}, err
	}
	out := [][]workflow.Item{{}, {}, {}}
	if answer == nil {
		out[2] = passed(c.Items())
		return Output{Main: out}, nil
	}
	at := 1
	if answer.Value("approved") == true {
		at = 0
	}
	answer.Set("decided_at", c.Host.Now().UTC().Format(time.RFC3339))
	out[at] = passed(c.Items())
	for i := range out[at] {
		o := out[at][i].JSON.Copy()
		o.Set("approval", answer)
		out[at][i].JSON = o
	}
	return Output{Main: out}, nil
}

// ask waits for an answer to what is asked; nil: the time is up.
func (l *timeLimit) ask(ctx context.Context, c *Call, kind string, asked *workflow.Object) (*workflow.Object, error) {
	deadline, err := l.deadline(c)
	if err != nil {
		return nil, err
	}
	w := workflow.Waiting{Node: c.Node.Name, Kind: kind}
	if !deadline.IsZero() {
		w.Until = &deadline
	}
	if w.Data, err = asked.MarshalJSON(); err != nil {
		return nil, err
	}
	message, err := c.Host.Receive(ctx, "wait", w, deadline)
	if err != nil || message == nil {
		return nil, err
	}
	v, err := workflow.DecodeJSON(message)
	if err != nil {
		return nil, err
	}
	answer, _ := v.(*workflow.Object)
	if answer == nil {
		answer = &workflow.Object{}
	}
	return answer, nil
}

func (l *timeLimit) deadline(c *Call) (time.Time, error) {
	if !l.LimitWaitTime {
		return time.Time{}, nil
	}
	if l.LimitType == "atSpecifiedTime" {
		t, ok := parseDate(l.MaxDateAndTime, c.zone())
		if !ok {
			return t, badType("maxDateAndTime", l.MaxDateAndTime, "a date")
		}
		return t, nil
	}
	return after(c.Host.Now(), l.ResumeAmount, l.ResumeUnit, "resumeAmount")
}
