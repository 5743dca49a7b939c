package node

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"flowgate/internal/workflow"
)

type choiceParams struct {
	Title   string        `json:"title" doc:"Heading of the question." default:"Please choose"`
	Message string        `json:"message" doc:"What is to be chosen, for the person who chooses." required:"true" hint:"multiline"`
	Choices choiceOptions `json:"choices" doc:"The choices; each has an output of its own."`
	Comment bool          `json:"askComment" doc:"Ask for a comment, too." default:"false"`
	timeLimit
}

type choiceOptions struct {
	Values []choiceOption `json:"values" doc:"The choices, in the order of the outputs." expr:"no"`
}

type choiceOption struct {
	Name  string `json:"name" doc:"Name of the choice: what is answered, and the name of its output." expr:"no"`
	Label string `json:"label" doc:"Text of its button; its name where this is empty."`
}

const choiceName = "flowgate.choice"

// choice holds the execution until a person has chosen.
func choice() *Type {
	return &Type{
		Name: choiceName, DisplayName: "Choice", Category: workflow.CategoryHumanInTheLoop,
		Description: "Holds the execution until a person has chosen one of several ways. The items go on by the output of the choice, each with a field choice {name, comment, decided_at}; by the last output when the time is up.",
		Versions:    []float64{1}, Params: choiceParams{}, SideEffects: true,
		Docs: "It is answered with resume_execution {\"choice\": name, \"comment\"}, by the App's resume route, or on the page behind $execution.resumeUrl, " +
			"which a node before this one can send to the person. One choice holds for all items. Waiting takes no memory.",
		Examples: []workflow.NodeExample{
			example("Where to route a complaint", choiceName, 1, `{"message":"=Who handles {{ $json.subject }}?","choices":{"values":[{"name":"sales"},{"name":"support"},{"name":"nobody","label":"Close it"}]}}`),
		},
		Outputs: choiceOutputs,
		Check:   checkChoices,
		Run:     runChoice,
	}
}

// choiceNames are the names of a node's choices.
func choiceNames(n *workflow.Node) []string {
	choices, _ := n.Parameters.Value("choices").(*workflow.Object)
	list, _ := choices.Value("values").([]any)
	out := make([]string, len(list))
	for i, e := range list {
		o, _ := e.(*workflow.Object)
		out[i] = firstOf(textOf(o.Value("name")), fmt.Sprintf("choice-%d", i+1))
	}
	return out
}

func choiceOutputs(n *workflow.Node) []workflow.Port {
	return mainPorts(append(choiceNames(n), "timeout")...)
}

func checkChoices(n *workflow.Node) []workflow.Finding {
	names := choiceNames(n)
	slices.Sort(names)
	switch {
	case len(names) == 0:
		return []workflow.Finding{{Code: FindingBadParameter, Path: "parameters.choices.values", Message: "There is nothing to choose from.",
			Hint: `Write the choices: {"values": [{"name": "yes"}, {"name": "no"}]}.`}}
	case len(slices.Compact(slices.Clone(names))) < len(names):
		return []workflow.Finding{{Code: FindingBadParameter, Path: "parameters.choices.values", Message: "Two choices have the same name.",
			Hint: "Give each choice a name of its own."}}
	}
	return nil
}

func runChoice(ctx context.Context, c *Call) (Output, error) {
	p, err := Bind[choiceParams](ctx, c, 0)
	if err != nil {
		return Output{}, err
	}
	names := choiceNames(c.Node)
	choices := make([]any, len(names))
	for i, name := range names {
		choices[i] = workflow.NewObject("name", name, "label", firstOf(p.Choices.Values[i].Label, name))
	}
	asked := workflow.NewObject("title", p.Title, "message", p.Message, "choices", choices, "comment", p.Comment)
	answer, err := p.ask(ctx, c, waitChoice, asked)
	if err != nil {
		return Output{}, err
	}
	out := Output{Main: make([][]workflow.Item, len(names)+1)}
	if answer == nil {
		out.Main[len(names)] = passed(c.Items())
		return out, nil
	}
	at := slices.Index(names, textOf(answer.Value("name")))
	if at < 0 {
		return Output{}, Fail("The answer %s is none of the choices.", describe(answer.Value("name")))
	}
	answer.Set("decided_at", c.Host.Now().UTC().Format(time.RFC3339))
	out.Main[at] = passed(c.Items())
	for i := range out.Main[at] {
		o := out.Main[at][i].JSON.Copy()
		o.Set("choice", answer)
		out.Main[at][i].JSON = o
	}
	return out, nil
}

// checkChoice reads which of the choices was taken.
func checkChoice(asked, response *workflow.Object) (*workflow.Object, error) {
	given := strings.TrimSpace(textOf(response.Value("choice")))
	choices, _ := asked.Value("choices").([]any)
	names := make([]string, len(choices))
	for i, e := range choices {
		o, _ := e.(*workflow.Object)
		names[i] = textOf(o.Value("name"))
	}
	if !slices.Contains(names, given) {
		err := workflow.Errorf(workflow.CodeInvalid, `choice: the execution waits for a choice; answer {"choice": name} with one of %s, and a "comment" if there is one`, strings.Join(names, ", "))
		err.Fields = []workflow.FieldError{{Field: "choice", Message: "must be one of " + strings.Join(names, ", ")}}
		return nil, err
	}
	return workflow.NewObject("name", given, "comment", textOf(response.Value("comment"))), nil
}
