// The format's methods of lists and objects. Each is (value, arguments).
(function (table, natives) {
  "use strict";
  const protoOf = Object.getPrototypeOf;
  const fail = natives.fail;
  const isArray = Array.isArray;
  const isObject = (v) => typeof v === "object" && v !== null && !isArray(v);
  const empty = (v) => v === null || v === undefined || v === "";

  function equal(a, b) {
    if (a === b || (a !== a && b !== b)) return true;
    if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
    if (a instanceof Date || b instanceof Date) return a instanceof Date && b instanceof Date && a.getTime() === b.getTime();
    if (isArray(a) !== isArray(b)) return false;
    const keys = Object.keys(a);
    return keys.length === Object.keys(b).length && keys.every((k) => k in b && equal(a[k], b[k]));
  }
  // A set by value: what compares equal as JSON is looked for in a bucket.
  function values() {
    const buckets = new Map();
    const key = (v) => (typeof v === "object" && v !== null ? "o" + Object.keys(v).length : typeof v + String(v));
    return {
      has: (v) => (buckets.get(key(v)) || []).some((o) => equal(o, v)),
      add(v) {
        const k = key(v);
        if (buckets.has(k)) buckets.get(k).push(v); else buckets.set(k, [v]);
      },
    };
  }
  function unique(list, fields) {
    const seen = values();
    return list.filter((v) => {
      const by = fields.length > 0 && isObject(v) ? fields.map((f) => v[f]) : v;
      if (seen.has(by)) return false;
      seen.add(by);
      return true;
    });
  }
  const fieldsOf = (args) => args.flat().flatMap((a) => String(a).split(",")).map((f) => f.trim());
  function other(args, what) {
    if (!isArray(args[0])) fail(what + "() needs a list");
    return args[0];
  }
  function keep(list, others, wanted) {
    const set = values();
    others.forEach((v) => set.add(v));
    return unique(list, []).filter((v) => set.has(v) === wanted);
  }
  function numbers(list, what) {
    return list.map((v) => {
      if (typeof v !== "number" || Number.isNaN(v)) fail(what + "() needs a list of numbers, and found " + (v === null ? "null" : typeof v));
      return v;
    });
  }
  function chunk(list, size) {
    const n = Number(size);
    if (!Number.isInteger(n) || n < 1) fail("chunk() needs a size of at least 1");
    const out = [];
    for (let i = 0; i < list.length; i += n) out.push(list.slice(i, i + n));
    return out;
  }
  function pluck(list, fields) {
    if (fields.length === 0) return list;
    const out = [];
    for (const v of list) {
      if (!isObject(v)) continue;
      if (fields.length === 1) {
        if (v[fields[0]] !== undefined) out.push(v[fields[0]]);
        continue;
      }
      const o = {};
      for (const f of fields) if (f in v) o[f] = v[f];
      out.push(o);
    }
    return out;
  }
  function renameKeys(list, args) {
    if (args.length === 0 || args.length % 2 !== 0) fail("renameKeys() needs pairs of old and new names");
    const names = new Map();
    for (let i = 0; i < args.length; i += 2) names.set(args[i], args[i + 1]);
    return list.map((v) => (isObject(v) ? Object.fromEntries(Object.entries(v).map(([k, e]) => [names.has(k) ? names.get(k) : k, e])) : v));
  }
  function smartJoin(list, args) {
    const [key, value] = args;
    if (typeof key !== "string" || typeof value !== "string") fail("smartJoin() needs the names of the key and the value field");
    const out = {};
    for (const v of list) if (isObject(v) && key in v && value in v) out[v[key]] = v[value];
    return out;
  }
  function mergeLists(list, args) {
    if (args.length === 0) return Object.assign({}, ...list.filter(isObject));
    const others = other(args, "merge");
    const n = Math.max(list.length, others.length);
    return Array.from({ length: n }, (_, i) => (isObject(list[i]) || isObject(others[i]) ? { ...others[i], ...list[i] } : i < list.length ? list[i] : others[i]));
  }
  const compact = (list) => list.filter((v) => !empty(v)).map((v) => (isObject(v) && protoOf(v) === Object.prototype ? compactObject(v) : v));
  function compactObject(o) {
    const out = {};
    for (const [k, v] of Object.entries(o)) {
      if (empty(v) || v === "nil") continue;
      out[k] = isObject(v) && protoOf(v) === Object.prototype ? compactObject(v) : v;
    }
    return out;
  }
  function average(list) {
    const n = numbers(list, "average");
    return n.length === 0 ? 0 : n.reduce((a, b) => a + b, 0) / n.length;
  }

  table.array = {
    isEmpty: (l) => l.length === 0,
    isNotEmpty: (l) => l.length > 0,
    toJsonString: (l) => JSON.stringify(l),
    append: (l, a) => l.concat(a),
    average,
    chunk: (l, a) => chunk(l, a[0]),
    compact,
    difference: (l, a) => keep(l, other(a, "difference"), false),
    intersection: (l, a) => keep(l, other(a, "intersection"), true),
    union: (l, a) => unique([...l, ...other(a, "union")], []),
    first: (l) => l[0],
    last: (l) => l[l.length - 1],
    max: (l) => numbers(l, "max").reduce((a, b) => (b > a ? b : a), -Infinity),
    min: (l) => numbers(l, "min").reduce((a, b) => (b < a ? b : a), Infinity),
    sum: (l) => numbers(l, "sum").reduce((a, b) => a + b, 0),
    merge: mergeLists,
    pluck: (l, a) => pluck(l, a.flat()),
    randomItem: (l) => l[Math.floor(Math.random() * l.length)],
    removeDuplicates: (l, a) => unique(l, fieldsOf(a)),
    unique: (l, a) => unique(l, fieldsOf(a)),
    renameKeys,
    smartJoin,
  };

  const partly = (v, part) => typeof v === "string" && v.includes(part);
  function part(args, what) {
    if (typeof args[0] !== "string" || args[0] === "") fail(what + "() needs a text");
    return args[0];
  }
  const pick = (o, test) => Object.fromEntries(Object.entries(o).filter(([k, v]) => test(v, k)));
  const query = (s) => encodeURIComponent(s).replace(/%20/g, "+").replace(/[!'()~]/g, (c) => "%" + c.charCodeAt(0).toString(16).toUpperCase());
  table.object = {
    isEmpty: (o) => Object.keys(o).length === 0,
    isNotEmpty: (o) => Object.keys(o).length > 0,
    toJsonString: (o) => JSON.stringify(o),
    compact: compactObject,
    hasField: (o, a) => Object.keys(o).includes(String(a[0])),
    keepFieldsContaining: (o, a) => { const p = part(a, "keepFieldsContaining"); return pick(o, (v) => partly(v, p)); },
    removeFieldsContaining: (o, a) => { const p = part(a, "removeFieldsContaining"); return pick(o, (v) => !partly(v, p)); },
    removeField: (o, a) => pick(o, (_, k) => k !== String(a[0])),
    keys: (o) => Object.keys(o),
    values: (o) => Object.values(o),
    merge: (o, a) => { if (!isObject(a[0])) fail("merge() needs an object"); return { ...a[0], ...o }; },
    urlEncode: (o) => Object.entries(o).map(([k, v]) => query(k) + "=" + query(String(v))).join("&"),
  };
  return table;
})
