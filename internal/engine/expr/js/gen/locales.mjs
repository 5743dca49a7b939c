// Writes ../locales.json: how dates and numbers read in the locales that are
// known, taken from the JavaScript engine that runs this (node locales.mjs).
import { writeFileSync } from "node:fs";

const LOCALES = ("en-US en-GB en-CA en-AU en-IN en-IE en-NZ en-ZA de-DE de-AT de-CH fr-FR fr-CA fr-CH es-ES es-MX es-AR it-IT pt-BR " +
  "pt-PT nl-NL nl-BE sv-SE da-DK nb-NO fi-FI pl-PL cs-CZ sk-SK ru-RU uk-UA tr-TR el-GR hu-HU ro-RO ja-JP zh-CN zh-TW ko-KR he-IL id-ID vi-VN").split(" ");
const CURRENCIES = "USD EUR GBP JPY CNY INR BRL CAD AUD CHF MXN KRW PLN SEK NOK DKK CZK HUF TRY RUB UAH ILS ZAR NZD SGD HKD".split(" ");
const UNITS = "year month week day hour minute second millisecond".split(" ");
const MORE = "percent byte kilobyte megabyte gigabyte terabyte celsius fahrenheit meter kilometer centimeter mile foot inch gram kilogram pound ounce liter milliliter kilometer-per-hour mile-per-hour degree".split(" ");

const sample = new Date(Date.UTC(1983, 2, 5, 4, 6, 7, 9)); // a Saturday
const range = (n) => Array.from({ length: n }, (_, i) => i);
const parts = (l, o, d = sample) => new Intl.DateTimeFormat(l, { timeZone: "UTC", ...o }).formatToParts(d);
const pick = (l, o, type, d) => (parts(l, o, d).find((p) => p.type === type) || {}).value;
const monthDate = (m) => new Date(Date.UTC(1983, m, 5));
const dayDate = (d) => new Date(Date.UTC(1983, 2, 6 + d)); // from a Sunday

function names(l) {
  const months = {}, alone = {}, days = {};
  for (const s of ["long", "short", "narrow"]) {
    months[s] = range(12).map((m) => pick(l, { month: s, day: "numeric" }, "month", monthDate(m)));
    alone[s] = range(12).map((m) => pick(l, { month: s }, "month", monthDate(m)) ?? parts(l, { month: s }, monthDate(m)).map((p) => p.value).join(""));
    days[s] = range(7).map((d) => pick(l, { weekday: s }, "weekday", dayDate(d)));
  }
  return { months, alone: JSON.stringify(alone) === JSON.stringify(months) ? undefined : alone, days };
}
function encode(l, n, o) {
  return parts(l, o).map(({ type, value }) => {
    const two = value.length === 2 && value[0] === "0";
    switch (type) {
      case "literal": return value.replace(/[{}]/g, "");
      case "year": return value.length === 2 ? "{yy}" : "{y}";
      case "day": return two ? "{dd}" : "{d}";
      case "hour": return two ? "{hh}" : "{h}";
      case "minute": return two ? "{mm}" : "{m}";
      case "second": return two ? "{ss}" : "{s}";
      case "dayPeriod": return "{a}";
      case "weekday": return "{E:" + ["long", "short", "narrow"].find((s) => n.days[s][6] === value) + "}";
      case "month":
        if (/^\d+$/.test(value)) return two ? "{MM}" : "{M}";
        for (const s of ["long", "short", "narrow"]) if (n.months[s][2] === value) return "{M:" + s + "}";
        for (const s of ["long", "short", "narrow"]) if ((n.alone || n.months)[s][2] === value) return "{L:" + s + "}";
    }
    return value;
  }).join("");
}
function dates(l, n) {
  const out = {};
  for (const w of ["", "short", "long"]) for (const y of ["", "numeric", "2-digit"])
    for (const m of ["", "numeric", "2-digit", "short", "long"]) for (const d of ["", "numeric", "2-digit"]) {
      const o = {};
      if (w) o.weekday = w;
      if (y) o.year = y;
      if (m) o.month = m;
      if (d) o.day = d;
      const key = [w, y, m, d].map((s) => s[0] || "-").join("");
      if (key !== "----") out[key] = encode(l, n, o);
    }
  return out;
}
function times(l, n) {
  const out = {};
  for (const h12 of [true, false]) for (const h of ["numeric", "2-digit"]) for (const rest of ["", "m", "ms"]) {
    const o = { hour: h, hour12: h12 };
    if (rest) o.minute = "2-digit";
    if (rest === "ms") o.second = "2-digit";
    out[(h12 ? "12" : "24") + h[0] + rest] = encode(l, n, o);
  }
  return out;
}
function styles(l, n) {
  const date = {}, time = {}, glue = {};
  for (const s of ["full", "long", "medium", "short"]) {
    date[s] = encode(l, n, { dateStyle: s });
    time[s] = parts(l, { timeStyle: s }).map((p) => (p.type === "timeZoneName" ? "{z}" : null)).some(Boolean)
      ? parts(l, { timeStyle: s }).map((p) => p.type === "timeZoneName" ? "{z}" : encodeOne(p)).join("") : encode(l, n, { timeStyle: s });
    const both = encode(l, n, { dateStyle: s, timeStyle: "short" });
    const t = encode(l, n, { timeStyle: "short" });
    glue[s] = both.replace(date[s], "\u0001").replace(t, "\u0002");
  }
  return { date, time, glue };
}
function encodeOne({ type, value }) {
  const two = value.length === 2 && value[0] === "0";
  switch (type) {
    case "hour": return two ? "{hh}" : "{h}";
    case "minute": return "{mm}";
    case "second": return "{ss}";
    case "dayPeriod": return "{a}";
  }
  return value;
}
// between a date and a time, by how the month is written
function glue(l, n) {
  const out = {};
  for (const m of ["numeric", "short", "long"]) {
    const d = { year: "numeric", month: m, day: "numeric" };
    const both = encode(l, n, { ...d, hour: "numeric", minute: "2-digit" });
    const t = encode(l, n, { hour: "numeric", minute: "2-digit" });
    out[m[0]] = both.replace(encode(l, n, d), "\u0001").replace(t, "\u0002");
  }
  return out;
}
function numbers(l) {
  const p = new Intl.NumberFormat(l).formatToParts(-1234567.5);
  const get = (t) => (p.find((x) => x.type === t) || { value: "" }).value;
  const grouped = new Intl.NumberFormat(l).formatToParts(1234).some((x) => x.type === "group") ? 1 : 2;
  const indian = new Intl.NumberFormat(l).format(12345678).split(get("group")).length === 4;
  const shape = (o, n) => new Intl.NumberFormat(l, o).formatToParts(n).map((x) =>
    ["integer", "group", "decimal", "fraction"].includes(x.type) ? "\u0001" : x.type === "currency" ? "\u0002" : x.value).join("").replace(/\u0001+/g, "\u0001");
  const cur = { style: "currency", currency: "USD" };
  const symbols = {};
  for (const c of CURRENCIES) {
    const s = (d) => new Intl.NumberFormat(l, { style: "currency", currency: c, currencyDisplay: d }).formatToParts(1).find((x) => x.type === "currency").value;
    symbols[c] = s("narrowSymbol") === s("symbol") ? s("symbol") : [s("symbol"), s("narrowSymbol")];
  }
  const codeShape = new Intl.NumberFormat(l, { style: "currency", currency: "XTS" }).formatToParts(1)
    .map((x) => (["integer", "decimal", "fraction"].includes(x.type) ? "\u0001" : x.type === "currency" ? "\u0002" : x.value)).join("").replace(/\u0001+/g, "\u0001");
  const compact = {};
  for (const display of ["short", "long"]) {
    compact[display] = range(12).map((i) => {
      const f = new Intl.NumberFormat(l, { notation: "compact", compactDisplay: display, useGrouping: false, maximumFractionDigits: 0 });
      const q = f.formatToParts(2 * 10 ** (i + 3));
      return [Math.round(Math.log10(2 * 10 ** (i + 3) / Number(q.find((x) => x.type === "integer").value))),
        q.map((x) => (x.type === "integer" ? "\u0001" : x.value)).join("")];
    });
  }
  const units = {};
  for (const u of l.startsWith("en") ? [...UNITS, ...MORE] : [...UNITS, "percent", "kilometer", "kilogram", "celsius"]) {
    units[u] = {};
    for (const d of ["long", "short", "narrow"]) {
      const forms = {};
      const rules = new Intl.PluralRules(l);
      for (const n of [0, 1, 2, 3, 5, 11, 100, 1.5]) {
        const c = rules.select(n);
        if (!(c in forms)) forms[c] = new Intl.NumberFormat(l, { style: "unit", unit: u, unitDisplay: d }).formatToParts(n)
          .map((x) => (["integer", "decimal", "fraction", "group"].includes(x.type) ? "\u0001" : x.value)).join("").replace(/\u0001+/g, "\u0001");
      }
      const all = Object.values(forms);
      units[u][d] = all.every((f) => f === all[0]) ? all[0] : forms;
    }
  }
  return { decimal: get("decimal") || ".", group: get("group"), minus: get("minusSign"), grouped, indian: indian || undefined,
    percent: shape({ style: "percent" }, 0.5), negativePercent: shape({ style: "percent" }, -0.5), currency: shape(cur, 5), negativeCurrency: shape(cur, -5),
    accounting: shape({ ...cur, currencySign: "accounting" }, -5), codeCurrency: codeShape, symbols, compact, units };
}

const out = {};
for (const l of LOCALES) {
  const n = names(l);
  const st = styles(l, n);
  const resolved = new Intl.DateTimeFormat(l, { hour: "numeric" }).resolvedOptions();
  out[l] = { ...n, hour12: resolved.hour12, hourCycle: resolved.hourCycle,
    am: pick(l, { hour: "numeric", hour12: true }, "dayPeriod"), pm: pick(l, { hour: "numeric", hour12: true }, "dayPeriod", new Date(Date.UTC(1983, 2, 5, 16))),
    dates: dates(l, n), times: times(l, n), styles: st, glue: glue(l, n), numbers: numbers(l),
    list: { long: ["conjunction", "disjunction", "unit"].map((type) => ["long", "short", "narrow"].map((style) => [2, 3].map((k) =>
      new Intl.ListFormat(l, { type, style }).format(["A", "B", "C"].slice(0, k))))) } };
}
writeFileSync(new URL("../locales.json", import.meta.url), JSON.stringify(out));
