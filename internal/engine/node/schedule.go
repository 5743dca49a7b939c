package node

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Schedule is one rule of when a workflow starts: a cron expression with
// seconds first, in the workflow's zone, or a fixed interval. Step above 1
// keeps only every Step-th occurrence, counted in Unit (days, weeks, months)
// from 1970.
type Schedule struct {
	Cron  string
	Every time.Duration
	Step  int
	Unit  string
}

func readRules(rules []scheduleInterval) ([]Schedule, error) {
	var out []Schedule
	for _, r := range rules {
		s, err := r.schedule()
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

func (r *scheduleInterval) schedule() (Schedule, error) {
	at := fmt.Sprintf("0 %d %d", r.TriggerAtMinute, r.TriggerAtHour)
	switch r.Field {
	case "seconds":
		return Schedule{Every: everyUnit(r.SecondsInterval, "seconds")}, nil
	case "minutes":
		return Schedule{Every: everyUnit(r.MinutesInterval, "minutes")}, nil
	case "hours":
		if n := r.HoursInterval; n > 1 {
			return Schedule{Cron: fmt.Sprintf("0 %d */%d * * *", r.TriggerAtMinute, min(n, 23))}, nil
		}
		return Schedule{Cron: fmt.Sprintf("0 %d * * * *", r.TriggerAtMinute)}, nil
	case "weeks":
		days := make([]string, len(r.TriggerAtDay))
		for i, d := range r.TriggerAtDay {
			days[i] = strconv.Itoa(int(d) % 7)
		}
		return Schedule{Cron: at + " * * " + firstOf(strings.Join(days, ","), "0"), Step: r.WeeksInterval, Unit: "weeks"}, nil
	case "months":
		return Schedule{Cron: fmt.Sprintf("%s %d * *", at, r.TriggerAtMonthDay), Step: r.MonthsInterval, Unit: "months"}, nil
	case "cronExpression":
		return cronSchedule(r.Expression)
	}
	return Schedule{Cron: at + " * * *", Step: r.DaysInterval, Unit: "days"}, nil
}

func cronSchedule(text string) (Schedule, error) {
	text = strings.TrimSpace(text)
	if _, err := ParseCron(text); err != nil {
		return Schedule{}, Fail("%q is no cron expression: %v. Write five fields, or six with seconds first.", clip(text, 60), err)
	}
	if len(strings.Fields(text)) == 5 {
		text = "0 " + text
	}
	return Schedule{Cron: text}, nil
}

func readCronTimes(times []cronTime) ([]Schedule, error) {
	var out []Schedule
	for _, t := range times {
		s := Schedule{Cron: fmt.Sprintf("0 %d %d * * *", t.Minute, t.Hour)}
		switch t.Mode {
		case "everyMinute":
			s.Cron = "0 * * * * *"
		case "everyHour":
			s.Cron = fmt.Sprintf("0 %d * * * *", t.Minute)
		case "everyWeek":
			s.Cron = fmt.Sprintf("0 %d %d * * %s", t.Minute, t.Hour, firstOf(t.Weekday, "1"))
		case "everyMonth":
			s.Cron = fmt.Sprintf("0 %d %d %d * *", t.Minute, t.Hour, t.DayOfMonth)
		case "everyX":
			s = Schedule{Every: everyUnit(t.Value, t.Unit)}
		case "custom":
			var err error
			if s, err = cronSchedule(t.CronExpression); err != nil {
				return nil, err
			}
		}
		out = append(out, s)
	}
	return out, nil
}

func everyUnit(n int, unit string) time.Duration {
	return time.Duration(max(n, 1)) * unitLength(unit)
}

// Keeps reports whether an occurrence at t counts under the rule's step.
func (s Schedule) Keeps(t time.Time) bool {
	if s.Step <= 1 {
		return true
	}
	y, m, d := t.Date()
	days := int(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / 86400)
	switch s.Unit {
	case "weeks":
		return (days+4)/7%s.Step == 0 // 1970-01-01 was a Thursday; weeks begin on Sunday
	case "months":
		return (y*12+int(m)-1)%s.Step == 0
	}
	return days%s.Step == 0
}
