// The format's methods of numbers. Each is (value, arguments).
(function (table, natives) {
  "use strict";
  const whole = (n, what) => {
    if (!Number.isInteger(n)) natives.fail(what + "() needs a whole number");
    return n;
  };
  function round(n, places) {
    const d = places === undefined ? 0 : Number(places);
    if (!Number.isFinite(n) || d === 0) return Math.round(n);
    const parts = String(n).split("e");
    const up = Math.round(Number(parts[0] + "e" + (Number(parts[1] || 0) + d)));
    const back = String(up).split("e");
    return Number(back[0] + "e" + (Number(back[1] || 0) - d));
  }
  table.number = {
    isEmpty: () => false,
    isNotEmpty: () => true,
    abs: (n) => Math.abs(n),
    ceil: (n) => Math.ceil(n),
    floor: (n) => Math.floor(n),
    round: (n, a) => round(n, a[0]),
    isEven: (n) => whole(n, "isEven") % 2 === 0,
    isOdd: (n) => Math.abs(whole(n, "isOdd") % 2) === 1,
    isInteger: (n) => Number.isInteger(n),
    format: (n, a) => new Intl.NumberFormat(a[0] === undefined ? "en-US" : a[0], a[1]).format(n),
    toBoolean: (n) => n !== 0 && !Number.isNaN(n),
    toNumber: (n) => n,
    toFloat: (n) => n,
    toInt: (n) => Math.trunc(n),
    toWholeNumber: (n) => Math.trunc(n),
    toJsonString: (n) => JSON.stringify(n),
  };
  return table;
})
