package service

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"flowgate/internal/audit"
	"flowgate/internal/auth"
	"flowgate/internal/workflow"
	"flowgate/store"
)

// Audit is the log of calls and refusals as it is written.
type Audit interface {
	// Reserve takes a place for an entry; where it must be recorded and cannot,
	// it fails, and the call is not made.
	Reserve(ctx context.Context, must bool) (bool, error)
	// Record brings the entry for a reserved place.
	Record(e store.AuditEntry, args []byte)
	// Refuse records a refusal.
	Refuse(ctx context.Context, e store.AuditEntry, args []byte)
}

// AuditLog is the log as it is read.
type AuditLog interface {
	// List returns entries of a subject's, everybody's when it is "".
	List(ctx context.Context, subject string, f audit.Filter, page store.Page) (list []store.AuditEntry, next string, err error)
}

// Admit decides whether the caller in ctx may use c, before its arguments are
// looked at, and records a refusal. Doors ask it; Call decides once more.
func (s *Service) Admit(ctx context.Context, c *Capability) error {
	err := Authorize(auth.FromContext(ctx), c)
	if err != nil {
		s.Refused(ctx, c.Name, nil, err)
	}
	return err
}

// Refused records that the caller in ctx was refused what is named.
func (s *Service) Refused(ctx context.Context, name string, args json.RawMessage, err error) {
	if s.Audit == nil {
		return
	}
	e := auth.AuditEntry(ctx, name)
	e.At, e.Reason = s.Now(), workflow.ReasonOf(err)
	s.Audit.Refuse(ctx, e, args)
}

// recorded makes the call and records it: what changes something only when
// that can be recorded.
func (s *Service) recorded(ctx context.Context, c *Capability, args json.RawMessage, do func(context.Context) (any, error)) (out any, err error) {
	if s.Audit == nil {
		return do(ctx)
	}
	placed, err := s.Audit.Reserve(ctx, !c.ReadOnly)
	if err != nil || !placed {
		if err == nil {
			return do(ctx)
		}
		return nil, err
	}
	start, outcome := s.Now(), "panic"
	defer func() {
		e := auth.AuditEntry(ctx, c.Name)
		e.At, e.Allowed, e.Outcome, e.Duration = start, true, outcome, s.Now().Sub(start)
		s.Audit.Record(e, args)
	}()
	out, err = do(ctx)
	if outcome = "ok"; err != nil {
		outcome = workflow.ReasonOf(err)
	}
	return out, err
}

// ListAuditInput narrows and pages the audit log.
type ListAuditInput struct {
	Subject    string    `json:"subject,omitempty" jsonschema:"only this user's; the administrator's to ask"`
	Capability string    `json:"capability,omitempty" jsonschema:"only calls of this one, such as delete_workflow; authenticate for failed authentications"`
	Refused    bool      `json:"refused,omitempty" jsonschema:"only refusals"`
	Since      time.Time `json:"since,omitzero" jsonschema:"not before this time"`
	Until      time.Time `json:"until,omitzero" jsonschema:"before this time"`
	Limit      int       `json:"limit,omitempty" jsonschema:"at most this many" default:"20" min:"1" max:"200"`
	Cursor     string    `json:"cursor,omitempty" jsonschema:"next_cursor of the previous page"`
}

// ListAuditOutput is a page of the audit log, newest first.
type ListAuditOutput struct {
	Entries    []AuditView `json:"entries"`
	NextCursor string      `json:"next_cursor,omitempty" jsonschema:"cursor for the next page; absent on the last"`
}

// AuditView is an entry of the audit log.
type AuditView struct {
	ID         string    `json:"id"`
	At         time.Time `json:"at"`
	Subject    string    `json:"subject,omitempty" jsonschema:"whose call it was; absent where nobody was authenticated"`
	Kind       string    `json:"kind,omitempty"`
	KeyID      string    `json:"key_id,omitempty"`
	ClientName string    `json:"client_name,omitempty"`
	Door       string    `json:"door,omitempty"`
	Capability string    `json:"capability"`
	Allowed    bool      `json:"allowed"`
	Reason     string    `json:"reason,omitempty" jsonschema:"why it was refused"`
	Outcome    string    `json:"outcome,omitempty" jsonschema:"ok, or why it failed"`
	Arguments  string    `json:"arguments_hash,omitempty" jsonschema:"keyed hash: the same arguments have the same"`
	DurationMS float64   `json:"duration_ms"`
	RequestID  string    `json:"request_id,omitempty"`
	IP         string    `json:"ip,omitempty"`
	Count      int       `json:"count" jsonschema:"how many like refusals it stands for"`
}

// ViewOfAudit is an entry as callers see it.
func ViewOfAudit(e *store.AuditEntry) AuditView {
	return AuditView{ID: e.ID, At: e.At, Subject: e.Subject, Kind: e.Kind, KeyID: e.KeyID, ClientName: e.ClientName, Door: e.Door,
		Capability: e.Capability, Allowed: e.Allowed, Reason: e.Reason, Outcome: e.Outcome, Arguments: hex.EncodeToString(e.Arguments),
		DurationMS: float64(e.Duration.Microseconds()) / 1000, RequestID: e.RequestID, IP: e.IP, Count: e.Count}
}

// ListAudit lists the caller's own calls and refusals, an administrator's
// everybody's.
func (s *Service) ListAudit(ctx context.Context, in ListAuditInput) (*ListAuditOutput, error) {
	if s.AuditLog == nil {
		return nil, workflow.Errorf(workflow.CodeUnsupported, "there is no audit log here; the operator switches it on with audit_enabled")
	}
	id := auth.FromContext(ctx)
	whose := owner(ctx)
	switch {
	case id != nil && id.Admin:
		whose = ""
	case whose == "", in.Subject != "" && in.Subject != whose:
		return nil, workflow.Errorf(workflow.CodeForbidden, "subject: only an administrator may see the calls of others")
	}
	if in.Subject != "" {
		whose = in.Subject
	}
	list, next, err := s.AuditLog.List(ctx, whose,
		audit.Filter{Capability: in.Capability, Refused: in.Refused, Since: in.Since, Until: in.Until}, page(in.Limit, in.Cursor, ""))
	if err != nil {
		return nil, err
	}
	out := &ListAuditOutput{Entries: make([]AuditView, 0, len(list)), NextCursor: next}
	for i := range list {
		out.Entries = append(out.Entries, ViewOfAudit(&list[i]))
	}
	return out, nil
}

func textAudit(o *ListAuditOutput) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d entries", len(o.Entries))
	for i := range o.Entries {
		b.WriteString("\n" + o.Entries[i].Line())
	}
	if o.NextCursor != "" {
		fmt.Fprintf(&b, "\nmore: cursor %s", o.NextCursor)
	}
	return b.String()
}

// Line is the entry for people.
func (v *AuditView) Line() string {
	what := v.Outcome
	if !v.Allowed {
		what = "refused: " + v.Reason
	}
	if v.Count > 1 {
		what += fmt.Sprintf(" (%d times)", v.Count)
	}
	return fmt.Sprintf("%s  %-20s %-7s %s  subject=%s key=%s ip=%s %.1f ms", v.At.Format(time.RFC3339), v.Capability, v.Door, what, v.Subject, v.KeyID, v.IP, v.DurationMS)
}
