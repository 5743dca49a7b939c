package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"flowgate/internal/app"
	"flowgate/internal/migrate"
)

func migrateData(o *options) *cobra.Command {
	var from string
	var dryRun, asJSON bool
	c := &cobra.Command{
		Use: "data --from URL", Short: "Bring sessions, chats, states and workflows of an earlier gateway's database over", Args: cobra.NoArgs,
		Long: `Reads the tables sessions, chats, workflow_states (or workflow_agent_states) and
workflows of a PostgreSQL database, and accounts in auth.users where they may be
read, and stores what is in them here. Nothing is changed there. Ids stay, and
what is here already is left alone, so that it may be interrupted and run again.

Everything is read and converted once before the first row is written, and the
counts are shown; with --dry-run that is all. Workflows come switched off, with
what has to be mended before they can run. Passwords do not come along: give
people new ones with "flowgate users reset".

The user in the URL has to see all rows: the tables' owner, or one that passes
row-level security by. MIGRATE_FROM does for --from, and keeps the password out
of the list of processes.`,
		Example: "  flowgate migrate data --from postgres://postgres:…@old-host:5432/postgres --dry-run",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if from == "" {
				from = os.Getenv("MIGRATE_FROM")
			}
			if from == "" {
				return &usageError{errors.New("name the database to read from, with --from postgres://user:password@host:5432/name or MIGRATE_FROM")}
			}
			return o.withCore(cmd.Context(), func(ctx context.Context, core *app.Core) error {
				tables, err := o.bringOver(ctx, core, from, true)
				if err == nil && !dryRun {
					o.saySomething(asJSON, tables)
					tables, err = o.bringOver(ctx, core, from, false)
				}
				return errors.Join(o.sayTables(tables, dryRun, asJSON), invalidUse(err))
			})
		},
	}
	c.Flags().StringVar(&from, "from", "", "address of the database to read from")
	c.Flags().BoolVar(&dryRun, "dry-run", false, "only say what would be brought")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func (o *options) bringOver(ctx context.Context, core *app.Core, from string, dryRun bool) ([]migrate.Table, error) {
	bar := newProgress(o.err)
	defer bar.end()
	return core.MigrateData(ctx, from, dryRun, bar.at)
}

// saySomething tells a person who waits what is about to happen.
func (o *options) saySomething(asJSON bool, tables []migrate.Table) {
	if asJSON {
		return
	}
	n := 0
	for _, t := range tables {
		n += t.Brought
	}
	fmt.Fprintf(o.err, "%d rows to bring over\n", n)
}

func (o *options) sayTables(tables []migrate.Table, dryRun, asJSON bool) error {
	if asJSON {
		return writeJSON(o.out, map[string]any{"dry_run": dryRun, "tables": tables})
	}
	for _, t := range tables {
		for _, r := range t.Remarks {
			fmt.Fprintf(o.out, "%s %s: %s\n", t.Name, r.ID, r.Text)
		}
	}
	brought := "brought"
	if dryRun {
		brought = "to bring"
	}
	w := tabwriter.NewWriter(o.out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "table\tfound\t%s\talready here\tnot brought\t\n", brought)
	for _, t := range tables {
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t\n", t.Name, t.Found, t.Brought, t.Present, t.Refused)
	}
	return w.Flush()
}
