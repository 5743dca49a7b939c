package node

import (
	"math"
	"strings"
	"time"
)

// addTime adds n units. Years, quarters, months, weeks and days follow the
// calendar; a day that a month lacks becomes its last.
func addTime(t time.Time, n float64, unit string) time.Time {
	whole, rest := math.Modf(n)
	switch unit {
	case "years", "year":
		return addMonths(t, int(math.Round(n*12)))
	case "quarters", "quarter":
		return addMonths(t, int(math.Round(n*3)))
	case "months", "month":
		return addMonths(t, int(whole)).Add(time.Duration(rest * 30 * float64(24*time.Hour)))
	case "weeks", "week":
		return t.AddDate(0, 0, int(whole)*7).Add(time.Duration(rest * 7 * float64(24*time.Hour)))
	case "days", "day":
		return t.AddDate(0, 0, int(whole)).Add(time.Duration(rest * float64(24*time.Hour)))
	}
	return t.Add(time.Duration(n * float64(unitLength(unit))))
}

func addMonths(t time.Time, n int) time.Time {
	first := time.Date(t.Year(), t.Month()+time.Month(n), 1, t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), t.Location())
	last := first.AddDate(0, 1, -1).Day()
	return first.AddDate(0, 0, min(t.Day(), last)-1)
}

func unitLength(unit string) time.Duration {
	switch strings.TrimSuffix(unit, "s") {
	case "hour":
		return time.Hour
	case "minute":
		return time.Minute
	case "second":
		return time.Second
	case "day":
		return 24 * time.Hour
	case "week":
		return 7 * 24 * time.Hour
	}
	return time.Millisecond
}

// floorTime is the beginning of the unit that t is in; weeks begin on Monday.
func floorTime(t time.Time, unit string) time.Time {
	y, m, d := t.Date()
	hour, minute, second := t.Clock()
	switch unit {
	case "year":
		m, d, hour, minute, second = 1, 1, 0, 0, 0
	case "month":
		d, hour, minute, second = 1, 0, 0, 0
	case "week":
		d, hour, minute, second = d-(int(t.Weekday())+6)%7, 0, 0, 0
	case "day":
		hour, minute, second = 0, 0, 0
	case "hour":
		minute, second = 0, 0
	case "minute":
		second = 0
	}
	return time.Date(y, m, d, hour, minute, second, 0, t.Location())
}

func partOf(t time.Time, part string) any {
	switch part {
	case "year":
		return float64(t.Year())
	case "week":
		_, week := t.ISOWeek()
		return float64(week)
	case "day":
		return float64(t.Day())
	case "hour":
		return float64(t.Hour())
	case "minute":
		return float64(t.Minute())
	case "second":
		return float64(t.Second())
	}
	return float64(t.Month())
}
