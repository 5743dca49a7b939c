package store

import (
	"context"
	"time"
)

// Migration is one step of a backend's tables.
type Migration struct {
	Version   int64     `json:"version"`
	Name      string    `json:"name"`
	Applied   bool      `json:"applied"`
	AppliedAt time.Time `json:"applied_at,omitzero"`
}

// Migrator moves a backend's tables between versions. Close it when done.
type Migrator interface {
	// Status lists all migrations, the oldest first.
	Status(ctx context.Context) ([]Migration, error)
	// Up applies what is missing and returns it.
	Up(ctx context.Context) ([]Migration, error)
	// Down takes the newest applied one back, with what its tables hold. Nil:
	// none is applied.
	Down(ctx context.Context) (*Migration, error)
	Close() error
}
