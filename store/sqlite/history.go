package sqlite

import (
	"context"
	"encoding/json"
	"slices"

	"flowgate/internal/workflow"
)

const (
	selectEvents = `SELECT events FROM execution_chunks
		WHERE execution = ? AND last_seq > ? AND events IS NOT NULL ORDER BY last_seq, n`
	selectRuns = `SELECT runs FROM execution_chunks
		WHERE execution = ?1 AND runs IS NOT NULL AND (?2 = '[]'
			OR EXISTS (SELECT 1 FROM json_each(nodes) a JOIN json_each(?2) b ON a.value = b.value))
		ORDER BY last_seq, n`
)

// number is the owner's execution's n, by which its chunks are found.
func (s *Store) number(ctx context.Context, owner, id string) (n int64, err error) {
	err = s.hot.executionNumber.QueryRowContext(ctx, id, owner).Scan(&n)
	if err != nil {
		return 0, orNotFound(err, "read the execution", "execution", id)
	}
	return n, nil
}

// Events returns events with Seq > after, in order; all of them when limit is
// not positive. Only the chunks that are needed are read.
func (s *Store) Events(ctx context.Context, owner, id string, after int64, limit int) ([]workflow.Event, error) {
	n, err := s.number(ctx, owner, id)
	if err != nil {
		return nil, err
	}
	var events []workflow.Event
	err = s.chunks(ctx, func(data []byte) (more bool, err error) {
		var part []workflow.Event
		if err := json.Unmarshal(data, &part); err != nil {
			return false, err
		}
		for _, e := range part {
			if limit > 0 && len(events) == limit {
				return false, nil
			}
			if e.Seq > after {
				events = append(events, e)
			}
		}
		return limit <= 0 || len(events) < limit, nil
	}, selectEvents, n, after)
	return events, fail("read the execution's events", err)
}

// NodeRuns returns node runs in order of running; with nodes given, only
// chunks that hold some of theirs are read, and only their runs decoded.
func (s *Store) NodeRuns(ctx context.Context, owner, id string, nodes ...string) ([]workflow.NodeRun, error) {
	n, err := s.number(ctx, owner, id)
	if err != nil {
		return nil, err
	}
	wanted, err := jsonText(nodes)
	if err != nil {
		return nil, err
	}
	r := runReader{nodes: nodes, seen: map[runKey]bool{}}
	err = s.chunks(ctx, r.add, selectRuns, n, wanted)
	return r.runs, fail("read the execution's node runs", err)
}

// chunks gives each row's column to use until it wants no more.
func (s *Store) chunks(ctx context.Context, use func(data []byte) (more bool, err error), query string, args ...any) error {
	rows, err := s.read.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var data []byte
		if err := rows.Scan(&data); err != nil {
			return err
		}
		if more, err := use(data); err != nil || !more {
			return err
		}
	}
	return rows.Err()
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

func (r *runReader) add(data []byte) (more bool, err error) {
	if len(r.nodes) == 0 {
		var part []workflow.NodeRun
		if err := json.Unmarshal(data, &part); err != nil {
			return false, err
		}
		for _, run := range part {
			if r.isNew(runKey{run.Node, run.Run}) {
				r.runs = append(r.runs, run)
			}
		}
		return true, nil
	}
	var part []json.RawMessage
	if err := json.Unmarshal(data, &part); err != nil {
		return false, err
	}
	for _, raw := range part {
		if err := r.addOne(raw); err != nil {
			return false, err
		}
	}
	return true, nil
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
