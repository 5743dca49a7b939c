package main

import (
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"flowgate/internal/app"
	"flowgate/internal/auth"
	"flowgate/internal/config"
	"flowgate/internal/service"
	"flowgate/internal/workflow"
)

// TestMain lets this program be the bare server, as the command is.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == bareCommand {
		main()
		return
	}
	os.Exit(m.Run())
}

// TestQuick runs all rows for a moment and looks at the form of the results;
// how fast anything is does not matter here.
func TestQuick(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds the program")
	}
	file := filepath.Join(t.TempDir(), "results.json")
	o, err := parse([]string{"-quick", "-json", file, "-only", "connections|startup|App request"})
	if err != nil {
		t.Fatal(err)
	}
	if err := run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var r Results
	if err := json.Unmarshal(data, &r); err != nil {
		t.Fatal(err)
	}
	if len(r.Rows) != 9 || len(r.Figures) != 6 {
		t.Fatalf("%d rows and %d figures: %s", len(r.Rows), len(r.Figures), data)
	}
	for _, row := range r.Rows {
		for _, s := range row.Sides {
			if s.PerSecond <= 0 || s.P50 <= 0 || s.P99 < s.P50 {
				t.Errorf("%s: %+v", row.Name, s)
			}
		}
		if len(row.Sides) != 2 || len(row.Ratios) == 0 {
			t.Errorf("%s has %d sides and %d ratios", row.Name, len(row.Sides), len(row.Ratios))
		}
	}
	if r.markdown() == "" {
		t.Error("no table for readers")
	}
}

func TestParseBench(t *testing.T) {
	got := parseBench("flowgate/x", []byte("goos: linux\nBenchmarkA-2\t 100\t 20 ns/op\t 3 B/op\nBenchmarkA-2\t 100\t 10 ns/op\nBenchmarkA-2\t 100\t 12 ns/op\nBenchmarkB/c=1-2 5 7.5 ns/op\nPASS\n"))
	if len(got) != 2 || got[0] != (GoResult{"x", "A", 12}) || got[1].NsPerOp != 7.5 {
		t.Errorf("%+v", got)
	}
}

// BenchmarkDurable runs the webhook workflow of 4 nodes durably, without HTTP:
// asked of the embedded agent over its gRPC, 16 at once, each to its stored end.
func BenchmarkDurable(b *testing.B) {
	cfg, err := config.Load(config.Source{Flags: map[string]string{"data_dir": b.TempDir(), "code_in_process": "true"}})
	if err != nil {
		b.Fatal(err)
	}
	a, err := app.Open(b.Context(), cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = a.Close(b.Context()) }()
	id, err := a.LocalIdentity(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	ctx := auth.WithIdentity(b.Context(), id)
	saved, err := a.Service.Call(ctx, "create_workflow", json.RawMessage(webhookWorkflow))
	if err != nil {
		b.Fatal(err)
	}
	item := workflow.Item{JSON: workflow.NewObject("body", workflow.NewObject("name", "Ann", "n", 3.0))}
	req := workflow.ExecuteRequest{OwnerID: id.Subject, WorkflowID: saved.(*service.Saved).WorkflowID, Version: 1,
		Mode: workflow.ModeWebhook, Start: workflow.Start{Trigger: "Hook", Items: []workflow.Item{item}}}
	b.SetParallelism(8)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			id, _, err := a.Agent.Execute(ctx, req)
			if err == nil {
				err = a.Agent.Watch(ctx, req.OwnerID, id, 0, func(workflow.Event) error { return nil })
			}
			if err != nil {
				b.Error(err)
				return
			}
		}
	})
}
