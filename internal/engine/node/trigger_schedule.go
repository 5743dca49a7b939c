package node

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/robfig/cron/v3"

	"flowgate/internal/workflow"
)

type scheduleParams struct {
	Rule   scheduleRule `json:"rule" doc:"When to start."`
	Notice string       `json:"notice" expr:"no"`
}

type scheduleRule struct {
	Interval []scheduleInterval `json:"interval" doc:"One rule or several."`
}

type scheduleInterval struct {
	Field             string    `json:"field" doc:"Unit of the rule." default:"days" enum:"seconds,minutes,hours,days,weeks,months,cronExpression" expr:"no"`
	SecondsInterval   int       `json:"secondsInterval" doc:"Every so many seconds." default:"30" show:"field=seconds"`
	MinutesInterval   int       `json:"minutesInterval" doc:"Every so many minutes." default:"5" show:"field=minutes"`
	HoursInterval     int       `json:"hoursInterval" doc:"Every so many hours." default:"1" show:"field=hours"`
	DaysInterval      int       `json:"daysInterval" doc:"Every so many days." default:"1" show:"field=days"`
	WeeksInterval     int       `json:"weeksInterval" doc:"Every so many weeks." default:"1" show:"field=weeks"`
	MonthsInterval    int       `json:"monthsInterval" doc:"Every so many months." default:"1" show:"field=months"`
	TriggerAtDay      []float64 `json:"triggerAtDay" doc:"Days of the week, 0 is Sunday." show:"field=weeks"`
	TriggerAtMonthDay int       `json:"triggerAtDayOfMonth" doc:"Day of the month." default:"1" show:"field=months"`
	TriggerAtHour     int       `json:"triggerAtHour" doc:"Hour of the day." default:"0" show:"field=days|weeks|months"`
	TriggerAtMinute   int       `json:"triggerAtMinute" doc:"Minute of the hour." default:"0" show:"field=hours|days|weeks|months"`
	Expression        string    `json:"expression" doc:"Five or six fields: [second] minute hour day month weekday." show:"field=cronExpression" example:"0 9 * * 1-5"`
}

const scheduleName = "n8n-nodes-base.scheduleTrigger"

// scheduleTrigger starts a workflow at set times.
func scheduleTrigger() *Type {
	return &Type{
		Name: scheduleName, DisplayName: "Schedule Trigger", Category: workflow.CategoryTrigger,
		Description: "Starts the workflow at set times, in its time zone: every so many seconds to months, or by a cron expression.",
		Versions:    []float64{1, 1.1, 1.2, 1.3}, Trigger: true, Params: scheduleParams{},
		Check: checkSchedule,
		Examples: []workflow.NodeExample{
			example("Every morning", scheduleName, 1.2, `{"rule":{"interval":[{"field":"days","triggerAtHour":9}]}}`),
			example("Weekdays by cron", scheduleName, 1.2, `{"rule":{"interval":[{"field":"cronExpression","expression":"0 9 * * 1-5"}]}}`),
		},
		Run: runSchedule,
	}
}

// checkSchedule finds cron expressions that cannot be read.
func checkSchedule(n *workflow.Node) []workflow.Finding {
	rule, _ := n.Parameters.Value("rule").(*workflow.Object)
	list, _ := rule.Value("interval").([]any)
	var out []workflow.Finding
	for i, e := range list {
		o, _ := e.(*workflow.Object)
		text := textOf(o.Value("expression"))
		if o.Value("field") != "cronExpression" || isExpression(text) {
			continue
		}
		if _, err := ParseCron(text); err != nil {
			out = append(out, workflow.Finding{Code: FindingBadParameter, Path: indexed("parameters.rule.interval", i) + ".expression",
				Message: fmt.Sprintf("%q is no cron expression: %v.", clip(text, 60), err),
				Hint:    "Write five fields, minute hour day month weekday, or six with seconds first."})
		}
	}
	return out
}

// ParseCron reads a cron expression of five fields, or six with seconds first.
func ParseCron(text string) (cron.Schedule, error) {
	p := cron.NewParser(cron.SecondOptional | cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow | cron.Descriptor)
	return p.Parse(text)
}

func runSchedule(_ context.Context, c *Call) (Output, error) {
	if items := c.Items(); len(items) > 0 {
		return Items(items), nil
	}
	return Items([]workflow.Item{{JSON: tick(c.Host.Now().In(c.zone()))}}), nil
}

// tick is the item of a scheduled start: its time, whole and in parts.
func tick(t time.Time) *workflow.Object {
	_, offset := t.Zone()
	sign := "+"
	if offset < 0 {
		sign, offset = "-", -offset
	}
	return workflow.NewObject(
		"timestamp", t.Format("2006-01-02T15:04:05.000-07:00"),
		"Readable date", fmt.Sprintf("%s %d%s %d, %s", t.Month(), t.Day(), ordinal(t.Day()), t.Year(), t.Format("3:04:05 pm")),
		"Readable time", t.Format("3:04:05 pm"),
		"Day of week", t.Weekday().String(),
		"Year", strconv.Itoa(t.Year()),
		"Month", t.Month().String(),
		"Day of month", t.Format("02"),
		"Hour", t.Format("15"),
		"Minute", t.Format("04"),
		"Second", t.Format("05"),
		"Timezone", fmt.Sprintf("%s (UTC%s%02d:%02d)", t.Location(), sign, offset/3600, offset%3600/60),
	)
}

func ordinal(n int) string {
	if n%100 >= 11 && n%100 <= 13 {
		return "th"
	}
	switch n % 10 {
	case 1:
		return "st"
	case 2:
		return "nd"
	case 3:
		return "rd"
	}
	return "th"
}
