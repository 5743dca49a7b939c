package engine

import (
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"flowgate/internal/engine/expr"
	"flowgate/internal/engine/node"
	"flowgate/internal/workflow"
)

var update = flag.Bool("update", false, "raise the floor of TestScenarios to what passes now")

const (
	scenarioDir = "testdata/scenarios"
	floorFile   = "testdata/scenarios_floor.json"
	echoAddress = "http://127.0.0.1:5690" // as the scenarios have it
)

// scenario is a recorded run of a document.
type scenario struct {
	ID       string          `json:"id"`
	Workflow json.RawMessage `json:"workflow"`
	Volatile bool            `json:"volatile"`
	Expected struct {
		Status   workflow.Status          `json:"status"`
		LastNode string                   `json:"lastNodeExecuted"`
		Order    []string                 `json:"executionOrder"`
		Nodes    map[string][]recordedRun `json:"nodes"`
		Error    any                      `json:"error"`
	} `json:"expected"`
}

type recordedRun struct {
	Status string             `json:"status"`
	Error  any                `json:"error"`
	Source []*workflow.Source `json:"source"`
	Main   [][]map[string]any `json:"main"`
}

func (s *scenario) family() string {
	name, _, _ := strings.Cut(s.ID, "-")
	return name
}

// strict reports whether pairings and order are what the scenario is about.
func (s *scenario) strict() bool {
	return slices.Contains([]string{"paired", "order", "merge", "loop"}, s.family())
}

// TestScenarios runs every recorded scenario and compares. A family may not
// pass fewer than the checked-in floor; what fails beyond is listed.
func TestScenarios(t *testing.T) {
	echo := httptest.NewServer(http.HandlerFunc(serveEcho))
	defer echo.Close()
	pool := expr.NewPool(expr.Options{})
	defer pool.Close()
	engine := New(Options{
		Registry: node.NewRegistry(node.All(), node.RegistryOptions{}), Expr: pool,
		HTTP:   &http.Client{Transport: toEcho{address: strings.TrimPrefix(echo.URL, "http://")}},
		Limits: Limits{NodeTimeout: 30 * time.Second},
	})
	subs, err := LoadSubWorkflows(filepath.Join(scenarioDir, "_subworkflows.json"))
	if err != nil {
		t.Fatal(err)
	}
	passes, total := map[string]int{}, map[string]int{}
	var failures []string
	for _, s := range loadScenarios(t) {
		total[s.family()]++
		if diff := s.run(t, engine, subs); diff != "" {
			failures = append(failures, s.ID+": "+diff)
			continue
		}
		passes[s.family()]++
	}
	for _, f := range failures {
		t.Log("FAILS", f)
	}
	t.Log("\n" + table(passes, total))
	checkFloor(t, passes)
}

func loadScenarios(t *testing.T) []*scenario {
	files, err := filepath.Glob(filepath.Join(scenarioDir, "[a-z]*.json"))
	if err != nil || len(files) == 0 {
		t.Fatal("no scenarios", err)
	}
	var all []*scenario
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		s := &scenario{}
		if err := json.Unmarshal(data, s); err != nil {
			t.Fatal(file, err)
		}
		all = append(all, s)
	}
	return all
}

// run computes the scenario and returns the first difference, "" for none.
func (s *scenario) run(t *testing.T, engine *Engine, subs SubWorkflows) string {
	var doc workflow.Document
	if err := json.Unmarshal(s.Workflow, &doc); err != nil {
		return err.Error()
	}
	now := time.Now()
	o := engine.Run(t.Context(), Job{
		Workflow:     &workflow.Workflow{ID: s.ID, Document: doc},
		Execution:    &workflow.Execution{ID: "1", Mode: workflow.ModeManual, Clock: now, Seed: 1, Start: workflow.Start{PinData: true}},
		SubWorkflows: subs.Find,
	})
	return s.compare(o)
}

func table(passes, total map[string]int) string {
	var b strings.Builder
	var families []string
	for f := range total {
		families = append(families, f)
	}
	slices.Sort(families)
	sum, all := 0, 0
	for _, f := range families {
		fmt.Fprintf(&b, "%-12s %3d of %3d\n", f, passes[f], total[f])
		sum, all = sum+passes[f], all+total[f]
	}
	fmt.Fprintf(&b, "%-12s %3d of %3d (%.1f %%)\n", "all", sum, all, 100*float64(sum)/float64(all))
	return b.String()
}

func checkFloor(t *testing.T, passes map[string]int) {
	floor := map[string]int{}
	if data, err := os.ReadFile(floorFile); err == nil {
		if err := json.Unmarshal(data, &floor); err != nil {
			t.Fatal(err)
		}
	}
	for family, least := range floor {
		if passes[family] < least {
			t.Errorf("family %s passes %d, its floor is %d", family, passes[family], least)
		}
	}
	if !*update {
		return
	}
	for family, n := range passes {
		floor[family] = max(floor[family], n)
	}
	data, err := json.MarshalIndent(floor, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(floorFile, append(data, '\n'), 0o644); err != nil {
		t.Fatal(err)
	}
}
