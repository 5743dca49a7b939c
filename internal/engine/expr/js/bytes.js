// Bytes and chance for user code.
(function (natives) {
  "use strict";
  const hide = (name, value) =>
    Object.defineProperty(globalThis, name, { value, writable: true, enumerable: false, configurable: true });
  // Bytes. Sizes are bounded, as native allocation is.
  const sized = (n) => { if (Number(n) > natives.maxBytes) natives.limit("the buffer would be too large"); };
  for (const name of ["ArrayBuffer", "Int8Array", "Uint8Array", "Uint8ClampedArray", "Int16Array", "Uint16Array", "Int32Array",
    "Uint32Array", "Float32Array", "Float64Array", "BigInt64Array", "BigUint64Array"]) {
    const Native = globalThis[name];
    if (Native === undefined) continue;
    const Bound = function (...args) {
      const a = args[0];
      if (typeof a === "number") sized(a);
      else if (a !== null && typeof a === "object" && !ArrayBuffer.isView(a) && typeof a.length === "number") sized(a.length);
      return Reflect.construct(Native, args, new.target);
    };
    Object.setPrototypeOf(Bound, Object.getPrototypeOf(Native));
    for (const key of Reflect.ownKeys(Native)) {
      if (key !== "length" && key !== "prototype") Object.defineProperty(Bound, key, Object.getOwnPropertyDescriptor(Native, key));
    }
    Object.defineProperty(Bound, "prototype", { value: Native.prototype });
    hide(name, Bound);
  }
  const encoding = (e) => (e === undefined ? "utf8" : String(e).toLowerCase().replace("utf-8", "utf8"));
  const bytesOf = (v, enc) => {
    if (typeof v === "string") return new Uint8Array(natives.bytes(v, encoding(enc)));
    if (v instanceof ArrayBuffer) return new Uint8Array(v);
    return Uint8Array.from(v);
  };
  class Buffer extends Uint8Array {
    static from(v, enc) {
      if (v !== null && typeof v === "object" && v.type === "Buffer" && Array.isArray(v.data)) v = v.data;
      const b = bytesOf(v, enc);
      sized(b.length);
      return new Buffer(b.buffer, b.byteOffset, b.byteLength);
    }
    static alloc(n, fill) { sized(n); const b = new Buffer(n); if (fill !== undefined) b.fill(typeof fill === "string" ? fill.charCodeAt(0) : fill); return b; }
    static allocUnsafe(n) { return Buffer.alloc(n); }
    static isBuffer(v) { return v instanceof Buffer; }
    static byteLength(v, enc) { return bytesOf(v, enc).length; }
    static concat(list, total) {
      const n = list.reduce((sum, b) => sum + b.length, 0);
      const out = Buffer.alloc(total === undefined ? n : total);
      let at = 0;
      for (const b of list) { out.set(b.subarray(0, Math.max(0, out.length - at)), at); at += b.length; }
      return out;
    }
    toString(enc, from, to) {
      const start = this.byteOffset + (from || 0);
      return natives.text(this.buffer, encoding(enc), start, this.byteOffset + (to === undefined ? this.length : Math.min(to, this.length)));
    }
    toJSON() { return { type: "Buffer", data: Array.from(this) }; }
    equals(other) { return this.length === other.length && this.every((b, i) => b === other[i]); }
    slice(from, to) { return this.subarray(from, to); }
    write(s, offset) { const b = bytesOf(s); this.set(b.subarray(0, this.length - (offset || 0)), offset || 0); return b.length; }
    copy(target, at, from, to) { const part = this.subarray(from || 0, to); target.set(part, at || 0); return part.length; }
    readUInt8(i) { return this[i || 0]; }
    readUInt16BE(i) { i = i || 0; return this[i] * 256 + this[i + 1]; }
    readUInt32BE(i) { i = i || 0; return this.readUInt16BE(i) * 65536 + this.readUInt16BE(i + 2); }
    readUInt16LE(i) { i = i || 0; return this[i] + this[i + 1] * 256; }
    readUInt32LE(i) { i = i || 0; return this.readUInt16LE(i) + this.readUInt16LE(i + 2) * 65536; }
  }
  hide("Buffer", Buffer);
  hide("btoa", (s) => {
    s = String(s);
    for (let i = 0; i < s.length; i++) if (s.charCodeAt(i) > 255) throw new RangeError("btoa() takes characters up to U+00FF");
    return Buffer.from(s, "latin1").toString("base64");
  });
  hide("atob", (s) => {
    s = String(s).replace(/[\t\n\f\r ]/g, "");
    if (!/^[A-Za-z0-9+/]*={0,2}$/.test(s)) throw new RangeError("atob() got text that is no base64");
    return Buffer.from(s, "base64").toString("latin1");
  });
  hide("TextEncoder", class TextEncoder {
    get encoding() { return "utf-8"; }
    encode(s) { return new Uint8Array(natives.bytes(s === undefined ? "" : String(s), "utf8")); }
  });
  hide("TextDecoder", class TextDecoder {
    constructor(enc) { this.encoding = encoding(enc) === "utf8" ? "utf-8" : encoding(enc); }
    decode(b) { return b === undefined ? "" : Buffer.from(ArrayBuffer.isView(b) ? new Uint8Array(b.buffer, b.byteOffset, b.byteLength) : b).toString(this.encoding === "utf-8" ? "utf8" : "latin1"); }
  });

  // Chance is the execution's own.
  const random = (n) => new Uint8Array(natives.random(n));
  const hex = (b) => Array.from(b, (x) => x.toString(16).padStart(2, "0")).join("");
  hide("crypto", {
    randomUUID() {
      const b = random(16);
      b[6] = (b[6] & 15) | 64;
      b[8] = (b[8] & 63) | 128;
      return hex(b).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
    },
    getRandomValues(list) {
      const b = random(list.byteLength);
      new Uint8Array(list.buffer, list.byteOffset, list.byteLength).set(b);
      return list;
    },
  });
})
