// What user code expects around it besides the language.
(function (natives) {
  "use strict";
  const hide = (name, value) =>
    Object.defineProperty(globalThis, name, { value, writable: true, enumerable: false, configurable: true });
  // Only what the code names is made.
  const uses = natives.uses;
  if (uses("console")) {
    const quoteless = (v) => {
      if (typeof v === "string") return v;
      if (v instanceof Error) return v.stack || String(v);
      if (typeof v === "function") return "[Function: " + (v.name || "anonymous") + "]";
      try { const s = natives.stringify(v); return s === undefined ? String(v) : s; } catch (e) { return String(v); }
    };
    const log = (prefix) => (...list) => natives.print(prefix + list.map(quoteless).join(" "));
    hide("console", { log: log(""), info: log(""), debug: log(""), trace: log(""), warn: log("warn: "), error: log("error: "),
      table: log(""), dir: log(""), group: log(""), groupEnd() {}, time() {}, timeEnd() {}, assert(ok, ...m) { if (!ok) log("error: ")("Assertion failed", ...m); } });
  }

  // Timers.
  if (uses("setTimeout")) hide("setTimeout", (f, ms, ...args) => natives.timer(f, Number(ms) || 0, args, false));
  if (uses("setInterval")) hide("setInterval", (f, ms, ...args) => natives.timer(f, Number(ms) || 0, args, true));
  if (uses("setImmediate")) hide("setImmediate", (f, ...args) => natives.timer(f, 0, args, false));
  for (const name of ["clearTimeout", "clearInterval", "clearImmediate"]) if (uses(name)) hide(name, (id) => natives.clear(Number(id) || 0));
  if (uses("queueMicrotask")) hide("queueMicrotask", (f) => { Promise.resolve().then(f); });
  if (uses("performance")) hide("performance", { now: () => Date.now() });

  const clone = uses("structuredClone") && function clone(v, seen) {
    if (typeof v === "function" || typeof v === "symbol") throw new TypeError("it cannot be cloned");
    if (typeof v !== "object" || v === null) return v;
    if (seen.has(v)) return seen.get(v);
    const keep = (out) => { seen.set(v, out); return out; };
    if (Array.isArray(v)) { const out = keep([]); for (const e of v) out.push(clone(e, seen)); return out; }
    if (v instanceof Date) return keep(new Date(v.getTime()));
    if (v instanceof RegExp) return keep(new RegExp(v.source, v.flags));
    if (v instanceof Map) { const out = keep(new Map()); for (const [k, e] of v) out.set(clone(k, seen), clone(e, seen)); return out; }
    if (v instanceof Set) { const out = keep(new Set()); for (const e of v) out.add(clone(e, seen)); return out; }
    if (ArrayBuffer.isView(v)) return keep(v.slice());
    if (v instanceof Error) { const out = keep(new Error(v.message)); out.name = v.name; return out; }
    const out = keep({});
    for (const k of Object.keys(v)) out[k] = clone(v[k], seen);
    return out;
  };
  if (clone) hide("structuredClone", (v) => clone(v, new Map()));

  // What is not here says so.
  const absent = (what, instead) => () => natives.refuse(what + " is not available to code; " + instead);
  const modules = uses("require") && { buffer: () => ({ Buffer }), url: () => ({ URL, URLSearchParams }), luxon: () => ({ DateTime, Duration, Interval }) };
  if (modules) hide("require", (name) => {
    const m = modules[String(name).replace(/^node:/, "")];
    if (m === undefined) absent("require(" + JSON.stringify(String(name)) + ")", "modules cannot be loaded")();
    return m();
  });
  if (uses("fetch")) hide("fetch", absent("fetch", "use an HTTP Request node"));
  const staticData = (scope) => natives.staticData(scope);
  if (uses("helpers") || uses("$helpers")) {
    const http = absent("httpRequest", "use an HTTP Request node");
    const helpers = { httpRequest: http, httpRequestWithAuthentication: http, request: http, requestWithAuthentication: http,
      prepareBinaryData: async (data, fileName, mimeType) => ({ data: Buffer.from(data).toString("base64"), mimeType: mimeType || "application/octet-stream", ...(fileName ? { fileName } : {}) }),
      getBinaryDataBuffer: async (i, name) => Buffer.from($input.all()[i].binary[name].data, "base64") };
    hide("$helpers", helpers);
    hide("helpers", helpers);
    hide("#this", { helpers, getWorkflowStaticData: staticData });
  }
  if (uses("getWorkflowStaticData")) hide("getWorkflowStaticData", staticData);
  if (uses("process")) hide("process", { env: {} });
  if (uses("global")) hide("global", globalThis);
})
