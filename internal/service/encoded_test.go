package service

import (
	"encoding/json"
	"reflect"
	"testing"
)

// TestWorkflowsAreEncodedAsTheyAre compares what a view writes with what its
// fields say, fresh and from what is kept.
func TestWorkflowsAreEncodedAsTheyAre(t *testing.T) {
	t.Parallel()
	s, ctx := newDrafts(t)
	id := must[Saved](t, ctx, s, "create_workflow", `{"pinData":{"Hook":[{"json":{"a":1}}]},`+threeNodes[1:]).WorkflowID
	for _, args := range []string{``, ``, `,"detail":"summary"`, `,"nodes":["Fetch"]`, `,"version":1`} {
		v := must[WorkflowView](t, ctx, s, "get_workflow", `{"workflow_id":"`+id+`"`+args+`}`)
		type plain WorkflowView
		var got, want any
		for into, of := range map[*any]any{&got: v, &want: (*plain)(v)} {
			if err := json.Unmarshal([]byte(asText(t, of)), into); err != nil {
				t.Fatal(err)
			}
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\n%v\n%v", args, got, want)
		}
	}
	must[Saved](t, ctx, s, "update_workflow", `{"workflow_id":"`+id+`","operations":[{"op":"remove_node","name":"Tell"}]}`)
	v := must[WorkflowView](t, ctx, s, "get_workflow", `{"workflow_id":"`+id+`"}`)
	var now struct{ Nodes []json.RawMessage }
	if err := json.Unmarshal([]byte(asText(t, v)), &now); err != nil || len(now.Nodes) != 2 {
		t.Errorf("after a save: %s", asText(t, v))
	}
}
