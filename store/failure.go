package store

// Failure is what a backend itself reported, behind the error that callers
// get: it tells trouble with the database apart from an answer of its rules.
type Failure struct {
	Backend string // "sqlite", "postgres"
	Err     error
}

// Error returns the backend's words; they are for the log.
func (f *Failure) Error() string { return f.Err.Error() }

// Unwrap returns the driver's error.
func (f *Failure) Unwrap() error { return f.Err }
