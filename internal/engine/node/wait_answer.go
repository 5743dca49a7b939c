package node

import (
	"encoding/json"
	"strings"

	"flowgate/internal/workflow"
)

// Kinds of a workflow.Waiting that people or programs answer.
const (
	waitWebhook  = "webhook"
	waitForm     = "form"
	waitApproval = "approval"
	waitChoice   = "choice"
)

// CheckAnswer reads the answer to what an execution waits for, as the waiting
// node takes it; CodeInvalid, naming the fields, when it does not fit.
func CheckAnswer(w *workflow.Waiting, response *workflow.Object) (*workflow.Object, error) {
	if response == nil {
		response = &workflow.Object{}
	}
	asked := &workflow.Object{}
	if len(w.Data) > 0 {
		if err := json.Unmarshal(w.Data, asked); err != nil {
			return nil, workflow.Wrap(workflow.CodeInternal, err, "what the execution waits for cannot be read")
		}
	}
	switch w.Kind {
	case waitApproval:
		return checkApproval(response)
	case waitChoice:
		return checkChoice(asked, response)
	case waitForm:
		fields, _ := asked.Value("fields").([]any)
		return checkForm(fields, response)
	}
	return response, nil
}

// checkApproval reads a decision: approved true or false, or decision
// "approve" or "reject"; and a comment.
func checkApproval(response *workflow.Object) (*workflow.Object, error) {
	approved, decided := response.Value("approved").(bool)
	if !decided {
		text := textOf(response.Value("approved"))
		for _, name := range []string{"decision", "action"} {
			if v, ok := response.Value(name).(string); ok {
				text = v
			}
		}
		switch strings.ToLower(strings.TrimSpace(text)) {
		case "approve", "approved", "true", "yes":
			approved, decided = true, true
		case "reject", "rejected", "disapprove", "disapproved", "deny", "denied", "false", "no":
			decided = true
		}
	}
	if !decided {
		err := workflow.Errorf(workflow.CodeInvalid, `approved: the execution waits for an approval; answer {"approved": true} or {"approved": false}, with a "comment" if there is one`)
		err.Fields = []workflow.FieldError{{Field: "approved", Message: "must be true or false"}}
		return nil, err
	}
	return workflow.NewObject("approved", approved, "comment", textOf(response.Value("comment"))), nil
}

// WantsAnswer reports whether the message that ended a wait came from an HTTP
// caller who waits for the workflow's response.
func WantsAnswer(message []byte) bool {
	var m struct {
		Respond bool            `json:"respond"`
		JSON    json.RawMessage `json:"json"`
	}
	return json.Unmarshal(message, &m) == nil && m.Respond && len(m.JSON) > 0
}

// timeLimit is how long an answer is waited for.
type timeLimit struct {
	LimitWaitTime  bool    `json:"limitWaitTime" doc:"Go on after a time even without an answer."`
	LimitType      string  `json:"limitType" default:"afterTimeInterval" enum:"afterTimeInterval,atSpecifiedTime" show:"limitWaitTime=true"`
	ResumeAmount   float64 `json:"resumeAmount" doc:"How long to wait for an answer." default:"1" show:"limitWaitTime=true&limitType=afterTimeInterval"`
	ResumeUnit     string  `json:"resumeUnit" default:"hours" enum:"seconds,minutes,hours,days" show:"limitWaitTime=true&limitType=afterTimeInterval"`
	MaxDateAndTime any     `json:"maxDateAndTime" doc:"Until when to wait for an answer." show:"limitWaitTime=true&limitType=atSpecifiedTime"`
}
