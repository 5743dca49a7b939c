package engine

import (
	"testing"
	"time"

	"flowgate/internal/engine/node"
	"flowgate/internal/workflow"
)

// TestNextTime follows rules through the days the clocks change.
func TestNextTime(t *testing.T) {
	const layout = "2006-01-02 15:04:05 -0700"
	for name, c := range map[string]struct {
		rule  node.Schedule
		zone  string
		after string
		want  []string
	}{
		"its time is skipped": {node.Schedule{Cron: "0 30 2 * * *"}, "Europe/Oslo", "2026-03-28 00:00:00 +0100",
			[]string{"2026-03-28 02:30:00 +0100", "2026-03-29 03:00:00 +0200", "2026-03-30 02:30:00 +0200"}},
		"its time comes twice": {node.Schedule{Cron: "0 30 2 * * *"}, "Europe/Oslo", "2026-10-24 03:00:00 +0200",
			[]string{"2026-10-25 02:30:00 +0200", "2026-10-26 02:30:00 +0100"}},
		"two of its times are skipped": {node.Schedule{Cron: "0 15,45 2 * * *"}, "America/New_York", "2026-03-08 00:00:00 -0500",
			[]string{"2026-03-08 03:00:00 -0400", "2026-03-09 02:15:00 -0400"}},
		"every hour goes on when the clocks go back": {node.Schedule{Cron: "0 0 * * * *"}, "Europe/Oslo", "2026-10-25 01:00:00 +0200",
			[]string{"2026-10-25 02:00:00 +0200", "2026-10-25 02:00:00 +0100", "2026-10-25 03:00:00 +0100"}},
		"every hour goes on when the clocks go forward": {node.Schedule{Cron: "0 0 * * * *"}, "Europe/Oslo", "2026-03-29 01:00:00 +0100",
			[]string{"2026-03-29 03:00:00 +0200", "2026-03-29 04:00:00 +0200"}},
		"half-hour zone": {node.Schedule{Cron: "0 0 9 * * *"}, "Australia/Lord_Howe", "2026-04-04 12:00:00 +1100",
			[]string{"2026-04-05 09:00:00 +1030", "2026-04-06 09:00:00 +1030"}},
		"midnight that is not there": {node.Schedule{Cron: "0 0 0 * * *"}, "America/Santiago", "2026-09-05 12:00:00 -0400",
			[]string{"2026-09-06 01:00:00 -0300", "2026-09-07 00:00:00 -0300"}},
		"every second day": {node.Schedule{Cron: "0 0 9 * * *", Step: 2, Unit: "days"}, "UTC", "2026-01-01 00:00:00 +0000",
			[]string{"2026-01-01 09:00:00 +0000", "2026-01-03 09:00:00 +0000"}},
		"every third month": {node.Schedule{Cron: "0 0 9 31 * *", Step: 3, Unit: "months"}, "UTC", "2026-01-01 00:00:00 +0000",
			[]string{"2026-01-31 09:00:00 +0000", "2026-07-31 09:00:00 +0000"}},
		"a fixed interval": {node.Schedule{Every: 90 * time.Second}, "Europe/Oslo", "2026-03-29 01:59:00 +0100",
			[]string{"2026-03-29 03:00:30 +0200", "2026-03-29 03:02:00 +0200"}},
		"a day that never comes": {node.Schedule{Cron: "0 0 9 30 2 *"}, "UTC", "2026-01-01 00:00:00 +0000", []string{""}},
	} {
		t.Run(name, func(t *testing.T) {
			loc, err := time.LoadLocation(c.zone)
			if err != nil {
				t.Fatal(err)
			}
			at, err := time.Parse(layout, c.after)
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range c.want {
				at = nextTime(c.rule, at, loc)
				got := ""
				if !at.IsZero() {
					got = at.In(loc).Format(layout)
				}
				if got != want {
					t.Errorf("got %s, want %s", got, want)
				}
			}
		})
	}
}

func TestSchedulesOfDocument(t *testing.T) {
	const text = `{"name":"x","settings":{"timezone":"Asia/Tokyo"},"connections":{},"nodes":[
		{"name":"A","type":"n8n-nodes-base.scheduleTrigger","typeVersion":1.2,"parameters":{"rule":{"interval":[{"field":"days","triggerAtHour":9},{"field":"hours"}]}}},
		{"name":"B","type":"n8n-nodes-base.cron","typeVersion":1,"disabled":true,"parameters":{}},
		{"name":"C","type":"n8n-nodes-base.interval","typeVersion":1,"parameters":{"interval":10,"unit":"minutes"}},
		{"name":"D","type":"n8n-nodes-base.manualTrigger","typeVersion":1,"parameters":{}}]}`
	var doc workflow.Document
	if err := doc.UnmarshalJSON([]byte(text)); err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 1, 1, 23, 30, 0, 0, time.UTC)
	list, err := New(Options{Registry: node.NewRegistry(node.All(), node.RegistryOptions{})}).Schedules(&doc, now)
	if err != nil || len(list) != 2 {
		t.Fatalf("%+v %v", list, err)
	}
	if list[0].Node != "A" || !list[0].NextAt.Equal(now.Add(30*time.Minute)) || list[1].Node != "C" || !list[1].NextAt.Equal(now.Add(10*time.Minute)) {
		t.Errorf("%+v", list)
	}
}
