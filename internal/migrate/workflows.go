package migrate

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"flowgate/internal/workflow"
)

// hasPlace are the columns of a workflow that its document or row here has a
// place for; the others stay with the document under "migrated".
var hasPlace = map[string]bool{"id": true, "user_id": true, "session_id": true, "name": true, "description": true, "active": true, "workflow_data": true,
	"tags": true, "created_at": true, "updated_at": true, "settings": true, "static_data": true, "pin_data": true}

// workflow brings a workflow as it is, switched off.
func (m *run) workflow(ctx context.Context, r row) (outcome, []string, error) {
	w := &workflow.Workflow{ID: r.text("id"), OwnerID: r.text("user_id"), Version: 1, CreatedAt: m.at(r, "created_at"), UpdatedAt: m.at(r, "updated_at", "created_at")}
	session := r.text("session_id")
	if w.OwnerID == "" {
		w.OwnerID = m.owners[session]
	}
	if w.OwnerID == "" {
		return 0, nil, refuse("it belongs to nobody: its user_id is empty")
	}
	doc, remarks, err := documentOf(r)
	if err != nil {
		return 0, nil, err
	}
	w.Document = *doc
	if is, err := isThere(m.Target.Workflow(ctx, w.OwnerID, w.ID)); err != nil {
		return 0, nil, err
	} else if is && m.DryRun {
		return present, nil, nil
	} else if is { // what was interrupted may have left this out
		return present, nil, m.made(ctx, session, w)
	}
	m.Catalogue.Normalize(&w.Document)
	if v := m.Catalogue.Validate(&w.Document); !v.Valid {
		for _, f := range v.Errors {
			remarks = append(remarks, fmt.Sprintf("to mend before it can run: %s%s", inNode(f.Node), f.Message))
		}
	}
	if active, _ := r.flag("active"); active && strings.EqualFold(r.text("deployment_status"), "deployed") {
		remarks = append(remarks, "it was in use there; activate it here when it is to take over")
	}
	if m.DryRun {
		return brought, remarks, nil
	}
	if err := m.Target.CreateWorkflow(ctx, w); err != nil {
		return 0, nil, err
	}
	return brought, remarks, m.made(ctx, session, w)
}

// made tells the session a workflow came from that it did.
func (m *run) made(ctx context.Context, session string, w *workflow.Workflow) error {
	if session == "" || m.owners[session] != w.OwnerID {
		return nil
	}
	s, err := m.Target.Session(ctx, w.OwnerID, session)
	if err != nil || s.WorkflowID != "" {
		return err
	}
	s.WorkflowID = w.ID
	return m.Target.UpdateSession(ctx, s)
}

func inNode(name string) string {
	if name == "" {
		return ""
	}
	return "node " + name + ": "
}

// documentOf reads what a workflow does.
func documentOf(r row) (*workflow.Document, []string, error) {
	data := r.raw("workflow_data")
	if text := textOf(data); strings.HasPrefix(strings.TrimSpace(text), "{") {
		data = json.RawMessage(text)
	}
	in := rowOf(data)
	if in == nil {
		return nil, nil, refuse("its workflow_data is not a JSON object")
	}
	doc, remarks, err := readDocument(in, data)
	if err != nil {
		return nil, nil, err
	}
	if name := r.text("name"); name != "" {
		doc.Name = name
	}
	if doc.Name = strings.TrimSpace(doc.Name); doc.Name == "" {
		doc.Name = "Untitled"
	}
	if text := r.text("description"); text != "" {
		doc.Description = text
	}
	doc.ID, doc.Active, doc.Tags = "", false, append(doc.Tags, r.list("tags", "name")...)
	for i := range doc.Nodes {
		if doc.Nodes[i].ID == "" {
			doc.Nodes[i].ID = uuid.NewString()
		}
	}
	if err := beside(doc, r); err != nil {
		return nil, nil, err
	}
	return doc, remarks, nil
}

// beside reads the columns that some versions keep beside the document.
func beside(doc *workflow.Document, r row) error {
	for column, into := range map[string]any{"settings": &doc.Settings, "static_data": &doc.StaticData, "pin_data": &doc.PinData} {
		if v := objectOf(r.raw(column)); v != nil {
			if err := json.Unmarshal(v, into); err != nil {
				return refuse("its %s cannot be read: %v", column, err)
			}
		}
	}
	left := row{}
	for name := range r {
		if !hasPlace[name] && r.raw(name) != nil {
			left[name] = r.raw(name)
		}
	}
	if len(left) == 0 {
		return nil
	}
	data, err := json.Marshal(left)
	if err != nil {
		return err
	}
	kept := &workflow.Object{}
	if err := json.Unmarshal(data, kept); err != nil {
		return err
	}
	if doc.Extra == nil {
		doc.Extra = &workflow.Object{}
	}
	doc.Extra.Set("migrated", kept)
	return nil
}
