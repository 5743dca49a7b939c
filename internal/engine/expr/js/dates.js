// Adapts the date library: time zones are the owner's, and the default zone
// is the workflow's. shared is what every user of a realm gets to see; what
// the library keeps besides it is forgotten by reset.
(function (luxon, natives) {
  "use strict";
  const { DateTime, Duration, Interval, Settings, IANAZone } = luxon;
  const P = IANAZone.prototype;
  const define = (o, name, value) => Object.defineProperty(o, name, { value, writable: true, configurable: true });
  define(P, "offset", function (ts) { return natives.zoneOffset(this.name, Number(ts)); });
  define(P, "offsetName", function (ts, opts) {
    return natives.zoneName(this.name, Number(ts), opts && opts.format === "short" ? "short" : "long");
  });
  Object.defineProperty(P, "isValid", { configurable: true, get() { return natives.zoneValid(this.name); } });
  define(IANAZone, "isValidZone", (name) => typeof name === "string" && natives.zoneValid(name));
  define(IANAZone, "isValidSpecifier", (name) => typeof name === "string" && natives.zoneValid(name));
  const create = IANAZone.create;
  define(IANAZone, "create", (name) => natives.freeze(create.call(IANAZone, name)));
  Settings.defaultLocale = "en-US";
  try { DateTime.fromMillis("x"); } catch (e) { /* the library completes its errors with the first one */ }
  const shared = [luxon, luxon.FixedOffsetZone.utcInstance, luxon.SystemZone.instance,
    Duration.fromMillis(0).matrix, Duration.fromMillis(0, { conversionAccuracy: "longterm" }).matrix];
  // its lists are kept where reset does not reach
  define(luxon.inner[0].prototype, "listFormatter", function (opts) { return new Intl.ListFormat(this.intl, opts); });
  shared.push(DateTime.fromMillis(0).loc.meridiems());
  const week = DateTime.fromMillis(0).loc.getWeekSettings();
  if (week !== null) shared.push(week);
  for (const C of [DateTime, Duration, Interval]) {
    for (const name of Object.getOwnPropertyNames(C)) if (typeof C[name] === "object" && C[name] !== null) shared.push(C[name]);
  }
  natives.dates = DateTime;
  let current = "";
  return {
    DateTime, Duration, Interval, shared,
    reset: () => Settings.resetCaches(),
    zone(name) { if (name !== current) { Settings.defaultZone = name; current = name; } },
    now: () => DateTime.now(),
    today: () => DateTime.now().startOf("day"),
  };
})
