package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"flowgate/internal/app"
	"flowgate/internal/config"
	"flowgate/internal/telemetry"
)

// options are the flags every command has.
type options struct {
	*streams
	configFile string
	flags      map[string]string // configuration keys given as flags
	level      slog.LevelVar     // of the log
	loaded     config.Config     // as it was loaded
}

func newRoot(s *streams) *cobra.Command {
	o := &options{streams: s, flags: map[string]string{}}
	root := group(&cobra.Command{
		Use:   "flowgate",
		Short: "Build, run and watch workflows, as an LLM client or a person",
		Long: `flowgate is one program in which LLM clients (by MCP) and people (by REST)
build, run and watch workflows. Without any configuration it keeps everything
in one folder on this machine.

  flowgate serve                         the server: MCP at /mcp, REST at /api
  flowgate stdio                         MCP for a desktop client
  flowgate keys create --name laptop --scopes tools:execute
  flowgate run workflow.json             one workflow, without a server`,
		SilenceUsage:  true,
		SilenceErrors: true,
	})
	root.SetOut(s.out)
	root.SetErr(s.err)
	root.SetIn(s.in)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return &usageError{fmt.Errorf("%w; see %s --help", err, cmd.CommandPath())}
	})
	root.PersistentFlags().StringVar(&o.configFile, "config", "", "read this configuration file (default: ./config.yaml when there is one)")
	o.flag(root, "data-dir", "data_dir", "folder of the database, secrets and files")
	o.flag(root, "log-level", "log_level", "debug, info, warning or error")
	root.AddGroup(&cobra.Group{ID: "run", Title: "Run:"}, &cobra.Group{ID: "manage", Title: "Manage:"}, &cobra.Group{ID: "about", Title: "About:"})
	root.AddCommand(serveCommand(o), stdioCommand(o), agentCommand(o), runCommand(o), keysCommand(o), usersCommand(o), secretsCommand(o), tokenCommand(o), auditCommand(o),
		workflowCommand(o), backupCommand(o), restoreCommand(o), pruneCommand(o), migrateCommand(o),
		configCommand(o), mcpConfigCommand(o), doctorCommand(o), healthcheckCommand(o), versionCommand(o), manCommand(o), codeWorkerCommand(o))
	root.SetHelpCommandGroupID("about")
	root.SetCompletionCommandGroupID("about")
	root.Version = app.Version
	for _, c := range root.Commands() {
		wrapArgs(c)
	}
	return root
}

// group is a command that only has commands below it: without one of them it
// shows its help, with an unknown one it is a matter of usage.
func group(c *cobra.Command) *cobra.Command {
	c.Args = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		err := fmt.Errorf("unknown command %q for %q", args[0], cmd.CommandPath())
		if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
			err = fmt.Errorf("%w; did you mean %s?", err, strings.Join(near, " or "))
		}
		return err
	}
	c.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	c.SuggestionsMinimumDistance = 2
	return c
}

// wrapArgs makes wrong arguments a matter of usage, for exit code 2.
func wrapArgs(c *cobra.Command) {
	if check := c.Args; check != nil {
		c.Args = func(cmd *cobra.Command, args []string) error {
			if err := check(cmd, args); err != nil {
				return &usageError{fmt.Errorf("%w; see %s --help", err, cmd.CommandPath())}
			}
			return nil
		}
	}
	for _, sub := range c.Commands() {
		wrapArgs(sub)
	}
}

// flag adds a flag that sets a configuration key.
func (o *options) flag(c *cobra.Command, name, key, usage string) {
	c.PersistentFlags().Var(&keyFlag{o: o, key: key}, name, usage)
}

// boolFlag adds a flag that sets a configuration key to true.
func (o *options) boolFlag(c *cobra.Command, name, key, usage string) {
	c.PersistentFlags().Var(&keyFlag{o: o, key: key, isBool: true}, name, usage)
	c.PersistentFlags().Lookup(name).NoOptDefVal = "true"
}

// keyFlag is a flag whose value is a configuration key's.
type keyFlag struct {
	o      *options
	key    string
	isBool bool
}

func (f *keyFlag) String() string { return "" }

func (f *keyFlag) Set(v string) error {
	f.o.flags[f.key] = v
	return nil
}

func (f *keyFlag) Type() string {
	if f.isBool {
		return "bool"
	}
	return "string"
}

// load reads the configuration and makes the logger, which writes to stderr:
// stdout belongs to a command's result.
func (o *options) load() (*config.Config, *slog.Logger, error) {
	cfg, err := config.Load(o.source())
	if err != nil {
		return nil, nil, fmt.Errorf("the configuration has faults:\n%w", err)
	}
	zone, err := time.LoadLocation(cfg.Timezone)
	if err != nil {
		return nil, nil, err // Load has checked it
	}
	time.Local = zone // what JavaScript's Date in expressions takes for local
	o.loaded = *cfg
	return cfg, telemetry.NewLogger(telemetry.LogOptions{Format: cfg.LogFormat, Level: cfg.LogLevel, LevelVar: &o.level, Output: o.err}), nil
}

func (o *options) source() config.Source { return config.Source{File: o.configFile, Flags: o.flags} }

// loadQuiet is load for short commands: their log is for trouble only.
func (o *options) loadQuiet() (*config.Config, *slog.Logger, error) {
	if o.flags["log_level"] == "" {
		o.flags["log_level"] = "error"
	}
	return o.load()
}

// writeJSON prints v as one JSON value.
func writeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}
