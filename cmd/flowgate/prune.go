package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"flowgate/internal/app"
)

func pruneCommand(o *options) *cobra.Command {
	var older time.Duration
	var compact bool
	c := &cobra.Command{
		Use: "prune", GroupID: "manage", Short: "Delete old executions now", Args: cobra.NoArgs,
		Long: `Deletes executions that ended longer ago than execution_retention, with their
logs and node runs, and contents of files that nothing refers to any more.
Servers do so by themselves; this does it at once, and with --compact gives the
space back. Executions that run or wait are never deleted.`,
		Example: "  flowgate prune --older-than 720h --compact",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if cmd.Flags().Changed("older-than") && older <= 0 {
				return &usageError{fmt.Errorf("--older-than: %s is not a length of time such as 720h", older)}
			}
			return o.withCore(cmd.Context(), func(ctx context.Context, core *app.Core) error {
				if older == 0 {
					older = core.Config.ExecutionRetention
				}
				if older == 0 {
					return fmt.Errorf("execution_retention is 0, which keeps executions for ever; say with --older-than what to delete")
				}
				bar := newProgress(o.err)
				n, err := core.Prune(ctx, time.Now().Add(-older), func(n int) { bar.at("executions deleted:", n, 0) })
				bar.end()
				if err != nil {
					return err
				}
				fmt.Fprintf(o.out, "%d executions deleted that ended more than %s ago\n", n, older)
				if n, err = core.PruneFiles(cmd.Context()); err != nil {
					return err
				}
				if n > 0 {
					fmt.Fprintf(o.out, "%d contents deleted whose files or executions are gone\n", n)
				}
				if !compact {
					return nil
				}
				return core.Compact(ctx)
			})
		},
	}
	c.Flags().DurationVar(&older, "older-than", 0, "age of what is deleted (default: execution_retention)")
	c.Flags().BoolVar(&compact, "compact", false, "rewrite the database file without what was deleted")
	return c
}
