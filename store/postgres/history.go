package postgres

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/jackc/pgx/v5"

	"flowgate/internal/workflow"
)

const ofExecution = ` FROM execution_chunks WHERE execution = (SELECT n FROM executions WHERE id = $1 AND owner_id = $2) AND owner_id = $2`

// Events returns events with Seq > after, in order; all of them when limit is
// not positive. Only the chunks that are needed are read.
func (s *Store) Events(ctx context.Context, owner, id string, after int64, limit int) (events []workflow.Event, err error) {
	atMost := any(nil)
	if limit > 0 {
		atMost = limit // chunks, which have one event at least
	}
	err = s.chunks(ctx, "read the execution's events", owner, id, func() { events = nil }, func(data []byte) error {
		var part []workflow.Event
		if err := json.Unmarshal(data, &part); err != nil {
			return err
		}
		for _, e := range part {
			if e.Seq > after && (limit <= 0 || len(events) < limit) {
				events = append(events, e)
			}
		}
		return nil
	}, `SELECT events`+ofExecution+` AND last_seq > $3 AND events IS NOT NULL ORDER BY last_seq, n LIMIT $4`, id, owner, after, atMost)
	return events, err
}

// NodeRuns returns node runs in order of running; with nodes given, only
// chunks that hold some of theirs are read, and only their runs decoded.
func (s *Store) NodeRuns(ctx context.Context, owner, id string, nodes ...string) ([]workflow.NodeRun, error) {
	r := runReader{nodes: nodes}
	query, args := `SELECT runs`+ofExecution+` AND runs IS NOT NULL`, []any{id, owner}
	if len(nodes) > 0 {
		query, args = query+` AND nodes && $3`, append(args, cleanAll(nodes))
	}
	err := s.chunks(ctx, "read the execution's node runs", owner, id, r.reset, r.add, query+` ORDER BY last_seq, n`, args...)
	return r.runs, err
}

// chunks gives each row's column to use, after reset.
func (s *Store) chunks(ctx context.Context, doing, owner, id string, reset func(), use func(data []byte) error, query string, args ...any) error {
	return s.do(ctx, doing, user(owner), func(b *pgx.Batch) {
		b.Queue(`SELECT n FROM executions WHERE id = $1 AND owner_id = $2`, id, owner).QueryRow(func(row pgx.Row) error {
			var n int64
			return orNotFound(row.Scan(&n), "execution", id)
		})
		b.Queue(query, args...).Query(func(rows pgx.Rows) error {
			reset()
			defer rows.Close()
			for rows.Next() {
				var data []byte
				if err := rows.Scan(&data); err != nil {
					return err
				}
				if err := use(data); err != nil {
					return err
				}
			}
			return rows.Err()
		})
	})
}

type runKey struct {
	Node string `json:"node"`
	Run  int    `json:"run"`
}

// runReader collects runs of nodes (of all when there are none), the first of
// each.
type runReader struct {
	nodes []string
	seen  map[runKey]bool
	runs  []workflow.NodeRun
}

func (r *runReader) reset() { r.seen, r.runs = map[runKey]bool{}, nil }

func (r *runReader) add(data []byte) error {
	if len(r.nodes) == 0 {
		var part []workflow.NodeRun
		if err := json.Unmarshal(data, &part); err != nil {
			return err
		}
		for _, run := range part {
			if r.isNew(runKey{run.Node, run.Run}) {
				r.runs = append(r.runs, run)
			}
		}
		return nil
	}
	var part []json.RawMessage
	if err := json.Unmarshal(data, &part); err != nil {
		return err
	}
	for _, raw := range part {
		if err := r.addOne(raw); err != nil {
			return err
		}
	}
	return nil
}

func (r *runReader) addOne(raw json.RawMessage) error {
	var key runKey
	if err := json.Unmarshal(raw, &key); err != nil {
		return err
	}
	if !slices.Contains(r.nodes, key.Node) || !r.isNew(key) {
		return nil
	}
	var run workflow.NodeRun
	if err := json.Unmarshal(raw, &run); err != nil {
		return err
	}
	r.runs = append(r.runs, run)
	return nil
}

func (r *runReader) isNew(key runKey) bool {
	if r.seen[key] {
		return false
	}
	r.seen[key] = true
	return true
}
