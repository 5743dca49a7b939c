package node

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// dateLayouts are tried in order, after ISO 8601, for dates written as text.
var dateLayouts = []string{
	time.RFC1123Z, time.RFC1123, time.RFC850, time.RFC822Z, time.RFC822, time.ANSIC,
	"Mon, 2 Jan 2006 15:04:05 -0700", "Mon, 2 Jan 2006 15:04:05 MST",
	"Mon Jan 2 2006 15:04:05 GMT-0700", "Mon Jan 02 2006 15:04:05 GMT-0700",
	"2006-01-02 15:04:05.999999999 -0700", "2006-01-02 15:04:05 -0700", "2006-01-02 15:04:05Z07:00",
	"2006-01-02 15:04:05.999999999", "2006-01-02 15:04:05", "2006-01-02 15:04",
	"2006/01/02 15:04:05", "2006/01/02 15:04", "2006/1/2",
	"01/02/2006 15:04:05", "01/02/2006 15:04", "1/2/2006 15:04:05", "1/2/2006, 3:04:05 PM", "1/2/2006 3:04 PM", "1/2/2006",
	"January 2, 2006 15:04:05", "January 2, 2006", "Jan 2, 2006 15:04:05", "Jan 2, 2006", "2 January 2006", "2 Jan 2006",
	"Mon Jan 2 2006", "02.01.2006 15:04:05", "02.01.2006 15:04", "02.01.2006",
}

var isoPattern = regexp.MustCompile(`^(\d{4})(?:-?(\d{2})(?:-?(\d{2}))?)?(?:[T ](\d{2})(?::?(\d{2})(?::?(\d{2})(?:[.,](\d{1,9}))?)?)?)?\s*(Z|z|[+-]\d{2}(?::?\d{2})?)?$`)

var zoneComment = regexp.MustCompile(`\s*\([^)]*\)$`)

// parseDate reads a date: ISO 8601 and the usual written forms, in loc where
// the text names no zone; numbers are milliseconds since 1970, or seconds
// where they are too small for that.
func parseDate(v any, loc *time.Location) (time.Time, bool) {
	switch v := v.(type) {
	case float64:
		return dateOfNumber(v)
	case string:
		s := strings.TrimSpace(v)
		if s == "" {
			return time.Time{}, false
		}
		if t, ok := parseISO(s, loc); ok {
			return t, true
		}
		s = zoneComment.ReplaceAllString(s, "")
		for _, layout := range dateLayouts {
			if t, err := time.ParseInLocation(layout, s, loc); err == nil {
				return t, true
			}
		}
		if f, err := strconv.ParseFloat(s, 64); err == nil && len(s) >= 9 {
			return dateOfNumber(f)
		}
	}
	return time.Time{}, false
}

func dateOfNumber(f float64) (time.Time, bool) {
	if math.IsNaN(f) || math.Abs(f) > 8.64e15 {
		return time.Time{}, false
	}
	if abs := math.Abs(f); abs >= 1e8 && abs < 1e11 {
		f *= 1000
	}
	return time.UnixMilli(int64(f)).UTC(), true
}

// parseISO reads ISO 8601 dates, with or without a time and a zone.
func parseISO(s string, loc *time.Location) (time.Time, bool) {
	m := isoPattern.FindStringSubmatch(s)
	if m == nil || (len(s) > 4 && m[2] == "") {
		return time.Time{}, false
	}
	n := func(i, absent int) int {
		if m[i] == "" {
			return absent
		}
		v, _ := strconv.Atoi(m[i])
		return v
	}
	if m[8] != "" {
		loc = offsetZone(m[8])
	}
	nanos, _ := strconv.Atoi((m[7] + "000000000")[:9])
	year, month, day := n(1, 0), n(2, 1), n(3, 1)
	hour, minute, second := n(4, 0), n(5, 0), n(6, 0)
	if month < 1 || month > 12 || day < 1 || hour > 24 || minute > 59 || second > 59 {
		return time.Time{}, false
	}
	t := time.Date(year, time.Month(month), day, hour, minute, second, nanos, loc)
	if day > 28 && time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC).Day() != day {
		return time.Time{}, false
	}
	return t, true
}

func offsetZone(s string) *time.Location {
	if s == "Z" || s == "z" {
		return time.UTC
	}
	digits := strings.ReplaceAll(s[1:], ":", "")
	hours, _ := strconv.Atoi(digits[:2])
	minutes := 0
	if len(digits) > 2 {
		minutes, _ = strconv.Atoi(digits[2:])
	}
	seconds := hours*3600 + minutes*60
	if s[0] == '-' {
		seconds = -seconds
	}
	return time.FixedZone("", seconds)
}

// isoText writes t as luxon's toISO does: milliseconds, and Z or the offset.
func isoText(t time.Time) string {
	if _, offset := t.Zone(); offset == 0 && t.Location() == time.UTC {
		return t.Format("2006-01-02T15:04:05.000Z")
	}
	return t.Format("2006-01-02T15:04:05.000-07:00")
}
