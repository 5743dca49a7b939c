// Package app puts the product together, by hand and top to bottom: store,
// identities, engine, agent, service, doors. Commands and tests open it alike.
package app

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"flowgate/internal/audit"
	"flowgate/internal/auth"
	"flowgate/internal/config"
	"flowgate/internal/engine/durable"
	"flowgate/internal/seal"
	"flowgate/internal/service"
	"flowgate/internal/telemetry"
	"flowgate/internal/workflow"
	"flowgate/store"
	"flowgate/store/redis"
	"flowgate/store/supabase"
)

// LocalEmail is the email of the person at this machine: the owner of what
// is made without naming anybody.
const LocalEmail = auth.LocalEmail

// Core is what every command needs: the store and who may use it.
type Core struct {
	Config *config.Config
	Log    *slog.Logger
	Store  Store
	// Metrics and Tracer observe everything; nil where they are off.
	Metrics *telemetry.Metrics
	Tracer  *telemetry.Tracer
	Keys    *auth.APIKeys
	Issuer  *auth.Issuer
	// Accounts are the people of the embedded sign-in; where Supabase is not
	// nil people sign in there instead.
	Accounts *auth.Accounts
	Supabase *auth.Supabase
	Grants   *auth.Grants
	// Vault keeps credentials, TestHooks webhooks armed for a test.
	Vault     *service.Vault
	TestHooks store.TestWebhooks
	keyFile   *seal.File // of Vault's keys; nil where they are configured

	// Files keeps users' files, their content in Supabase Storage or the data
	// folder.
	Files *service.Files

	// Audit is the log of calls and refusals; nil when it is switched off.
	Audit *audit.Log

	// Redis is what servers share for a short time; nil: none is configured.
	Redis *redis.Store

	passes     sync.Once
	fanout     *redis.Fanout     // nil: it is not begun
	pepper     []byte            // API_SECRET_KEY, or what stands for it
	durable    durable.Options   // in the same database as Store
	components []*Component      // that health asks
	storage    *supabase.Storage // of users' files; nil: a folder is
	guardFiles func(context.Context) error
	secrets    store.Secrets   // the installation's own, sealed where that helps
	changes    []config.Change // who takes over changes of the configuration
}

// OpenCore opens the data folder, making it and its secrets the first time,
// and the database: there, or where DATABASE_URL says.
func OpenCore(ctx context.Context, cfg *config.Config, log *slog.Logger) (*Core, error) {
	if err := os.MkdirAll(cfg.DataDir, 0o700); err != nil {
		return nil, fmt.Errorf("make the data folder: %w; choose another with --data-dir", err)
	}
	c := &Core{Config: cfg, Log: log}
	if err := c.openStore(ctx); err != nil {
		return nil, err
	}
	c.Watches("database", c.Store.Ping)
	if err := c.openTelemetry(ctx); err != nil {
		return nil, errors.Join(err, c.Store.Close())
	}
	if err := c.openRedis(); err != nil {
		return nil, errors.Join(err, c.Store.Close())
	}
	c.Vault, c.TestHooks = &service.Vault{Store: c.Store}, c.Store
	if err := errors.Join(c.openAuth(ctx), c.openVault(ctx), c.openFiles(ctx)); err != nil {
		c.Audit.Close()
		return nil, errors.Join(err, c.closeRedis(), c.closeFiles(), c.Store.Close())
	}
	return c, nil
}

func (c *Core) openAuth(ctx context.Context) (err error) {
	pepper := []byte(c.Config.APISecretKey)
	if len(pepper) == 0 {
		if pepper, err = secretFile(filepath.Join(c.Config.DataDir, "api_secret_key")); err != nil {
			return fmt.Errorf("keep the secret for API keys: %w", err)
		}
		if err := c.compareSecret(ctx, "api_secret_key", pepper, "API keys made there are refused here"); err != nil {
			return err
		}
	}
	c.Keys, c.pepper = auth.NewAPIKeys(c.Store, pepper), pepper
	if err := c.openSecrets(); err != nil {
		return err
	}
	if c.Config.AuditEnabled {
		c.Audit = audit.Open(audit.Options{Store: c.Store, Secret: pepper, Retention: c.Config.AuditRetention, Logger: c.Log})
	}
	if c.Issuer, err = auth.NewIssuer(ctx, c.secrets); err != nil {
		return err
	}
	c.Grants = auth.NewGrants(c.Store)
	if c.Redis != nil {
		c.Keys.UseNonces(c.Redis)
	}
	c.Keys.Tell, c.Grants.Tell = c.teller(), c.teller()
	c.openSupabase()
	mac := hmac.New(sha256.New, pepper)
	mac.Write([]byte("flowgate refresh tokens"))
	c.Accounts = auth.NewAccounts(auth.AccountOptions{Store: c.Store, Issuer: c.Issuer, Secret: mac.Sum(nil),
		SignUp: c.Config.SignUpOpen(), Guests: c.Config.GuestSessions, Tell: c.teller()})
	auth.RememberFor(c.Config.CacheTTL, c.Keys, c.Accounts, c.Grants, c.Supabase)
	return nil
}

// openSupabase has people sign in with the configured project.
func (c *Core) openSupabase() {
	if !c.Config.UsesSupabaseAuth() {
		return
	}
	c.Supabase = auth.NewSupabase(auth.SupabaseOptions{URL: c.Config.SupabaseURL, Issuer: c.Config.SupabaseIssuer, AnonKey: c.Config.SupabaseAnonKey,
		JWTSecret: c.Config.JWTSecretKey, Unconfirmed: !c.Config.EmailConfirmedOnly, Guests: c.Config.GuestSessions,
		Client: &http.Client{Timeout: 10 * time.Second}})
}

// configuredKeys takes the keys of the configuration in, and those of one that
// is loaded anew.
func (c *Core) configuredKeys(ctx context.Context) error {
	apply, err := c.prepareKeys(ctx, c.Config)
	if err != nil {
		return err
	}
	apply()
	before := c.Config.MCPAPIKeys
	c.OnReload(func(next *config.Config) (func(), error) {
		if next.MCPAPIKeys == before {
			return func() {}, nil
		}
		ctx, cancel := context.WithTimeout(context.Background(), reloadTime)
		defer cancel()
		apply, err := c.prepareKeys(ctx, next)
		return func() { apply(); before = next.MCPAPIKeys }, err
	})
	return nil
}

// reloadTime bounds how long a reload waits for the database.
const reloadTime = 10 * time.Second

// prepareKeys reads the keys of a configuration, makes the users they name, and
// returns what puts them in force.
func (c *Core) prepareKeys(ctx context.Context, cfg *config.Config) (apply func(), err error) {
	keys, err := auth.ParseConfiguredKeys(cfg.MCPAPIKeys, cfg.Environment)
	if err != nil {
		return nil, fmt.Errorf("mcp_api_keys: %w", err)
	}
	for _, k := range keys {
		if k.Open() {
			c.Log.WarnContext(ctx, "a key of mcp_api_keys has no secret: whoever knows its id may use it; for development only", "client_name", k.ClientName)
		}
	}
	apply, err = c.Keys.PrepareConfigured(keys, func(email string) (string, error) {
		u, err := c.User(ctx, email)
		if err != nil {
			return "", err
		}
		return u.ID, nil
	})
	if err != nil {
		return nil, fmt.Errorf("mcp_api_keys: %w", err)
	}
	return apply, nil
}

// OnReload adds one who takes over changes of live configuration keys.
func (c *Core) OnReload(change config.Change) { c.changes = append(c.changes, change) }

// Reloader returns who reloads the configuration, which was loaded from src as
// loaded, for all who asked by OnReload.
func (c *Core) Reloader(src config.Source, loaded *config.Config) *config.Reloader {
	r := config.NewReloader(src, loaded, c.Log, c.Metrics.Reloaded)
	for _, change := range c.changes {
		r.OnChange(change)
	}
	return r
}

// ShownVersion is the version that callers are told.
func (c *Core) ShownVersion() string {
	if c.Config.Version != "" {
		return c.Config.Version
	}
	return Version
}

// Close gives the database back.
func (c *Core) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	c.Audit.Close()
	return errors.Join(c.Keys.Flush(ctx), c.closeRedis(), c.closeFiles(), c.Store.Close(), c.Tracer.Close(ctx))
}

// VerifyAudit computes the audit log anew.
func (c *Core) VerifyAudit(ctx context.Context) (*audit.Report, error) {
	return audit.Verify(ctx, c.Store, c.pepper)
}

// User returns the user of that email, making one when there is none.
func (c *Core) User(ctx context.Context, email string) (*workflow.User, error) {
	if at := strings.IndexByte(email, '@'); at <= 0 || at == len(email)-1 || strings.ContainsAny(email, " \t\n") {
		return nil, workflow.Errorf(workflow.CodeInvalid, "email: %q is not an email address", email)
	}
	u, err := c.Store.UserByEmail(ctx, email)
	if workflow.CodeOf(err) != workflow.CodeNotFound {
		return u, err
	}
	u = &workflow.User{ID: newUserID(), Email: email, Role: "user", CreatedAt: time.Now().UTC()}
	err = c.Store.CreateUser(ctx, u)
	if workflow.CodeOf(err) == workflow.CodeConflict { // another process was faster
		return c.Store.UserByEmail(ctx, email)
	}
	return u, err
}

// LocalIdentity is the person at this machine.
func (c *Core) LocalIdentity(ctx context.Context) (*auth.Identity, error) {
	u, err := c.User(ctx, LocalEmail)
	if err != nil {
		return nil, err
	}
	return &auth.Identity{Subject: u.ID, Email: u.Email, Kind: auth.KindLocal, ClientName: "local", RateLimitTier: "unlimited"}, nil
}

// secretFile returns the 32 bytes in the file, writing random ones the first
// time. Of several processes that start at once one writes.
func secretFile(path string) ([]byte, error) {
	data, err := os.ReadFile(path)
	if err == nil && len(data) >= 32 {
		return data, nil
	}
	if err == nil {
		return nil, fmt.Errorf("%s is damaged: it holds %d bytes instead of 32; restore it from a backup, or delete it (API keys then have to be made anew)", path, len(data))
	}
	if !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	secret := make([]byte, 32)
	rand.Read(secret)
	tmp, err := os.CreateTemp(filepath.Dir(path), ".secret-*")
	if err != nil {
		return nil, err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(secret)
	if err = errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return nil, err
	}
	if err := os.Link(tmp.Name(), path); err != nil && !errors.Is(err, os.ErrExist) {
		return nil, err
	}
	return os.ReadFile(path)
}
