package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"flowgate/internal/app"
)

func manCommand(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "man DIR", GroupID: "about", Short: "Write man pages, one for each command", Args: cobra.ExactArgs(1),
		Example: "  flowgate man ~/.local/share/man/man1 && man flowgate-serve",
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return err
			}
			root := cmd.Root()
			root.DisableAutoGenTag = true
			header := &doc.GenManHeader{Title: "FLOWGATE", Section: "1", Source: "flowgate " + app.Version}
			if err := doc.GenManTree(root, header, args[0]); err != nil {
				return err
			}
			fmt.Fprintf(o.err, "wrote man pages to %s\n", args[0])
			return nil
		},
	}
}
