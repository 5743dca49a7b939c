package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"runtime/debug"
	"strconv"
	"sync"
	"time"

	"github.com/google/uuid"

	"flowgate/grpcclient"
	"flowgate/internal/agent"
	"flowgate/internal/audit"
	"flowgate/internal/auth"
	"flowgate/internal/config"
	"flowgate/internal/egress"
	"flowgate/internal/engine"
	"flowgate/internal/engine/expr"
	"flowgate/internal/engine/node"
	"flowgate/internal/service"
	"flowgate/internal/telemetry"
)

// Version of the build; a release sets it when it links.
var Version = "0.1.0"

// App is the whole product in this process: the core, an engine (unless a
// remote agent is configured), and the service the doors stand on.
type App struct {
	*Core
	Service *service.Service
	Agent   *grpcclient.Client

	errors *service.ErrorLog
	limits limits
	done   <-chan struct{} // closed when Close begins to end background work
	engine *Engine
	manage *engine.Manager // nil with a remote agent
	// talking is how an agent of this process holds conversations.
	talking agent.Options
	// executor runs executions, by the agent or, where that cannot, here.
	executor *executor
	stop     context.CancelFunc
	work     sync.WaitGroup
}

// Open puts the product together. Executions that a dead process left are
// taken over before it returns or soon after. The caller closes it.
func Open(ctx context.Context, cfg *config.Config, log *slog.Logger) (*App, error) {
	core, err := OpenCore(ctx, cfg, log)
	if err != nil {
		return nil, err
	}
	a := &App{Core: core, errors: &service.ErrorLog{}}
	if err := a.open(ctx); err != nil {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		return nil, errors.Join(err, a.Close(closing))
	}
	return a, nil
}

func (a *App) open(ctx context.Context) (err error) {
	if err := errors.Join(a.configuredKeys(ctx), a.renewSecrets(ctx)); err != nil {
		return err
	}
	var background context.Context
	background, a.stop = context.WithCancel(context.WithoutCancel(ctx))
	a.done = background.Done()
	if a.engine, err = a.OpenEngine(); err != nil {
		return err
	}
	a.talking = a.conversationOptions(a.engine, func(ctx context.Context, name string, args json.RawMessage) (any, error) {
		return a.Service.Call(ctx, name, args) // which is there before anybody talks
	})
	tokens := auth.NewAgentTokens(a.Issuer)
	client := grpcclient.Options{Tier: tierOf, Bulkhead: grpcclient.Bulkhead{Calls: a.Config.AgentCallsPerTier, Turns: a.Config.AgentTurnsPerTier},
		Logger: a.Log, Metrics: a.Metrics, Tracer: a.Tracer, Token: func(ctx context.Context) (string, error) { return tokens.Token(grpcclient.Owner(ctx)) }}
	if a.Config.WorkflowServiceHost != "" {
		remoteAgent(a.Config, &client)
	} else if err := a.embeddedAgent(ctx, background, &client, tokens); err != nil {
		return err
	}
	if a.Agent, err = grpcclient.Dial(client); err != nil {
		return fmt.Errorf("connect to the workflow agent: %w", err)
	}
	a.startExecutor(background)
	a.Watches("grpc", a.Agent.Health)
	if err := a.openLimits(); err != nil {
		return err
	}
	sign, err := a.signer(ctx)
	if err != nil {
		return err
	}
	options := service.Options{Store: a.Store, Agent: a.executor, Catalogue: a.engine.Catalogue, Conversations: a.Store, Talk: a.talk,
		Vault: a.Vault, Keys: a.Keys, Grants: a.Grants, Files: a.Files, Operator: a.operator(), TestHooks: a.TestHooks, HTTP: a.engine.Guard.Client(), Dial: a.engine.Guard.DialContext,
		Schedules: a.schedules(), Sign: sign, PublicURL: a.PublicURL(), Logger: a.Log, Metrics: a.Metrics, Tracer: a.Tracer,
		Fanout: a.passing(), ChatLog: a.chatLog()}
	if a.Audit != nil { // a nil pointer in an interface is not nil
		options.Audit, options.AuditLog = a.Audit, audit.Reader{Store: a.Store}
	}
	a.bound(&options)
	a.Service, err = service.New(options)
	if err != nil {
		return err
	}
	a.work.Go(func() { a.flushKeys(background) })
	a.work.Go(func() { a.sweepFiles(background) })
	a.hear(background)
	return nil
}

// tierOf is the tier whose places of the agent a call takes: calls for nobody
// are the public ones, those of this machine's user count with the MCP tier's.
func tierOf(ctx context.Context) string {
	switch id := auth.FromContext(ctx); {
	case id == nil:
		return string(auth.TierPublic)
	case id.Tier == "":
		return string(auth.TierMCP)
	default:
		return string(id.Tier)
	}
}

// remoteAgent points the client at the configured agent.
func remoteAgent(c *config.Config, client *grpcclient.Options) {
	client.Target = net.JoinHostPort(c.WorkflowServiceHost, strconv.Itoa(c.WorkflowServicePort))
	ip := net.ParseIP(c.WorkflowServiceHost)
	here := c.WorkflowServiceHost == "localhost" || ip != nil && ip.IsLoopback()
	client.TLS = grpcclient.TLS{CAFile: c.WorkflowServiceCA, CertFile: c.WorkflowServiceCert, KeyFile: c.WorkflowServiceKey,
		Insecure: c.WorkflowServiceInsecure || c.Development() && here && c.WorkflowServiceCA == ""}
}

// embeddedAgent runs the agent here, behind an in-process listener: the same
// server and the same client as with a remote one.
func (a *App) embeddedAgent(ctx, background context.Context, client *grpcclient.Options, tokens *auth.AgentTokens) error {
	var err error
	if a.manage, err = a.OpenManager(ctx, a.engine); err != nil {
		return err
	}
	opts := a.talking
	opts.Engine, opts.Verify, opts.Logger, opts.Metrics, opts.Tracer = agentEngine{a.manage, a.engine.Catalogue}, tokens.Verify, a.Log, a.Metrics, a.Tracer
	server, err := agent.NewServer(opts)
	if err != nil {
		return err
	}
	lis := agent.NewInProcess()
	client.Target, client.Dialer = "passthrough:///embedded", lis.Dial
	a.work.Go(func() {
		if err := server.Serve(background, lis); err != nil {
			a.Log.Error("the embedded agent stopped", "error", err)
		}
	})
	return nil
}

// OpenManager makes this process one that runs executions of the store.
func (c *Core) OpenManager(ctx context.Context, e *Engine) (*engine.Manager, error) {
	sign, err := c.signer(ctx)
	if err != nil {
		return nil, err
	}
	m, err := engine.OpenManager(ctx, engine.ManagerOptions{Supervision: c.supervision(), Sign: sign,
		MaxPerOwner: c.Config.MaxUserConcurrency, MaxPerWorkflow: c.Config.MaxWorkflowConcurrency, MissedRuns: c.Config.MissedRuns,
		Engine: e.Runner, Store: c.Store, Fanout: c.passing(),
		Durable: c.durable, Version: Version, MaxConcurrency: c.Config.MaxConcurrency,
		Retention: c.Config.ExecutionRetention, Keep: c.Config.ExecutionsKept, BaseURL: c.PublicURL(), Credentials: c.Vault.Fields, Files: c.Files, Logger: c.Log})
	if err != nil {
		return nil, fmt.Errorf("open the engine: %w", err)
	}
	return m, nil
}

// flushKeys writes now and then when API keys were last used.
func (a *App) flushKeys(ctx context.Context) {
	tick := time.NewTicker(10 * time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := a.Keys.Flush(ctx); err != nil && ctx.Err() == nil {
				a.Log.Warn("the last use of API keys was not written", "error", err)
			}
		}
	}
}

// Close ends everything in the opposite order: running executions may end
// until ctx does; the rest goes on in another process or at the next start.
func (a *App) Close(ctx context.Context) error {
	var errs []error
	if a.Service != nil {
		a.Service.StopWaiting()
		a.Service.WaitTurns(ctx)
	}
	if a.Agent != nil {
		errs = append(errs, a.Agent.Close())
	}
	if a.stop != nil {
		a.stop()
	}
	a.work.Wait()
	if a.executor != nil {
		errs = append(errs, a.executor.close(ctx))
	}
	if a.manage != nil {
		errs = append(errs, a.manage.Close(ctx))
	}
	if a.engine != nil {
		a.engine.Close()
	}
	return errors.Join(append(errs, a.Core.Close())...)
}

// PublicURL begins every link that is handed out.
func (c *Core) PublicURL() string {
	if c.Config.PublicURL != "" {
		return c.Config.PublicURL
	}
	host := c.Config.Host
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, strconv.Itoa(c.Config.Port))
}

// Engine runs documents, with or without a store behind it.
type Engine struct {
	Runner    *engine.Engine
	Registry  *node.Registry
	Catalogue *Catalogue
	Guard     *egress.Guard
	pool      *expr.Pool
	workers   *expr.WorkerPool
	mcp       *node.MCPPool
}

// OpenEngine makes an engine of the configured limits. The caller closes it.
func OpenEngine(cfg *config.Config, log *slog.Logger) (*Engine, error) {
	return openEngine(cfg, log, nil, nil)
}

// OpenEngine makes an engine that is observed.
func (c *Core) OpenEngine() (*Engine, error) { return openEngine(c.Config, c.Log, c.Metrics, c.Tracer) }

func openEngine(cfg *config.Config, log *slog.Logger, metrics *telemetry.Metrics, tracer *telemetry.Tracer) (*Engine, error) {
	registry := node.NewRegistry(node.All(), node.RegistryOptions{CheckExpression: expr.Check, CheckCode: expr.CheckCode})
	guard, err := newGuard(cfg, log)
	if err != nil {
		return nil, err
	}
	limits := expr.Options{CodeTimeout: cfg.CodeTimeout, Logger: log}
	e := &Engine{Registry: registry, Catalogue: newCatalogue(registry), Guard: guard, pool: expr.NewPool(expr.Options{CodeTimeout: limits.CodeTimeout, Ready: 1, Logger: log})}
	zone, err := time.LoadLocation(cfg.Timezone)
	if err != nil {
		return nil, fmt.Errorf("timezone: %w", err)
	}
	opts := engine.Options{Location: zone, Registry: registry, Expr: e.pool, HTTP: guard.Client(), Logger: log, Metrics: metrics, Tracer: tracer,
		Limits: engine.Limits{NodeTimeout: cfg.NodeTimeout, ExecutionTimeout: cfg.ExecutionTimeout}}
	servers, err := node.ParseMCPServers(cfg.MCPServers)
	if err != nil {
		e.Close()
		return nil, fmt.Errorf("mcp_servers: %w", err)
	}
	e.mcp = node.NewMCPPool(servers, log)
	opts.MCP = e.mcp
	if !cfg.CodeInProcess {
		if e.workers, err = expr.NewWorkerPool(expr.WorkerOptions{Expr: limits}); err != nil {
			e.pool.Close()
			return nil, fmt.Errorf("prepare workers for code nodes: %w", err)
		}
		opts.Code = codeRunner{e.workers}
	}
	if opts.Location, err = time.LoadLocation(cfg.Timezone); err != nil {
		e.Close()
		return nil, fmt.Errorf("timezone: %w", err)
	}
	e.Runner = engine.New(opts)
	e.Catalogue.runner = e.Runner
	return e, nil
}

// warmAfter leaves the first callers of a server the machine to themselves.
const warmAfter = 300 * time.Millisecond

// Warm prepares in the background, a moment from now, what the first
// workflows would have to wait for, and gives back the memory that only the
// start needed.
func (a *App) Warm() {
	a.work.Go(func() {
		select {
		case <-a.done:
		case <-time.After(warmAfter):
			a.engine.pool.Warm()
			if a.engine.workers != nil {
				a.engine.workers.Warm()
			}
			debug.FreeOSMemory()
		}
	})
}

// Close ends MCP servers, worker processes and VMs.
func (e *Engine) Close() {
	e.mcp.Close()
	if e.workers != nil {
		e.workers.Close()
	}
	e.pool.Close()
}

func newGuard(cfg *config.Config, log *slog.Logger) (*egress.Guard, error) {
	allowed, err := prefixes(cfg.EgressAllowCIDRs)
	if err != nil {
		return nil, fmt.Errorf("egress_allow_cidrs: %w", err)
	}
	return egress.New(egress.Options{AllowPrivate: cfg.EgressAllowPrivate, AllowCIDRs: allowed, Logger: log}), nil
}

func newUserID() string { return uuid.NewString() }
