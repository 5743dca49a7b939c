// Objects that stand for nodes and inputs, and the helpers that rewritten
// expressions call. host holds functions of the interpreter's owner.
(function (host, extensions, natives) {
  "use strict";
  const at = Symbol("at");
  const has = Object.prototype.hasOwnProperty;
  const isArray = Array.isArray;
  const protoOf = Object.getPrototypeOf;
  const make = (proto, name, i) =>
    Object.create(proto, { [at]: { value: { name, i } } });
  const number = (v) => (v === undefined || v === null ? -1 : Number(v) | 0);

  // $('name')
  const nodeProto = {
    get item() { return host.paired(this[at].name, this[at].i); },
    get isExecuted() { return host.executed(this[at].name); },
    get params() { return host.params(this[at].name); },
    get context() { return host.context(this[at].name); },
    first(branch, run) { return host.edge(this[at].name, number(branch), number(run), false); },
    last(branch, run) { return host.edge(this[at].name, number(branch), number(run), true); },
    all(branch, run) { return host.all(this[at].name, number(branch), number(run)); },
    itemMatching(i) { return host.paired(this[at].name, i === undefined ? this[at].i : number(i)); },
    pairedItem(i) { return host.paired(this[at].name, i === undefined ? this[at].i : number(i)); },
  };

  // $node["name"]
  const legacyProto = {
    get json() { return host.legacy(this[at].name, this[at].i, "json"); },
    get binary() { return host.legacy(this[at].name, this[at].i, "binary"); },
    get data() { return host.legacy(this[at].name, this[at].i, "json"); },
    get parameter() { return host.params(this[at].name); },
    get params() { return host.params(this[at].name); },
    get context() { return host.context(this[at].name); },
    get runIndex() { return host.lastRun(this[at].name); },
  };

  // $input
  const inputProto = {
    get item() { return host.item(this[at].i); },
    get params() { return host.previous("params"); },
    get context() { return host.previous("context"); },
    first() { return host.inputEdge(false); },
    last() { return host.inputEdge(true); },
    all() { return host.inputAll(); },
    itemMatching(i) { return host.item(number(i)); },
  };

  // $item(i)
  const viewProto = {
    get $json() { return host.json(this[at].i); },
    get $data() { return host.json(this[at].i); },
    get $binary() { return host.binary(this[at].i); },
    get $input() { return make(inputProto, "", this[at].i); },
    get $node() { return host.nodes(this[at].i); },
    get $itemIndex() { return this[at].i; },
  };

  // An object's JSON form, where it is no plain object.
  function kind(o) {
    const toJSON = o.toJSON;
    if (typeof toJSON !== "function") return undefined;
    const form = toJSON.call(o, "");
    return { kind: o.isLuxonDateTime === true ? "date" : "json", form };
  }

  const typeOf = (v) => {
    switch (typeof v) {
      case "string": return "string";
      case "number": return "number";
      case "boolean": return "boolean";
      case "object":
        if (v === null) return "nothing";
        if (isArray(v)) return "array";
        if (v instanceof Date) return "date";
        if (v.isLuxonDateTime === true) return "datetime";
        const proto = protoOf(v);
        return proto === Object.prototype || proto === null ? "object" : "other";
      case "undefined": return "nothing";
    }
    return "other";
  };

  // extend calls value.method(...args): the format's method where the value's
  // type has it, the value's own otherwise.
  function extend(value, method, ...args) {
    const table = extensions[typeOf(value)];
    if (table !== undefined && has.call(table, method)) {
      const own = typeOf(value) === "object" && has.call(value, method) ? value[method] : undefined;
      if (typeof own !== "function") return table[method](value, args);
    }
    const f = value[method];
    if (typeof f !== "function") throw new TypeError(method + " is not a function");
    return f.apply(value, args);
  }

  function extendOptional(value, method, ...args) {
    return value === undefined || value === null ? undefined : extend(value, method, ...args);
  }

  const empty = (v) =>
    v === undefined || v === null || v === "" ||
    (isArray(v) ? v.length === 0 : typeOf(v) === "object" && Object.keys(v).length === 0);
  const numbers = (list) => (list.length === 1 && isArray(list[0]) ? list[0] : list).map(Number);

  const { limit, maxText, maxArray, wholeText } = natives;
  const add = (a, b) => {
    const sum = a + b;
    if (typeof sum === "string" && sum.length > maxText) limit("the text would be too long");
    return sum;
  };
  const wide = (v) => {
    if (v !== undefined && v !== null) v[wholeText];
    return v;
  };
  const list = (l) => {
    if (l.length > maxArray) limit("the list would be too long");
    return l;
  };

  return {
    shared: [nodeProto, legacyProto, inputProto, viewProto],
    kind, add, list, wide, extend, extendOptional,
    nodeRef: (name, i) => make(nodeProto, name, i),
    legacy: (name, i) => make(legacyProto, name, i),
    input: (i) => make(inputProto, "", i),
    itemView: (i) => make(viewProto, "", i),
    functions: {
      $if: (test, yes, no) => (test ? yes : no),
      $ifEmpty: (value, other) => (empty(value) ? other : value),
      $min: (...list) => Math.min(...numbers(list)),
      $max: (...list) => Math.max(...numbers(list)),
      $average: (...list) => { const n = numbers(list); return n.reduce((a, b) => a + b, 0) / n.length; },
      $not: (v) => !v,
    },
  };
})
