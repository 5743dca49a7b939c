// Addresses for user code.
(function (natives) {
  "use strict";
  const hide = (name, value) =>
    Object.defineProperty(globalThis, name, { value, writable: true, enumerable: false, configurable: true });
  // Addresses.
  const encode = (s) => encodeURIComponent(s).replace(/%20/g, "+").replace(/[!'()~]/g, (c) => "%" + c.charCodeAt(0).toString(16).toUpperCase());
  const decode = (s) => { try { return decodeURIComponent(s.replace(/\+/g, " ")); } catch (e) { return s; } };
  class URLSearchParams {
    #list = [];
    #changed = () => {};
    constructor(init, changed) {
      if (typeof changed === "function") this.#changed = changed;
      if (init === undefined || init === null) return;
      if (typeof init === "string") {
        for (const pair of init.replace(/^\?/, "").split("&")) {
          if (pair === "") continue;
          const i = pair.indexOf("=");
          this.#list.push(i < 0 ? [decode(pair), ""] : [decode(pair.slice(0, i)), decode(pair.slice(i + 1))]);
        }
      } else if (typeof init[Symbol.iterator] === "function") {
        for (const [k, v] of init) this.#list.push([String(k), String(v)]);
      } else {
        for (const k of Object.keys(init)) this.#list.push([k, String(init[k])]);
      }
    }
    append(k, v) { this.#list.push([String(k), String(v)]); this.#changed(this.toString()); }
    delete(k) { this.#list = this.#list.filter((e) => e[0] !== String(k)); this.#changed(this.toString()); }
    get(k) { const e = this.#list.find((e) => e[0] === String(k)); return e === undefined ? null : e[1]; }
    getAll(k) { return this.#list.filter((e) => e[0] === String(k)).map((e) => e[1]); }
    has(k) { return this.#list.some((e) => e[0] === String(k)); }
    set(k, v) {
      const i = this.#list.findIndex((e) => e[0] === String(k));
      if (i < 0) this.#list.push([String(k), String(v)]);
      else { this.#list = this.#list.filter((e, j) => j <= i || e[0] !== String(k)); this.#list[i][1] = String(v); }
      this.#changed(this.toString());
    }
    sort() { this.#list.sort((a, b) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0)); this.#changed(this.toString()); }
    forEach(f, self) { for (const [k, v] of this.#list) f.call(self, v, k, this); }
    keys() { return this.#list.map((e) => e[0])[Symbol.iterator](); }
    values() { return this.#list.map((e) => e[1])[Symbol.iterator](); }
    entries() { return this.#list.map((e) => [...e])[Symbol.iterator](); }
    [Symbol.iterator]() { return this.entries(); }
    get size() { return this.#list.length; }
    toString() { return this.#list.map(([k, v]) => encode(k) + "=" + encode(v)).join("&"); }
  }
  hide("URLSearchParams", URLSearchParams);
  class URL {
    #p;
    #params;
    constructor(text, base) {
      const p = natives.parseURL(String(text), base === undefined ? undefined : String(base));
      if (p === undefined) throw new TypeError("Invalid URL: " + text);
      this.#p = p;
    }
    static canParse(text, base) { return natives.parseURL(String(text), base === undefined ? undefined : String(base)) !== undefined; }
    static parse(text, base) { return URL.canParse(text, base) ? new URL(text, base) : null; }
    get searchParams() {
      if (this.#params === undefined) this.#params = new URLSearchParams(this.#p.search, (s) => { this.#p.search = s === "" ? "" : "?" + s; });
      return this.#params;
    }
    get protocol() { return this.#p.protocol; } set protocol(v) { this.#p.protocol = String(v).replace(/:?$/, ":"); }
    get username() { return this.#p.username; } set username(v) { this.#p.username = encodeURIComponent(v); }
    get password() { return this.#p.password; } set password(v) { this.#p.password = encodeURIComponent(v); }
    get hostname() { return this.#p.hostname; } set hostname(v) { this.#p.hostname = String(v); }
    get port() { return this.#p.port; } set port(v) { this.#p.port = String(v); }
    get host() { return this.#p.hostname + (this.#p.port === "" ? "" : ":" + this.#p.port); }
    get pathname() { return this.#p.pathname; } set pathname(v) { this.#p.pathname = encodeURI(String(v)).replace(/^\/?/, "/"); }
    get search() { return this.#p.search; }
    set search(v) { v = String(v).replace(/^\?/, ""); this.#p.search = v === "" ? "" : "?" + v; this.#params = undefined; }
    get hash() { return this.#p.hash; } set hash(v) { v = String(v).replace(/^#/, ""); this.#p.hash = v === "" ? "" : "#" + v; }
    get origin() { return this.#p.special ? this.protocol + "//" + this.host : "null"; }
    get href() {
      const p = this.#p;
      const login = p.username === "" ? "" : p.username + (p.password === "" ? "" : ":" + p.password) + "@";
      return p.protocol + (p.special || p.hostname !== "" ? "//" + login + this.host : "") + p.pathname + p.search + p.hash;
    }
    toString() { return this.href; }
    toJSON() { return this.href; }
  }
  hide("URL", URL);
})
