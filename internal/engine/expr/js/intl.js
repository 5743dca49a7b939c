// Intl, as far as dates, numbers and lists of the known locales go
// (locales.json), and the toLocaleString methods that rest on it.
(function (natives) {
  "use strict";
  const cache = Object.create(null);
  const freeze = Object.freeze;
  const define = (o, name, value) => Object.defineProperty(o, name, { value, writable: true, enumerable: false, configurable: true });
  const data = (tag) => (cache[tag] === undefined ? (cache[tag] = natives.locale(tag)) : cache[tag]);
  const resolve = (locales) => {
    if (locales === undefined || locales === null || locales === "en-US") return US;
    const list = Array.isArray(locales) ? locales : [locales];
    for (let i = 0; i < list.length; i++) {
      const tag = natives.localeTag(String(list[i]));
      if (tag === null) throw new RangeError("Incorrect locale information provided");
      if (tag !== "") return { tag, base: natives.localeBase(tag) };
    }
    return US;
  };
  const US = { tag: "en-US", base: "en-US" };
  const joined = (parts) => { let s = ""; for (let i = 0; i < parts.length; i++) s += parts[i].value; return s; };
  const pad = (n) => (n < 10 ? "0" + n : String(n));

  // Dates.
  const FIELDS = ["weekday", "year", "month", "day", "hour", "minute", "second", "fractionalSecondDigits", "dayPeriod"];
  const first = (s) => (s === undefined ? "-" : String(s)[0]);
  const OPTIONS = [...FIELDS, "era", "timeZone", "timeZoneName", "hour12", "hourCycle", "dateStyle", "timeStyle"];
  function dateOptions(o, need, defaults) {
    const out = {};
    if (o !== undefined && o !== null) {
      for (let i = 0; i < OPTIONS.length; i++) {
        const v = o[OPTIONS[i]];
        // no objects: what they say may change, and formats are kept
        if (v !== undefined) out[OPTIONS[i]] = typeof v === "object" || typeof v === "function" ? String(v) : v;
      }
    }
    if (out.dateStyle !== undefined || out.timeStyle !== undefined) return out;
    let none = true;
    for (let i = need === "time" ? 4 : 0, n = need === "date" ? 4 : FIELDS.length; i < n; i++) if (out[FIELDS[i]] !== undefined) none = false;
    if (none) {
      if (defaults !== "time") { out.year = out.month = out.day = "numeric"; }
      if (defaults !== "date") { out.hour = "numeric"; out.minute = out.second = "2-digit"; }
    }
    return out;
  }
  function cycleOf(d, o) {
    if (o.hour12 !== undefined) return o.hour12 ? "h12" : "h23";
    if (o.hourCycle !== undefined) return o.hourCycle;
    return d.hour12 ? "h12" : "h23";
  }
  function timePattern(d, o, cycle) {
    const twelve = cycle === "h12" || cycle === "h11";
    const rest = o.second !== undefined ? "ms" : o.minute !== undefined ? "m" : "";
    let p;
    if (o.hour !== undefined) p = d.times[(twelve ? "12" : "24") + first(o.hour) + rest];
    else if (o.minute !== undefined) p = o.second !== undefined ? "{mm}:{ss}" : "{m}";
    else p = o.second !== undefined ? "{s}" : "";
    if (o.fractionalSecondDigits !== undefined) p = p.includes("{ss}") ? p.replace("{ss}", "{ss}" + d.numbers.decimal + "{f}") : p.includes("{s}") ? p.replace("{s}", "{s}" + d.numbers.decimal + "{f}") : p + "{f}";
    return p;
  }
  function pattern(d, o, cycle) {
    let p;
    if (o.dateStyle !== undefined || o.timeStyle !== undefined) {
      const date = o.dateStyle === undefined ? "" : d.styles.date[o.dateStyle];
      let time = o.timeStyle === undefined ? "" : d.styles.time[o.timeStyle];
      const twelve = cycle === "h12" || cycle === "h11";
      if (time !== "" && twelve !== time.includes("{a}")) {
        const zone = time.includes("{z}") ? " {z}" : "";
        time = d.times[(twelve ? "12" : "24") + "n" + (o.timeStyle === "short" ? "m" : "ms")] + zone;
      }
      if (date === "" || time === "") return date + time;
      return d.styles.glue[o.dateStyle].replace("\u0001", date).replace("\u0002", time);
    }
    const key = first(o.weekday) + first(o.year) + first(o.month) + first(o.day);
    let date = key === "----" ? "" : d.dates[key.replace(/^n/, "s")];
    if (date === undefined) date = d.dates["-" + key.slice(1)] || "";
    if (o.weekday === "narrow") date = date.replace("{E:short}", "{E:narrow}");
    if (o.month === "narrow") date = date.replace("{M:long}", "{M:narrow}");
    if (o.era !== undefined) date += " AD";
    const time = timePattern(d, o, cycle);
    if (date !== "" && time !== "") {
      const g = d.glue[o.month === "long" ? "l" : o.month === "short" ? "s" : "n"];
      p = (o.weekday !== undefined && o.month === undefined ? "\u0001 \u0002" : g).replace("\u0001", date).replace("\u0002", time);
    } else p = date + time;
    if (o.timeZoneName !== undefined) p = time === "" ? p + ", {z}" : p + " {z}";
    return p;
  }
  const TYPES = { y: "year", yy: "year", M: "month", MM: "month", L: "month", d: "day", dd: "day", E: "weekday", h: "hour", hh: "hour",
    m: "minute", mm: "minute", s: "second", ss: "second", a: "dayPeriod", z: "timeZoneName", f: "fractionalSecond" };

  class DateTimeFormat {
    #d; #o; #tag; #base; #zone; #cycle; #tokens;
    constructor(locales, options, need, defaults) {
      const { tag, base } = resolve(locales);
      this.#tag = tag;
      this.#base = base;
      this.#o = dateOptions(options, need, defaults || "date");
      this.#zone = this.#o.timeZone === undefined ? natives.processZone() : String(this.#o.timeZone);
      if (!natives.zoneValid(this.#zone)) throw new RangeError("Invalid time zone specified: " + this.#zone);
      freeze(this); // the date library keeps formats
    }
    // The pattern is made when something is formatted: many ask for options only.
    #ready() {
      if (this.#tokens !== undefined) return;
      this.#d = data(this.#base);
      this.#cycle = cycleOf(this.#d, this.#o);
      this.#tokens = pattern(this.#d, this.#o, this.#cycle).split(/(\{[^}]*\})/);
    }
    #field(name, f, ts) {
      const [kind, style] = name.split(":");
      const d = this.#d;
      switch (kind) {
        case "y": return String(f[0]);
        case "yy": return pad(f[0] % 100);
        case "M": return style === undefined ? String(f[1]) : d.months[style][f[1] - 1];
        case "MM": return pad(f[1]);
        case "L": return (d.alone || d.months)[style][f[1] - 1];
        case "d": return String(f[2]);
        case "dd": return pad(f[2]);
        case "E": return d.days[style][f[7]];
        case "h": case "hh": {
          let h = f[3];
          if (this.#cycle === "h12") h = h % 12 === 0 ? 12 : h % 12;
          else if (this.#cycle === "h11") h = h % 12;
          else if (this.#cycle === "h24") h = h === 0 ? 24 : h;
          return kind === "hh" ? pad(h) : String(h);
        }
        case "m": return String(f[4]);
        case "mm": return pad(f[4]);
        case "s": return String(f[5]);
        case "ss": return pad(f[5]);
        case "a": return f[3] < 12 ? d.am : d.pm;
        case "f": return String(f[6]).padStart(3, "0").slice(0, Number(this.#o.fractionalSecondDigits));
        case "z": return natives.zoneName(this.#zone, ts, this.#o.timeZoneName === "long" || this.#o.timeStyle === "full" ? "long" : "short");
      }
      return "";
    }
    formatToParts(date) {
      const ts = date === undefined ? Date.now() : Number(date);
      if (!Number.isFinite(ts)) throw new RangeError("Invalid time value");
      this.#ready();
      const f = natives.zoneFields(this.#zone, ts);
      const out = [];
      for (let i = 0; i < this.#tokens.length; i++) {
        const t = this.#tokens[i];
        if (t === "") continue;
        if (i % 2 === 0) out.push({ type: "literal", value: t });
        else out.push({ type: TYPES[t.slice(1, -1).split(":")[0]], value: this.#field(t.slice(1, -1), f, ts) });
      }
      return out;
    }
    get format() { return (date) => joined(this.formatToParts(date)); }
    formatRange(a, b) { const x = this.format(a), y = this.format(b); return x === y ? x : x + " – " + y; }
    resolvedOptions() {
      const o = { locale: this.#tag, calendar: "gregory", numberingSystem: "latn", timeZone: this.#zone };
      if (this.#o.hour !== undefined || this.#o.timeStyle !== undefined) { this.#ready(); o.hourCycle = this.#cycle; o.hour12 = this.#cycle === "h12" || this.#cycle === "h11"; }
      for (const k of [...FIELDS, "timeZoneName", "dateStyle", "timeStyle"]) if (this.#o[k] !== undefined) o[k] = this.#o[k];
      return o;
    }
    static supportedLocalesOf(l) { return [].concat(l === undefined ? [] : l); }
  }

  // Numbers.
  function group(whole, n) {
    const digits = whole.length;
    if (digits < 3 + n.grouped || n.group === "") return whole;
    let out = whole.slice(-3);
    let rest = whole.slice(0, -3);
    const step = n.indian ? 2 : 3;
    while (rest.length > step) { out = rest.slice(-step) + n.group + out; rest = rest.slice(0, -step); }
    return rest === "" ? out : rest + n.group + out;
  }
  const DECIMALS = { JPY: 0, KRW: 0, VND: 0, CLP: 0, ISK: 0, HUF: 2, BHD: 3, KWD: 3, OMR: 3, TND: 3, JOD: 3 };
  class NumberFormat {
    #n; #o; #tag;
    constructor(locales, options) {
      const { tag, base } = resolve(locales);
      const o = { style: "decimal", notation: "standard", ...(options === null ? undefined : options) };
      this.#tag = tag;
      this.#n = data(base).numbers;
      if (o.style === "currency" && o.currency === undefined) throw new TypeError("Currency code is required with currency style.");
      if (o.style === "unit" && o.unit === undefined) throw new TypeError("Unit is required with unit style.");
      if (o.currency !== undefined) o.currency = String(o.currency).toUpperCase();
      const usual = o.style === "currency" ? (DECIMALS[o.currency] === undefined ? 2 : DECIMALS[o.currency]) : 0;
      const most = o.style === "currency" ? usual : o.style === "percent" ? 0 : 3;
      for (const [k, max] of [["minimumFractionDigits", 100], ["maximumFractionDigits", 100], ["minimumIntegerDigits", 21], ["minimumSignificantDigits", 21], ["maximumSignificantDigits", 21]]) {
        if (o[k] === undefined) continue;
        o[k] = Math.floor(Number(o[k]));
        if (!(o[k] >= (k.includes("Fraction") ? 0 : 1) && o[k] <= max)) throw new RangeError(k + " value is out of range.");
      }
      if (o.minimumFractionDigits === undefined) o.minimumFractionDigits = o.maximumFractionDigits === undefined ? usual : Math.min(usual, o.maximumFractionDigits);
      if (o.maximumFractionDigits === undefined) o.maximumFractionDigits = Math.max(most, o.minimumFractionDigits);
      if (o.minimumFractionDigits > o.maximumFractionDigits) throw new RangeError("maximumFractionDigits value is out of range.");
      for (const k of Object.keys(o)) if (typeof o[k] === "object" || typeof o[k] === "function") o[k] = String(o[k]);
      this.#o = o;
      freeze(this);
    }
    #digits(x) {
      const o = this.#o;
      if (o.minimumSignificantDigits !== undefined || o.maximumSignificantDigits !== undefined) {
        const max = o.maximumSignificantDigits === undefined ? 21 : o.maximumSignificantDigits;
        const min = o.minimumSignificantDigits === undefined ? 1 : o.minimumSignificantDigits;
        return natives.significant(x, min, max);
      }
      return natives.fixed(x, o.minimumFractionDigits, o.maximumFractionDigits);
    }
    #plain(x) {
      if (Number.isNaN(x)) return "NaN";
      if (x === Infinity) return "∞";
      let [whole, fraction] = this.#digits(x).split(".");
      if (this.#o.minimumIntegerDigits !== undefined) whole = whole.padStart(this.#o.minimumIntegerDigits, "0");
      if (this.#o.useGrouping !== false && this.#o.useGrouping !== "false") whole = group(whole, this.#o.useGrouping === "always" || this.#o.useGrouping === true ? { ...this.#n, grouped: 1 } : this.#n);
      return fraction === undefined ? whole : whole + this.#n.decimal + fraction;
    }
    #compact(x) {
      const table = this.#n.compact[this.#o.compactDisplay === "long" ? "long" : "short"];
      let power = x < 1000 ? -1 : Math.min(11, Math.floor(Math.log10(x)) - 3);
      const at = (p) => (p < 0 ? [0, "\u0001"] : table[p]);
      const round = (v) => {
        const places = v < 100 ? 1 - Math.floor(Math.log10(Math.max(v, 1))) : 0; // two digits at least
        return Number(natives.fixed(v, 0, Math.max(0, places)));
      };
      let [zeros, shape] = at(power);
      let v = round(x / 10 ** zeros);
      if (power < 11 && v * 10 ** zeros >= 10 ** (power + 4) && power >= -1 && v >= 1000) { power += 1; [zeros, shape] = at(power); v = round(x / 10 ** zeros); }
      const text = String(v).split(".");
      return shape.replace("\u0001", () => group(text[0], { ...this.#n, grouped: 2 }) + (text[1] === undefined ? "" : this.#n.decimal + text[1]));
    }
    #symbol() {
      const o = this.#o, s = this.#n.symbols[o.currency];
      if (o.currencyDisplay === "code" || s === undefined) return o.currency;
      return typeof s === "string" ? s : o.currencyDisplay === "narrowSymbol" ? s[1] : s[0];
    }
    #text(value) {
      const o = this.#o, n = this.#n;
      let x = typeof value === "bigint" ? Number(value) : Number(value);
      if (o.style === "percent") x *= 100;
      const minus = x < 0 || Object.is(x, -0);
      x = Math.abs(x);
      let body = o.notation === "compact" ? this.#compact(x) : this.#plain(x);
      const zero = !/[1-9∞N]/.test(body);
      const sign = minus ? (o.signDisplay === "never" || (zero && (o.signDisplay === "exceptZero" || o.signDisplay === "negative")) ? "" : n.minus)
        : o.signDisplay === "always" || (o.signDisplay === "exceptZero" && !zero) ? "+" : "";
      const fill = (shape) => shape.replace("\u0001", () => body);
      switch (o.style) {
        case "percent": return sign === "" ? fill(n.percent) : fill(n.negativePercent).replace(n.minus, () => sign);
        case "currency": {
          const symbol = this.#symbol();
          const wordy = /[A-Za-z]$/.test(symbol) && symbol === o.currency;
          if (sign === "") return fill(wordy ? n.codeCurrency : n.currency).replace("\u0002", () => symbol);
          if (o.currencySign === "accounting") return fill(n.accounting).replace("\u0002", () => symbol);
          return wordy ? sign + fill(n.codeCurrency).replace("\u0002", () => symbol) : fill(n.negativeCurrency).replace(n.minus, () => sign).replace("\u0002", () => symbol);
        }
        case "unit": {
          const unit = n.units[o.unit] || data("en-US").numbers.units[o.unit];
          const shape = unit === undefined ? "\u0001 " + o.unit : unit[o.unitDisplay === undefined ? "short" : o.unitDisplay];
          const form = typeof shape === "string" ? shape : shape[natives.plural(this.#tag, body, "cardinal")] || shape.other || Object.values(shape)[0];
          return sign + fill(form);
        }
      }
      return sign + body;
    }
    get format() { return (v) => this.#text(v); }
    formatToParts(v) {
      const n = this.#n, out = [];
      let decimal = false;
      for (const m of this.#text(v).matchAll(/\d+|[^\d]+/g)) {
        const s = m[0];
        if (/\d/.test(s)) out.push({ type: decimal ? "fraction" : "integer", value: s });
        else if (s === n.decimal && out.some((p) => p.type === "integer")) { out.push({ type: "decimal", value: s }); decimal = true; }
        else if (s === n.group && out.some((p) => p.type === "integer")) out.push({ type: "group", value: s });
        else if (s === n.minus) out.push({ type: "minusSign", value: s });
        else if (s.trim() === "%") out.push({ type: "percentSign", value: s });
        else out.push({ type: this.#o.style === "currency" ? "currency" : this.#o.style === "unit" ? "unit" : "literal", value: s });
      }
      return out;
    }
    resolvedOptions() { return { locale: this.#tag, numberingSystem: "latn", ...this.#o }; }
    static supportedLocalesOf(l) { return [].concat(l === undefined ? [] : l); }
  }

  class PluralRules {
    #tag; #type;
    constructor(locales, o) { this.#tag = resolve(locales).tag; this.#type = o && o.type === "ordinal" ? "ordinal" : "cardinal"; }
    select(n) { return natives.plural(this.#tag, String(Math.abs(Number(n))), this.#type); }
    resolvedOptions() { return { locale: this.#tag, type: this.#type }; }
  }
  class ListFormat {
    #shapes; #tag;
    constructor(locales, o) {
      const { tag, base } = resolve(locales);
      this.#tag = tag;
      const type = ["conjunction", "disjunction", "unit"].indexOf((o && o.type) || "conjunction");
      this.#shapes = data(base).list.long[type][["long", "short", "narrow"].indexOf((o && o.style) || "long")];
    }
    format(list) {
      const l = [...list].map(String);
      if (l.length < 2) return l.length === 0 ? "" : l[0];
      const [pair, three] = this.#shapes;
      if (l.length === 2) return pair.replace(/[AB]/g, (c) => (c === "A" ? l[0] : l[1]));
      const between = three.slice(1, three.indexOf("B"));
      const last = three.slice(three.indexOf("B") + 1, -1);
      return l.slice(0, -1).join(between) + last + l[l.length - 1];
    }
    resolvedOptions() { return { locale: this.#tag }; }
  }
  const fold = (s) => s.normalize("NFD").replace(/[\u0300-\u036f]/g, "").toLowerCase();
  const compareNative = String.prototype.localeCompare;
  class Collator {
    #o; #tag;
    constructor(locales, o) { this.#tag = resolve(locales).tag; this.#o = o || {}; }
    get compare() {
      const { sensitivity, numeric } = this.#o;
      const ready = (v) => (sensitivity === "base" || sensitivity === "accent" ? (sensitivity === "base" ? fold(String(v)) : String(v).toLowerCase()) : String(v));
      const plain = (a, b) => compareNative.call(a, b);
      return (x, y) => {
        const a = ready(x), b = ready(y);
        if (!numeric) return plain(a, b);
        const p = a.match(/\d+|\D+/g) || [], q = b.match(/\d+|\D+/g) || [];
        for (let i = 0; i < p.length && i < q.length; i++) {
          const c = /^\d/.test(p[i]) && /^\d/.test(q[i]) ? Math.sign(Number(p[i]) - Number(q[i])) : plain(p[i], q[i]);
          if (c !== 0) return c;
        }
        return Math.sign(p.length - q.length);
      };
    }
    resolvedOptions() { return { locale: this.#tag, ...this.#o }; }
  }
  class Locale {
    constructor(tag) {
      const t = natives.localeTag(String(tag));
      if (t === null) throw new RangeError("Incorrect locale information provided");
      this.baseName = t === "" ? String(tag) : t;
      [this.language, this.region] = this.baseName.split("-");
    }
    toString() { return this.baseName; }
  }
  // The constructors may be called without new.
  const callable = (C) => {
    const F = function (...a) { return new C(...a); };
    Object.defineProperty(F, "prototype", { value: C.prototype });
    F.supportedLocalesOf = C.supportedLocalesOf;
    return F;
  };
  const Intl = {};
  for (const [name, C] of Object.entries({ DateTimeFormat: callable(DateTimeFormat), NumberFormat: callable(NumberFormat), PluralRules, ListFormat, Collator: callable(Collator), Locale })) define(Intl, name, C);
  define(Intl, "getCanonicalLocales", (l) => [].concat(l === undefined ? [] : l).map((t) => new Locale(t).toString()));
  define(Intl, "supportedValuesOf", () => []);
  define(globalThis, "Intl", Intl);

  const D = Date.prototype;
  const valid = (d) => !Number.isNaN(d.getTime());
  define(D, "toLocaleString", function (l, o) { return valid(this) ? new DateTimeFormat(l, o, "any", "all").format(this) : "Invalid Date"; });
  define(D, "toLocaleDateString", function (l, o) { return valid(this) ? new DateTimeFormat(l, o, "date", "date").format(this) : "Invalid Date"; });
  define(D, "toLocaleTimeString", function (l, o) { return valid(this) ? new DateTimeFormat(l, o, "time", "time").format(this) : "Invalid Date"; });
  define(Number.prototype, "toLocaleString", function (l, o) { return new NumberFormat(l, o).format(this); });
  define(String.prototype, "localeCompare", function (other, l, o) {
    return o === undefined ? compareNative.call(this, String(other)) : new Collator(l, o).compare(String(this), String(other));
  });
  return Intl;
})
