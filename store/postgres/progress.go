package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"flowgate/internal/workflow"
	"flowgate/store"
)

// In the order of n, so that two batches wait for each other instead of
// locking each other out.
const progressState = `SELECT n, id, owner_id, status, executor, last_seq, runs_stored FROM executions WHERE id = ANY ($1) ORDER BY n FOR NO KEY UPDATE`

// One statement writes all chunks of a batch; the names of a chunk's nodes are
// one JSON array each, since arrays of arrays would have to be of equal length.
const insertChunks = `INSERT INTO execution_chunks (execution, owner_id, first_seq, last_seq, nodes, events, runs)
	SELECT c.n, c.owner, c.first, c.last, ARRAY(SELECT jsonb_array_elements_text(c.nodes)), c.events, c.runs
	FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::bigint[], $5::jsonb[], $6::bytea[], $7::bytea[]) c (n, owner, first, last, nodes, events, runs)`

// What was recorded at an execution's start (clock, seed, engine version)
// stays once it is there; the mark for cancelling is not the executor's to
// take back.
const saveExecution = `UPDATE executions SET status = $2, started_at = coalesce($3, started_at), finished_at = $4,
	seed = CASE WHEN clock IS NULL THEN $6 ELSE seed END, clock = coalesce(clock, $5),
	engine_version = CASE engine_version WHEN '' THEN $7 ELSE engine_version END,
	last_seq = $8, runs_stored = $9, last_node = $10, error = $11, waiting_for = $12, result = $13 WHERE n = $1`

// SaveProgress writes the batch in one transaction of two round trips: for
// each execution one row for all its events and node runs, and one update. An
// id that is not there is rejected like one that is final or another
// executor's.
func (s *Store) SaveProgress(ctx context.Context, batch []store.Progress) (rejected []string, err error) {
	if len(batch) == 0 {
		return nil, nil
	}
	flushes, ids := make([]flush, len(batch)), make([]string, len(batch))
	for i := range batch {
		if flushes[i], err = encodeFlush(&batch[i]); err != nil {
			return nil, err
		}
		ids[i] = batch[i].Execution.ID
	}
	var states []*progress
	err = s.tx(ctx, "save progress", asEngine, func(b *pgx.Batch) {
		all(b.Queue(progressState, ids), &states, scanProgress)
	}, func(b *pgx.Batch) (err error) {
		rejected, err = writeProgress(b, flushes, states)
		return err
	})
	if err != nil {
		return nil, err
	}
	return rejected, nil
}

// progress is how far an execution's record is.
type progress struct {
	n          int64
	id, owner  string
	status     workflow.Status
	executor   string
	lastSeq    int64
	runsStored []byte
}

func scanProgress(row pgx.Row) (*progress, error) {
	var p progress
	err := row.Scan(&p.n, &p.id, &p.owner, &p.status, &p.executor, &p.lastSeq, &p.runsStored)
	return &p, err
}

func writeProgress(b *pgx.Batch, flushes []flush, states []*progress) (rejected []string, err error) {
	known := make(map[string]*progress, len(states))
	for _, p := range states {
		known[p.id] = p
	}
	var rows chunkRows
	var updates pgx.Batch
	for i := range flushes {
		f := &flushes[i]
		p := known[f.Execution.ID]
		if p == nil || p.status.Final() || p.executor != f.Execution.Executor {
			rejected = append(rejected, f.Execution.ID)
			continue
		}
		c := chunk{lastSeq: p.lastSeq}
		if err := c.fill(f, p.runsStored); err != nil {
			return nil, err
		}
		if err := rows.add(p, &c); err != nil {
			return nil, err
		}
		e, o := f.Execution, &f.outcome
		updates.Queue(saveExecution, p.n, e.Status, at(e.StartedAt), at(e.FinishedAt), at(e.Clock), int64(e.Seed), e.EngineVersion,
			c.lastSeq, c.runsStored, clean(e.LastNode), o.err, o.waiting, o.result)
		p.status, p.lastSeq, p.runsStored = e.Status, c.lastSeq, c.runsStored // should it come twice in the batch
	}
	if len(rows.n) > 0 {
		b.Queue(insertChunks, rows.n, rows.owner, rows.first, rows.last, rows.nodes, rows.events, rows.runs)
	}
	b.QueuedQueries = append(b.QueuedQueries, updates.QueuedQueries...)
	return rejected, nil
}

// chunkRows are chunks by columns.
type chunkRows struct {
	n, first, last []int64
	owner, nodes   []string
	events, runs   [][]byte
}

func (r *chunkRows) add(p *progress, c *chunk) error {
	if c.empty() {
		return nil
	}
	nodes, err := workflow.AppendJSON(nil, c.nodes)
	r.n, r.first, r.last = append(r.n, p.n), append(r.first, c.firstSeq), append(r.last, c.lastSeq)
	r.owner, r.nodes = append(r.owner, p.owner), append(r.nodes, string(nodes))
	r.events, r.runs = append(r.events, c.events), append(r.runs, c.runs)
	return err
}
