package app

import (
	"context"
	"time"

	"flowgate/internal/workflow"
	"flowgate/store/sqlite"
)

// Prune deletes executions that ended before t, with their events and node
// runs, and tells progress how many are gone. It may run beside a server.
func (c *Core) Prune(ctx context.Context, t time.Time, progress func(deleted int)) (deleted int, err error) {
	const batch = 200
	for {
		ids, err := c.Store.PruneExecutions(ctx, t, batch)
		c.Files.Forget(ctx, ids)
		deleted += len(ids)
		progress(deleted)
		if err != nil || len(ids) < batch {
			return deleted, err
		}
	}
}

// PruneFiles deletes contents that nothing refers to any more. It may run
// beside a server.
func (c *Core) PruneFiles(ctx context.Context) (deleted int, err error) {
	return c.Files.Sweep(ctx, time.Now())
}

// Compact gives the space of what was deleted back to the system.
func (c *Core) Compact(ctx context.Context) error {
	st, ok := c.Store.(*sqlite.Store)
	if !ok {
		return workflow.Errorf(workflow.CodeUnsupported, "PostgreSQL gives space back by itself (autovacuum), or with: VACUUM FULL")
	}
	return st.Compact(ctx)
}
