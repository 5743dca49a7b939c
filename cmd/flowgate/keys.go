package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"flowgate/internal/app"
	"flowgate/internal/auth"
	"flowgate/internal/workflow"
	"flowgate/store"
)

// keyJSON is a key as the commands print it.
type keyJSON struct {
	ID            string     `json:"id"`
	Key           string     `json:"key,omitempty"`
	ClientName    string     `json:"client_name"`
	Scopes        []string   `json:"scopes"`
	RateLimitTier string     `json:"rate_limit_tier"`
	Signing       bool       `json:"signing,omitempty"`
	AllowedIPs    []string   `json:"allowed_ips,omitempty"`
	Active        bool       `json:"active"`
	CreatedAt     time.Time  `json:"created_at"`
	ExpiresAt     *time.Time `json:"expires_at"`
	LastUsedAt    *time.Time `json:"last_used_at,omitempty"`
	RevokedAt     *time.Time `json:"revoked_at,omitempty"`
	PreviousUntil *time.Time `json:"previous_key_until,omitempty"`
}

func keyView(k *workflow.Key, secret string) keyJSON {
	return keyJSON{ID: k.ID, Key: secret, ClientName: k.ClientName, Scopes: k.Scopes, RateLimitTier: k.RateLimitTier,
		Signing: k.Signing, AllowedIPs: k.AllowedIPs, PreviousUntil: optional(k.PreviousUntil), Active: k.Active && k.RevokedAt.IsZero(),
		CreatedAt: k.CreatedAt, ExpiresAt: optional(k.ExpiresAt), LastUsedAt: optional(k.LastUsedAt), RevokedAt: optional(k.RevokedAt)}
}

func optional(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func keysCommand(o *options) *cobra.Command {
	c := group(&cobra.Command{Use: "keys", GroupID: "manage", Short: "Make, list, rotate and revoke API keys for MCP clients"})
	c.AddCommand(keysCreate(o), keysList(o), keysRotate(o), keysRevoke(o), keysHash(o))
	return c
}

func keysCreate(o *options) *cobra.Command {
	var n auth.NewKey
	var user string
	var asJSON bool
	c := &cobra.Command{
		Use: "create", Short: "Make a key and show it, this once", Args: cobra.NoArgs,
		Example: "  flowgate keys create --name laptop --scopes workflows:read,workflows:execute,executions:read",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return o.withCore(cmd.Context(), func(ctx context.Context, core *app.Core) error {
				u, err := core.User(ctx, user)
				if err != nil {
					return err
				}
				n.OwnerID = u.ID
				secret, key, err := core.Keys.Create(ctx, n)
				if err != nil {
					return invalidUse(err)
				}
				return o.showKey(key, secret, asJSON)
			})
		},
	}
	f := c.Flags()
	f.StringVar(&n.ClientName, "name", "", "name of the client that will use the key")
	f.StringSliceVar(&n.Scopes, "scopes", nil, "what the key may do, such as tools:execute or workflows:read,executions:read")
	f.StringVar(&user, "user", app.LocalEmail, "email of the owner; made when there is none")
	f.StringVar(&n.RateLimitTier, "tier", "standard", "rate limit tier: standard, premium or unlimited")
	f.DurationVar(&n.ExpiresIn, "expires", 0, "how long the key is valid, such as 720h (default: for ever)")
	f.BoolVar(&n.Signing, "signing", false, "make a key that signs requests (RFC 9421, Ed25519) instead of being sent; its private half is shown")
	f.StringSliceVar(&n.AllowedIPs, "ip", nil, "addresses or ranges the key may be used from, such as 10.1.0.0/16 (default: any)")
	f.BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// showKey prints a new secret, this once.
func (o *options) showKey(key *workflow.Key, secret string, asJSON bool) error {
	if asJSON {
		return writeJSON(o.out, keyView(key, secret))
	}
	how := "Send the key as X-API-Key or Authorization: Bearer; it is shown this once:"
	if key.Signing {
		how = "Sign requests with the private key and keyid=\"" + key.ID + "\" (RFC 9421); it is shown this once:"
	}
	fmt.Fprintf(o.err, "id %s, client %q, scopes %v. %s\n", key.ID, key.ClientName, key.Scopes, how)
	_, err := fmt.Fprintln(o.out, strings.TrimSuffix(secret, "\n"))
	return err
}

func keysRotate(o *options) *cobra.Command {
	var overlap time.Duration
	var asJSON bool
	c := &cobra.Command{
		Use: "rotate ID", Short: "Give a key another secret and show it, this once", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.withCore(cmd.Context(), func(ctx context.Context, core *app.Core) error {
				secret, key, err := core.Keys.Rotate(ctx, "", args[0], overlap)
				if err != nil {
					return invalidUse(err)
				}
				return o.showKey(key, secret, asJSON)
			})
		},
	}
	c.Flags().DurationVar(&overlap, "overlap", 24*time.Hour, "how long the earlier secret stays good; 0 ends it at once")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func keysHash(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "hash", Short: "Read a key from standard input and print its key_hash for mcp_api_keys", Args: cobra.NoArgs,
		Long: `Prints what mcp_api_keys takes as key_hash for the key on standard input, under
the configured API_SECRET_KEY. A good key: openssl rand -hex 32`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			key, err := readLine(o.in)
			if err != nil {
				return err
			}
			if len(key) < 16 {
				return &usageError{errors.New("the key is shorter than 16 characters; make one with: openssl rand -hex 32")}
			}
			return o.withCore(cmd.Context(), func(_ context.Context, core *app.Core) error {
				_, err := fmt.Fprintln(o.out, core.Keys.HashKey(key))
				return err
			})
		},
	}
}

// readLine returns the first line of in.
func readLine(in io.Reader) (string, error) {
	line, err := bufio.NewReader(io.LimitReader(in, 4096)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	return strings.TrimRight(line, "\r\n"), nil
}

func keysList(o *options) *cobra.Command {
	var user string
	var asJSON bool
	c := &cobra.Command{
		Use: "list", Short: "List keys, newest first, without their secrets", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return o.withCore(cmd.Context(), func(ctx context.Context, core *app.Core) error {
				u, err := core.Store.UserByEmail(ctx, user)
				if err != nil {
					return err
				}
				keys := []keyJSON{}
				for cursor := ""; ; {
					list, next, err := core.Keys.List(ctx, u.ID, store.Page{Limit: 200, Cursor: cursor})
					if err != nil {
						return err
					}
					for _, k := range list {
						keys = append(keys, keyView(k, ""))
					}
					if cursor = next; next == "" {
						break
					}
				}
				if asJSON {
					return writeJSON(o.out, map[string]any{"keys": keys})
				}
				w := tabwriter.NewWriter(o.out, 0, 0, 2, ' ', 0)
				fmt.Fprintln(w, "ID\tCLIENT\tACTIVE\tTIER\tEXPIRES\tLAST USED\tSCOPES")
				for _, k := range keys {
					fmt.Fprintf(w, "%s\t%s\t%t\t%s\t%s\t%s\t%v\n", k.ID, k.ClientName, k.Active, k.RateLimitTier, dateOr(k.ExpiresAt, "never"), dateOr(k.LastUsedAt, "never"), k.Scopes)
				}
				return w.Flush()
			})
		},
	}
	c.Flags().StringVar(&user, "user", app.LocalEmail, "email of the owner")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func dateOr(t *time.Time, none string) string {
	if t == nil {
		return none
	}
	return t.Format(time.DateTime)
}

func keysRevoke(o *options) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use: "revoke ID", Short: "End a key for good, everywhere within two seconds", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.withCore(cmd.Context(), func(ctx context.Context, core *app.Core) error {
				if err := core.Keys.Revoke(ctx, "", args[0]); err != nil {
					return err
				}
				if asJSON {
					return writeJSON(o.out, map[string]any{"id": args[0], "revoked": true})
				}
				_, err := fmt.Fprintf(o.out, "%s is revoked\n", args[0])
				return err
			})
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func tokenCommand(o *options) *cobra.Command {
	var email string
	var ttl time.Duration
	var asJSON bool
	c := &cobra.Command{
		Use: "token", GroupID: "manage", Short: "Make an access token for the App tier (development and scripts)", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return o.withCore(cmd.Context(), func(ctx context.Context, core *app.Core) error {
				if core.Supabase != nil {
					return errors.New("people sign in with the Supabase project (supabase_url), which alone makes their tokens; for tests set supabase_auth_enabled to false")
				}
				u, err := core.User(ctx, email)
				if err != nil {
					return err
				}
				token, expires, err := core.Issuer.UserToken(u, ttl)
				if err != nil {
					return err
				}
				if asJSON {
					return writeJSON(o.out, map[string]any{"access_token": token, "user_id": u.ID, "expires_at": expires.UTC().Truncate(time.Second)})
				}
				_, err = fmt.Fprintln(o.out, token)
				return err
			})
		},
	}
	c.Flags().StringVar(&email, "email", app.LocalEmail, "email of the user; made when there is none")
	c.Flags().DurationVar(&ttl, "ttl", time.Hour, "how long the token is valid")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// withCore opens the data folder for a short command.
func (o *options) withCore(ctx context.Context, fn func(context.Context, *app.Core) error) error {
	cfg, log, err := o.loadQuiet()
	if err != nil {
		return err
	}
	core, err := app.OpenCore(ctx, cfg, log)
	if err != nil {
		return err
	}
	return errors.Join(fn(ctx, core), core.Close())
}

// invalidUse makes a refused argument a matter of usage.
func invalidUse(err error) error {
	if workflow.CodeOf(err) == workflow.CodeInvalid {
		return &usageError{err}
	}
	return err
}
