package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"flowgate/internal/app"
)

func secretsCommand(o *options) *cobra.Command {
	c := group(&cobra.Command{Use: "secrets", GroupID: "manage", Short: "Change the key that stored secrets are sealed under"})
	c.AddCommand(secretsRotate(o))
	return c
}

func secretsRotate(o *options) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use: "rotate", Short: "Seal all stored secrets anew under a new key", Args: cobra.NoArgs,
		Long: `Makes a new key, seals everything anew under it that is stored sealed (the
values of credentials), and drops the earlier key when nothing needs it any
more. Servers may run: those of the same data folder take the new key over
within a second. It may be ended at any time; run again, it goes on. Keep a
backup of the earlier key for as long as you keep backups of the data from
before: a backup by flowgate backup holds its own.

The key is the file encryption_key in the data folder. Where ENCRYPTION_KEY is
set a command cannot change it. Put a new key before the present one, with a
comma, in all servers' ENCRYPTION_KEY (openssl rand -hex 32 makes one), restart
them one by one, and run this with the same ENCRYPTION_KEY: it seals anew, and
says when the earlier key can be taken out.`,
		Example: "  flowgate secrets rotate\n  ENCRYPTION_KEY=new:<key>,old:<key> flowgate secrets rotate",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return o.withCore(cmd.Context(), func(ctx context.Context, core *app.Core) error {
				bar := newProgress(o.err)
				r, err := core.RotateSecrets(ctx, func(done, total int) { bar.at("secrets", done, total) })
				bar.end()
				if err != nil {
					return invalidUse(err)
				}
				if asJSON {
					return writeJSON(o.out, r)
				}
				return sayRotated(o.out, r)
			})
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func sayRotated(out io.Writer, r *app.SecretsRotation) error {
	fmt.Fprintf(out, "%d of %d stored secrets were sealed anew under the newest key\n", r.Renewed, r.Total)
	if r.Unopened > 0 {
		fmt.Fprintf(out, "%d cannot be opened with any key there is, and were left as they are: enter their values again\n", r.Unopened)
	}
	text := fmt.Sprintf("nothing needs the earlier key any more: dropped %d", r.KeysDropped)
	if r.Configured {
		text = "nothing needs the earlier keys any more: take them out of ENCRYPTION_KEY on all servers"
	}
	_, err := fmt.Fprintln(out, text)
	return err
}
