package agentconv_test

import (
	"encoding/json"
	"math/rand"
	"reflect"
	"testing"
	"testing/quick"
	"time"

	"flowgate/internal/workflow"
	agentv1 "flowgate/proto/agent/v1"
	"flowgate/proto/agentconv"

	"google.golang.org/protobuf/proto"
)

// wire sends m through its encoding, so that a field protobuf cannot carry
// shows.
func wire[M proto.Message](t *testing.T, m, into M) M {
	t.Helper()
	data, err := proto.Marshal(m)
	if err == nil {
		err = proto.Unmarshal(data, into)
	}
	if err != nil {
		t.Fatal(err)
	}
	return into
}

// roundTrip checks that through gives back every value that generate makes.
func roundTrip[T any](t *testing.T, generate func(*rand.Rand) T, through func(T) (T, error)) {
	t.Helper()
	t.Parallel()
	same := func(v T) bool {
		got, err := through(v)
		if err == nil && reflect.DeepEqual(v, got) {
			return true
		}
		want, _ := json.Marshal(v)
		have, _ := json.Marshal(got)
		t.Logf("%v\n sent %s\n got  %s", err, want, have)
		return false
	}
	conf := &quick.Config{MaxCount: 500, Values: func(args []reflect.Value, r *rand.Rand) {
		v := generate(r)
		args[0] = reflect.ValueOf(&v).Elem()
	}}
	if err := quick.Check(same, conf); err != nil {
		t.Error(err)
	}
}

func TestEventRoundTrip(t *testing.T) {
	roundTrip(t, func(r *rand.Rand) workflow.Event {
		return workflow.Event{
			ExecutionID: str(r), Seq: r.Int63(), Type: workflow.EventType(str(r)), Level: str(r), At: moment(r), Node: str(r),
			Run: r.Int(), Message: str(r), Status: workflow.Status(str(r)), DurationMS: r.NormFloat64(),
			ItemCounts: list(r, func(r *rand.Rand) int { return r.Intn(1e6) }), Data: raw(r),
		}
	}, func(e workflow.Event) (workflow.Event, error) {
		return agentconv.EventFromProto(wire(t, agentconv.EventToProto(e), &agentv1.Event{}))
	})
}

func TestExecuteRoundTrip(t *testing.T) {
	roundTrip(t, func(r *rand.Rand) workflow.ExecuteRequest {
		q := workflow.ExecuteRequest{
			OwnerID: str(r), WorkflowID: str(r), Version: r.Int(), Mode: workflow.Mode(str(r)), IdempotencyKey: str(r),
			ParentID: str(r), RetryOf: str(r), Start: workflow.Start{Trigger: str(r), Webhook: coin(r), PinData: coin(r)},
		}
		if coin(r) {
			q.Start.Items = append([]workflow.Item{}, list(r, item)...) // empty is not nil
		}
		return q
	}, func(q workflow.ExecuteRequest) (workflow.ExecuteRequest, error) {
		p, err := agentconv.ExecuteToProto(q)
		if err != nil {
			return q, err
		}
		return agentconv.ExecuteFromProto(wire(t, p, &agentv1.ExecuteWorkflowRequest{}))
	})
}

func TestObjectRoundTrip(t *testing.T) {
	roundTrip(t, func(r *rand.Rand) *workflow.Object {
		if r.Intn(4) == 0 {
			return nil
		}
		return object(r, 3)
	}, func(o *workflow.Object) (*workflow.Object, error) {
		data, err := agentconv.ObjectToProto(o)
		if err != nil {
			return nil, err
		}
		return agentconv.ObjectFromProto(data, "response")
	})
}

func TestValidationRoundTrip(t *testing.T) {
	finding := func(r *rand.Rand) workflow.Finding {
		return workflow.Finding{Code: str(r), Node: str(r), Path: str(r), Message: str(r), Hint: str(r)}
	}
	roundTrip(t, func(r *rand.Rand) workflow.Validation {
		return workflow.Validation{Valid: coin(r), Errors: full(list(r, finding)), Warnings: full(list(r, finding))}
	}, func(v workflow.Validation) (workflow.Validation, error) {
		return agentconv.ValidationFromProto(wire(t, agentconv.ValidationToProto(v), &agentv1.Validation{})), nil
	})
}

func TestNodeTypesRoundTrip(t *testing.T) {
	port := func(r *rand.Rand) workflow.Port {
		return workflow.Port{Name: str(r), Type: str(r), Description: str(r)}
	}
	roundTrip(t, func(r *rand.Rand) []workflow.NodeType {
		return full(list(r, func(r *rand.Rand) workflow.NodeType {
			return workflow.NodeType{
				Type: str(r), DisplayName: str(r), Description: str(r), Category: workflow.Category(str(r)),
				Versions: full(list(r, (*rand.Rand).Float64)), Inputs: full(list(r, port)), Outputs: full(list(r, port)),
				Credentials: list(r, str), SideEffects: coin(r), Parameters: raw(r), Docs: str(r),
				Examples: list(r, func(r *rand.Rand) workflow.NodeExample {
					return workflow.NodeExample{Title: str(r), Node: raw(r)}
				}),
			}
		}))
	}, func(types []workflow.NodeType) ([]workflow.NodeType, error) {
		sent := &agentv1.ListNodeTypesResponse{NodeTypes: agentconv.NodeTypesToProto(types)}
		return agentconv.NodeTypesFromProto(wire(t, sent, &agentv1.ListNodeTypesResponse{}).GetNodeTypes())
	})
}

func coin(r *rand.Rand) bool { return r.Intn(2) == 0 }

func str(r *rand.Rand) string {
	runes := []rune("abc019 _-<>&\"\\\n\x00\u2028\ufffdäß中😀")
	out := make([]rune, r.Intn(8))
	for i := range out {
		out[i] = runes[r.Intn(len(runes))]
	}
	return string(out)
}

func moment(r *rand.Rand) time.Time {
	if r.Intn(4) == 0 {
		return time.Time{}
	}
	return time.Unix(r.Int63n(4e9)-1e9, r.Int63n(1e9)).UTC()
}

// list returns nil or a list that is not empty.
func list[T any](r *rand.Rand, one func(*rand.Rand) T) []T {
	var out []T
	for range r.Intn(4) {
		out = append(out, one(r))
	}
	return out
}

func full[T any](l []T) []T { return append([]T{}, l...) }

func raw(r *rand.Rand) json.RawMessage {
	if coin(r) {
		return nil
	}
	data, _ := workflow.AppendJSON(nil, value(r, 2))
	return data
}

func value(r *rand.Rand, depth int) any {
	switch n := r.Intn(7); {
	case n == 0:
		return nil
	case n == 1:
		return coin(r)
	case n == 2:
		return str(r)
	case n == 3 && depth > 0:
		return full(list(r, func(r *rand.Rand) any { return value(r, depth-1) }))
	case n == 4 && depth > 0:
		return object(r, depth-1)
	case n == 5:
		return float64(r.Intn(2000) - 1000)
	}
	return r.NormFloat64() * 1e9
}

func object(r *rand.Rand, depth int) *workflow.Object {
	o := &workflow.Object{}
	for range r.Intn(20) {
		o.Set(str(r), value(r, depth))
	}
	return o
}

func item(r *rand.Rand) workflow.Item {
	it := workflow.Item{JSON: object(r, 2)}
	if coin(r) {
		it.Binary = map[string]*workflow.Binary{str(r): {Data: str(r), ID: str(r), MimeType: str(r), FileName: str(r), FileSize: str(r)}}
	}
	if coin(r) {
		it.Paired = workflow.PairedTo(r.Intn(9))
		it.Paired.Array = coin(r)
		it.Paired.Refs[0].SourceOverwrite = &workflow.Source{PreviousNode: str(r), PreviousNodeRun: r.Intn(3)}
	}
	if coin(r) {
		it.Error = &workflow.ItemError{Message: str(r), Name: str(r), Code: str(r), Detail: object(r, 1)}
	}
	return it
}
