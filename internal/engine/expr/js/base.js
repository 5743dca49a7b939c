// What every realm is set up with. natives holds functions of the
// interpreter's owner. In realms for code only what the code names is made:
// natives.uses tells.
(function (natives) {
  "use strict";
  const { maxArray, maxWhole, limit, uses } = natives;

  // Lists. What is no array may only stand for one with a length of its own
  // that cannot change between looking and using.
  const methods = natives.listMethods;
  if (methods === undefined || methods.length > 0 || natives.guards) {
    const isArray = Array.isArray;
    const describe = Object.getOwnPropertyDescriptor;
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
    const bounded = (list) => { if (lengthOf(list) > maxArray) limit("the list would be too long"); };
    natives.bounded = bounded;
    natives.lengthOf = lengthOf;
    // Most are guarded by the owner; what is no plain array is looked at here.
    const special = { constructor: true, concat: true, flat: true, flatMap: true, join: true, toString: true,
      toLocaleString: true, sort: true, toSorted: true };
    const A = Array.prototype;
    const list = methods || Object.getOwnPropertyNames(A);
    for (let i = 0; i < list.length; i++) {
      const native = A[list[i]];
      if (typeof native === "function" && special[list[i]] !== true) A[list[i]] = natives.guard(native, bounded);
    }
  }

  // What takes every letter of a text as a property.
  natives.freeze = natives.code ? undefined : Object.freeze;
  if (uses("Object", "constructor")) {
    const wide = (v) => {
      if ((typeof v === "string" || v instanceof String) && v.length > maxWhole) limit("the text would be too long");
    };
    const around = (native) => function (a) {
      if (arguments.length === 1) {
        if (typeof a === "string" || a instanceof String) wide(a);
        return native(a);
      }
      for (let i = 0; i < arguments.length; i++) wide(arguments[i]);
      return native(...arguments);
    };
    const list = ["keys", "values", "entries", "assign", "getOwnPropertyNames", "getOwnPropertyDescriptors", "defineProperties",
      "freeze", "seal", "preventExtensions", "isFrozen", "isSealed", "getOwnPropertySymbols"];
    for (let i = 0; i < list.length; i++) {
      if (uses(list[i]) && typeof Object[list[i]] === "function") Object[list[i]] = around(Object[list[i]]);
    }
  }

  // JSON, whose text may be exponentially larger than the data.
  if (uses("JSON")) {
    const read = JSON.parse;
    JSON.stringify = natives.stringify;
    JSON.parse = function parse(value, reviver) {
      const s = String(value);
      natives.checkJSON(s);
      return reviver === undefined ? read(s) : read(s, reviver);
    };
  }

  // The name of the zone, which the interpreter only abbreviates.
  if (uses("Date")) {
    const D = Date.prototype;
    D.toString = function toString() { return Number.isNaN(this.getTime()) ? "Invalid Date" : natives.dateText(this.getTime(), true); };
    D.toTimeString = function toTimeString() { return Number.isNaN(this.getTime()) ? "Invalid Date" : natives.dateText(this.getTime(), false); };
  }

  // No code from text.
  const protoOf = Object.getPrototypeOf;
  const refuse = function () { throw natives.refusal("code cannot be made from text here"); };
  const F = protoOf(refuse);
  const fixed = { value: refuse, writable: false, configurable: false };
  Object.defineProperty(F, "constructor", fixed);
  Object.defineProperty(protoOf(async () => {}), "constructor", fixed);
  if (natives.generators) Object.defineProperty(protoOf(function* () {}), "constructor", fixed);
  Object.defineProperty(refuse, "prototype", { value: F, writable: false });
  Object.defineProperty(globalThis, "Function", { value: refuse, writable: true, configurable: true });
  delete globalThis.eval;
})
