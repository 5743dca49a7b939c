package node

import (
	"fmt"
	"strings"
	"time"

	"flowgate/internal/workflow"
)

// icsFields are what an event may have beyond title and time.
type icsFields struct {
	Description string `json:"description" doc:"What it is about."`
	Location    string `json:"location" doc:"Where it is."`
	URL         string `json:"url" doc:"Address of a page about it."`
	UID         string `json:"uid" doc:"Its identity; made up where it is empty."`
	Calendar    string `json:"calName" doc:"Name of the calendar."`
	Status      string `json:"status" doc:"CONFIRMED, TENTATIVE or CANCELLED."`
	BusyStatus  string `json:"busyStatus" doc:"BUSY, FREE, TENTATIVE or OOF."`
	Rule        string `json:"recurrenceRule" doc:"How it repeats, such as FREQ=WEEKLY;COUNT=5."`
	Organizer   struct {
		UI struct {
			Name  string `json:"name"`
			Email string `json:"email"`
		} `json:"organizerUi"`
	} `json:"organizerUi" doc:"Who holds it."`
	Attendees struct {
		List []icsAttendee `json:"attendeeValues"`
	} `json:"attendeesUi" doc:"Who is invited."`
}

type icsAttendee struct {
	Name  string `json:"name"`
	Email string `json:"email"`
	RSVP  bool   `json:"rsvp"`
}

// eventFile makes a calendar file of one event (RFC 5545).
func (p *convertParams) eventFile(c *Call, i int) (*workflow.Binary, error) {
	start, err := icsTime(p.Start, c.zone())
	if err != nil {
		return nil, Fail("Parameter \"start\" is %q: write a time such as 2030-01-31T09:00:00.", clip(p.Start, 40))
	}
	end, err := icsTime(p.End, c.zone())
	if err != nil {
		end = start.Add(time.Hour)
	}
	if p.AllDay && !end.After(start) {
		end = start.AddDate(0, 0, 1)
	}
	uid := p.Event.UID
	if uid == "" {
		uid = fmt.Sprintf("%016x%016x", c.Host.Rand().Uint64(), c.Host.Rand().Uint64())
	}
	w := &icsWriter{}
	w.line("BEGIN", "VCALENDAR")
	w.line("VERSION", "2.0")
	w.line("CALSCALE", "GREGORIAN")
	w.line("PRODID", "flowgate")
	w.line("METHOD", "PUBLISH")
	w.text("X-WR-CALNAME", p.Event.Calendar)
	w.line("BEGIN", "VEVENT")
	w.text("UID", uid)
	w.line("DTSTAMP", c.Host.Now().UTC().Format(icsUTC))
	w.text("SUMMARY", p.Title)
	w.when(start, end, p.AllDay)
	w.more(&p.Event)
	w.line("END", "VEVENT")
	w.line("END", "VCALENDAR")
	return newBinary([]byte(w.b.String()), "text/calendar", orText(p.Options.FileName, "event.ics")), nil
}

const icsUTC = "20060102T150405Z"

type icsWriter struct{ b strings.Builder }

func (w *icsWriter) when(start, end time.Time, allDay bool) {
	if allDay {
		w.line("DTSTART;VALUE=DATE", start.Format("20060102"))
		w.line("DTEND;VALUE=DATE", end.Format("20060102"))
		return
	}
	w.line("DTSTART", start.UTC().Format(icsUTC))
	w.line("DTEND", end.UTC().Format(icsUTC))
}

func (w *icsWriter) more(f *icsFields) {
	w.text("DESCRIPTION", f.Description)
	w.text("LOCATION", f.Location)
	w.text("URL", f.URL)
	w.text("STATUS", f.Status)
	w.text("X-MICROSOFT-CDO-BUSYSTATUS", f.BusyStatus)
	if f.Rule != "" {
		w.line("RRULE", strings.Map(dropControl, f.Rule))
	}
	if o := f.Organizer.UI; o.Email != "" {
		w.line("ORGANIZER;CN="+icsQuoted(o.Name), "mailto:"+strings.Map(dropControl, o.Email))
	}
	for _, a := range f.Attendees.List {
		w.line(fmt.Sprintf("ATTENDEE;RSVP=%s;CN=%s", strings.ToUpper(fmt.Sprint(a.RSVP)), icsQuoted(a.Name)), "mailto:"+strings.Map(dropControl, a.Email))
	}
}

// text writes a text property, escaped, unless it is empty.
func (w *icsWriter) text(name, value string) {
	if value != "" {
		w.line(name, strings.NewReplacer("\\", "\\\\", ";", "\\;", ",", "\\,", "\r\n", "\\n", "\n", "\\n", "\r", "").Replace(value))
	}
}

// line writes a property, folded at 75 bytes without cutting a character.
func (w *icsWriter) line(name, value string) {
	s := name + ":" + value
	for len(s) > 75 {
		cut := 75
		for cut > 0 && s[cut]&0xc0 == 0x80 {
			cut--
		}
		w.b.WriteString(s[:cut] + "\r\n ")
		s = s[cut:]
	}
	w.b.WriteString(s + "\r\n")
}

func icsQuoted(s string) string {
	return `"` + strings.Map(dropControl, strings.ReplaceAll(s, `"`, "'")) + `"`
}

// icsTime reads a time as documents write it; without a zone it is in loc.
func icsTime(s string, loc *time.Location) (time.Time, error) {
	s = strings.TrimSpace(s)
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02"} {
		if t, err := time.ParseInLocation(layout, s, loc); err == nil {
			return t, nil
		}
	}
	return time.Time{}, Fail("no time")
}
