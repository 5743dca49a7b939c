// Bounds for native functions: the interpreter cannot stop inside them, so
// what would run for long or take much memory is refused or done step by step
// here. natives holds functions of the interpreter's owner.
(function (natives) {
  "use strict";
  const { maxArray, maxText, limit, wholeText } = natives;
  const maxWork = 1 << 22; // characters that are gone through one by one at once
  const maxWhole = 1 << 16; // characters that become something each
  const apply = Reflect.apply;
  const isArray = Array.isArray;
  const describe = Object.getOwnPropertyDescriptor;
  const names = Object.getOwnPropertyNames;
  const A = Array.prototype;
  const S = String.prototype;

  const replace = (o, name, f) => { o[name] = f; }; // keeps the property's attributes
  const wrap = (o, name, around) => {
    if (typeof o[name] === "function") replace(o, name, around(o[name]));
  };
  const longText = () => limit("the text would be too long");
  const longList = () => limit("the list would be too long");
  const text = (v) => {
    if (v === undefined || v === null) throw new TypeError("called on null or undefined");
    return String(v);
  };

  // Lists. What is no array may only stand for one with a length of its own
  // that cannot change between looking and using.
  const lengthOf = (list) => {
    if (isArray(list)) return list.length;
    if (list === undefined || list === null) throw new TypeError("called on null or undefined");
    if (typeof list === "string") return list.length;
    if (typeof list !== "object" && typeof list !== "function") return 0;
    if (typeof ArrayBuffer !== "undefined" && ArrayBuffer.isView(list)) return 0;
    const d = describe(list, "length");
    if (d !== undefined && "value" in d) return Number(d.value) || 0;
    if ("length" in list) throw new TypeError("not a list");
    return 0;
  };
  const bounded = (list) => { if (lengthOf(list) > maxArray) longList(); };
  const special = { constructor: true, concat: true, flat: true, flatMap: true, join: true, toString: true,
    toLocaleString: true, sort: true, toSorted: true };
  // Most are guarded by the owner; what is no plain array is looked at here.
  const guard = (native) => natives.guard(native, bounded);
  const methods = names(A);
  for (let i = 0; i < methods.length; i++) {
    const native = A[methods[i]];
    if (typeof native === "function" && special[methods[i]] !== true) A[methods[i]] = guard(native);
  }
  const pushNative = A.push;
  wrap(A, "concat", (native) => function () {
    let n = lengthOf(this);
    for (let i = 0; i < arguments.length; i++) {
      const a = arguments[i];
      if (isArray(a)) n += a.length;
      else if (a !== null && typeof a === "object" && a[Symbol.isConcatSpreadable]) throw new TypeError("not a list");
    }
    if (n > maxArray) longList();
    return apply(native, this, arguments);
  });
  const flatten = (out, list, depth) => {
    bounded(list);
    for (let i = 0; i < list.length; i++) {
      if (!(i in list)) continue;
      if (depth > 0 && isArray(list[i])) flatten(out, list[i], depth - 1);
      else { apply(pushNative, out, [list[i]]); bounded(out); }
    }
    return out;
  };
  wrap(A, "flat", () => function (depth) {
    return flatten([], this, depth === undefined ? 1 : Number(depth) || 0);
  });
  const map = A.map;
  wrap(A, "flatMap", () => function (f, self) { return flatten([], apply(map, this, [f, self]), 1); });
  wrap(A, "join", () => natives.guard(natives.joinMethod, bounded));
  wrap(A, "toString", () => function () {
    if (!isArray(this)) return "[object Object]";
    bounded(this);
    return natives.join(this, ",");
  });
  wrap(A, "toLocaleString", () => function (...args) {
    bounded(this);
    const parts = [];
    for (let i = 0; i < this.length; i++) {
      const v = this[i];
      apply(pushNative, parts, [v === undefined || v === null ? "" : v.toLocaleString(...args)]);
    }
    return natives.join(parts, ",");
  });
  const byText = (a, b) => { const x = String(a), y = String(b); return x < y ? -1 : x > y ? 1 : 0; };
  for (const name of ["sort", "toSorted"]) {
    wrap(A, name, (native) => function (by) {
      bounded(this);
      return apply(native, this, [by === undefined ? byText : by]);
    });
  }
  wrap(Array, "from", (native) => function (list, f, self) {
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
  const Bound = function Array(n) {
    if (arguments.length === 1 && typeof n === "number" && n > maxArray) longList();
    return construct(NativeArray, arguments, made(this, new.target) ? new.target : Bound);
  };
  const copyStatics = (to, from) => {
    const keys = Reflect.ownKeys(from);
    for (let i = 0; i < keys.length; i++) {
      if (keys[i] !== "length" && keys[i] !== "name" && keys[i] !== "prototype") Object.defineProperty(to, keys[i], describe(from, keys[i]));
    }
  };
  copyStatics(Bound, NativeArray);
  Object.defineProperty(Bound, "prototype", { value: A, writable: false });
  // The prototype keeps the native one, which what makes lists is fast with;
  // expressions cannot reach it. User code has it under its own name.
  if (!natives.code) Object.defineProperty(globalThis, "Array", { value: Bound, writable: true, configurable: true });

  // Text.
  wrap(S, "repeat", (native) => function (n) {
    const s = text(this);
    if (s.length * Number(n) > maxText) longText();
    return apply(native, s, [n]);
  });
  for (const name of ["padStart", "padEnd"]) {
    wrap(S, name, (native) => function (n, fill) {
      if (Number(n) > maxText) longText();
      return apply(native, text(this), [n, fill]);
    });
  }
  wrap(S, "concat", (native) => function () {
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
  for (const name of ["replace", "replaceAll"]) {
    wrap(S, name, (native) => function (pattern, by) {
      const s = text(this);
      const once = name === "replace" && typeof pattern === "string";
      const with_ = typeof by === "function" ? by : String(by);
      if (!once) growth(s, pattern, with_);
      if (!once && (pattern === null || typeof pattern !== "object")) few(s, String(pattern));
      return apply(native, s, [pattern, with_]);
    });
  }
  // How often long texts hold a text is counted first, for natively it is not
  // to be stopped and every place takes memory.
  const indexOf = S.indexOf;
  const few = (s, part) => {
    if (s.length <= maxArray) return;
    if (part === "") longList();
    let n = 0;
    for (let i = apply(indexOf, s, [part, 0]); i >= 0; i = apply(indexOf, s, [part, i + part.length])) if (++n > maxArray) longList();
  };
  wrap(S, "split", (native) => function (sep, max) {
    const s = text(this);
    if (sep === undefined || sep === null || typeof sep !== "object") {
      if (sep !== undefined) { sep = String(sep); few(s, sep); }
    } else if (s.length > maxArray && sep instanceof RegExp) longList();
    return apply(native, s, [sep, max]);
  });
  for (const name of ["toUpperCase", "toLowerCase", "toLocaleUpperCase", "toLocaleLowerCase", "localeCompare"]) {
    wrap(S, name, (native) => function (other, a, b) {
      const s = text(this);
      if (s.length > maxWork) longText();
      if (name !== "localeCompare") return apply(native, s, []);
      other = String(other);
      if (other.length > maxWork) longText();
      return apply(native, s, [other, a, b]);
    });
  }
  wrap(S, "normalize", (native) => function (form) {
    const s = text(this);
    return s.length <= maxWhole ? apply(native, s, form === undefined ? [] : [form]) : natives.normalize(s, form === undefined ? "NFC" : String(form));
  });
  for (const name of ["encodeURI", "encodeURIComponent", "decodeURI", "decodeURIComponent", "escape", "unescape"]) {
    wrap(globalThis, name, (native) => function (v) {
      const s = String(v);
      if (s.length > maxWork) longText();
      return native(s);
    });
  }

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
  natives.freeze = Object.freeze;
  // The same of what takes every letter as a property.
  const wide = (v) => {
    if ((typeof v === "string" || v instanceof String) && v.length > maxWhole) longText();
  };
  for (const name of ["keys", "values", "entries", "assign", "getOwnPropertyNames", "getOwnPropertyDescriptors", "defineProperties",
    "freeze", "seal", "preventExtensions", "isFrozen", "isSealed", "getOwnPropertySymbols"]) {
    wrap(Object, name, (native) => function (a) {
      if (arguments.length === 1) {
        if (typeof a === "string" || a instanceof String) wide(a);
        return native(a);
      }
      for (let i = 0; i < arguments.length; i++) wide(arguments[i]);
      return apply(native, Object, arguments);
    });
  }
  // Rewritten expressions ask for this one where an object is spread.
  Object.defineProperty(S, wholeText, { configurable: true, get() { if (this.length > maxWhole) longText(); return undefined; } });
  wrap(String, "raw", (native) => function (strings) {
    bounded(strings.raw);
    return apply(native, this, arguments);
  });

  // Regular expressions: their source is bounded, since compiling recurses.
  const NativeRegExp = RegExp;
  const BoundRegExp = function RegExp(pattern, flags) {
    if (typeof pattern === "string" && pattern.length > 20000) limit("the regular expression is too long");
    return construct(NativeRegExp, natives.regexSource(pattern, flags, arguments.length), made(this, new.target) ? new.target : BoundRegExp);
  };
  copyStatics(BoundRegExp, NativeRegExp);
  Object.defineProperty(BoundRegExp, "prototype", { value: NativeRegExp.prototype, writable: false });
  Object.defineProperty(globalThis, "RegExp", { value: BoundRegExp, writable: true, configurable: true });

  // Matches of long texts are counted first, where all of them are asked for.
  const R = NativeRegExp.prototype;
  const test = R.test;
  const fewMatches = (re, s) => {
    if (s.length <= maxArray || !re.flags.includes("g")) return;
    const probe = construct(NativeRegExp, [re.source, re.flags]);
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
  wrap(protoOf("".matchAll(/a/g)), "next", (native) => function () { return apply(native, this, []); });

  // Calls. Chains of bound functions and prototypes would recurse natively.
  const F = Function.prototype;
  wrap(F, "apply", (native) => function (self, list) {
    if (list !== undefined && list !== null) bounded(list);
    return apply(native, this, [self, list]);
  });
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
  const shallow = (proto) => {
    let n = 0;
    for (let p = proto; p !== null && p !== undefined; p = protoOf(p)) if (++n > 100) limit("prototypes are nested too deep");
  };
  wrap(Object, "create", (native) => function (proto, props) {
    shallow(proto);
    return props === undefined ? native(proto) : native(proto, props);
  });
  wrap(Object, "setPrototypeOf", (native) => function (o, proto) { shallow(proto); return native(o, proto); });

  // JSON, whose text may be exponentially larger than the data.
  wrap(JSON, "stringify", () => natives.stringify);
  wrap(JSON, "parse", (native) => function parse(value, reviver) {
    const s = String(value);
    natives.checkJSON(s);
    return reviver === undefined ? native(s) : native(s, reviver);
  });

  // The name of the zone, which the interpreter only abbreviates.
  const D = Date.prototype;
  wrap(D, "toString", () => function () { return Number.isNaN(this.getTime()) ? "Invalid Date" : natives.dateText(this.getTime(), true); });
  wrap(D, "toTimeString", () => function () { return Number.isNaN(this.getTime()) ? "Invalid Date" : natives.dateText(this.getTime(), false); });

  // No code from text.
  const refuse = function () { throw natives.refusal("code cannot be made from text here"); };
  for (const f of [function () {}, async function () {}, function* () {}, async () => {}]) {
    const proto = protoOf(f);
    if (proto !== null) Object.defineProperty(proto, "constructor", { value: refuse, writable: false, configurable: false });
  }
  Object.defineProperty(refuse, "prototype", { value: F, writable: false });
  Object.defineProperty(globalThis, "Function", { value: refuse, writable: true, configurable: true });
  delete globalThis.eval;

  // What newer engines have.
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
})
