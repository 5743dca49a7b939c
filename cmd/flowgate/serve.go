package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"flowgate/internal/agent"
	"flowgate/internal/app"
	"flowgate/internal/auth"
	"flowgate/internal/config"
)

// drainTime bounds how long a process that was asked to stop lets calls and
// executions end by themselves.
const drainTime = 8 * time.Second

func serveCommand(o *options) *cobra.Command {
	c := &cobra.Command{
		Use: "serve", GroupID: "run", Short: "Run the server: MCP at /mcp, REST at /api, webhooks at /webhook", Args: cobra.NoArgs,
		Long: `Runs the server until SIGINT or SIGTERM. Without any configuration it listens on
127.0.0.1:8000 and keeps everything in one folder (--data-dir). Make a key for
your MCP client with: flowgate keys create --name NAME --scopes tools:execute`,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.serve(cmd.Context()) },
	}
	o.flag(c, "host", "host", "address to listen on")
	o.flag(c, "port", "port", "port to listen on; 0 takes a free one")
	o.boolFlag(c, "allow-private", "egress_allow_private", "let workflows' requests reach this machine and private networks")
	return c
}

func (o *options) serve(ctx context.Context) (err error) {
	cfg, log, err := o.load()
	if err != nil {
		return err
	}
	lis, err := listenEarly(ctx, cfg)
	if err != nil {
		return err
	}
	a, err := app.Open(ctx, cfg, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeApp(a)) }()
	if lis == nil {
		if lis, err = listen(ctx, cfg); err != nil {
			return err
		}
	}
	local, err := localOverHTTP(ctx, a)
	if err != nil {
		return err
	}
	server, err := a.Server(ctx, local)
	if err != nil {
		return err
	}
	defer o.watchConfig(ctx, a.Core)()
	o.greet(a, lis.Addr())
	a.Warm()
	return errors.Join(server.Serve(ctx, lis), server.Shutdown(context.WithoutCancel(ctx)))
}

// listenEarly takes a free port before anything else when any port will do,
// since links have to name it. Otherwise listeners come last.
func listenEarly(ctx context.Context, cfg *config.Config) (net.Listener, error) {
	if cfg.Port != 0 {
		return nil, nil
	}
	lis, err := listen(ctx, cfg)
	if err != nil {
		return nil, err
	}
	cfg.Port = lis.Addr().(*net.TCPAddr).Port
	return lis, nil
}

func listen(ctx context.Context, cfg *config.Config) (net.Listener, error) {
	var lc net.ListenConfig
	lis, err := lc.Listen(ctx, "tcp", net.JoinHostPort(cfg.Host, strconv.Itoa(cfg.Port)))
	if err != nil {
		return nil, fmt.Errorf("listen: %w; choose another port with --port", err)
	}
	return lis, nil
}

// localOverHTTP is who a caller without a key is: nobody, unless configured.
func localOverHTTP(ctx context.Context, a *app.App) (*auth.Identity, error) {
	if a.Config.MCPAPIKeyRequired {
		return nil, nil
	}
	return a.LocalIdentity(ctx)
}

func (o *options) greet(a *app.App, addr net.Addr) {
	url := a.PublicURL()
	fmt.Fprintf(o.err, `flowgate %s listens on %s
  MCP       %s/mcp
  REST      %s/api/app
  health    %s/health
  data      %s
  a key     flowgate keys create --name my-client --scopes tools:execute --data-dir %s
`, app.Version, addr, url, url, url, a.Config.DataDir, a.Config.DataDir)
	if !a.Config.MCPAPIKeyRequired {
		fmt.Fprintln(o.err, "  warning   callers without a key are the local user (mcp_api_key_required is false)")
	}
}

func closeApp(a *app.App) error {
	ctx, cancel := context.WithTimeout(context.Background(), drainTime)
	defer cancel()
	return a.Close(ctx)
}

func agentCommand(o *options) *cobra.Command {
	var address, clientCA string
	c := &cobra.Command{
		Use: "agent", GroupID: "run", Short: "Run the workflow agent alone, for gateways elsewhere (gRPC)", Args: cobra.NoArgs,
		Long: `Runs executions and answers gateways over gRPC. Point a gateway here with
WORKFLOW_SERVICE_HOST and WORKFLOW_SERVICE_PORT; both need the same database.
TLS comes from workflow_service_cert and workflow_service_key; without them only
a loopback address is served, in development, or with workflow_service_insecure.`,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.agent(cmd.Context(), address, clientCA) },
	}
	c.Flags().StringVar(&address, "listen", "127.0.0.1:50051", "address to listen on")
	c.Flags().StringVar(&clientCA, "client-ca", "", "demand client certificates signed by this authority (PEM file)")
	o.boolFlag(c, "allow-private", "egress_allow_private", "let workflows' requests reach this machine and private networks")
	return c
}

func (o *options) agent(ctx context.Context, address, clientCA string) (err error) {
	cfg, log, err := o.load()
	if err != nil {
		return err
	}
	cfg.WorkflowServiceHost = "" // this process is the agent
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return &usageError{fmt.Errorf("--listen: %q is not an address such as :50051", address)}
	}
	ip := net.ParseIP(host)
	here := host == "localhost" || ip != nil && ip.IsLoopback()
	tls := agent.TLS{CertFile: cfg.WorkflowServiceCert, KeyFile: cfg.WorkflowServiceKey, ClientCAFile: clientCA}
	tls.Insecure = tls.CertFile == "" && (cfg.WorkflowServiceInsecure || here && cfg.Development())
	w, err := app.OpenWorker(ctx, cfg, log, tls)
	if err != nil {
		return err
	}
	defer func() {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
		defer cancel()
		err = errors.Join(err, w.Close(closing))
	}()
	var lc net.ListenConfig
	lis, err := lc.Listen(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("listen: %w; choose another address with --listen", err)
	}
	defer o.watchConfig(ctx, w.Core)()
	fmt.Fprintf(o.err, "flowgate %s agent listens on %s, data in %s\n", app.Version, lis.Addr(), cfg.DataDir)
	return w.Serve(ctx, lis)
}
