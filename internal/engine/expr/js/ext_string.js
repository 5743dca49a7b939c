// The format's methods of text and booleans. Each is (value, arguments).
(function (table, natives) {
  "use strict";
  const fail = natives.fail;
  const same = (v) => v;
  const yes = () => true;
  const no = () => false;

  const SMALL = new Set(("a an and as at because but by en for if in neither nor of on only or over per so some than " +
    "that the to up upon v versus via vs when with without yet").split(" "));
  const LETTERS = { "ß": "ss", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L",
    "đ": "d", "Đ": "D", "ð": "d", "Ð": "D", "þ": "th", "Þ": "Th", "ı": "i" };
  const DOMAIN = /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]$/i;
  const DOMAIN_IN = /(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}/i;
  const EMAIL_IN = /[a-z0-9.!#$%&'*+/=?^_`{|}~-]+@[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+/i;
  const EMAIL = new RegExp("^" + EMAIL_IN.source + "$", "i");
  const URL_IN = /(?:https?|ftp|file):\/\/[^\s<>"'`{}|\\^]+/i;
  const URL_PARTS = /^[a-z][a-z0-9+.-]*:\/\/(?:[^/?#@]*@)?([^/?#:]*)(?::\d+)?([^?#]*)/i;
  const URL_FULL = /^(?:https?|ftp|file):\/\/(?:[^\s/?#@]*@)?(?:localhost|(?:\d{1,3}\.){3}\d{1,3}|\[[0-9a-f:]+\]|(?:[a-z0-9_](?:[a-z0-9_-]*[a-z0-9])?\.)+[a-z][a-z0-9-]*)(?::\d+)?(?:[/?#]\S*)?$/i;

  function toNumber(s, what) {
    const t = s.trim();
    const n = t === "" ? NaN : Number(t);
    if (Number.isNaN(n)) fail(what + "() cannot read a number from " + JSON.stringify(s.slice(0, 100)));
    return n;
  }
  function toInt(s, args, what) {
    const n = parseInt(s.replace(/\s/g, ""), args[0] === undefined ? 10 : Number(args[0]));
    if (Number.isNaN(n)) fail(what + "() cannot read a number from " + JSON.stringify(s.slice(0, 100)));
    return n;
  }
  function toFloat(s, what) {
    if (s.includes(",")) s = s.replace(/,/g, ".");
    const n = parseFloat(s);
    if (Number.isNaN(n)) fail(what + "() cannot read a number from " + JSON.stringify(s.slice(0, 100)));
    return n;
  }
  function words(s) {
    return s.replace(/([a-z0-9])([A-Z])/g, "$1 $2").toLowerCase().replace(/[^\p{L}\p{N}\s_-]/gu, "").split(/[\s_-]+/).filter((w) => w !== "");
  }
  const upperFirst = (w) => w.charAt(0).toUpperCase() + w.slice(1);

  function removeMarkdown(s) {
    return s
      .replace(/^(?:-\s*?|\*\s*?|_\s*?){3,}\s*$/gm, "")
      .replace(/^\s*[*+-]\s+/gm, "")
      .replace(/^\s*\d+\.\s+/gm, "")
      .replace(/\n={2,}/g, "\n")
      .replace(/~{3}.*\n/g, "")
      .replace(/`{3}.*\n?/g, "")
      .replace(/<[^>]*>/g, "")
      .replace(/^[=-]{2,}\s*$/gm, "")
      .replace(/\[\^.+?\](?:: .*?$)?/gm, "")
      .replace(/\s{0,2}\[.*?\]: .*?$/gm, "")
      .replace(/!\[(.*?)\][[(].*?[\])]/g, "$1")
      .replace(/\[([^\]]*?)\][[(].*?[\])]/g, "$1")
      .replace(/^\s*>\s?/gm, "")
      .replace(/^(?:\n)?\s{0,3}#{1,6}\s*(.*?)\s*#*\s*$/gm, "$1")
      .replace(/(\*\*|__)(.*?)\1/g, "$2")
      .replace(/(\*|_)(.*?)\1/g, "$2")
      .replace(/~~(.*?)~~/g, "$1")
      .replace(/`(.+?)`/g, "$1");
  }
  function domain(s) {
    const mail = s.match(EMAIL);
    if (mail !== null) return s.slice(s.lastIndexOf("@") + 1);
    const url = s.trim().match(URL_PARTS);
    if (url !== null && url[1] !== "") return url[1];
    const found = s.match(DOMAIN_IN);
    return found === null ? undefined : found[0];
  }
  function parse(s) {
    try { return JSON.parse(s); } catch (e) { fail("parseJson() cannot read the text as JSON: " + e.message); }
  }
  const stripTags = (s) => s.replace(/<[^>]*>/g, "");

  table.string = {
    isEmpty: (s) => s === "",
    isNotEmpty: (s) => s !== "",
    toJsonString: (s) => JSON.stringify(s),
    base64Encode: (s) => natives.encode(s, "base64"),
    base64Decode: (s) => natives.decode(s, "base64"),
    extractDomain: domain,
    extractEmail: (s) => { const m = s.match(EMAIL_IN); return m === null ? undefined : m[0]; },
    extractUrl: (s) => { const m = s.match(URL_IN); return m === null ? undefined : m[0].replace(/[.,;:!?)\]]+$/, ""); },
    extractUrlPath: (s) => { const m = s.match(URL_PARTS); return m === null ? undefined : m[2] === "" ? "/" : m[2]; },
    hash: (s, a) => natives.hash(a[0] === undefined ? "md5" : String(a[0]).toLowerCase(), s),
    isDomain: (s) => DOMAIN.test(s),
    isEmail: (s) => EMAIL.test(s),
    isNumeric: (s) => !(s.trim() === "" || Number.isNaN(Number(s))) ,
    isUrl: (s) => URL_FULL.test(s),
    parseJson: parse,
    quote: (s, a) => { const q = a[0] === undefined ? '"' : String(a[0]); return q + s.replaceAll("\\", "\\\\").replaceAll(q, "\\" + q) + q; },
    removeMarkdown: removeMarkdown,
    removeTags: stripTags,
    stripTags: stripTags,
    replaceSpecialChars: (s) => s.normalize("NFD").replace(/[\u0300-\u036f]/g, "").replace(/[ßæÆœŒøØłŁđĐðÐþÞı]/g, (c) => LETTERS[c]),
    toBoolean: (s) => !["", "0", "false", "no"].includes(s.trim().toLowerCase()),
    toNumber: (s) => toNumber(s, "toNumber"),
    toInt: (s, a) => toInt(s, a, "toInt"),
    toWholeNumber: (s, a) => toInt(s, a, "toWholeNumber"),
    toFloat: (s) => toFloat(s, "toFloat"),
    toDecimalNumber: (s) => toFloat(s, "toDecimalNumber"),
    toSentenceCase: (s) => upperFirst(s.toLowerCase()),
    toSnakeCase: (s) => words(s).join("_"),
    toCamelCase: (s) => words(s).map((w, i) => (i === 0 ? w : upperFirst(w))).join(""),
    toTitleCase: (s) => s.toLowerCase().replace(/\S+/g, (w, i) => (i > 0 && SMALL.has(w) ? w : w.replace(/\p{L}/u, (c) => c.toUpperCase()))),
    urlEncode: (s, a) => (a[0] === true ? encodeURI(s) : encodeURIComponent(s)),
    urlDecode: (s, a) => (a[0] === true ? decodeURI(s) : decodeURIComponent(s)),
  };
  table.boolean = {
    isEmpty: no,
    isNotEmpty: yes,
    toBoolean: same,
    toInt: Number,
    toFloat: Number,
    toNumber: Number,
    toJsonString: (v) => JSON.stringify(v),
  };
  table.nothing = { isEmpty: yes, isNotEmpty: no };
  return table;
})
