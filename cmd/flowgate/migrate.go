package main

import (
	"context"
	"errors"
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"flowgate/internal/app"
	"flowgate/store"
)

func migrateCommand(o *options) *cobra.Command {
	c := group(&cobra.Command{Use: "migrate", GroupID: "manage", Short: "Move the database's tables between versions",
		Long: `Servers bring the tables to their own version when they start. These commands do
so apart from that, show where a database stands, and take migrations back.`})
	c.AddCommand(migrateUp(o), migrateDown(o), migrateStatus(o), migrateData(o))
	return c
}

func migrateUp(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "up", Short: "Apply the migrations that are missing", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return o.withMigrator(cmd.Context(), func(ctx context.Context, m store.Migrator) error {
				done, err := m.Up(ctx)
				for _, d := range done {
					fmt.Fprintf(o.out, "applied %s\n", d.Name)
				}
				if err == nil && len(done) == 0 {
					fmt.Fprintln(o.out, "nothing to do: all migrations are applied")
				}
				return err
			})
		},
	}
}

func migrateDown(o *options) *cobra.Command {
	var yes bool
	c := &cobra.Command{
		Use: "down", Short: "Take the newest migration back, and lose what its tables hold", Args: cobra.NoArgs,
		Long:    "Takes one migration back, for going back to an older program. What the tables that it made hold is\nlost: make a backup first, stop all servers, and give --yes.",
		Example: "  flowgate backup before.tar.gz --secrets && flowgate migrate down --yes",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !yes {
				return &usageError{errors.New("migrate down deletes tables and what they hold; make a backup, then give --yes")}
			}
			return o.withMigrator(cmd.Context(), func(ctx context.Context, m store.Migrator) error {
				done, err := m.Down(ctx)
				switch {
				case err != nil:
					return err
				case done == nil:
					fmt.Fprintln(o.out, "nothing to do: no migration is applied")
				default:
					fmt.Fprintf(o.out, "took back %s\n", done.Name)
				}
				return nil
			})
		},
	}
	c.Flags().BoolVar(&yes, "yes", false, "really delete")
	return c
}

func migrateStatus(o *options) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use: "status", Short: "List the migrations, and whether each is applied", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return o.withMigrator(cmd.Context(), func(ctx context.Context, m store.Migrator) error {
				list, err := m.Status(ctx)
				if err != nil {
					return err
				}
				if asJSON {
					return writeJSON(o.out, map[string]any{"migrations": list})
				}
				w := tabwriter.NewWriter(o.out, 0, 0, 2, ' ', 0)
				for _, s := range list {
					state := "missing"
					if s.Applied {
						state = "applied " + s.AppliedAt.UTC().Format("2006-01-02 15:04:05")
					}
					fmt.Fprintf(w, "%s\t%s\n", s.Name, state)
				}
				return w.Flush()
			})
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func (o *options) withMigrator(ctx context.Context, f func(context.Context, store.Migrator) error) (err error) {
	cfg, log, err := o.loadQuiet()
	if err != nil {
		return err
	}
	m, err := app.OpenMigrator(ctx, cfg, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, m.Close()) }()
	return f(ctx, m)
}
