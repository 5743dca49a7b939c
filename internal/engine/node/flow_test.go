package node

import (
	"testing"
	"time"

	"flowgate/internal/workflow"
)

func TestStopAndError(t *testing.T) {
	_, err := run(t, nil, "n8n-nodes-base.stopAndError", 1, `{"errorMessage":"=no {{ $json.a }}"}`, `[{"a":"x"}]`)
	if err == nil || err.Error() != "no x" {
		t.Errorf("got %v", err)
	}
	_, err = run(t, nil, "n8n-nodes-base.stopAndError", 1, `{"errorType":"errorObject","errorObject":"{\"code\":\"E1\",\"message\":\"m\"}"}`, `[{}]`)
	f, ok := err.(*Failure)
	if !ok || f.Message != "m" || f.Code != "E1" || f.Detail.Len() != 2 {
		t.Errorf("got %+v", err)
	}
}

func TestExecuteWorkflow(t *testing.T) {
	var keys []string
	w := &world{sub: func(key string, ref SubWorkflow, in []workflow.Item, wait bool) ([]workflow.Item, error) {
		keys = append(keys, key+ref.ID)
		return []workflow.Item{{JSON: workflow.NewObject("got", float64(len(in))), Paired: workflow.PairedTo(9)}}, nil
	}}
	const id = `"workflowId":{"__rl":true,"mode":"id","value":"W"}`
	out, err := run(t, w, "n8n-nodes-base.executeWorkflow", 1.2, `{`+id+`,"mode":"each"}`, `[{"a":1},{"a":2}]`)
	if err != nil {
		t.Fatal(err)
	}
	wants(t, shape(t, out, true), `[[[{"got":1},{"item":0}],[{"got":1},{"item":1}]]]`)
	out, err = run(t, w, "n8n-nodes-base.executeWorkflow", 1, `{"workflowId":"W"}`, `[{"a":1},{"a":2}]`)
	if err != nil {
		t.Fatal(err)
	}
	wants(t, shape(t, out, false), `[[{"got":2}]]`)
	out, err = run(t, w, "n8n-nodes-base.executeWorkflow", 1.1, `{`+id+`,"options":{"waitForSubWorkflow":false}}`, `[{"a":1}]`)
	if err != nil {
		t.Fatal(err)
	}
	wants(t, shape(t, out, false), `[[{"a":1}]]`)
	if len(keys) != 4 || keys[0] == keys[1] || keys[0] != "sub-0W" {
		t.Errorf("keys %q", keys)
	}
	if _, err := run(t, w, "n8n-nodes-base.executeWorkflow", 1.1, `{"source":"localFile"}`, `[{}]`); err == nil {
		t.Error("a local file is accepted")
	}
}

func TestSubWorkflowTriggerKeepsDeclaredInputs(t *testing.T) {
	const name = "n8n-nodes-base.executeWorkflowTrigger"
	out, err := run(t, nil, name, 1.1, `{"workflowInputs":{"values":[{"name":"a","type":"number"},{"name":"b"}]}}`, `[{"a":1,"z":2}]`)
	if err != nil {
		t.Fatal(err)
	}
	wants(t, shape(t, out, false), `[[{"a":1,"b":null}]]`)
	out, _ = run(t, nil, name, 1, `{}`, `[{"a":1,"z":2}]`)
	wants(t, shape(t, out, false), `[[{"a":1,"z":2}]]`)
}

func TestWait(t *testing.T) {
	now := (&world{}).Now()
	for _, c := range []struct {
		version float64
		params  string
		want    time.Time
	}{
		{1.1, `{"amount":10,"unit":"minutes"}`, now.Add(10 * time.Minute)},
		{1, `{}`, now.Add(time.Hour)},
		{1.1, `{}`, now.Add(5 * time.Second)},
		{1.1, `{"resume":"specificTime","dateTime":"2024-03-02T00:00:00Z"}`, now.Add(14 * time.Hour)},
	} {
		w := &world{}
		out, err := run(t, w, "n8n-nodes-base.wait", c.version, c.params, `[{"a":1}]`)
		if err != nil {
			t.Fatal(err)
		}
		wants(t, shape(t, out, true), `[[[{"a":1},{"item":0}]]]`)
		if len(w.waited) != 1 || !w.waited[0].Equal(c.want) {
			t.Errorf("%v %s: waited until %v, want %v", c.version, c.params, w.waited, c.want)
		}
	}
	out, err := run(t, &world{answer: []byte(`{"body":{"ok":true}}`)}, "n8n-nodes-base.wait", 1.1, `{"resume":"webhook"}`, `[{"a":1}]`)
	if err != nil {
		t.Fatal(err)
	}
	wants(t, shape(t, out, false), `[[{"body":{"ok":true}}]]`)
	if _, err := run(t, nil, "n8n-nodes-base.wait", 1.1, `{"amount":-1}`, `[{}]`); err == nil {
		t.Error("a negative wait is accepted")
	}
}

func TestTriggers(t *testing.T) {
	for _, name := range []string{"n8n-nodes-base.manualTrigger", cronName, intervalName, "n8n-nodes-base.errorTrigger"} {
		out, err := run(t, nil, name, 1, `{}`)
		if err != nil {
			t.Fatal(err)
		}
		wants(t, shape(t, out, false), `[[{}]]`)
	}
	out, err := run(t, nil, scheduleName, 1.2, `{}`)
	if err != nil {
		t.Fatal(err)
	}
	if o := out.Main[0][0].JSON; o.Value("timestamp") != "2024-03-01T10:00:00.000+00:00" || o.Value("Day of week") != "Friday" {
		t.Errorf("tick: %s", textOf(o))
	}
}

func TestSchedules(t *testing.T) {
	for _, c := range []struct {
		typ, params string
		want        Schedule
	}{
		{scheduleName, `{"rule":{"interval":[{"field":"minutes","minutesInterval":15}]}}`, Schedule{Every: 15 * time.Minute}},
		{scheduleName, `{"rule":{"interval":[{}]}}`, Schedule{Cron: "0 0 0 * * *", Step: 1, Unit: "days"}},
		{scheduleName, `{"rule":{"interval":[{"field":"weeks","triggerAtDay":[1,5],"triggerAtHour":9}]}}`, Schedule{Cron: "0 0 9 * * 1,5", Step: 1, Unit: "weeks"}},
		{scheduleName, `{"rule":{"interval":[{"field":"cronExpression","expression":"0 9 * * 1-5"}]}}`, Schedule{Cron: "0 0 9 * * 1-5"}},
		{cronName, `{"triggerTimes":{"item":[{"mode":"everyWeek","weekday":"3","hour":8,"minute":30}]}}`, Schedule{Cron: "0 30 8 * * 3"}},
		{cronName, `{"triggerTimes":{"item":[{"mode":"everyX","value":2,"unit":"hours"}]}}`, Schedule{Every: 2 * time.Hour}},
		{intervalName, `{"interval":10,"unit":"minutes"}`, Schedule{Every: 10 * time.Minute}},
	} {
		got, err := Schedules(&workflow.Node{Type: c.typ, TypeVersion: 1, Parameters: jsObject(t, c.params)})
		if err != nil || len(got) != 1 || got[0] != c.want {
			t.Errorf("%s %s: %+v, %v; want %+v", c.typ, c.params, got, err, c.want)
		}
		if c.want.Cron != "" {
			if _, err := ParseCron(got[0].Cron); err != nil {
				t.Errorf("%s: %v", got[0].Cron, err)
			}
		}
	}
	for _, bad := range []string{`{"rule":{"interval":[{"field":"cronExpression","expression":"nonsense"}]}}`, `{"rule":{"interval":[{"field":"days","triggerAtHour":"={{ 1 }}"}]}}`} {
		if _, err := Schedules(&workflow.Node{Type: scheduleName, TypeVersion: 1.2, Parameters: jsObject(t, bad)}); err == nil {
			t.Errorf("%s: no error", bad)
		}
	}
	if !(Schedule{Step: 2, Unit: "days"}).Keeps(time.Unix(0, 0).UTC()) || (Schedule{Step: 2, Unit: "days"}).Keeps(time.Unix(86400, 0).UTC()) {
		t.Error("every second day")
	}
}

// An item that fails becomes an error item where the policy says so.
func TestContinueOnFail(t *testing.T) {
	c := &Call{Node: &workflow.Node{Type: "n8n-nodes-base.set", TypeVersion: 3.4, OnError: workflow.OnErrorContinue,
		Parameters: jsObject(t, `{"assignments":{"assignments":[{"name":"n","value":"={{ $json.v }}","type":"number"}]}}`)}, Host: &world{}}
	c.Inputs = [][]workflow.Item{items(t, `[{"v":1},{"v":"x"}]`)}
	c.Eval = literal{c}
	out, err := runSet(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if bad := out.Main[0][1]; bad.Error == nil || bad.JSON.Value("error") == nil || bad.Paired.Refs[0].Item != 1 {
		t.Errorf("%+v", bad)
	}
}
