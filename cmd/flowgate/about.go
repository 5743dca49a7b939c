package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"runtime"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"flowgate/internal/app"
	"flowgate/internal/engine/expr"
)

func versionCommand(o *options) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use: "version", GroupID: "about", Short: "Print the version", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if asJSON {
				return writeJSON(o.out, map[string]string{"version": app.Version, "go": runtime.Version(), "os": runtime.GOOS, "arch": runtime.GOARCH})
			}
			_, err := fmt.Fprintf(o.out, "flowgate %s (%s, %s/%s)\n", app.Version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return err
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func configCommand(o *options) *cobra.Command {
	c := group(&cobra.Command{Use: "config", GroupID: "about", Short: "Show the configuration"})
	var asJSON bool
	show := &cobra.Command{
		Use: "print", Short: "Print every key with the value in force (secrets redacted)", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			cfg, _, err := o.load()
			if err != nil {
				return err
			}
			if asJSON {
				values := map[string]string{}
				for _, s := range cfg.Settings() {
					values[s.Name] = s.Value
				}
				return writeJSON(o.out, values)
			}
			w := tabwriter.NewWriter(o.out, 0, 0, 2, ' ', 0)
			for _, s := range cfg.Settings() {
				fmt.Fprintf(w, "%s\t%s\t%s\n", s.Name, s.Value, s.Doc)
			}
			return w.Flush()
		},
	}
	show.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	c.AddCommand(show)
	return c
}

func healthcheckCommand(o *options) *cobra.Command {
	var url, address string
	c := &cobra.Command{
		Use: "healthcheck", GroupID: "about", Short: "Ask the server on this machine whether it is ready", Args: cobra.NoArgs,
		Long:    "Asks GET /readyz of the configured address and ends with 0 when it answers 200, else with 1.\nWith --agent it asks a workflow agent instead, by gRPC.",
		Example: "  flowgate healthcheck --port 8000\n  flowgate healthcheck --agent 127.0.0.1:50051",
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, _, err := o.loadQuiet()
			if err != nil {
				return err
			}
			if address != "" {
				if err := app.AskAgent(cmd.Context(), cfg, address); err != nil {
					return err
				}
				_, err = fmt.Fprintln(o.out, "ready")
				return err
			}
			if url == "" {
				host := cfg.Host
				if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
					host = "127.0.0.1"
				}
				url = "http://" + net.JoinHostPort(host, strconv.Itoa(cfg.Port)) + "/readyz"
			}
			if err := askReady(cmd.Context(), url); err != nil {
				return err
			}
			_, err = fmt.Fprintln(o.out, "ready")
			return err
		},
	}
	c.Flags().StringVar(&url, "url", "", "ask this address instead")
	c.Flags().StringVar(&address, "agent", "", "ask the workflow agent at this address")
	o.flag(c, "port", "port", "port of the server")
	return c
}

func askReady(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return &usageError{err}
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("no server answers at %s: %w", url, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the server at %s is not ready: it answered %s", url, resp.Status)
	}
	return nil
}

func codeWorkerCommand(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "code-worker", Hidden: true, Short: "Run code nodes' JavaScript under limits (started by the server)", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return expr.ServeWorker(o.in, o.out) },
	}
}
