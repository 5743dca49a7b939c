package engine

import (
	"context"
	"encoding/json"
	"os"

	"flowgate/internal/engine/node"
	"flowgate/internal/workflow"
)

// SubWorkflows are documents by the ID they are called by.
type SubWorkflows map[string]*workflow.Workflow

// LoadSubWorkflows reads a JSON file of {"ID": document, …}.
func LoadSubWorkflows(path string) (SubWorkflows, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, workflow.Wrap(workflow.CodeInvalid, err, "The file of sub-workflows cannot be read.")
	}
	var documents map[string]workflow.Document
	if err := json.Unmarshal(data, &documents); err != nil {
		return nil, workflow.Wrap(workflow.CodeInvalid, err, "The file of sub-workflows is no JSON object of documents by id.")
	}
	subs := SubWorkflows{}
	for id, doc := range documents {
		subs[id] = &workflow.Workflow{ID: id, Document: doc}
	}
	return subs, nil
}

// Find returns the document with the ID of ref; it serves as Job.SubWorkflows.
func (s SubWorkflows) Find(_ context.Context, ref node.SubWorkflow) (*workflow.Workflow, error) {
	if wf := s[ref.ID]; wf != nil {
		return wf, nil
	}
	return nil, workflow.Errorf(workflow.CodeNotFound, "There is no workflow %q.", ref.ID)
}
