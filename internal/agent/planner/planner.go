// Package planner turns what a person asks for into a workflow document, or
// into questions and alternatives where that cannot be done yet. Planners keep
// nothing between calls: a Request holds the whole conversation.
package planner

import (
	"context"

	"flowgate/internal/workflow"
)

// Planner makes a Plan of a Request. The error is for failures of the planner
// itself; a wish that cannot be fulfilled is a Plan with gaps. Safe for
// concurrent use.
type Planner interface {
	// Name says who plans, for people: "offline planner" or a model's name.
	Name() string
	Plan(ctx context.Context, r Request) (Plan, error)
}

// Turn is something said in a conversation.
type Turn struct {
	Role string // "user" or "assistant"
	Text string
}

// Request is what a plan is wanted for.
type Request struct {
	OwnerID  string
	Language string // "en", "zh", or "" for the user's
	Origin   string // "create", "edit" or "copy"
	// Wish is what the user asked for since the last finished workflow, message
	// by message, without the answers to questions.
	Wish []string
	// Answers are the user's answers so far by the question's id, and choices
	// by the gap's id (the alternative's id).
	Answers map[string]string
	// History is all that was said before, oldest first; the newest message
	// is the last.
	History []Turn
	// Document is what the wish is to change; nil: a new one is wanted.
	Document *workflow.Document
	// Draft is what the planner itself made in this turn and Findings is what
	// is wrong with it; nil at first.
	Draft    *workflow.Document
	Findings []workflow.Finding
	// Model is the user's choice among models, "" the default; CredentialID is
	// the user's credential to reach it with, "" the operator's.
	Model        string
	CredentialID string
	// Scopes are what the turn's caller may do.
	Scopes []string
	// Meter counts what models use up in this turn; nil: without bounds.
	Meter *Meter
	// Text gets the words of an answer while they are made. Nil: nobody listens.
	Text func(piece string)
}

// Question is something the user has to tell.
type Question struct {
	ID       string // the same for the same thing in later turns
	Text     string
	Category string // "input", "output", "trigger", "logic" or "general"
	Options  []string
}

// Alternative is another way to what cannot be done as asked.
type Alternative = workflow.Alternative

// Plan is what came of a Request: questions, or a gap with alternatives, or a
// document.
type Plan struct {
	By           string // who planned: a Planner's name, or a model's
	Language     string
	Summary      string // what the user wants, in the planner's words
	Questions    []Question
	GapID        string   // what an answer to Alternatives is kept under
	Gaps         []string // what cannot be done as asked
	Alternatives []Alternative
	Document     *workflow.Document
	Notes        []string // what was assumed, and what is to be known before running it
	Said         string   // what was said through Request.Text
}

// MaxQuestions is how many questions a Plan may hold.
const MaxQuestions = 3
