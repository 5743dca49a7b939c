package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"flowgate/internal/app"
	"flowgate/internal/auth"
	"flowgate/internal/workflow"
	"flowgate/store"
)

func workflowCommand(o *options) *cobra.Command {
	c := group(&cobra.Command{Use: "workflow", GroupID: "manage", Short: "Import, export and validate workflow documents"})
	c.AddCommand(workflowImport(o), workflowExport(o), workflowValidate(o))
	return c
}

// fileResult is what became of one file or workflow.
type fileResult struct {
	File       string               `json:"file"`
	WorkflowID string               `json:"workflow_id,omitempty"`
	Name       string               `json:"name,omitempty"`
	Error      string               `json:"error,omitempty"`
	Validation *workflow.Validation `json:"validation,omitempty"`
}

func workflowImport(o *options) *cobra.Command {
	var user string
	var asJSON bool
	c := &cobra.Command{
		Use: "import FILE...", Short: "Save workflow documents (n8n-compatible JSON) as new workflows", Args: cobra.MinimumNArgs(1),
		Long: "Saves each file as a new workflow and prints a line for it. A document that cannot run yet is kept all\nthe same, with what has to be mended. The exit code is 1 when a file could not be imported.",
		RunE: func(cmd *cobra.Command, files []string) error {
			return o.withCatalogue(cmd.Context(), func(ctx context.Context, core *app.Core, svc *app.Documents) error {
				u, err := core.User(ctx, user)
				if err != nil {
					return err
				}
				ctx = auth.WithIdentity(ctx, &auth.Identity{Subject: u.ID, Kind: auth.KindLocal})
				return o.perFile(files, asJSON, func(file string, doc *workflow.Document) (fileResult, error) {
					if strings.TrimSpace(doc.Name) == "" {
						doc.Name = strings.TrimSuffix(filepath.Base(file), filepath.Ext(file))
					}
					saved, err := svc.ImportWorkflow(ctx, *doc)
					if err != nil {
						return fileResult{}, err
					}
					return fileResult{WorkflowID: saved.WorkflowID, Name: saved.Name, Validation: &saved.Validation}, nil
				})
			})
		},
	}
	c.Flags().StringVar(&user, "user", app.LocalEmail, "email of the owner; made when there is none")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON, one line per file")
	return c
}

func workflowValidate(o *options) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use: "validate FILE...", Short: "Say what keeps workflow documents from running", Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, files []string) error {
			cfg, log, err := o.loadQuiet()
			if err != nil {
				return err
			}
			e, err := app.OpenEngine(cfg, log)
			if err != nil {
				return err
			}
			defer e.Close()
			return o.perFile(files, asJSON, func(_ string, doc *workflow.Document) (fileResult, error) {
				e.Catalogue.Normalize(doc)
				e.Catalogue.Normalize(doc)
				v := e.Catalogue.Validate(doc)
				res := fileResult{Name: doc.Name, Validation: &v}
				if !v.Valid {
					res.Error = "not runnable"
				}
				return res, nil
			})
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON, one line per file")
	return c
}

// perFile does fn for each file, prints a line for it, and fails when one did.
func (o *options) perFile(files []string, asJSON bool, fn func(string, *workflow.Document) (fileResult, error)) error {
	failed := 0
	p := newProgress(o.err)
	defer p.end()
	for i, file := range files {
		if len(files) > 1 {
			p.at(file, i, len(files))
		}
		doc, err := readDocument(file, o.in)
		var res fileResult
		if err == nil {
			res, err = fn(file, doc)
		}
		if res.File = file; err != nil {
			res.Error = err.Error()
		}
		if res.Error != "" {
			failed++
		}
		p.end() // the line below it stays
		if err := o.printResult(res, asJSON); err != nil {
			return err
		}
	}
	if failed > 0 {
		return &silentError{exitFailed}
	}
	return nil
}

func (o *options) printResult(res fileResult, asJSON bool) error {
	if asJSON {
		return writeJSON(o.out, res)
	}
	state := "ok"
	if res.Error != "" {
		state = res.Error
	}
	fmt.Fprintf(o.out, "%s: %s", res.File, state)
	if res.WorkflowID != "" {
		fmt.Fprintf(o.out, " %s %q", res.WorkflowID, res.Name)
	}
	if v := res.Validation; v != nil {
		for _, f := range v.Errors {
			fmt.Fprintf(o.out, "\n  error   %s", findingLine(f))
		}
		for _, f := range v.Warnings {
			fmt.Fprintf(o.out, "\n  warning %s", findingLine(f))
		}
	}
	_, err := fmt.Fprintln(o.out)
	return err
}

func findingLine(f workflow.Finding) string {
	line := f.Message
	if f.Node != "" {
		line = f.Node + ": " + line
	}
	if f.Path != "" {
		line += " [" + f.Path + "]"
	}
	if f.Hint != "" {
		line += "; " + f.Hint
	}
	return line
}

// readDocument reads a workflow document; "-" is standard input.
func readDocument(file string, stdin io.Reader) (*workflow.Document, error) {
	var data []byte
	var err error
	if file == "-" {
		data, err = io.ReadAll(stdin)
	} else {
		data, err = os.ReadFile(file)
	}
	if err != nil {
		return nil, err
	}
	var doc workflow.Document
	if err := json.Unmarshal(data, &doc); err != nil {
		return nil, fmt.Errorf("is not a workflow document: %w", err)
	}
	if doc.Nodes == nil {
		return nil, fmt.Errorf("is not a workflow document: it has no nodes")
	}
	return &doc, nil
}

func workflowExport(o *options) *cobra.Command {
	var user, dir string
	c := &cobra.Command{
		Use: "export [ID...]", Short: "Print workflows as documents, or write all of them into a folder", Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, ids []string) error {
			return o.withCore(cmd.Context(), func(ctx context.Context, core *app.Core) error {
				u, err := core.Store.UserByEmail(ctx, user)
				if err != nil {
					return err
				}
				if len(ids) == 0 {
					if ids, err = allWorkflows(ctx, core, u.ID); err != nil {
						return err
					}
				}
				for _, id := range ids {
					w, err := core.Store.Workflow(ctx, u.ID, id)
					if err != nil {
						return fmt.Errorf("%s: %w", id, err)
					}
					w.Document.ID, w.Document.Active = w.ID, w.Active
					if err := o.export(&w.Document, dir); err != nil {
						return err
					}
				}
				return nil
			})
		},
	}
	c.Flags().StringVar(&user, "user", app.LocalEmail, "email of the owner")
	c.Flags().StringVar(&dir, "dir", "", "write ID.json files into this folder instead of printing")
	return c
}

func allWorkflows(ctx context.Context, core *app.Core, owner string) ([]string, error) {
	var ids []string
	for cursor := ""; ; {
		list, _, next, err := core.Store.ListWorkflows(ctx, owner, store.WorkflowFilter{}, store.Page{Limit: 200, Cursor: cursor})
		if err != nil {
			return nil, err
		}
		for _, w := range list {
			ids = append(ids, w.ID)
		}
		if cursor = next; next == "" {
			return ids, nil
		}
	}
}

func (o *options) export(doc *workflow.Document, dir string) error {
	data, err := json.MarshalIndent(doc, "", "  ")
	if err != nil {
		return err
	}
	data = append(data, '\n')
	if dir == "" {
		_, err = o.out.Write(data)
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	path := filepath.Join(dir, doc.ID+".json")
	if err := os.WriteFile(path, data, 0o644); err != nil {
		return err
	}
	_, err = fmt.Fprintln(o.out, path)
	return err
}

// withCatalogue opens the data folder and the node catalogue.
func (o *options) withCatalogue(ctx context.Context, fn func(context.Context, *app.Core, *app.Documents) error) error {
	return o.withCore(ctx, func(ctx context.Context, core *app.Core) error {
		docs, err := core.OpenDocuments()
		if err != nil {
			return err
		}
		defer docs.Close()
		return fn(ctx, core, docs)
	})
}
