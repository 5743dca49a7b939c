package node

import (
	"context"
	"strings"
	"time"

	"flowgate/internal/workflow"
)

// dateTimeParams1 are the parameters of version 1, whose formats are written
// in moment tokens.
type dateTimeParams1 struct {
	Action           string           `json:"action" doc:"Format a date or calculate with it." default:"format" enum:"format,calculate" expr:"no"`
	Value            any              `json:"value" doc:"The date." required:"true"`
	Operation        string           `json:"operation" default:"add" enum:"add,subtract" show:"action=calculate" expr:"no"`
	Duration         float64          `json:"duration" doc:"How much to add or subtract." default:"0" show:"action=calculate"`
	TimeUnit         string           `json:"timeUnit" default:"days" enum:"quarters,years,months,weeks,days,hours,minutes,seconds,milliseconds" show:"action=calculate"`
	Custom           bool             `json:"custom" doc:"Whether the format is free text." show:"action=format"`
	ToFormat         string           `json:"toFormat" doc:"The format, in moment tokens; X is seconds, x milliseconds since 1970." default:"MM/DD/YYYY" show:"action=format"`
	DataPropertyName string           `json:"dataPropertyName" doc:"Field that gets the result." default:"data"`
	Options          dateTimeOptions1 `json:"options"`
}

type dateTimeOptions1 struct {
	FromFormat   string `json:"fromFormat" doc:"How the date is written, in moment tokens."`
	FromTimezone string `json:"fromTimezone" doc:"Zone of the date."`
	ToTimezone   string `json:"toTimezone" doc:"Zone of the result."`
}

func dateItem1(ctx context.Context, c *Call, i int, in workflow.Item) ([]workflow.Item, error) {
	p, err := Bind[dateTimeParams1](ctx, c, i)
	if err != nil {
		return nil, err
	}
	out := workflow.Item{JSON: in.JSON.Copy(), Binary: in.Binary}
	if p.Value == nil || p.Value == "" {
		if p.Action == "format" {
			assign(out.JSON, p.DataPropertyName, nil, true)
			return []workflow.Item{out}, nil
		}
		return nil, Fail("Parameter %q has no date.", "value")
	}
	v, err := p.result(ctx, c, i)
	if err != nil {
		return nil, err
	}
	assign(out.JSON, p.DataPropertyName, v, true)
	return []workflow.Item{out}, nil
}

func (p *dateTimeParams1) result(ctx context.Context, c *Call, i int) (any, error) {
	zone, err := zoneNamed(p.Options.FromTimezone, c.zone())
	if err != nil {
		return nil, err
	}
	t, ok := parseDate(p.Value, zone)
	if p.Options.FromFormat != "" {
		code := "DateTime.fromFormat(" + jsLiteral(textOf(p.Value)) + ", " + jsLiteral(luxonFormat(p.Options.FromFormat)) +
			", {zone: " + jsLiteral(zone.String()) + "}).toISO()"
		out, err := c.evaluate(ctx, code, i)
		if err != nil {
			return nil, err
		}
		t, ok = parseDate(out, zone)
	}
	if !ok {
		return nil, badType("value", p.Value, "a date")
	}
	t = t.In(zone)
	if p.Action == "calculate" {
		n := p.Duration
		if p.Operation == "subtract" {
			n = -n
		}
		return isoText(addTime(t, n, p.TimeUnit).UTC()), nil
	}
	if t, err = inZone(t, p.Options.ToTimezone); err != nil {
		return nil, err
	}
	switch p.ToFormat {
	case "X":
		return float64(t.Unix()), nil
	case "x":
		return float64(t.UnixMilli()), nil
	}
	return c.evaluate(ctx, "DateTime.fromISO("+jsLiteral(isoText(t))+", {setZone: true} ).toFormat("+jsLiteral(luxonFormat(p.ToFormat))+")", i)
}

func inZone(t time.Time, name string) (time.Time, error) {
	zone, err := zoneNamed(name, t.Location())
	return t.In(zone), err
}

func zoneNamed(name string, absent *time.Location) (*time.Location, error) {
	if name == "" {
		return absent, nil
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return absent, Fail("%q is no time zone; use a name such as Europe/Berlin.", clip(name, 60))
	}
	return loc, nil
}

// momentTokens are the moment tokens that luxon writes differently, longest
// first where one begins another.
var momentTokens = []string{
	"[", "", // handled on its own
	"YYYY", "yyyy", "YY", "yy", "dddd", "cccc", "ddd", "ccc", "DDDD", "ooo", "DDD", "o", "DD", "dd", "Do", "d", "D", "d",
	"MMMM", "MMMM", "MMM", "MMM", "MM", "MM", "M", "M", "A", "a", "a", "a", "ZZ", "ZZZ", "Z", "ZZ", "SSS", "SSS",
	"HH", "HH", "H", "H", "hh", "hh", "h", "h", "mm", "mm", "m", "m", "ss", "ss", "s", "s", "WW", "WW", "W", "W",
	"GGGG", "kkkk", "Q", "q", "E", "c", "X", "X", "x", "x",
}

// luxonFormat turns a format in moment tokens into one in luxon tokens.
func luxonFormat(moment string) string {
	var b strings.Builder
	for moment != "" {
		if moment[0] == '[' {
			if end := strings.IndexByte(moment, ']'); end > 0 {
				b.WriteString("'" + moment[1:end] + "'")
				moment = moment[end+1:]
				continue
			}
		}
		b.WriteString(nextToken(&moment))
	}
	return b.String()
}

func nextToken(s *string) string {
	for n := 2; n+1 < len(momentTokens); n += 2 {
		if rest, ok := strings.CutPrefix(*s, momentTokens[n]); ok {
			*s = rest
			return momentTokens[n+1]
		}
	}
	c := (*s)[:1]
	*s = (*s)[1:]
	if c >= "a" && c <= "z" || c >= "A" && c <= "Z" {
		return "'" + c + "'"
	}
	return c
}
