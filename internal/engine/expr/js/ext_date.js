// The format's methods of dates, of both kinds. Each is (value, arguments).
// They use the date library through natives.dates, which dates.js sets.
(function (table, natives) {
  "use strict";
  const fail = natives.fail;
  const lib = () => natives.dates;
  const wrap = (d) => (d instanceof Date ? lib().fromJSDate(d) : d);
  // A Date gives a Date, a DateTime a DateTime.
  const like = (model, dt) => (model instanceof Date ? dt.toJSDate() : dt);
  const UNITS = { week: "weekNumber", weekday: "weekday", dayOfWeek: "weekday", yearDayNumber: "ordinal",
    years: "year", months: "month", days: "day", hours: "hour", minutes: "minute", seconds: "second", milliseconds: "millisecond" };

  function parse(v, what) {
    if (v instanceof Date || (v !== null && typeof v === "object" && v.isLuxonDateTime === true)) return wrap(v);
    if (typeof v === "number") return lib().fromMillis(v);
    const dt = fromText(String(v));
    if (!dt.isValid) fail(what + "() cannot read a date from " + JSON.stringify(String(v).slice(0, 100)));
    return dt;
  }
  function fromText(s) {
    const D = lib();
    const t = s.trim();
    for (const read of [D.fromISO, D.fromRFC2822, D.fromHTTP, D.fromSQL]) {
      const dt = read.call(D, t);
      if (dt.isValid) return dt;
    }
    return D.fromJSDate(new Date(t));
  }
  function fromNumber(n, format) {
    const D = lib();
    switch (format === undefined ? "ms" : format) {
      case "ms": return D.fromMillis(n);
      case "s": return D.fromSeconds(n);
      case "us": return D.fromMillis(n / 1000);
      case "excel": return D.fromMillis(Math.round((n - 25569) * 86400000), { zone: "utc" });
    }
    return fail("toDateTime() knows the units ms, s, us and excel");
  }
  function stringToDateTime(s, a) {
    if (a[0] !== undefined) {
      if (["ms", "s", "us", "excel"].includes(a[0])) return fromNumber(Number(s), a[0]);
      const dt = lib().fromFormat(s, String(a[0]));
      if (!dt.isValid) fail("toDateTime() cannot read " + JSON.stringify(s.slice(0, 100)) + " as " + JSON.stringify(String(a[0])));
      return dt;
    }
    return parse(s, "toDateTime");
  }
  function amount(a, back) {
    if (typeof a[0] === "object" && a[0] !== null) return a[0];
    const n = Number(a[0]);
    if (Number.isNaN(n)) fail((back ? "minus" : "plus") + "() needs a number");
    return { [unitOf(a[1], "milliseconds")]: n };
  }
  const unitOf = (u, other) => (u === undefined ? other : String(u));
  function diff(later, earlier, units) {
    if (Array.isArray(units)) return later.diff(earlier, units).toObject();
    const unit = unitOf(units, "days");
    return later.diff(earlier, unit).as(unit);
  }
  function extract(dt, unit) {
    const u = unitOf(unit, "week");
    return dt.get(UNITS[u] || u);
  }

  const dates = {
    isEmpty: () => false,
    isNotEmpty: () => true,
    toDateTime: wrap,
    beginningOf: (d, a) => like(d, wrap(d).startOf(unitOf(a[0], "week"))),
    endOfMonth: (d) => like(d, wrap(d).endOf("month")),
    extract: (d, a) => extract(wrap(d), a[0]),
    format: (d, a) => wrap(d).toFormat(a[0] === undefined ? "yyyy-MM-dd" : String(a[0])),
    isBetween(d, a) {
      if (a.length < 2) fail("isBetween() needs two dates");
      const [x, y] = [parse(a[0], "isBetween"), parse(a[1], "isBetween")];
      const [from, to] = x < y ? [x, y] : [y, x];
      const at = wrap(d);
      return at > from && at < to;
    },
    isDst: (d) => wrap(d).isInDST,
    isInLast: (d, a) => { const at = wrap(d), now = lib().now(); return at >= now.minus({ [unitOf(a[1], "minutes")]: Number(a[0]) }) && at <= now; },
    isWeekend: (d) => wrap(d).weekday > 5,
    minus: (d, a) => like(d, wrap(d).minus(amount(a, true))),
    plus: (d, a) => like(d, wrap(d).plus(amount(a, false))),
    diffTo: (d, a) => diff(wrap(d), parse(a[0], "diffTo"), a[1]),
    diffToNow: (d, a) => diff(lib().now(), wrap(d), a[0]),
    toJsonString: (d) => JSON.stringify(d),
    toInt: (d) => d.valueOf(),
    toNumber: (d) => d.valueOf(),
  };
  table.date = { ...dates };
  table.datetime = { ...dates };
  table.number.toDateTime = (n, a) => fromNumber(n, a[0]);
  table.string.toDateTime = stringToDateTime;
  table.string.toDate = (s) => {
    const d = new Date(s);
    if (Number.isNaN(d.getTime())) fail("toDate() cannot read a date from " + JSON.stringify(s.slice(0, 100)));
    return d;
  };
  for (const name of ["beginningOf", "endOfMonth", "extract", "isBetween", "isDst", "isInLast", "isWeekend", "minus", "plus", "diffTo", "diffToNow"]) {
    table.string[name] = (s, a) => dates[name](parse(s, name), a);
  }
  table.string.format = (s, a) => dates.format(parse(s, "format"), a);
  return table;
})
