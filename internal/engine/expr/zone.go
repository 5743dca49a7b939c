package expr

import (
	"fmt"
	"strings"
	"time"
	_ "time/tzdata" // zones must be there wherever the binary runs

	"github.com/dop251/goja"
)

// zone finds a time zone by name; nil when there is none. Only names are
// taken, never paths.
func zone(name string) *time.Location {
	if name == "" || strings.EqualFold(name, "local") || strings.Contains(name, "..") || strings.HasPrefix(name, "/") {
		return nil
	}
	if strings.EqualFold(name, "utc") || strings.EqualFold(name, "gmt") {
		return time.UTC
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return nil
	}
	return loc
}

// zones keeps the zones that were looked up: loading one reads its table.
type zones map[string]*time.Location

func (z zones) get(name string) *time.Location {
	loc, ok := z[name]
	if !ok {
		if loc = zone(name); len(z) < 1000 {
			z[name] = loc
		}
	}
	return loc
}

func (v *vm) zoneNatives(o *lazyFunctions) {
	known := zones{}
	at := func(a args) (time.Time, bool) {
		loc := known.get(a.text(0))
		if loc == nil {
			return time.Time{}, false
		}
		return time.UnixMilli(a.at(1).ToInteger()).In(loc), true
	}
	o.add(map[string]func(a args) goja.Value{
		"zoneValid": func(a args) goja.Value { return v.rt.ToValue(known.get(a.text(0)) != nil) },
		"zoneOffset": func(a args) goja.Value {
			t, ok := at(a)
			if !ok {
				return goja.NaN()
			}
			_, seconds := t.Zone()
			return v.rt.ToValue(float64(seconds) / 60)
		},
		"zoneName": func(a args) goja.Value {
			t, ok := at(a)
			if !ok {
				return goja.Null()
			}
			return v.rt.ToValue(zoneLabel(t, a.text(2)))
		},
		"zoneFields": func(a args) goja.Value {
			t, ok := at(a)
			if !ok {
				panic(v.rt.NewTypeError("Invalid time zone specified: " + a.text(0)))
			}
			return v.rt.NewArray(t.Year(), int(t.Month()), t.Day(), t.Hour(), t.Minute(), t.Second(),
				t.Nanosecond()/1e6, int(t.Weekday()))
		},
		"localZone": func(args) goja.Value { return v.rt.ToValue(v.location().String()) },
		"processZone": func(args) goja.Value {
			if name := time.Local.String(); name != "Local" {
				return v.rt.ToValue(name)
			}
			return v.rt.ToValue("UTC")
		},
	})
}

// zoneLabel is the English name of the zone at t, as far as it is known:
// other zones are named by their offset.
func zoneLabel(t time.Time, style string) string {
	abbr, seconds := t.Zone()
	if style == "long" {
		if abbr == "UTC" {
			return "Coordinated Universal Time"
		}
		if long := longZones[zoneKey(t, abbr)]; long != "" {
			return long
		}
		return offsetLabel(seconds, true)
	}
	switch {
	case abbr == "UTC", americanZones[abbr]:
		return abbr
	}
	return offsetLabel(seconds, false)
}

func zoneKey(t time.Time, abbr string) string {
	region, _, _ := strings.Cut(t.Location().String(), "/")
	return region + " " + abbr
}

// offsetLabel writes GMT+2 or GMT+02:00.
func offsetLabel(seconds int, long bool) string {
	if seconds == 0 {
		return "GMT"
	}
	sign := '+'
	if seconds < 0 {
		sign, seconds = '-', -seconds
	}
	h, m := seconds/3600, seconds/60%60
	switch {
	case long:
		return fmt.Sprintf("GMT%c%02d:%02d", sign, h, m)
	case m == 0:
		return fmt.Sprintf("GMT%c%d", sign, h)
	}
	return fmt.Sprintf("GMT%c%d:%02d", sign, h, m)
}

var americanZones = setOf("EST EDT CST CDT MST MDT PST PDT AKST AKDT HST")

var longZones = map[string]string{
	"America EST": "Eastern Standard Time", "America EDT": "Eastern Daylight Time",
	"America CST": "Central Standard Time", "America CDT": "Central Daylight Time",
	"America MST": "Mountain Standard Time", "America MDT": "Mountain Daylight Time",
	"America PST": "Pacific Standard Time", "America PDT": "Pacific Daylight Time",
	"America AKST": "Alaska Standard Time", "America AKDT": "Alaska Daylight Time",
	"Pacific HST": "Hawaii-Aleutian Standard Time",
	"Europe CET":  "Central European Standard Time", "Europe CEST": "Central European Summer Time",
	"Europe EET": "Eastern European Standard Time", "Europe EEST": "Eastern European Summer Time",
	"Europe WET": "Western European Standard Time", "Europe WEST": "Western European Summer Time",
	"Europe GMT": "Greenwich Mean Time", "Europe BST": "British Summer Time", "Europe MSK": "Moscow Standard Time",
	"Asia IST": "India Standard Time", "Asia JST": "Japan Standard Time", "Asia KST": "Korean Standard Time",
	"Asia CST": "China Standard Time", "Asia HKT": "Hong Kong Standard Time",
	"Australia AEST": "Australian Eastern Standard Time", "Australia AEDT": "Australian Eastern Daylight Time",
	"Australia ACST": "Australian Central Standard Time", "Australia ACDT": "Australian Central Daylight Time",
	"Australia AWST": "Australian Western Standard Time",
	"Pacific NZST":   "New Zealand Standard Time", "Pacific NZDT": "New Zealand Daylight Time",
}
