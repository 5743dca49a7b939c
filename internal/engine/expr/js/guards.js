// Bounds for native functions: the interpreter cannot stop inside them, so
// what would run for long or take much memory is refused or done step by step
// here. What takes no more than a look at a list's length is in js/base.js.
// natives holds functions of the interpreter's owner. In realms for code only
// what the code names is bounded: natives.uses tells.
(function (natives) {
  "use strict";
  const { maxArray, maxText, maxWhole, limit, wholeText, uses, guard, bounded, lengthOf } = natives;
  const maxWork = 1 << 22; // characters that are gone through one by one at once
  const apply = Reflect.apply;
  const isArray = Array.isArray;
  const describe = Object.getOwnPropertyDescriptor;
  const A = Array.prototype;
  const S = String.prototype;

  const wrap = (o, name, around) => {
    const native = o[name];
    if (typeof native === "function") o[name] = around(native, name); // keeps the property's attributes
  };
  const wrapUsed = (o, list, around) => {
    for (let i = 0; i < list.length; i++) if (uses(list[i])) wrap(o, list[i], around);
  };
  const longText = () => limit("the text would be too long");
  const longList = () => limit("the list would be too long");
  const text = (v) => {
    if (v === undefined || v === null) throw new TypeError("called on null or undefined");
    return String(v);
  };

  const pushNative = A.push;
  if (uses("concat")) wrap(A, "concat", (native) => function () {
    let n = lengthOf(this);
    for (let i = 0; i < arguments.length; i++) {
      const a = arguments[i];
      if (isArray(a)) n += a.length;
      else if (a !== null && typeof a === "object" && a[Symbol.isConcatSpreadable]) throw new TypeError("not a list");
    }
    if (n > maxArray) longList();
    return apply(native, this, arguments);
  });
  if (uses("flat", "flatMap")) {
    const flatten = (out, list, depth) => {
      bounded(list);
      for (let i = 0; i < list.length; i++) {
        if (!(i in list)) continue;
        if (depth > 0 && isArray(list[i])) flatten(out, list[i], depth - 1);
        else { apply(pushNative, out, [list[i]]); bounded(out); }
      }
      return out;
    };
    wrapUsed(A, ["flat"], () => function (depth) {
      return flatten([], this, depth === undefined ? 1 : Number(depth) || 0);
    });
    const map = A.map;
    wrapUsed(A, ["flatMap"], () => function (f, self) { return flatten([], apply(map, this, [f, self]), 1); });
  }
  if (uses("join")) A.join = guard(natives.joinMethod, bounded);
  if (uses("toString")) wrap(A, "toString", () => function () {
    if (!isArray(this)) return "[object Object]";
    bounded(this);
    return natives.join(this, ",");
  });
  if (uses("toLocaleString")) wrap(A, "toLocaleString", () => function (...args) {
    bounded(this);
    const parts = [];
    for (let i = 0; i < this.length; i++) {
      const v = this[i];
      apply(pushNative, parts, [v === undefined || v === null ? "" : v.toLocaleString(...args)]);
    }
    return natives.join(parts, ",");
  });
  if (uses("sort", "toSorted")) {
    const byText = (a, b) => { const x = String(a), y = String(b); return x < y ? -1 : x > y ? 1 : 0; };
    wrapUsed(A, ["sort", "toSorted"], (native) => function (by) {
      bounded(this);
      return apply(native, this, [by === undefined ? byText : by]);
    });
  }
  if (uses("from")) wrap(Array, "from", (native) => function (list, f, self) {
    if (list !== null && list !== undefined && typeof list !== "string" && typeof list[Symbol.iterator] !== "function") bounded(list);
    return apply(native, this, f === undefined ? [list] : [list, f, self]);
  });

  // The constructor.
  const NativeArray = Array;
  const construct = Reflect.construct;
  const protoOf = Object.getPrototypeOf;
  // Whether a function was called by new. The interpreter leaves new.target
  // as it is in plain calls from within a constructor.
  const made = (self, target) =>
    target !== undefined && typeof self === "object" && self !== null && protoOf(self) === target.prototype;
  const copyStatics = (to, from) => {
    const keys = Reflect.ownKeys(from);
    for (let i = 0; i < keys.length; i++) {
      if (keys[i] !== "length" && keys[i] !== "name" && keys[i] !== "prototype") Object.defineProperty(to, keys[i], describe(from, keys[i]));
    }
  };
  // The prototype keeps the native one, which what makes lists is fast with;
  // expressions cannot reach it. User code has it under its own name.
  if (!natives.code) {
    const Bound = function Array(n) {
      if (arguments.length === 1 && typeof n === "number" && n > maxArray) longList();
      return construct(NativeArray, arguments, made(this, new.target) ? new.target : Bound);
    };
    copyStatics(Bound, NativeArray);
    Object.defineProperty(Bound, "prototype", { value: A, writable: false });
    Object.defineProperty(globalThis, "Array", { value: Bound, writable: true, configurable: true });
  }

  // Text.
  if (uses("repeat")) wrap(S, "repeat", (native) => function (n) {
    const s = text(this);
    if (s.length * Number(n) > maxText) longText();
    return apply(native, s, [n]);
  });
  wrapUsed(S, ["padStart", "padEnd"], (native) => function (n, fill) {
    if (Number(n) > maxText) longText();
    return apply(native, text(this), [n, fill]);
  });
  if (uses("concat")) wrap(S, "concat", (native) => function () {
    let n = text(this).length;
    for (let i = 0; i < arguments.length; i++) n += String(arguments[i]).length;
    if (n > maxText) longText();
    return apply(native, this, arguments);
  });
  const splitNative = S.split;
  const growth = (s, pattern, by) => {
    if (typeof by !== "string" || (s.length + 1) * by.length <= maxText && by.indexOf("$") < 0) return;
    let each = by.length + (apply(splitNative, by, ["$"]).length - 1) * s.length;
    if ((s.length + 1) * each <= maxText) return;
    const times = typeof pattern === "string" && pattern !== "" ? apply(splitNative, s, [pattern]).length : s.length + 1;
    if (times * each > maxText) longText();
  };
  wrapUsed(S, ["replace", "replaceAll"], (native, name) => function (pattern, by) {
    const s = text(this);
    const once = name === "replace" && typeof pattern === "string";
    const with_ = typeof by === "function" ? by : String(by);
    if (!once) growth(s, pattern, with_);
    if (!once && (pattern === null || typeof pattern !== "object")) few(s, String(pattern));
    return apply(native, s, [pattern, with_]);
  });
  // How often long texts hold a text is counted first, for natively it is not
  // to be stopped and every place takes memory.
  const indexOf = S.indexOf;
  const few = (s, part) => {
    if (s.length <= maxArray) return;
    if (part === "") longList();
    let n = 0;
    for (let i = apply(indexOf, s, [part, 0]); i >= 0; i = apply(indexOf, s, [part, i + part.length])) if (++n > maxArray) longList();
  };
  if (uses("split")) wrap(S, "split", (native) => function (sep, max) {
    const s = text(this);
    if (sep === undefined || sep === null || typeof sep !== "object") {
      if (sep !== undefined) { sep = String(sep); few(s, sep); }
    } else if (s.length > maxArray && sep instanceof RegExp) longList();
    return apply(native, s, [sep, max]);
  });
  wrapUsed(S, ["toUpperCase", "toLowerCase", "toLocaleUpperCase", "toLocaleLowerCase", "localeCompare"], (native, name) => function (other, a, b) {
    const s = text(this);
    if (s.length > maxWork) longText();
    if (name !== "localeCompare") return apply(native, s, []);
    other = String(other);
    if (other.length > maxWork) longText();
    return apply(native, s, [other, a, b]);
  });
  if (uses("normalize")) wrap(S, "normalize", (native) => function (form) {
    const s = text(this);
    return s.length <= maxWhole ? apply(native, s, form === undefined ? [] : [form]) : natives.normalize(s, form === undefined ? "NFC" : String(form));
  });
  wrapUsed(globalThis, ["encodeURI", "encodeURIComponent", "decodeURI", "decodeURIComponent", "escape", "unescape"], (native) => function (v) {
    const s = String(v);
    if (s.length > maxWork) longText();
    return native(s);
  });

  // What goes through a text letter by letter natively could not be stopped.
  const letters = S[Symbol.iterator];
  const codeUnit = S.charCodeAt, slice = S.slice;
  S[Symbol.iterator] = function () {
    const s = text(this);
    if (s.length <= maxWhole) return apply(letters, s, []);
    let at = 0;
    return {
      next() {
        if (at >= s.length) return { value: undefined, done: true };
        const c = apply(codeUnit, s, [at]);
        const low = c >= 0xd800 && c <= 0xdbff && at + 1 < s.length ? apply(codeUnit, s, [at + 1]) : 0;
        const value = apply(slice, s, [at, at += low >= 0xdc00 && low <= 0xdfff ? 2 : 1]);
        return { value, done: false };
      },
      [Symbol.iterator]() { return this; },
    };
  };
  // Rewritten expressions ask for this one where an object is spread.
  if (!natives.code) Object.defineProperty(S, wholeText, { configurable: true, get() { if (this.length > maxWhole) longText(); return undefined; } });
  if (uses("raw")) wrap(String, "raw", (native) => function (strings) {
    bounded(strings.raw);
    return apply(native, this, arguments);
  });

  // Regular expressions: their source is bounded, since compiling recurses.
  if (uses("RegExp", "constructor")) {
    const NativeRegExp = RegExp;
    const BoundRegExp = function RegExp(pattern, flags) {
      if (typeof pattern === "string" && pattern.length > 20000) limit("the regular expression is too long");
      return construct(NativeRegExp, natives.regexSource(pattern, flags, arguments.length), made(this, new.target) ? new.target : BoundRegExp);
    };
    copyStatics(BoundRegExp, NativeRegExp);
    Object.defineProperty(BoundRegExp, "prototype", { value: NativeRegExp.prototype, writable: false });
    Object.defineProperty(globalThis, "RegExp", { value: BoundRegExp, writable: true, configurable: true });
  }

  // Matches of long texts are counted first, where all of them are asked for.
  if (uses("match", "matchAll", "replace", "replaceAll", "search", "split", "Symbol")) {
    const R = /a/.constructor.prototype;
    const test = R.test;
    const fewMatches = (re, s) => {
      if (s.length <= maxArray || !re.flags.includes("g")) return;
      const probe = construct(R.constructor, [re.source, re.flags]);
      let n = 0, before = -1;
      while (apply(test, probe, [s])) {
        if (++n > maxArray / 2) longList();
        if (probe.lastIndex === before) probe.lastIndex++; // it matched nothing
        before = probe.lastIndex;
      }
    };
    wrap(R, Symbol.match, (native) => function (v) { const s = String(v); fewMatches(this, s); return apply(native, this, [s]); });
    wrap(R, Symbol.replace, (native) => function (v, by) {
      const s = String(v);
      const with_ = typeof by === "function" ? by : String(by);
      if (typeof with_ === "string") growth(s, this, with_);
      fewMatches(this, s);
      return apply(native, this, [s, with_]);
    });
    wrap(R, Symbol.split, (native) => function (v, max) {
      const s = String(v);
      if (s.length > maxArray) longList();
      return apply(native, this, [s, max]);
    });
    // natively taken, but by steps that can be stopped
    if (uses("matchAll", "Symbol")) {
      const M = protoOf("".matchAll(/a/g));
      const next = M.next;
      M.next = function () { return apply(next, this, []); };
    }
  }

  // Calls. Chains of bound functions and prototypes would recurse natively.
  const F = Function.prototype;
  if (uses("apply")) wrap(F, "apply", (native) => function (self, list) {
    if (list !== undefined && list !== null) bounded(list);
    return apply(native, this, [self, list]);
  });
  if (uses("bind")) {
    const chained = new WeakSet(); // functions made by bind
    const remember = chained.add, known = chained.has;
    wrap(F, "bind", (native) => function (self, ...first) {
      const f = this;
      if (typeof f !== "function") throw new TypeError("bind must be called on a function");
      let bound;
      if (apply(known, chained, [f])) {
        bound = function (...rest) {
          return made(this, new.target) ? construct(f, [...first, ...rest]) : apply(f, self, [...first, ...rest]);
        };
      } else {
        bound = apply(native, f, [self, ...first]);
      }
      apply(remember, chained, [bound]);
      return bound;
    });
  }
  if (uses("create", "setPrototypeOf")) {
    const shallow = (proto) => {
      let n = 0;
      for (let p = proto; p !== null && p !== undefined; p = protoOf(p)) if (++n > 100) limit("prototypes are nested too deep");
    };
    wrapUsed(Object, ["create"], (native) => function (proto, props) {
      shallow(proto);
      return props === undefined ? native(proto) : native(proto, props);
    });
    wrapUsed(Object, ["setPrototypeOf"], (native) => function (o, proto) { shallow(proto); return native(o, proto); });
  }

  // What newer engines have.
  if (uses("groupBy")) {
    const group = (list, by, add) => { let i = 0; for (const v of list) add(by(v, i++), v); };
    Object.defineProperty(Object, "groupBy", { configurable: true, writable: true, value: function groupBy(list, by) {
      const out = Object.create(null);
      group(list, by, (k, v) => { k = String(k); if (!(k in out)) out[k] = []; out[k].push(v); });
      return out;
    } });
    Object.defineProperty(Map, "groupBy", { configurable: true, writable: true, value: function groupBy(list, by) {
      const out = new Map();
      group(list, by, (k, v) => { if (!out.has(k)) out.set(k, []); out.get(k).push(v); });
      return out;
    } });
  }
})
