package node

import (
	"context"
	"strings"
	"time"

	"flowgate/internal/workflow"
)

type dateTimeParams struct {
	Operation       string          `json:"operation" doc:"What to do." default:"getCurrentDate" enum:"getCurrentDate,addToDate,subtractFromDate,formatDate,getTimeBetweenDates,extractDate,roundDate" expr:"no"`
	Magnitude       any             `json:"magnitude" doc:"The date to add to or subtract from." show:"operation=addToDate|subtractFromDate"`
	TimeUnit        string          `json:"timeUnit" doc:"Unit of the duration." default:"days" enum:"years,quarters,months,weeks,days,hours,minutes,seconds,milliseconds" show:"operation=addToDate|subtractFromDate"`
	Duration        float64         `json:"duration" doc:"How much to add or subtract." default:"0" show:"operation=addToDate|subtractFromDate"`
	IncludeTime     bool            `json:"includeTime" doc:"Give the time of day too." default:"true" show:"operation=getCurrentDate"`
	Date            any             `json:"date" doc:"The date." show:"operation=formatDate|extractDate|roundDate"`
	Format          string          `json:"format" doc:"A format in luxon tokens, or custom." default:"MM/dd/yyyy" show:"operation=formatDate"`
	CustomFormat    string          `json:"customFormat" doc:"The format in luxon tokens." show:"operation=formatDate&format=custom"`
	StartDate       any             `json:"startDate" doc:"The earlier date." show:"operation=getTimeBetweenDates"`
	EndDate         any             `json:"endDate" doc:"The later date." show:"operation=getTimeBetweenDates"`
	Units           FieldList       `json:"units" doc:"Units of the difference: year, month, week, day, hour, minute, second, millisecond." default:"[\"day\"]" show:"operation=getTimeBetweenDates"`
	Part            string          `json:"part" doc:"Which part to take." default:"month" enum:"year,month,week,day,hour,minute,second" show:"operation=extractDate"`
	Mode            string          `json:"mode" doc:"Which way to round." default:"roundDown" enum:"roundDown,roundUp" show:"operation=roundDate"`
	ToNearest       string          `json:"toNearest" doc:"What to round down to." default:"month" enum:"year,month,week,day,hour,minute,second" show:"operation=roundDate&mode=roundDown"`
	To              string          `json:"to" doc:"What to round up to the end of." default:"month" enum:"year,month,week,day,hour,minute,second" show:"operation=roundDate&mode=roundUp"`
	OutputFieldName string          `json:"outputFieldName" doc:"Field that gets the result; each operation has a name of its own for it."`
	Options         dateTimeOptions `json:"options"`
}

type dateTimeOptions struct {
	IncludeInputFields bool   `json:"includeInputFields" doc:"Keep the item's other fields."`
	FromFormat         string `json:"fromFormat" doc:"How the date is written, in luxon tokens."`
	Timezone           any    `json:"timezone" doc:"A zone's name for the current date; true to use the workflow's zone when formatting."`
	IsoString          bool   `json:"isoString" doc:"Give the difference as an ISO duration."`
}

// dateTime works with dates.
func dateTime() *Type {
	const name = "n8n-nodes-base.dateTime"
	return &Type{
		Name: name, DisplayName: "Date & Time", Category: workflow.CategoryAction,
		Description: "Gives the current date, adds to dates, formats, rounds, compares them or takes parts of them.",
		Versions:    []float64{1, 2}, Params: dateTimeParams{}, OldParams: []VersionedParams{{2, dateTimeParams1{}}},
		Examples: []workflow.NodeExample{
			example("In two days", name, 2, `{"operation":"addToDate","magnitude":"={{ $now.toISO() }}","duration":2,"timeUnit":"days","options":{}}`),
			example("Format", name, 2, `{"operation":"formatDate","date":"={{ $json.created }}","format":"yyyy-MM-dd","options":{}}`),
		},
		Run: runDateTime,
	}
}

func runDateTime(ctx context.Context, c *Call) (Output, error) {
	one := dateItem
	if c.Node.TypeVersion < 2 {
		one = dateItem1
	}
	items, err := c.EachItem(ctx, func(i int, in workflow.Item) ([]workflow.Item, error) { return one(ctx, c, i, in) })
	return Items(items), err
}

func dateItem(ctx context.Context, c *Call, i int, in workflow.Item) ([]workflow.Item, error) {
	p, err := Bind[dateTimeParams](ctx, c, i)
	if err != nil {
		return nil, err
	}
	value, field, err := p.result(ctx, c, i)
	if err != nil {
		return nil, err
	}
	out := workflow.Item{JSON: &workflow.Object{}}
	if p.Options.IncludeInputFields {
		out = workflow.Item{JSON: in.JSON.Copy(), Binary: in.Binary}
	}
	out.JSON.Set(firstOf(p.OutputFieldName, field), value)
	return []workflow.Item{out}, nil
}

// result is the operation's value and the name of the field it goes to.
func (p *dateTimeParams) result(ctx context.Context, c *Call, i int) (any, string, error) {
	switch p.Operation {
	case "addToDate", "subtractFromDate":
		t, err := p.date(ctx, c, i, p.Magnitude, "magnitude")
		if err != nil {
			return nil, "", err
		}
		n := p.Duration
		if p.Operation == "subtractFromDate" {
			n = -n
		}
		return isoText(addTime(t, n, p.TimeUnit)), "newDate", nil
	case "formatDate":
		v, err := p.formatted(ctx, c, i)
		return v, "formattedDate", err
	case "getTimeBetweenDates":
		v, err := p.between(ctx, c, i)
		return v, "timeDifference", err
	case "extractDate":
		t, err := p.date(ctx, c, i, p.Date, "date")
		return partOf(t, p.Part), "datePart", err
	case "roundDate":
		t, err := p.date(ctx, c, i, p.Date, "date")
		if p.Mode == "roundUp" {
			// The end of the unit: the beginning of the next one.
			t = addTime(floorTime(t, p.To), 1, p.To+"s")
		} else {
			t = floorTime(t, p.ToNearest)
		}
		return isoText(t), "roundedDate", err
	}
	v, err := p.current(c)
	return v, "currentDate", err
}

func (p *dateTimeParams) current(c *Call) (any, error) {
	zone := c.zone()
	if name := textOf(p.Options.Timezone); name != "" && name != "true" && name != "false" {
		loc, err := time.LoadLocation(name)
		if err != nil {
			return nil, Fail("options.timezone is %q, which is no time zone; use a name such as Europe/Berlin.", clip(name, 60))
		}
		zone = loc
	}
	now := c.Host.Now().In(zone)
	if !p.IncludeTime {
		now = floorTime(now, "day")
	}
	return isoText(now), nil
}

// date reads a date parameter in the workflow's zone.
func (p *dateTimeParams) date(ctx context.Context, c *Call, i int, v any, name string) (time.Time, error) {
	zone := c.zone()
	if p.Options.FromFormat != "" {
		code := "DateTime.fromFormat(" + jsLiteral(textOf(v)) + ", " + jsLiteral(p.Options.FromFormat) + ").toISO()"
		out, err := c.evaluate(ctx, code, i)
		if err != nil {
			return time.Time{}, err
		}
		if t, ok := parseDate(out, zone); ok {
			return t.In(zone), nil
		}
		return time.Time{}, Fail("Parameter %q is %s, which is not written as %s.", name, describe(v), p.Options.FromFormat)
	}
	t, ok := parseDate(v, zone)
	if !ok {
		f := badType(name, v, "a date")
		f.Description = "Write it as ISO 8601, for instance 2024-03-01T10:00:00Z, or set the option fromFormat."
		return t, f
	}
	return t.In(zone), nil
}

func (p *dateTimeParams) formatted(ctx context.Context, c *Call, i int) (any, error) {
	t, err := p.date(ctx, c, i, p.Date, "date")
	if err != nil {
		return nil, err
	}
	format := p.Format
	if format == "custom" {
		format = p.CustomFormat
	}
	keepZone := ""
	if p.Options.Timezone != true {
		if own, ok := parseDate(p.Date, c.zone()); ok && p.Options.FromFormat == "" {
			t, keepZone = own, ", {setZone: true}"
		}
	}
	return c.evaluate(ctx, "DateTime.fromISO("+jsLiteral(isoText(t))+keepZone+").toFormat("+jsLiteral(format)+")", i)
}

func (p *dateTimeParams) between(ctx context.Context, c *Call, i int) (any, error) {
	from, err := p.date(ctx, c, i, p.StartDate, "startDate")
	if err != nil {
		return nil, err
	}
	to, err := p.date(ctx, c, i, p.EndDate, "endDate")
	if err != nil {
		return nil, err
	}
	units := make([]any, len(p.Units))
	for n, u := range p.Units {
		units[n] = u
	}
	code := "DateTime.fromISO(" + jsLiteral(isoText(to)) + ").diff(DateTime.fromISO(" + jsLiteral(isoText(from)) + "), " + jsLiteral(units) + ")"
	if p.Options.IsoString {
		return c.evaluate(ctx, code+".toISO()", i)
	}
	return c.evaluate(ctx, code+".toObject()", i)
}

// evaluate runs an expression of the engine's own.
func (c *Call) evaluate(ctx context.Context, code string, i int) (any, error) {
	out, err := c.Eval.Resolve(ctx, "={{ "+code+" }}", i, nil)
	return plain(out), err
}

// jsLiteral writes v as a JavaScript literal that may stand in a template
// chunk: without braces.
func jsLiteral(v any) string {
	data, err := workflow.AppendJSON(nil, v)
	if err != nil {
		return "null"
	}
	return strings.NewReplacer("{", `\u007b`, "}", `\u007d`, "\u2028", `\u2028`, "\u2029", `\u2029`).Replace(string(data))
}
