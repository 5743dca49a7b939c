package main

import (
	"context"
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"flowgate/internal/app"
	"flowgate/internal/auth"
	"flowgate/internal/workflow"
	"flowgate/store"
)

// userJSON is a person as the commands print it.
type userJSON struct {
	ID         string     `json:"id"`
	Email      string     `json:"email"`
	Role       string     `json:"role"`
	Disabled   bool       `json:"disabled"`
	Anonymous  bool       `json:"is_anonymous"`
	CreatedAt  time.Time  `json:"created_at"`
	SignedInAt *time.Time `json:"last_sign_in_at"`
	Password   string     `json:"password,omitempty"` // when it was made here
}

func userView(u *workflow.User, password string) userJSON {
	return userJSON{ID: u.ID, Email: u.Email, Role: u.Role, Disabled: u.Disabled, Anonymous: u.Anonymous,
		CreatedAt: u.CreatedAt, SignedInAt: optional(u.SignedInAt), Password: password}
}

func usersCommand(o *options) *cobra.Command {
	c := group(&cobra.Command{Use: "users", GroupID: "manage", Short: "Make, list, switch off and promote people of the embedded sign-in"})
	c.AddCommand(usersCreate(o), usersList(o), usersReset(o),
		usersChange(o, "disable EMAIL", "Switch a person off: sessions and keys end within two seconds", "is switched off", func(u *workflow.User) { u.Disabled = true }),
		usersChange(o, "enable EMAIL", "Switch a person on again", "is switched on", func(u *workflow.User) { u.Disabled = false }),
		usersChange(o, "promote EMAIL", "Make a person an operator (role admin)", "is an admin", func(u *workflow.User) { u.Role = "admin" }),
		usersChange(o, "demote EMAIL", "Take the role admin away", "is an ordinary user", func(u *workflow.User) { u.Role = "user" }))
	return c
}

// passwordFlags says where a password comes from: standard input, or chance.
type passwordFlags struct{ stdin, asJSON bool }

func (p *passwordFlags) add(c *cobra.Command) {
	c.Flags().BoolVar(&p.stdin, "password-stdin", false, "read the password from standard input (default: make one and show it)")
	c.Flags().BoolVar(&p.asJSON, "json", false, "print JSON")
}

// password returns it, and what of it has to be shown.
func (p *passwordFlags) password(o *options) (password, show string, err error) {
	if p.stdin {
		password, err = readLine(o.in)
		return password, "", err
	}
	password = auth.NewPassword()
	return password, password, nil
}

func usersCreate(o *options) *cobra.Command {
	var email string
	var p passwordFlags
	c := &cobra.Command{
		Use: "create", Short: "Make a person who can sign in", Args: cobra.NoArgs,
		Example: "  flowgate users create --email ann@example.org",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return o.withPeople(cmd.Context(), func(ctx context.Context, core *app.Core) error {
				password, show, err := p.password(o)
				if err != nil {
					return err
				}
				u, err := core.Accounts.Create(ctx, auth.NewAccount{Email: email, Password: password})
				if err != nil {
					return invalidUse(err)
				}
				return o.showUser(u, show, p.asJSON)
			})
		},
	}
	c.Flags().StringVar(&email, "email", "", "email address of the person")
	p.add(c)
	return c
}

// showUser prints a person and, this once, the password that was made.
func (o *options) showUser(u *workflow.User, password string, asJSON bool) error {
	if asJSON {
		return writeJSON(o.out, userView(u, password))
	}
	if password == "" {
		_, err := fmt.Fprintf(o.out, "%s has the password given\n", u.Email)
		return err
	}
	fmt.Fprintf(o.err, "%s, id %s. The password is shown this once:\n", u.Email, u.ID)
	_, err := fmt.Fprintln(o.out, password)
	return err
}

func usersReset(o *options) *cobra.Command {
	var p passwordFlags
	c := &cobra.Command{
		Use: "reset EMAIL", Short: "Give a person another password and end all sessions", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.withPeople(cmd.Context(), func(ctx context.Context, core *app.Core) error {
				u, err := core.Store.UserByEmail(ctx, args[0])
				if err != nil {
					return err
				}
				password, show, err := p.password(o)
				if err != nil {
					return err
				}
				if err := core.Accounts.SetPassword(ctx, u, password, ""); err != nil {
					return invalidUse(err)
				}
				return o.showUser(u, show, p.asJSON)
			})
		},
	}
	p.add(c)
	return c
}

func usersChange(o *options, use, short, done string, change func(*workflow.User)) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use: use, Short: short, Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.withPeople(cmd.Context(), func(ctx context.Context, core *app.Core) error {
				u, err := core.Store.UserByEmail(ctx, args[0])
				if err != nil {
					return err
				}
				change(u)
				if err := core.Accounts.SetUser(ctx, u); err != nil {
					return err
				}
				if asJSON {
					return writeJSON(o.out, userView(u, ""))
				}
				_, err = fmt.Fprintf(o.out, "%s %s\n", u.Email, done)
				return err
			})
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func usersList(o *options) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use: "list", Short: "List people, newest first", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return o.withPeople(cmd.Context(), func(ctx context.Context, core *app.Core) error {
				users, err := everyone(ctx, core)
				if err != nil {
					return err
				}
				if asJSON {
					return writeJSON(o.out, map[string]any{"users": users})
				}
				w := tabwriter.NewWriter(o.out, 0, 0, 2, ' ', 0)
				fmt.Fprintln(w, "ID\tEMAIL\tROLE\tSTATE\tLAST SIGN-IN")
				for _, u := range users {
					state := "active"
					if u.Disabled {
						state = "disabled"
					}
					fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", u.ID, u.Email, u.Role, state, dateOr(u.SignedInAt, "never"))
				}
				return w.Flush()
			})
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func everyone(ctx context.Context, core *app.Core) ([]userJSON, error) {
	users := []userJSON{}
	for cursor := ""; ; {
		list, next, err := core.Store.ListUsers(ctx, store.Page{Limit: 200, Cursor: cursor})
		if err != nil {
			return nil, err
		}
		for _, u := range list {
			users = append(users, userView(u, ""))
		}
		if cursor = next; next == "" {
			return users, nil
		}
	}
}

// withPeople is withCore for what concerns the embedded accounts.
func (o *options) withPeople(ctx context.Context, fn func(context.Context, *app.Core) error) error {
	return o.withCore(ctx, func(ctx context.Context, core *app.Core) error {
		if core.Supabase != nil {
			return errors.New("people sign in with the Supabase project (supabase_url): manage them there")
		}
		return fn(ctx, core)
	})
}
