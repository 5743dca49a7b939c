package main

import (
	"fmt"
	"log/slog"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"flowgate/internal/app"
)

func doctorCommand(o *options) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use: "doctor", GroupID: "about", Short: "Check what a server needs, and say what to do", Args: cobra.NoArgs,
		Long: `Checks the configuration, the data folder and its permissions, the database, Redis
and the agent where they are configured, the clock and the workers of code nodes.
It changes nothing. The exit code is 1 when something keeps a server from running.`,
		Example: "  flowgate doctor --data-dir /var/lib/flowgate",
		RunE: func(cmd *cobra.Command, _ []string) error {
			var findings []app.Finding
			cfg, _, err := o.load() // as a server would, the level of the log included
			if err != nil {
				says := strings.ReplaceAll(strings.TrimPrefix(err.Error(), "the configuration has faults:\n"), "\n", "; ")
				findings = []app.Finding{{Check: "configuration", State: app.Failed, Says: says, Remedy: "docs/configuration.md lists every key"}}
			} else {
				findings = append([]app.Finding{{Check: "configuration", State: app.Fine, Says: "profile " + cfg.Environment}}, app.Examine(cmd.Context(), cfg, slog.New(slog.DiscardHandler))...)
			}
			bad := false
			for _, f := range findings {
				bad = bad || f.State == app.Failed
			}
			if asJSON {
				err = writeJSON(o.out, map[string]any{"healthy": !bad, "findings": findings})
			} else {
				err = o.showFindings(findings)
			}
			if err == nil && bad {
				return &silentError{exitFailed}
			}
			return err
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func (o *options) showFindings(findings []app.Finding) error {
	w := tabwriter.NewWriter(o.out, 0, 0, 2, ' ', 0)
	for _, f := range findings {
		fmt.Fprintf(w, "%s\t%s\t%s\n", f.State, f.Check, f.Says)
		if f.Remedy != "" {
			fmt.Fprintf(w, "\t\t→ %s\n", f.Remedy)
		}
	}
	return w.Flush()
}
