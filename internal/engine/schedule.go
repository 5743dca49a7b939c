package engine

import (
	"encoding/json"
	"strings"
	"time"

	"flowgate/internal/engine/node"
	"flowgate/internal/workflow"
	"flowgate/store"
)

// Schedules returns what of a document starts it by the clock, each with the
// next time after now. Nodes whose rules cannot be read are CodeUnrunnable.
func (e *Engine) Schedules(doc *workflow.Document, now time.Time) ([]store.Schedule, error) {
	var out []store.Schedule
	loc := e.locationOf(doc)
	for i := range doc.Nodes {
		n := &doc.Nodes[i]
		if n.Disabled {
			continue
		}
		rules, err := node.Schedules(n)
		if err != nil {
			return nil, workflow.Wrap(workflow.CodeUnrunnable, err, n.Name+": "+err.Error())
		}
		if len(rules) == 0 {
			continue
		}
		text, err := json.Marshal(rules)
		if err != nil {
			return nil, err
		}
		out = append(out, store.Schedule{Node: n.Name, Rules: loc.String() + " " + string(text), NextAt: nextOf(rules, now, loc)})
	}
	return out, nil
}

// nextOf is the first time after t that any of the rules names; zero: none.
func nextOf(rules []node.Schedule, t time.Time, loc *time.Location) time.Time {
	var first time.Time
	for _, r := range rules {
		if next := nextTime(r, t, loc); !next.IsZero() && (first.IsZero() || next.Before(first)) {
			first = next
		}
	}
	return first.UTC()
}

// maxSkipped bounds how many occurrences a rule's step may leave out.
const maxSkipped = 5000

// nextTime is the rule's first time after t, in loc; zero: it has none.
func nextTime(r node.Schedule, t time.Time, loc *time.Location) time.Time {
	if r.Every > 0 {
		return t.Add(r.Every)
	}
	for range maxSkipped {
		if t = nextCron(r.Cron, t, loc); t.IsZero() || r.Keeps(t.In(loc)) {
			return t
		}
	}
	return time.Time{}
}

// nextCron is the first time after t that a cron expression names in loc.
//
// A rule with fixed hours fires once on each day it names, whatever the clocks
// do: where its time is skipped it fires when the clocks have moved, and where
// its time comes twice it fires the first time. Other rules ("every hour")
// follow the time that passes.
func nextCron(text string, t time.Time, loc *time.Location) time.Time {
	schedule, err := node.ParseCron(text)
	if err != nil {
		return time.Time{}
	}
	fields := strings.Fields(text)
	if len(fields) < 5 || strings.Contains(fields[0], "TZ=") || strings.ContainsAny(fields[len(fields)-4], "*?") {
		return schedule.Next(t.In(loc))
	}
	wall := asUTC(t.In(loc))
	for range maxSkipped {
		if wall = schedule.Next(wall); wall.IsZero() {
			return wall
		}
		if next := atWall(wall, loc); next.After(t) {
			return next
		}
	}
	return time.Time{}
}

// asUTC is what the clock on the wall shows at t, as if it were UTC.
func asUTC(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, time.UTC)
}

// atWall is when the clock on loc's wall shows wall: the first time if it does
// so twice, the moment the clocks move forward if it never does.
func atWall(wall time.Time, loc *time.Location) time.Time {
	before := wall.Add(-26 * time.Hour).In(loc) // surely earlier, whatever the offset
	for t := before; ; {
		_, offset := t.Zone()
		at := wall.Add(-time.Duration(offset) * time.Second).In(loc)
		_, end := t.ZoneBounds()
		if end.IsZero() || at.Before(end) {
			if at.Before(t) && t != before {
				return t // the clocks jumped over it
			}
			return at
		}
		t = end
	}
}

// Location is a document's time zone.
func (e *Engine) Location(doc *workflow.Document) *time.Location { return e.locationOf(doc) }

// locationOf is a document's time zone, the engine's when it names none or an
// unknown one.
func (e *Engine) locationOf(doc *workflow.Document) *time.Location {
	name := doc.Settings.Timezone
	if name == "" || name == "DEFAULT" {
		return e.location
	}
	if loc, err := time.LoadLocation(name); err == nil {
		return loc
	}
	return e.location
}
