package app

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"flowgate/internal/config"
	"flowgate/store"
	"flowgate/store/postgres"
	"flowgate/store/sqlite"
)

// OpenMigrator opens the configured database without changing its tables. The
// caller closes it.
func OpenMigrator(ctx context.Context, cfg *config.Config, log *slog.Logger) (store.Migrator, error) {
	if cfg.DatabaseURL != "" {
		m, err := postgres.OpenMigrator(ctx, postgres.Options{URL: cfg.DatabaseURL, Logger: log})
		if err != nil {
			return nil, fmt.Errorf("database_url: %w", err)
		}
		return m, nil
	}
	if err := os.MkdirAll(cfg.DataDir, 0o700); err != nil {
		return nil, fmt.Errorf("make the data folder: %w; choose another with --data-dir", err)
	}
	m, err := sqlite.OpenMigrator(ctx, sqlite.Options{Path: filepath.Join(cfg.DataDir, sqlite.FileName), Logger: log, SyncFull: cfg.SQLiteSyncFull})
	if err != nil {
		return nil, fmt.Errorf("open the database in %s: %w", cfg.DataDir, err)
	}
	return m, nil
}
