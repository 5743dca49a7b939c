package service

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"flowgate/internal/workflow"
)

// ListVersionsInput asks for a workflow's versions.
type ListVersionsInput struct {
	WorkflowID string `json:"workflow_id"`
	Limit      int    `json:"limit,omitempty" default:"20" min:"1" max:"200"`
	Cursor     string `json:"cursor,omitempty" jsonschema:"next_cursor of the previous page"`
}

// VersionView is one save of a workflow.
type VersionView struct {
	Version   int       `json:"version"`
	SavedAt   time.Time `json:"saved_at"`
	Name      string    `json:"name"`
	NodeCount int       `json:"node_count"`
	Newest    bool      `json:"newest" jsonschema:"whether this is what runs"`
	Changes   string    `json:"changes,omitempty" jsonschema:"nodes added, removed and changed since the version before"`
}

// ListVersionsOutput is a page of versions, newest first.
type ListVersionsOutput struct {
	WorkflowID string        `json:"workflow_id"`
	Versions   []VersionView `json:"versions"`
	NextCursor string        `json:"next_cursor,omitempty"`
}

// Versions lists the versions of one of the caller's workflows.
func (s *Service) Versions(ctx context.Context, in ListVersionsInput) (*ListVersionsOutput, error) {
	w, err := s.Store.Workflow(ctx, owner(ctx), in.WorkflowID)
	if err != nil {
		return nil, err
	}
	before := 0
	if in.Cursor != "" {
		if before, err = strconv.Atoi(in.Cursor); err != nil || before < 1 {
			return nil, workflow.Errorf(workflow.CodeInvalid, "cursor: give next_cursor of the previous page, as it was")
		}
	}
	limit := page(in.Limit, "", "").Limit
	list, err := s.Store.ListVersions(ctx, owner(ctx), in.WorkflowID, before, limit+1)
	if err != nil {
		return nil, err
	}
	out := &ListVersionsOutput{WorkflowID: w.ID, Versions: make([]VersionView, 0, limit)}
	for i, v := range list {
		if i == limit {
			out.NextCursor = strconv.Itoa(list[i-1].Version)
			break
		}
		view := VersionView{Version: v.Version, SavedAt: v.UpdatedAt, Name: v.Document.Name, NodeCount: len(v.Document.Nodes), Newest: v.Version == w.Version}
		if i+1 < len(list) {
			view.Changes = changes(&list[i+1].Document, &v.Document)
		}
		out.Versions = append(out.Versions, view)
	}
	return out, nil
}

// changes says by name which nodes differ between two documents.
func changes(before, after *workflow.Document) string {
	var added, removed, changed []string
	for i := range after.Nodes {
		n := &after.Nodes[i]
		switch old := before.NodeByName(n.Name); {
		case old == nil:
			added = append(added, n.Name)
		case !sameJSON(old, n):
			changed = append(changed, n.Name)
		}
	}
	for i := range before.Nodes {
		if after.NodeByName(before.Nodes[i].Name) == nil {
			removed = append(removed, before.Nodes[i].Name)
		}
	}
	var parts []string
	for _, p := range []struct {
		what  string
		names []string
	}{{"added", added}, {"removed", removed}, {"changed", changed}} {
		if len(p.names) > 0 {
			parts = append(parts, p.what+" "+strings.Join(p.names, ", "))
		}
	}
	if !sameJSON(before.Connections, after.Connections) {
		parts = append(parts, "connections changed")
	}
	if !sameJSON(before.Settings, after.Settings) {
		parts = append(parts, "settings changed")
	}
	return strings.Join(parts, "; ")
}

func sameJSON(a, b any) bool {
	x, errX := workflow.AppendJSON(nil, a)
	y, errY := workflow.AppendJSON(nil, b)
	return errX == nil && errY == nil && string(x) == string(y)
}

// VersionRef names a version of a workflow.
type VersionRef struct {
	WorkflowID string `json:"workflow_id"`
	Version    int    `json:"version" jsonschema:"the version to bring back" min:"1"`
}

// RestoreVersion saves an earlier version's document as the newest version;
// nothing is lost. An active workflow's triggers are armed anew.
func (s *Service) RestoreVersion(ctx context.Context, in VersionRef) (*Saved, error) {
	w, err := s.Store.Workflow(ctx, owner(ctx), in.WorkflowID)
	if err != nil {
		return nil, err
	}
	old, err := s.Store.WorkflowVersion(ctx, owner(ctx), in.WorkflowID, in.Version)
	if err != nil {
		return nil, err
	}
	was := w.Version
	w.Document = old.Document
	w.Document.StaticData = nil // what runs left stays as it is
	return s.save(ctx, w, was)
}

func textVersions(o *ListVersionsOutput) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d versions of %s, newest first", len(o.Versions), o.WorkflowID)
	for _, v := range o.Versions {
		fmt.Fprintf(&b, "\n%d  %s  %q, %d nodes%s%s", v.Version, v.SavedAt.Format(time.RFC3339), v.Name, v.NodeCount,
			ifText(v.Newest, " (newest)"), ifText(v.Changes != "", ": "+v.Changes))
	}
	if o.NextCursor != "" {
		b.WriteString("\nmore: cursor " + o.NextCursor)
	}
	return b.String()
}
