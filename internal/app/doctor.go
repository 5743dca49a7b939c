package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"flowgate/grpcclient"
	"flowgate/internal/agent/planner/llm"
	"flowgate/internal/config"
	"flowgate/internal/engine/expr"
	"flowgate/internal/workflow"
	"flowgate/store"
	"flowgate/store/postgres"
	"flowgate/store/sqlite"
	"flowgate/store/supabase"
)

// State is how a thing that was examined is.
type State string

// The states. Only Failed keeps a server from running.
const (
	Fine    State = "ok"
	Warning State = "warning"
	Failed  State = "FAILED"
)

// Finding is what an examination found of one thing, and what to do about it.
type Finding struct {
	Check  string `json:"check"`
	State  State  `json:"state"`
	Says   string `json:"says"`
	Remedy string `json:"remedy,omitempty"`
}

// examineTime bounds one examination.
const examineTime = 10 * time.Second

// Examine looks at everything a server of this configuration needs, and
// changes nothing.
func Examine(ctx context.Context, cfg *config.Config, log *slog.Logger) []Finding {
	var out []Finding
	for _, look := range []func(context.Context, *config.Config, *slog.Logger) Finding{
		examineFolder, examineSecrets, examineDatabase, examineSupabase, examineStorage, examineAgent, examineModel, examineAddress, examineWorkers, examineClock,
	} {
		ctx, cancel := context.WithTimeout(ctx, examineTime)
		out = append(out, look(ctx, cfg, log))
		cancel()
	}
	return out
}

func examineFolder(_ context.Context, cfg *config.Config, _ *slog.Logger) Finding {
	f := Finding{Check: "data folder", State: Fine, Says: cfg.DataDir}
	info, err := os.Stat(cfg.DataDir)
	switch {
	case errors.Is(err, os.ErrNotExist):
		f.Says += " is not there yet; the first start makes it"
		return f
	case err != nil:
		f.State, f.Says, f.Remedy = Failed, err.Error(), "let this user read it, or choose another with --data-dir"
		return f
	case !info.IsDir():
		f.State, f.Says, f.Remedy = Failed, cfg.DataDir+" is no folder", "choose another with --data-dir"
		return f
	}
	probe, err := os.CreateTemp(cfg.DataDir, ".probe-*")
	if err != nil {
		f.State, f.Says, f.Remedy = Failed, "cannot be written: "+err.Error(), "give it to the user the server runs as, and see that the disk is not full"
		return f
	}
	_ = errors.Join(probe.Close(), os.Remove(probe.Name())) // it was only a try
	if info.Mode().Perm()&0o077 != 0 {
		f.State, f.Says, f.Remedy = Warning, fmt.Sprintf("%s can be read by others (mode %o)", cfg.DataDir, info.Mode().Perm()), "chmod 700 "+cfg.DataDir
	}
	return f
}

func examineSecrets(_ context.Context, cfg *config.Config, _ *slog.Logger) Finding {
	f := Finding{Check: "secrets", State: Fine, Says: "set by configuration"}
	if cfg.APISecretKey != "" && cfg.EncryptionKey != "" {
		return f
	}
	f.Says = "made and kept in the data folder"
	if cfg.DatabaseURL != "" && !cfg.Development() {
		f.State, f.Says, f.Remedy = Failed, "servers that share a database need the same ones", "set API_SECRET_KEY and ENCRYPTION_KEY, each to what this prints: openssl rand -hex 32"
		return f
	}
	for _, name := range secretNames() {
		info, err := os.Stat(filepath.Join(cfg.DataDir, name))
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			f.State, f.Says, f.Remedy = Warning, name+" can be read by others", "chmod 600 "+filepath.Join(cfg.DataDir, name)
		}
	}
	return f
}

func examineDatabase(ctx context.Context, cfg *config.Config, log *slog.Logger) Finding {
	f := Finding{Check: "database", State: Fine}
	path := filepath.Join(cfg.DataDir, sqlite.FileName)
	if cfg.DatabaseURL != "" {
		f.Says = "PostgreSQL"
		m, err := postgres.OpenMigrator(ctx, postgres.Options{URL: cfg.DatabaseURL, Logger: log})
		if err != nil {
			f.State, f.Says, f.Remedy = Failed, err.Error(), "check DATABASE_URL, that the server runs, and that it lets this machine in"
			return f
		}
		return tablesOf(ctx, f, m)
	}
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		f.Says = "SQLite; the first start makes it"
		return f
	}
	f.Says = "SQLite"
	if err := sqlite.Check(ctx, sqlite.Options{Path: path}); err != nil {
		f.State, f.Says, f.Remedy = Failed, err.Error(), "restore a backup: flowgate restore FILE --replace"
		return f
	}
	m, err := sqlite.OpenMigrator(ctx, sqlite.Options{Path: path})
	if err != nil {
		f.State, f.Says = Failed, err.Error()
		return f
	}
	return tablesOf(ctx, f, m)
}

// examineSupabase asks the project whether it offers what users' own calls need.
func examineSupabase(ctx context.Context, cfg *config.Config, _ *slog.Logger) Finding {
	f := Finding{Check: "supabase", State: Fine, Says: "not used"}
	switch {
	case cfg.SupabaseURL == "":
		return f
	case cfg.DatabaseURL == "":
		f.State, f.Says, f.Remedy = Warning, "people sign in there; everything else is kept on this machine", "set DATABASE_URL to the project's database"
		return f
	case !cfg.UsesSupabaseREST():
		f.Says = "people sign in there; their calls go over the direct connection"
		return f
	}
	st, err := supabase.Open(supabase.Options{URL: cfg.SupabaseURL, Key: cfg.SupabaseAnonKey})
	if err == nil {
		err = st.Check(ctx)
	}
	f.Says = "users' own calls go over " + cfg.SupabaseURL
	switch workflow.CodeOf(err) {
	case "":
	case workflow.CodeUnsupported, workflow.CodeForbidden:
		f.State, f.Says, f.Remedy = Warning, err.Error(), workflow.MessageOf(err)+" Until then users' calls go over the direct connection."
	default:
		f.State, f.Says, f.Remedy = Failed, err.Error(), "check SUPABASE_URL, and that the project runs and can be reached from here"
	}
	return f
}

// examineStorage asks the project whether its Storage takes users' files.
func examineStorage(ctx context.Context, cfg *config.Config, _ *slog.Logger) Finding {
	f := Finding{Check: "files", State: Fine, Says: "kept in DATA_DIR/" + filesFolder}
	if !cfg.UsesSupabaseStorage() {
		if cfg.SupabaseURL != "" && cfg.DatabaseURL != "" && cfg.FilesBackend != "disk" {
			f.State, f.Remedy = Warning, "set SUPABASE_SECRET_KEY to keep them in the project's Storage, where all servers find them, or FILES_BACKEND=disk"
		}
		return f
	}
	st, err := storageOf(cfg)
	if err == nil {
		err = errors.Join(st.Check(ctx), st.Close())
	}
	f.Says = "kept in the bucket " + supabase.Bucket + " of " + cfg.SupabaseURL
	switch workflow.CodeOf(err) {
	case "":
		return guardOf(ctx, f, cfg)
	case workflow.CodeForbidden:
		f.State, f.Says, f.Remedy = Warning, err.Error(), "make the bucket private, or start a server, which does"
	default:
		f.State, f.Says, f.Remedy = Failed, err.Error(), "check SUPABASE_URL and SUPABASE_SECRET_KEY, and that the project's Storage is switched on and can be reached from here; FILES_BACKEND=disk does without it"
	}
	return f
}

// guardOf adds whether users are kept from the bucket of files. A database that
// cannot be asked has a finding of its own.
func guardOf(ctx context.Context, f Finding, cfg *config.Config) Finding {
	m, err := postgres.OpenMigrator(ctx, postgres.Options{URL: cfg.DatabaseURL})
	if err != nil {
		return f
	}
	defer func() { _ = m.Close() }() // nothing was written
	if guarded, err := m.FilesGuarded(ctx); err == nil && !guarded {
		f.State, f.Says = Warning, f.Says+", to which the project's own policies may let users"
		f.Remedy = "start a server with the log-in of the project's own database that may make policies on storage.objects (postgres)"
	}
	return f
}

// tablesOf adds at which version the tables are, and closes m.
func tablesOf(ctx context.Context, f Finding, m store.Migrator) Finding {
	defer func() { _ = m.Close() }() // nothing was written
	list, err := m.Status(ctx)
	if err != nil {
		f.State, f.Says = Failed, err.Error()
		return f
	}
	missing := 0
	for _, s := range list {
		if !s.Applied {
			missing++
		}
	}
	if missing > 0 {
		f.Says += fmt.Sprintf("; %d migrations are missing, which the next start applies", missing)
		return f
	}
	f.Says += fmt.Sprintf("; tables at version %d", list[len(list)-1].Version)
	return f
}

func examineAgent(ctx context.Context, cfg *config.Config, _ *slog.Logger) Finding {
	f := Finding{Check: "agent", State: Fine, Says: "embedded"}
	if cfg.WorkflowServiceHost == "" {
		return f
	}
	address := net.JoinHostPort(cfg.WorkflowServiceHost, strconv.Itoa(cfg.WorkflowServicePort))
	f.Says = address
	if err := AskAgent(ctx, cfg, address); err != nil {
		f.State, f.Says, f.Remedy = Failed, err.Error(), "start it with: flowgate agent --listen :"+strconv.Itoa(cfg.WorkflowServicePort)+"; docs/troubleshooting.md has more (gRPC)"
	}
	return f
}

// examineModel asks the provider of the language model for its list of models,
// which costs nothing.
func examineModel(ctx context.Context, cfg *config.Config, _ *slog.Logger) Finding {
	f := Finding{Check: "language model", State: Fine, Says: "none: conversations are planned by rules"}
	if cfg.LLMProvider == "none" {
		return f
	}
	o := operatorsModel(cfg, cfg.LLMModel)
	o.Client = operatorsClient()
	defer o.Client.CloseIdleConnections()
	f.Says = cfg.LLMProvider + " answers; " + cfg.LLMModel + " plans"
	if o.Key == "" {
		f.Says += "; no key is set"
	}
	if err := llm.Probe(ctx, o); err != nil {
		f.State, f.Says, f.Remedy = Warning, workflow.MessageOf(err), "check LLM_API_KEY, LLM_BASE_URL and LLM_MODEL, and that this machine reaches the provider; docs/models.md has more"
	}
	return f
}

// AskAgent asks the agent at an address whether it serves, by the configured
// certificates.
func AskAgent(ctx context.Context, cfg *config.Config, address string) error {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return workflow.Errorf(workflow.CodeInvalid, "%q is not an address such as 127.0.0.1:50051", address)
	}
	c := *cfg
	c.WorkflowServiceHost = host
	if c.WorkflowServicePort, err = strconv.Atoi(port); err != nil {
		return workflow.Errorf(workflow.CodeInvalid, "%q is not a port number", port)
	}
	opts := grpcclient.Options{ReadyTimeout: 3 * time.Second}
	remoteAgent(&c, &opts)
	client, err := grpcclient.Dial(opts)
	if err != nil {
		return err
	}
	defer func() { _ = client.Close() }() // it was only a question
	return client.Health(ctx)
}

func examineAddress(ctx context.Context, cfg *config.Config, _ *slog.Logger) Finding {
	address := net.JoinHostPort(cfg.Host, strconv.Itoa(cfg.Port))
	f := Finding{Check: "address", State: Fine, Says: address + " is free"}
	var lc net.ListenConfig
	lis, err := lc.Listen(ctx, "tcp", address)
	if err == nil {
		_ = lis.Close()
		return f
	}
	req, reqErr := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/readyz", nil)
	if reqErr != nil {
		f.State, f.Says = Failed, reqErr.Error()
		return f
	}
	resp, askErr := http.DefaultClient.Do(req)
	if askErr != nil {
		f.State, f.Says, f.Remedy = Failed, err.Error(), "choose another port with PORT or --port"
		return f
	}
	_ = resp.Body.Close()
	f.Says = fmt.Sprintf("a server is at %s and answers /readyz with %d", address, resp.StatusCode)
	if resp.StatusCode != http.StatusOK {
		f.State, f.Remedy = Warning, "look at its log; if it is not flowgate, choose another port with PORT"
	}
	return f
}

func examineWorkers(_ context.Context, cfg *config.Config, log *slog.Logger) Finding {
	f := Finding{Check: "code nodes", State: Fine, Says: "run in worker processes under limits"}
	if cfg.CodeInProcess {
		f.State, f.Says, f.Remedy = Warning, "run inside the server", "leave code_in_process off where strangers write workflows"
		return f
	}
	w, err := expr.NewWorkerPool(expr.WorkerOptions{Expr: expr.Options{Logger: log}})
	if err != nil {
		f.State, f.Says, f.Remedy = Failed, err.Error(), "let the server start processes of its own program"
		return f
	}
	w.Close()
	return f
}

// examineClock finds clocks that are plainly wrong: schedules, tokens and
// leases go by them.
func examineClock(_ context.Context, cfg *config.Config, _ *slog.Logger) Finding {
	now := time.Now()
	f := Finding{Check: "clock", State: Fine, Says: now.UTC().Format(time.RFC3339) + ", workflows in " + cfg.Timezone}
	if exe, err := os.Executable(); err == nil {
		if info, err := os.Stat(exe); err == nil && now.Add(time.Hour).Before(info.ModTime()) {
			f.State, f.Remedy = Failed, "the clock is behind the program's own date; set it, and keep it set (NTP)"
		}
	}
	return f
}
