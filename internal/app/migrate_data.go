package app

import (
	"context"
	"strings"

	"flowgate/internal/migrate"
	"flowgate/internal/workflow"
	"flowgate/store/postgres"
)

// MigrateData brings what the database at url holds into the core's store, or
// in a dry run says what it would bring. progress is told of each row.
func (c *Core) MigrateData(ctx context.Context, url string, dryRun bool, progress func(table string, done, total int)) ([]migrate.Table, error) {
	if !strings.HasPrefix(url, "postgres://") && !strings.HasPrefix(url, "postgresql://") {
		return nil, workflow.Errorf(workflow.CodeInvalid, "the address to read from must be like postgres://user:password@host:5432/name")
	}
	docs, err := c.OpenDocuments()
	if err != nil {
		return nil, err
	}
	defer docs.Close()
	source, err := postgres.OpenSource(ctx, url)
	if err != nil {
		return nil, err
	}
	defer func() { _ = source.Close(context.WithoutCancel(ctx)) }()
	return migrate.Run(ctx, migrate.Options{Source: source, Target: c.Store, Catalogue: docs.Catalogue, DryRun: dryRun, Progress: progress})
}
