// Package migrate brings sessions, what was said in them, the agent's states
// and workflows from the database of an earlier gateway into a store. Ids stay,
// so that it may be interrupted and run again: what is there already is left
// alone.
package migrate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"flowgate/internal/workflow"
	"flowgate/store"
)

// Source is the database to read from; see postgres.Source.
type Source interface {
	Columns(ctx context.Context, table string) ([]string, error)
	Count(ctx context.Context, table string) (int, error)
	Rows(ctx context.Context, table string, order []string, fn func(row json.RawMessage) error) error
}

// Target is where everything goes.
type Target interface {
	store.Users
	store.Sessions
	store.Messages
	store.States
	store.Workflows
}

// Catalogue fills in and judges documents.
type Catalogue interface {
	Normalize(doc *workflow.Document)
	Validate(doc *workflow.Document) workflow.Validation
}

// Options says what to bring where. Source, Target and Catalogue are required.
type Options struct {
	Source    Source
	Target    Target
	Catalogue Catalogue
	DryRun    bool // everything is read and converted, nothing is written
	// Progress is told of each row; nil for nobody.
	Progress func(table string, done, total int)
	Now      func() time.Time // of rows without a time; nil means time.Now
}

// Table is what became of one table's rows.
type Table struct {
	Name    string   `json:"table"`
	Found   int      `json:"found"`
	Brought int      `json:"brought"` // in a dry run: would be
	Present int      `json:"present"` // there already
	Refused int      `json:"refused"` // see Remarks
	Remarks []Remark `json:"remarks,omitempty"`
}

// Remark is what is worth knowing of one row.
type Remark struct {
	ID   string `json:"id"`
	Text string `json:"text"`
}

// keptRemarks bounds the remarks of a table.
const keptRemarks = 1000

// outcome of one row.
type outcome int

const (
	brought outcome = iota
	present
)

// refusal is an error that concerns one row and lets the others pass.
type refusal struct{ error }

func refuse(format string, args ...any) error { return refusal{fmt.Errorf(format, args...)} }

type run struct {
	Options
	owners map[string]string // of the source's sessions
	said   said
}

// table is one kind of rows.
type table struct {
	names []string // the first that the source has is read
	order []string
	bring func(ctx context.Context, r row) (outcome, []string, error)
}

// Run brings everything over and says what became of it, of what was done
// before an error, too.
func Run(ctx context.Context, o Options) ([]Table, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	m := &run{Options: o, owners: map[string]string{}}
	var out []Table
	for _, t := range []table{
		{[]string{"auth.users"}, []string{"created_at", "id"}, m.user},
		{[]string{"sessions"}, []string{"created_at", "id"}, m.session},
		{[]string{"chats"}, []string{"session_id", "sequence_number", "created_at", "id"}, m.message},
		{[]string{"workflow_states", "workflow_agent_states"}, []string{"updated_at", "id"}, m.state},
		{[]string{"workflows"}, []string{"created_at", "id"}, m.workflow},
	} {
		done, err := m.bring(ctx, t)
		if done != nil {
			out = append(out, *done)
		}
		if err != nil {
			return out, err
		}
	}
	if len(out) == 0 {
		return nil, workflow.Errorf(workflow.CodeInvalid, "The database has none of the tables sessions, chats, workflow_states, workflow_agent_states and workflows, or this user may not read them: name the right database and a user who may, such as the tables' owner.")
	}
	return out, nil
}

// bring does the rows of t; nil when the source has no such table.
func (m *run) bring(ctx context.Context, t table) (*Table, error) {
	name, err := m.there(ctx, t.names)
	if name == "" || err != nil {
		return nil, err
	}
	out := &Table{Name: name}
	if out.Found, err = m.Source.Count(ctx, name); err != nil {
		return out, err
	}
	done := 0
	err = m.Source.Rows(ctx, name, t.order, func(data json.RawMessage) error {
		r := row{}
		if err := json.Unmarshal(data, &r); err != nil {
			return fmt.Errorf("%s: a row is not JSON: %w", name, err)
		}
		what, remarks, err := t.bring(ctx, r)
		if err := out.note(r.text("id"), what, remarks, err); err != nil {
			return fmt.Errorf("%s %s: %w", name, r.text("id"), err)
		}
		if done++; m.Progress != nil {
			m.Progress(name, done, out.Found)
		}
		return nil
	})
	return out, err
}

// there returns the first of the tables that the source has.
func (m *run) there(ctx context.Context, names []string) (string, error) {
	for _, name := range names {
		if columns, err := m.Source.Columns(ctx, name); err != nil || len(columns) > 0 {
			return name, err
		}
	}
	return "", nil
}

// note counts what became of a row, and returns an error that is not the row's.
func (t *Table) note(id string, what outcome, remarks []string, err error) error {
	var own refusal
	switch {
	case err == nil && what == brought:
		t.Brought++
	case err == nil:
		t.Present++
	case errors.As(err, &own):
		t.Refused++
		remarks = append(remarks, "not brought: "+own.Error())
	default:
		return err
	}
	for _, text := range remarks {
		if len(t.Remarks) < keptRemarks {
			t.Remarks = append(t.Remarks, Remark{id, text})
		}
	}
	return nil
}
