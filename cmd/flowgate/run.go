package main

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"net/http"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"flowgate/internal/app"
	"flowgate/internal/engine"
	"flowgate/internal/workflow"
)

// runFlags are the flags of flowgate run.
type runFlags struct {
	input, trigger, mock, subs string
	asJSON                     bool
}

func runCommand(o *options) *cobra.Command {
	var f runFlags
	c := &cobra.Command{
		Use: "run FILE.json", GroupID: "run", Short: "Run one workflow document here and now, without a server", Args: cobra.ExactArgs(1),
		Long: `Runs a workflow document (n8n-compatible JSON; - reads standard input) and shows
what each node did. Nothing is stored. The exit code is 1 when the workflow fails.`,
		Example: `  flowgate run workflow.json
  flowgate run workflow.json --input '{"name": "Ann"}' --json`,
		RunE: func(cmd *cobra.Command, args []string) error { return o.run(cmd.Context(), args[0], f) },
	}
	c.Flags().StringVar(&f.input, "input", "", "the trigger's item: a JSON object, or an array of objects for several items")
	c.Flags().StringVar(&f.trigger, "trigger", "", "name of the trigger node to start at")
	c.Flags().StringVar(&f.mock, "http-mock", "", "answer HTTP requests from this file of recorded answers")
	c.Flags().StringVar(&f.subs, "subworkflows", "", "file of {id: document} for sub-workflows")
	c.Flags().BoolVar(&f.asJSON, "json", false, "print one JSON report")
	o.boolFlag(c, "allow-private", "egress_allow_private", "let HTTP nodes reach this machine and private networks")
	o.boolFlag(c, "code-in-process", "code_in_process", "run code nodes inside this process")
	return c
}

func (o *options) run(ctx context.Context, file string, f runFlags) error {
	cfg, log, err := o.loadQuiet()
	if err != nil {
		return err
	}
	doc, err := readDocument(file, o.in)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	e, err := app.OpenEngine(cfg, log)
	if err != nil {
		return err
	}
	defer e.Close()
	e.Catalogue.Normalize(doc)
	job, err := f.job(doc)
	if err != nil {
		return err
	}
	outcome := e.Runner.Run(ctx, *job)
	if outcome.Err != nil {
		return outcome.Err
	}
	report := engine.NewReport(outcome)
	if f.asJSON {
		err = writeJSON(o.out, report)
	} else {
		err = report.WriteText(o.out)
	}
	if err == nil && outcome.Status != workflow.StatusSuccess {
		err = &silentError{exitFailed}
	}
	return err
}

func (f runFlags) job(doc *workflow.Document) (*engine.Job, error) {
	now := time.Now().UTC()
	var seed [8]byte
	rand.Read(seed[:])
	items, err := inputItems(f.input)
	if err != nil {
		return nil, &usageError{err}
	}
	job := &engine.Job{
		Workflow: &workflow.Workflow{ID: doc.ID, Document: *doc, Version: 1, CreatedAt: now, UpdatedAt: now},
		Execution: &workflow.Execution{ID: uuid.NewString(), WorkflowID: doc.ID, WorkflowVersion: 1, Mode: workflow.ModeManual,
			Start: workflow.Start{Trigger: f.trigger, Items: items, PinData: true},
			Clock: now, Seed: binary.LittleEndian.Uint64(seed[:]), CreatedAt: now, StartedAt: now},
	}
	if f.mock != "" {
		transport, err := engine.LoadHTTPMock(f.mock)
		if err != nil {
			return nil, &usageError{fmt.Errorf("--http-mock: %w", err)}
		}
		job.HTTP = &http.Client{Transport: transport}
	}
	if f.subs != "" {
		subs, err := engine.LoadSubWorkflows(f.subs)
		if err != nil {
			return nil, &usageError{fmt.Errorf("--subworkflows: %w", err)}
		}
		job.SubWorkflows = subs.Find
	}
	return job, nil
}

// inputItems reads what the trigger puts out: an object, or several.
func inputItems(text string) ([]workflow.Item, error) {
	if text == "" {
		return nil, nil
	}
	v, err := workflow.DecodeJSON([]byte(text))
	if err != nil {
		return nil, fmt.Errorf("--input: is not JSON: %w", err)
	}
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	items := make([]workflow.Item, len(list))
	for i, e := range list {
		obj, ok := e.(*workflow.Object)
		if !ok {
			return nil, fmt.Errorf("--input: expected an object or an array of objects, got %s", workflow.KindOf(e))
		}
		items[i] = workflow.Item{JSON: obj}
	}
	return items, nil
}
