// Adapts the date library: time zones are the owner's, and the default zone
// is the workflow's.
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
  Settings.defaultLocale = "en-US";
  natives.dates = DateTime;
  let current = "";
  return {
    DateTime, Duration, Interval,
    zone(name) { if (name !== current) { Settings.defaultZone = name; current = name; } },
    now: () => DateTime.now(),
    today: () => DateTime.now().startOf("day"),
  };
})
