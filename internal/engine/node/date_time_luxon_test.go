package node_test

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"flowgate/internal/engine/expr"
	"flowgate/internal/engine/node"
	"flowgate/internal/workflow"
)

// still is an execution in which nothing has run.
type still struct{}

func (still) Runs(string) []workflow.NodeRun             { return nil }
func (still) Document() *workflow.Document               { return &workflow.Document{} }
func (still) Info() expr.ExecutionInfo                   { return expr.ExecutionInfo{} }
func (still) Now() time.Time                             { return time.Unix(1709287200, 0) }
func (still) Location() *time.Location                   { return time.UTC }
func (still) Rand() *rand.Rand                           { return nil }
func (still) NodeState(string) *workflow.Object          { return nil }
func (still) StaticData(string, string) *workflow.Object { return nil }

type session struct {
	*expr.Session
	scope *expr.Scope
}

func (s session) Resolve(ctx context.Context, raw any, i int, _ map[string]any) (any, error) {
	return s.Session.Resolve(ctx, raw, i, s.scope)
}

// Formats and differences are luxon's own, by way of an expression.
func TestDateTimeByLuxon(t *testing.T) {
	pool := expr.NewPool(expr.Options{})
	defer pool.Close()
	typ := node.NewRegistry(node.All(), node.RegistryOptions{}).Lookup("n8n-nodes-base.dateTime")
	for _, c := range []struct {
		version float64
		params  string
		want    string
	}{
		{2, `{"operation":"formatDate","date":"2024-02-28T22:30:00.000Z","format":"yyyy-MM-dd"}`, `{"formattedDate":"2024-02-28"}`},
		{2, `{"operation":"formatDate","date":"2024-02-28T22:30:00.000+05:00","format":"custom","customFormat":"cccc d LLLL yyyy HH:mm 'at' {Z}"}`, `{"formattedDate":"Wednesday 28 February 2024 22:30 at {+5}"}`},
		{2, `{"operation":"formatDate","date":"28.02.2024","format":"MM/dd/yyyy","options":{"fromFormat":"dd.MM.yyyy"}}`, `{"formattedDate":"02/28/2024"}`},
		{2, `{"operation":"getTimeBetweenDates","startDate":"2024-02-28T22:30:00Z","endDate":"2024-03-05T01:00:00Z","units":["day","hour"]}`, `{"timeDifference":{"days":5,"hours":2.5}}`},
		{2, `{"operation":"getTimeBetweenDates","startDate":"2024-02-28","endDate":"2024-03-05","options":{"isoString":true}}`, `{"timeDifference":"P6D"}`},
		{1, `{"value":"2024-02-28T22:30:00Z","toFormat":"DD.MM.YYYY HH:mm"}`, `{"data":"28.02.2024 22:30"}`},
		{1, `{"value":"28/02/2024","options":{"fromFormat":"DD/MM/YYYY"},"toFormat":"YYYY-MM-DD"}`, `{"data":"2024-02-28"}`},
	} {
		params := &workflow.Object{}
		if err := params.UnmarshalJSON([]byte(c.params)); err != nil {
			t.Fatal(err)
		}
		call := &node.Call{Node: &workflow.Node{Name: "N", TypeVersion: c.version, Parameters: params}, Type: typ,
			Inputs: [][]workflow.Item{{{JSON: &workflow.Object{}}}}}
		s := session{pool.Session(), &expr.Scope{Node: call.Node, Inputs: call.Inputs, Data: still{}}}
		call.Eval = s
		out, err := typ.Run(t.Context(), call)
		s.Release() // before the pool closes
		if err != nil {
			t.Errorf("%s: %v", c.params, err)
			continue
		}
		if got, _ := out.Main[0][0].JSON.MarshalJSON(); string(got) != c.want {
			t.Errorf("%s: got %s, want %s", c.params, got, c.want)
		}
	}
}
