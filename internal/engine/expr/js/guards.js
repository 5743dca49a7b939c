// Bounds for native functions: the interpreter cannot stop inside them, so
// what would run for long or take much memory is refused or done step by step
// here. natives holds functions of the interpreter's owner.
(function (natives) {
  "use strict";
  const { maxArray, maxText, limit } = natives;
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
      return apply(native, s, [pattern, with_]);
    });
  }
  wrap(S, "split", (native) => function (sep, max) {
    const s = text(this);
    if (s.length > maxArray && (sep === "" || sep instanceof RegExp)) longList();
    return apply(native, s, arguments);
  });
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
    if (natives.nesting(s) > 1000) limit("the JSON is nested too deep");
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
