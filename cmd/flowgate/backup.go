package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"flowgate/internal/app"
)

func backupCommand(o *options) *cobra.Command {
	var secrets bool
	c := &cobra.Command{
		Use: "backup FILE", GroupID: "manage", Short: "Write the data folder into one file, while servers run", Args: cobra.ExactArgs(1),
		Long: `Writes the embedded database as it is at one moment, and users' files, into FILE
(.tar.gz; - writes to standard output). Servers need not stop. The secrets that
were made in the folder and in the database are left out unless --secrets is
given: without them stored credentials cannot be opened and API keys not checked
elsewhere, people sign in again, and links that were handed out for waiting
executions end. Keep a backup with secrets as you keep the secrets. Other things
that lie in the folder, such as a configuration or earlier backups, are left out.

With PostgreSQL (DATABASE_URL) use pg_dump; the command says how.`,
		Example: "  flowgate backup flowgate-$(date +%F).tar.gz\n  flowgate backup - --secrets | age -r age1... > backup.age",
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.backup(cmd.Context(), args[0], secrets)
		},
	}
	c.Flags().BoolVar(&secrets, "secrets", false, "include the secrets that were made in the folder")
	return c
}

func (o *options) backup(ctx context.Context, file string, secrets bool) (err error) {
	cfg, _, err := o.loadQuiet()
	if err != nil {
		return err
	}
	out := o.out
	if file != "-" {
		f, openErr := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if openErr != nil {
			return openErr
		}
		defer func() { // what is incomplete does not stay
			if err = errors.Join(err, f.Close()); err != nil {
				_ = os.Remove(file)
			}
		}()
		out = f
	}
	bar, files := newProgress(o.err), 0
	m, err := app.Backup(ctx, cfg, out, secrets, func(string) { files++; bar.at("entries", files, 0) })
	bar.end()
	if err != nil {
		return err
	}
	without := "without secrets"
	if m.Secrets {
		without = "with secrets"
	}
	fmt.Fprintf(o.err, "backed up %s: the database and %d files, %s\n", cfg.DataDir, m.Files, without)
	return nil
}

func restoreCommand(o *options) *cobra.Command {
	var replace bool
	c := &cobra.Command{
		Use: "restore FILE", GroupID: "manage", Short: "Make the data folder what a backup holds", Args: cobra.ExactArgs(1),
		Long: `Reads FILE (- reads standard input), checks it to its end, and only then puts it
in place. Servers on the folder have to be stopped. A folder that holds data is
refused; with --replace that data is kept in a hidden folder inside, .before-
and the time. Where the backup has no secrets the folder's own API and encryption
keys stay, and the database makes new ones for its tokens: people sign in again.`,
		Example: "  flowgate restore flowgate-2026-11-28.tar.gz --data-dir /var/lib/flowgate",
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.restore(cmd.Context(), args[0], replace)
		},
	}
	c.Flags().BoolVar(&replace, "replace", false, "set aside what the folder holds")
	return c
}

func (o *options) restore(ctx context.Context, file string, replace bool) error {
	cfg, _, err := o.loadQuiet()
	if err != nil {
		return err
	}
	var in io.Reader = o.in
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return err
		}
		defer f.Close()
		in = f
	}
	bar, files := newProgress(o.err), 0
	r, err := app.Restore(ctx, cfg, in, replace, func(string) { files++; bar.at("entries", files, 0) })
	bar.end()
	if err != nil {
		return err
	}
	fmt.Fprintf(o.err, "restored %s from a backup of %s (version %s)\n", cfg.DataDir, r.CreatedAt.Format(time.RFC3339), r.Version)
	if !r.Secrets {
		fmt.Fprintln(o.err, "the backup has no secrets: people sign in again, and links to waiting executions that were handed out end")
	}
	if r.Before != "" {
		fmt.Fprintf(o.err, "what was there is in %s\n", r.Before)
	}
	return nil
}
