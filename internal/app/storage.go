package app

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"flowgate/internal/config"
	"flowgate/internal/engine/durable"
	"flowgate/internal/workflow"
	"flowgate/store"
	"flowgate/store/postgres"
	"flowgate/store/sqlite"
	"flowgate/store/supabase"
)

// Store is all that a backend keeps for the product.
type Store interface {
	store.Store
	store.Credentials
	store.TestWebhooks
	store.Supervision
}

var (
	_ Store = (*sqlite.Store)(nil)
	_ Store = (*postgres.Store)(nil)
	_ Store = (*supabase.Store)(nil)
)

// waitForDatabase is how long the start waits for a database that does not
// answer yet.
const waitForDatabase = 30 * time.Second

// openStore opens PostgreSQL where DATABASE_URL names one, else the file in
// the data folder. The durable library keeps its tables in the same database.
func (c *Core) openStore(ctx context.Context) error {
	if c.Config.DatabaseURL == "" {
		if err := refuseInterrupted(c.Config.DataDir); err != nil {
			return err
		}
		st, err := sqlite.Open(ctx, sqlite.Options{Path: filepath.Join(c.Config.DataDir, sqlite.FileName), Logger: c.Log, SyncFull: c.Config.SQLiteSyncFull})
		if err != nil {
			return fmt.Errorf("open the database in %s: %w", c.Config.DataDir, err)
		}
		if c.Config.SupabaseURL != "" {
			c.Log.WarnContext(ctx, "database_url is not set: everything but sign-in is kept on this machine, in "+c.Config.DataDir)
		}
		c.Store, c.durable = st, durable.Options{SQLite: st.DB()}
		return nil
	}
	if err := commonSecrets(c.Config); err != nil {
		return err
	}
	st, err := postgres.Open(ctx, postgres.Options{URL: c.Config.DatabaseURL, Wait: waitForDatabase, WithoutPolicies: !c.Config.RLSEnabled, Logger: c.Log})
	if err != nil {
		return fmt.Errorf("database_url: %w", err)
	}
	c.Store, c.durable, c.guardFiles = st, durable.Options{Postgres: st.Pool()}, st.GuardFiles
	if err := c.openREST(ctx, st); err != nil {
		return errors.Join(err, st.Close())
	}
	return nil
}

// askProject bounds the question that the start asks of the Supabase project.
const askProject = 5 * time.Second

// openREST has users' own calls go over the Supabase project's REST interface,
// unless the project does not offer what that needs: the direct connection does
// the same under the same policies. A project that does not answer now may later.
func (c *Core) openREST(ctx context.Context, direct *postgres.Store) error {
	if !c.Config.UsesSupabaseREST() {
		return nil
	}
	st, err := supabase.Open(supabase.Options{URL: c.Config.SupabaseURL, Key: c.Config.SupabaseAnonKey, Direct: direct})
	if err != nil {
		return fmt.Errorf("supabase_url: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, askProject)
	defer cancel()
	switch err := st.Check(ctx); workflow.CodeOf(err) {
	case workflow.CodeUnsupported, workflow.CodeForbidden:
		c.Log.WarnContext(ctx, "users' calls go over the direct connection: "+workflow.MessageOf(err), "error", err)
		return nil
	case "":
	default:
		c.Log.WarnContext(ctx, "the Supabase project does not answer yet", "error", err)
	}
	c.Store = st
	c.Watches("supabase_rest", st.Check)
	return nil
}

// commonSecrets refuses, outside development, secrets that would be made here
// and differ from those of other processes on the same database.
func commonSecrets(cfg *config.Config) error {
	var errs []error
	if cfg.APISecretKey == "" && !cfg.Development() {
		errs = append(errs, errors.New("api_secret_key: several servers may share database_url and need the same secret; set API_SECRET_KEY to what this prints: openssl rand -hex 32"))
	}
	if cfg.EncryptionKey == "" && !cfg.Development() {
		errs = append(errs, errors.New("encryption_key: several servers may share database_url and need the same key; set ENCRYPTION_KEY to what this prints: openssl rand -hex 32"))
	}
	return errors.Join(errs...)
}

// compareSecret complains when a secret that was made in this data folder is not
// the one that the first process on the same database made: what is hashed or
// sealed there is of no use here. The database holds a trace of the secret from
// which it cannot be had.
func (c *Core) compareSecret(ctx context.Context, key string, secret []byte, loss string) error {
	if c.Config.DatabaseURL == "" {
		return nil
	}
	trace := traceOf(key, secret)
	first, err := c.Store.Secret(ctx, "trace_of_"+key, func() ([]byte, error) { return trace, nil })
	if err != nil {
		return fmt.Errorf("compare the secret %s: %w", key, err)
	}
	if hmac.Equal(first, trace) {
		return nil
	}
	_, err = c.Store.Secret(ctx, laterTrace(key, trace), func() ([]byte, error) { return nil, errNoSecret })
	switch {
	case err != nil && !errors.Is(err, errNoSecret):
		return fmt.Errorf("compare the secret %s: %w", key, err)
	case err != nil:
		c.Log.ErrorContext(ctx, "another server on this database has another "+key+": "+loss+
			". Set the same one on all of them, or give them the same data folder", "data_dir", c.Config.DataDir)
	}
	return nil
}

func traceOf(key string, secret []byte) []byte {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte("flowgate trace of " + key))
	return mac.Sum(nil)[:8]
}

// laterTrace names the trace of a secret that took the first one's place.
func laterTrace(key string, trace []byte) string {
	return "trace_of_" + key + "_" + hex.EncodeToString(trace)
}

// traceSecret has compareSecret know a secret that takes the place of another.
func (c *Core) traceSecret(ctx context.Context, key string, secret []byte) error {
	if c.Config.DatabaseURL == "" {
		return nil
	}
	trace := traceOf(key, secret)
	_, err := c.Store.Secret(ctx, laterTrace(key, trace), func() ([]byte, error) { return trace, nil })
	return err
}
