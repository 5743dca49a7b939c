// The methods and functions of the format, and the helpers that rewritten
// expressions call.
(function (extensions, natives) {
  "use strict";
  const has = Object.prototype.hasOwnProperty;
  const isArray = Array.isArray;
  const protoOf = Object.getPrototypeOf;

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

  const { fail, limit, maxText, maxArray, wholeText } = natives;
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
    add, list, wide, extend, extendOptional,
    functions: {
      $if: (test, yes, no) => (test ? yes : no),
      $ifEmpty: (value, other) => (empty(value) ? other : value),
      $min: (...list) => Math.min(...numbers(list)),
      $max: (...list) => Math.max(...numbers(list)),
      $average: (...list) => { const n = numbers(list); return n.reduce((a, b) => a + b, 0) / n.length; },
      $not: (v) => !v,
      numberList: (start, end) => {
        if (typeof start !== "number" || typeof end !== "number") fail("numberList() needs two numbers");
        const step = start < end ? 1 : -1;
        return Array.from(list({ length: Math.floor(Math.abs(start - end)) + 1 }), (_, i) => start + i * step);
      },
      zip: (keys, values) => {
        if (!Array.isArray(keys) || !Array.isArray(values) || keys.length !== values.length) fail("zip() needs two lists of one length");
        return Object.fromEntries(keys.map((k, i) => [k, values[i]]));
      },
    },
  };
})
