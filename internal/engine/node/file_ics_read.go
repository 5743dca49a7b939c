package node

import (
	"strings"
	"time"

	"flowgate/internal/workflow"
)

// icsNames are properties of calendars and events by their names in items.
var icsNames = map[string]string{
	"VERSION": "version", "PRODID": "prodId", "METHOD": "method", "X-WR-CALNAME": "name",
	"SUMMARY": "summary", "DESCRIPTION": "description", "LOCATION": "location", "UID": "uid", "URL": "url", "STATUS": "status",
	"SEQUENCE": "sequence", "CLASS": "class", "TRANSP": "timeTransparent", "RRULE": "recurrenceRule", "CATEGORIES": "categories",
	"DTSTART": "start", "DTEND": "end", "DTSTAMP": "stamp", "CREATED": "created", "LAST-MODIFIED": "lastModified",
	"ORGANIZER": "organizer", "ATTENDEE": "attendees",
}

// readICS reads a calendar as {version, prodId, …, events: […]}. Times are
// {date, type?, local?}: UTC in ISO 8601, DATE for whole days, and the time as
// written with its zone's name.
func readICS(text string) (*workflow.Object, error) {
	text = strings.NewReplacer("\r\n ", "", "\r\n\t", "", "\n ", "", "\n\t", "").Replace(text)
	cal, events := &workflow.Object{}, []any{}
	var stack []string
	var event *workflow.Object
	for _, line := range strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == '\r' }) {
		name, params, value := icsLine(line)
		switch {
		case name == "BEGIN":
			stack = append(stack, strings.ToUpper(value))
			if len(stack) == 2 && stack[1] == "VEVENT" {
				event = &workflow.Object{}
			}
		case name == "END":
			if len(stack) == 2 && event != nil {
				events, event = append(events, event), nil
			}
			stack = stack[:max(len(stack)-1, 0)]
		case len(stack) == 1:
			icsProperty(cal, name, params, value)
		case len(stack) == 2 && event != nil:
			icsProperty(event, name, params, value)
		}
	}
	if cal.Len() == 0 && len(events) == 0 {
		return nil, Fail("The file is not a calendar: it has no VCALENDAR.")
	}
	cal.Set("events", events)
	return cal, nil
}

// icsLine cuts a line into its name, its parameters and its value.
func icsLine(line string) (name string, params map[string]string, value string) {
	quoted, at := false, len(line)
	for i := 0; i < len(line); i++ {
		if line[i] == '"' {
			quoted = !quoted
		} else if line[i] == ':' && !quoted {
			at = i
			break
		}
	}
	parts := strings.Split(line[:at], ";")
	params = map[string]string{}
	for _, p := range parts[1:] {
		k, v, _ := strings.Cut(p, "=")
		params[strings.ToUpper(k)] = strings.Trim(v, `"`)
	}
	return strings.ToUpper(strings.TrimSpace(parts[0])), params, line[min(at+1, len(line)):]
}

func icsProperty(o *workflow.Object, name string, params map[string]string, value string) {
	key := icsNames[name]
	switch name {
	case "DTSTART", "DTEND", "DTSTAMP", "CREATED", "LAST-MODIFIED":
		o.Set(key, icsDate(params, value))
	case "ORGANIZER", "ATTENDEE":
		person := workflow.NewObject("email", strings.TrimPrefix(strings.TrimPrefix(value, "mailto:"), "MAILTO:"))
		if cn := params["CN"]; cn != "" {
			person.Set("name", cn)
		}
		if name == "ORGANIZER" {
			o.Set(key, person)
			return
		}
		list, _ := o.Value(key).([]any)
		o.Set(key, append(list, person))
	case "":
	default:
		if key != "" {
			o.Set(key, strings.NewReplacer("\\n", "\n", "\\N", "\n", "\\,", ",", "\\;", ";", "\\\\", "\\").Replace(value))
		}
	}
}

func icsDate(params map[string]string, value string) any {
	if t, err := time.Parse("20060102", value); err == nil {
		return workflow.NewObject("date", t.Format("2006-01-02T15:04:05.000Z"), "type", "DATE")
	}
	loc, zone := time.UTC, params["TZID"]
	if zone != "" {
		if l, err := time.LoadLocation(zone); err == nil {
			loc = l
		}
	}
	t, err := time.ParseInLocation("20060102T150405", strings.TrimSuffix(value, "Z"), loc)
	if err != nil {
		return workflow.NewObject("date", value)
	}
	o := workflow.NewObject("date", t.UTC().Format("2006-01-02T15:04:05.000Z"))
	if zone != "" {
		o.Set("local", workflow.NewObject("date", t.Format("2006-01-02T15:04:05.000Z"), "timezone", zone))
	}
	return o
}
