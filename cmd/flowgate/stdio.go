package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"

	"github.com/spf13/cobra"

	"flowgate/internal/app"
	"flowgate/internal/auth"
	"flowgate/internal/config"
)

func stdioCommand(o *options) *cobra.Command {
	var apiKey, httpAddress string
	c := &cobra.Command{
		Use: "stdio", GroupID: "run", Short: "Serve MCP on standard input and output, for a desktop client", Args: cobra.NoArgs,
		Long: `Speaks MCP on standard input and output until its input ends; the log goes to
standard error. Without a key, in development, the caller is the local user;
with one (--api-key or FLOWGATE_API_KEY) the key's scopes hold. Any number of
such processes may share one data folder with each other and with a server.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if apiKey == "" {
				apiKey = os.Getenv("FLOWGATE_API_KEY")
			}
			return o.stdio(cmd.Context(), apiKey, httpAddress)
		},
	}
	c.Flags().StringVar(&apiKey, "api-key", "", "API key of the caller (default: $FLOWGATE_API_KEY, else the local user)")
	c.Flags().StringVar(&httpAddress, "http", "", "serve the REST tiers and /mcp, too, on this address, such as :8000")
	o.boolFlag(c, "allow-private", "egress_allow_private", "let workflows' requests reach this machine and private networks")
	return c
}

func (o *options) stdio(ctx context.Context, apiKey, httpAddress string) (err error) {
	if o.flags["log_level"] == "" {
		o.flags["log_level"] = "warning"
	}
	cfg, log, err := o.load()
	if err != nil {
		return err
	}
	var lis net.Listener
	if httpAddress != "" {
		if lis, err = listenAt(ctx, cfg, httpAddress); err != nil {
			return err
		}
	}
	a, err := app.Open(ctx, cfg, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeApp(a)) }()
	id, err := stdioIdentity(ctx, a, apiKey)
	if err != nil {
		return err
	}
	server, err := a.Server(ctx, nil)
	if err != nil {
		return err
	}
	if lis == nil {
		return errors.Join(server.ServeStdio(ctx, id, o.in, o.out), server.Shutdown(context.WithoutCancel(ctx)))
	}
	return o.stdioAndHTTP(ctx, server, id, lis)
}

// listenAt listens on the address and makes it the configured one, since
// links have to name it.
func listenAt(ctx context.Context, cfg *config.Config, address string) (net.Listener, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, &usageError{fmt.Errorf("--http: %q is not an address such as :8000", address)}
	}
	if host != "" {
		cfg.Host = host
	}
	if cfg.Port, err = strconv.Atoi(port); err != nil {
		return nil, &usageError{fmt.Errorf("--http: %q is not a port number", port)}
	}
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	lis, err := listen(ctx, cfg)
	if err != nil {
		return nil, err
	}
	cfg.Port = lis.Addr().(*net.TCPAddr).Port
	return lis, nil
}

// stdioAndHTTP serves both until the input ends.
func (o *options) stdioAndHTTP(ctx context.Context, server *app.Server, id *auth.Identity, lis net.Listener) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	served := make(chan error, 1)
	go func() { served <- server.Serve(ctx, lis) }()
	err := server.ServeStdio(ctx, id, o.in, o.out)
	stop()
	return errors.Join(err, <-served, server.Shutdown(context.WithoutCancel(ctx)))
}

// stdioIdentity is the owner of the key, or without one, in development, the
// person at this machine.
func stdioIdentity(ctx context.Context, a *app.App, apiKey string) (*auth.Identity, error) {
	if apiKey != "" {
		return a.Authenticator(nil).Authenticate(ctx, auth.Presented{APIKey: apiKey, Tier: auth.TierMCP})
	}
	if !a.Config.Development() {
		return nil, errors.New("in staging and production stdio needs a key: --api-key or FLOWGATE_API_KEY; make one with: flowgate keys create")
	}
	id, err := a.LocalIdentity(ctx)
	if err != nil {
		return nil, err
	}
	id.Tier = auth.TierMCP
	return id, nil
}
