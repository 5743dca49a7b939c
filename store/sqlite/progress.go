package sqlite

import (
	"context"
	"database/sql"
	"errors"

	"flowgate/internal/workflow"
	"flowgate/store"
)

const progressState = `SELECT n, status, executor, last_seq, runs_stored FROM executions WHERE id = ?`

const insertChunk = `INSERT INTO execution_chunks (execution, first_seq, last_seq, nodes, events, runs) VALUES (?, ?, ?, ?, ?, ?)`

// What was recorded at an execution's start (clock, seed, engine version)
// stays once it is there; the mark for cancelling is not the executor's to
// take back.
const saveExecution = `UPDATE executions SET status = ?2, started_at = CASE ?3 WHEN 0 THEN started_at ELSE ?3 END,
	finished_at = ?4, seed = CASE clock WHEN 0 THEN ?6 ELSE seed END, clock = CASE clock WHEN 0 THEN ?5 ELSE clock END,
	engine_version = CASE engine_version WHEN '' THEN ?7 ELSE engine_version END,
	last_seq = ?8, runs_stored = ?9, last_node = ?10, error = ?11, waiting_for = ?12, result = ?13 WHERE n = ?1`

// SaveProgress writes the batch in one transaction: for each execution one
// row for all its events and node runs, and one update. An id that is not
// there is rejected like one that is final or another executor's.
func (s *Store) SaveProgress(ctx context.Context, batch []store.Progress) (rejected []string, err error) {
	const doing = "save progress"
	if len(batch) == 0 {
		return nil, nil
	}
	flushes := make([]flush, len(batch))
	for i := range batch {
		if flushes[i], err = encodeFlush(&batch[i]); err != nil {
			return nil, fail(doing, err)
		}
	}
	err = s.together(ctx, &groupWrite{doing: doing, do: func(ctx context.Context, tx *sql.Tx) error {
		rejected = nil
		w := progressWriter{
			state:  tx.StmtContext(ctx, s.hot.progressState),
			insert: tx.StmtContext(ctx, s.hot.insertChunk),
			save:   tx.StmtContext(ctx, s.hot.saveExecution),
		}
		for i := range flushes {
			saved, err := w.write(ctx, &flushes[i])
			if err != nil {
				return err
			}
			if !saved {
				rejected = append(rejected, batch[i].Execution.ID)
			}
		}
		return nil
	}})
	if err != nil {
		return nil, err
	}
	return rejected, nil
}

// progressWriter is the three statements, bound to a transaction.
type progressWriter struct{ state, insert, save *sql.Stmt }

func (w *progressWriter) write(ctx context.Context, f *flush) (saved bool, err error) {
	var c chunk
	var n int64
	var status workflow.Status
	var executor, runs string
	err = w.state.QueryRowContext(ctx, f.Execution.ID).Scan(&n, &status, &executor, &c.lastSeq, &runs)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil || status.Final() || executor != f.Execution.Executor {
		return false, err
	}
	if err := c.fill(f, runs); err != nil {
		return false, err
	}
	if !c.empty() {
		if _, err := w.insert.ExecContext(ctx, n, c.firstSeq, c.lastSeq, c.nodes, blob(c.events), blob(c.runs)); err != nil {
			return false, err
		}
	}
	return true, w.update(ctx, n, f, &c)
}

func (w *progressWriter) update(ctx context.Context, n int64, f *flush, c *chunk) error {
	e, o := f.Execution, &f.outcome
	_, err := w.save.ExecContext(ctx, n, e.Status, micros(e.StartedAt), micros(e.FinishedAt), micros(e.Clock), int64(e.Seed),
		e.EngineVersion, c.lastSeq, c.runsStored, e.LastNode, o.err, o.waiting, o.result)
	return err
}
