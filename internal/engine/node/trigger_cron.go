package node

import (
	"context"

	"flowgate/internal/workflow"
)

type cronParams struct {
	TriggerTimes cronTimes `json:"triggerTimes" doc:"When to start."`
}

type cronTimes struct {
	Item []cronTime `json:"item" doc:"One rule or several."`
}

type cronTime struct {
	Mode           string `json:"mode" doc:"How often." default:"everyDay" enum:"everyMinute,everyHour,everyDay,everyWeek,everyMonth,everyX,custom" expr:"no"`
	Hour           int    `json:"hour" doc:"Hour of the day." default:"14" show:"mode=everyDay|everyWeek|everyMonth"`
	Minute         int    `json:"minute" doc:"Minute of the hour." default:"0" show:"mode=everyHour|everyDay|everyWeek|everyMonth"`
	DayOfMonth     int    `json:"dayOfMonth" doc:"Day of the month." default:"1" show:"mode=everyMonth"`
	Weekday        string `json:"weekday" doc:"Day of the week, 0 is Sunday." default:"1" show:"mode=everyWeek"`
	CronExpression string `json:"cronExpression" doc:"Five or six fields: [second] minute hour day month weekday." default:"* * * * * *" show:"mode=custom"`
	Value          int    `json:"value" doc:"Every so many." default:"2" show:"mode=everyX"`
	Unit           string `json:"unit" default:"hours" enum:"minutes,hours" show:"mode=everyX"`
}

const cronName = "n8n-nodes-base.cron"

// cronTrigger is the older form of the schedule trigger.
func cronTrigger() *Type {
	return &Type{
		Name: cronName, DisplayName: "Cron", Category: workflow.CategoryTrigger,
		Description: "Older form of the Schedule Trigger: starts the workflow at set times.",
		Versions:    []float64{1}, Trigger: true, Params: cronParams{},
		Examples: []workflow.NodeExample{example("Every day", cronName, 1, `{"triggerTimes":{"item":[{"mode":"everyDay","hour":9}]}}`)},
		Run:      runTrigger,
	}
}

type intervalParams struct {
	Interval int    `json:"interval" doc:"Every so many." default:"1"`
	Unit     string `json:"unit" doc:"Unit of the interval." default:"seconds" enum:"seconds,minutes,hours"`
}

const intervalName = "n8n-nodes-base.interval"

// intervalTrigger starts a workflow again and again.
func intervalTrigger() *Type {
	return &Type{
		Name: intervalName, DisplayName: "Interval", Category: workflow.CategoryTrigger,
		Description: "Older form of the Schedule Trigger: starts the workflow every so many seconds, minutes or hours.",
		Versions:    []float64{1}, Trigger: true, Params: intervalParams{},
		Examples: []workflow.NodeExample{example("Every ten minutes", intervalName, 1, `{"interval":10,"unit":"minutes"}`)},
		Run:      runTrigger,
	}
}

// Schedules reads when a node of a scheduling type starts its workflow. Its
// parameters are read without expressions.
func Schedules(n *workflow.Node) ([]Schedule, error) {
	c := &Call{Node: n, Eval: literalOnly{}}
	ctx := context.Background()
	switch n.Type {
	case scheduleName:
		p, err := Bind[scheduleParams](ctx, c, 0)
		if err != nil {
			return nil, err
		}
		if len(p.Rule.Interval) == 0 {
			p.Rule.Interval = []scheduleInterval{{Field: "days", DaysInterval: 1}}
		}
		return readRules(p.Rule.Interval)
	case cronName:
		p, err := Bind[cronParams](ctx, c, 0)
		if err != nil {
			return nil, err
		}
		return readCronTimes(p.TriggerTimes.Item)
	case intervalName:
		p, err := Bind[intervalParams](ctx, c, 0)
		if err != nil {
			return nil, err
		}
		return []Schedule{{Every: everyUnit(p.Interval, p.Unit)}}, nil
	}
	return nil, nil
}

// literalOnly refuses expressions where nothing runs that they could look at.
type literalOnly struct{}

// Resolve fails.
func (literalOnly) Resolve(context.Context, any, int, map[string]any) (any, error) {
	return nil, Fail("A schedule cannot be computed by an expression; write the value itself.")
}
