// Takes from a realm for expressions what they have no use for, and freezes
// the rest, so that no expression can leave anything behind for the next.
// roots are objects that expressions get to see but no global leads to.
(function (roots) {
  "use strict";
  const gone = ["Reflect", "Proxy", "BigInt", "ArrayBuffer", "SharedArrayBuffer", "DataView", "Atomics", "WeakRef",
    "FinalizationRegistry", "Int8Array", "Uint8Array", "Uint8ClampedArray", "Int16Array", "Uint16Array", "Int32Array",
    "Uint32Array", "Float32Array", "Float64Array", "BigInt64Array", "BigUint64Array", "Float16Array"];
  const keysOf = Reflect.ownKeys;
  const describe = Object.getOwnPropertyDescriptor;
  const freeze = Object.freeze;
  const protoOf = Object.getPrototypeOf;
  for (const name of gone) delete globalThis[name];
  delete Object.prototype.__proto__;
  for (const name of ["__defineGetter__", "__defineSetter__", "__lookupGetter__", "__lookupSetter__"]) delete Object.prototype[name];
  delete Object.setPrototypeOf;
  delete Object.getPrototypeOf;

  // Properties of lists that native loops depend on are not for defining.
  const isArray = Array.isArray;
  for (const name of ["defineProperty", "defineProperties", "assign"]) {
    const native = Object[name];
    Object[name] = function (target, ...rest) {
      if (isArray(target)) throw new TypeError("lists cannot be changed this way in expressions");
      return native(target, ...rest);
    };
  }

  const seen = new Set();
  const samples = [[].values(), "".matchAll(/a/g), new Map().entries(), new Set().values(), ""[Symbol.iterator](),
    (function* () {})(), (async () => {})(), function () {}, /a/, new Date(0), Symbol.prototype];
  const todo = [globalThis];
  let n = 1;
  for (let i = 0; i < roots.length; i++) todo[n++] = roots[i];
  for (let i = 0; i < samples.length; i++) todo[n++] = protoOf(samples[i]);
  while (n > 0) {
    const o = todo[--n];
    if (o === null || (typeof o !== "object" && typeof o !== "function") || seen.has(o)) continue;
    seen.add(o);
    freeze(o);
    todo[n++] = protoOf(o);
    const keys = keysOf(o);
    for (let i = 0; i < keys.length; i++) {
      const d = describe(o, keys[i]);
      if ("value" in d) todo[n++] = d.value;
      else { todo[n++] = d.get; todo[n++] = d.set; }
    }
  }
})
