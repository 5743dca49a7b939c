package config

import (
	"strings"
	"testing"
)

// TestSupabaseSettings: what a deployment with a Supabase project must say.
func TestSupabaseSettings(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(c *Config)
		says   string // "" where it is good
		rest   bool
	}{
		"whole":                     {func(*Config) {}, "", true},
		"without a database":        {func(c *Config) { c.DatabaseURL = "" }, "database_url", false},
		"without the public key":    {func(c *Config) { c.SupabaseAnonKey = "" }, "supabase_anon_key", false},
		"the secret key for it":     {func(c *Config) { c.SupabaseSecretKey = c.SupabaseAnonKey }, "supabase_anon_key", true},
		"files in Storage":          {func(c *Config) { c.FilesBackend, c.SupabaseSecretKey = "supabase", "secret" }, "", true},
		"and without a key for it":  {func(c *Config) { c.FilesBackend = "supabase" }, "files_backend", true},
		"without policies":          {func(c *Config) { c.RLSEnabled = false }, "rls_enabled", false},
		"REST switched off":         {func(c *Config) { c.SupabaseREST = false }, "", false},
		"in development, sign-in":   {func(c *Config) { c.Environment, c.DatabaseURL = "development", "" }, "", false},
		"in development, no policy": {func(c *Config) { c.Environment, c.RLSEnabled = "development", false }, "", false},
	} {
		cfg := &Config{Environment: "production", SupabaseURL: "https://abc.supabase.co", SupabaseAnonKey: "public", SupabaseAuthEnabled: true,
			SupabaseREST: true, RLSEnabled: true, DatabaseURL: "postgres://x"}
		c.change(cfg)
		var said []string
		cfg.validateSupabase(func(format string, _ ...any) { said = append(said, format) })
		if all := strings.Join(said, "\n"); (all == "") != (c.says == "") || !strings.HasPrefix(all, c.says) {
			t.Errorf("%s: says %q", name, all)
		}
		if got := cfg.UsesSupabaseREST(); got != c.rest {
			t.Errorf("%s: REST is used: %v", name, got)
		}
	}
}
