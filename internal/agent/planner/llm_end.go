package planner

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"flowgate/internal/workflow"
)

// Bounds of what a model may put before a user.
const (
	maxAlternatives = 4
	maxWords        = 1000 // bytes of a question, an option, a gap or a note
	maxListed       = 12   // options, gaps, notes
	maxNodes        = 500
)

func askUser(_ context.Context, w *work, args json.RawMessage) (string, *Plan, error) {
	var in struct {
		Summary   string `json:"summary"`
		Questions []struct {
			Question string   `json:"question"`
			Category string   `json:"category"`
			Options  []string `json:"options"`
		} `json:"questions"`
	}
	if err := decode(args, &in); err != nil {
		return "", nil, err
	}
	if w.req.Draft != nil {
		return "", nil, forModel("The workflow is being mended; the user is not asked now. Deliver it.")
	}
	plan := &Plan{Summary: bounded(in.Summary, maxWords)}
	for i, q := range in.Questions[:min(len(in.Questions), MaxQuestions)] {
		if strings.TrimSpace(q.Question) == "" {
			return "", nil, forModel("questions[%d].question: is empty", i)
		}
		category := q.Category
		switch category {
		case "input", "output", "trigger", "logic":
		default:
			category = "general"
		}
		plan.Questions = append(plan.Questions, Question{ID: fmt.Sprintf("q%d_%d", len(w.req.History), i+1), Text: bounded(q.Question, maxWords), Category: category, Options: texts(q.Options)})
	}
	if len(plan.Questions) == 0 {
		return "", nil, forModel("questions: Ask at least one.")
	}
	return "", plan, nil
}

func offer(_ context.Context, w *work, args json.RawMessage) (string, *Plan, error) {
	var in struct {
		Summary      string   `json:"summary"`
		Gaps         []string `json:"gaps"`
		Alternatives []struct {
			Title       string   `json:"title"`
			Description string   `json:"description"`
			Approach    string   `json:"approach"`
			TradeOffs   []string `json:"trade_offs"`
			Complexity  string   `json:"complexity"`
		} `json:"alternatives"`
	}
	if err := decode(args, &in); err != nil {
		return "", nil, err
	}
	if w.req.Draft != nil {
		return "", nil, forModel("The workflow is being mended; nothing is offered now. Deliver it.")
	}
	plan := &Plan{Summary: bounded(in.Summary, maxWords), Gaps: texts(in.Gaps), GapID: fmt.Sprintf("gap%d", len(w.req.History))}
	for i, a := range in.Alternatives[:min(len(in.Alternatives), maxAlternatives)] {
		complexity := a.Complexity
		if complexity != "simple" && complexity != "complex" {
			complexity = "medium"
		}
		plan.Alternatives = append(plan.Alternatives, Alternative{ID: fmt.Sprintf("way%d", i+1), Title: bounded(a.Title, maxWords), Description: bounded(a.Description, maxWords),
			Approach: bounded(a.Approach, maxWords), TradeOffs: texts(a.TradeOffs), Complexity: complexity})
	}
	if len(plan.Gaps) == 0 || len(plan.Alternatives) == 0 {
		return "", nil, forModel("gaps and alternatives: Name at least one of each.")
	}
	return "", plan, nil
}

func submit(_ context.Context, w *work, args json.RawMessage) (string, *Plan, error) {
	doc, said, err := w.document(args)
	if err != nil {
		return "", nil, err
	}
	if w.req.Document != nil {
		doc.ID = w.req.Document.ID
	}
	return "", &Plan{Summary: bounded(said.Summary, maxWords), Document: doc, Notes: texts(said.Notes)}, nil
}

// delivery is what comes beside a document.
type delivery struct {
	Summary string   `json:"summary"`
	Notes   []string `json:"notes"`
}

// document reads the argument workflow, which some models send as text.
func (w *work) document(args json.RawMessage) (*workflow.Document, delivery, error) {
	var in struct {
		delivery
		Workflow json.RawMessage `json:"workflow"`
	}
	if err := decode(args, &in); err != nil {
		return nil, in.delivery, err
	}
	raw := in.Workflow
	var asText string
	if json.Unmarshal(raw, &asText) == nil {
		raw = json.RawMessage(asText)
	}
	doc := &workflow.Document{}
	if err := json.Unmarshal(raw, doc); err != nil {
		return nil, in.delivery, forModel("workflow: is not a workflow document: %s.", err)
	}
	if len(doc.Nodes) == 0 {
		return nil, in.delivery, forModel("workflow.nodes: there are none.")
	}
	return w.finish(doc, in.Summary), in.delivery, w.tooLarge(doc)
}

func (w *work) tooLarge(doc *workflow.Document) error {
	if len(doc.Nodes) > maxNodes {
		return forModel("workflow.nodes: there are %d; at most %d may be made at once.", len(doc.Nodes), maxNodes)
	}
	return nil
}

// finish takes out of a model's document what is not its to set, and fills in
// what it left out.
func (w *work) finish(doc *workflow.Document, summary string) *workflow.Document {
	doc.ID, doc.Active, doc.PinData, doc.StaticData = "", false, nil, nil
	if doc.Connections == nil {
		doc.Connections = workflow.Connections{}
	}
	if strings.TrimSpace(doc.Name) == "" {
		if summary == "" {
			summary = strings.Join(w.req.Wish, " ")
		}
		doc.Name = title(summary, w.lang)
	}
	for i := range doc.Nodes {
		if doc.Nodes[i].Parameters == nil {
			doc.Nodes[i].Parameters = workflow.NewObject()
		}
	}
	if w.planner.Desk.Normalize != nil {
		w.planner.Desk.Normalize(doc)
	}
	return doc
}

// texts returns the first of list, each within bounds, without empty ones.
func texts(list []string) []string {
	var out []string
	for _, s := range list {
		if s = strings.TrimSpace(s); s != "" && len(out) < maxListed {
			out = append(out, bounded(s, maxWords))
		}
	}
	return out
}
