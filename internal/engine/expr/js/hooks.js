// Objects that stand for nodes and inputs. host and natives hold functions of
// the interpreter's owner.
(function (host, natives) {
  "use strict";
  const uses = natives.uses;
  const at = Symbol("at");
  const make = (proto, name, i) =>
    Object.create(proto, { [at]: { value: { name, i } } });
  const number = (v) => (v === undefined || v === null ? -1 : Number(v) | 0);

  // $('name')
  const nodeProto = uses("$") && {
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
  const legacyProto = (uses("$node") || uses("$item")) && {
    get json() { return host.legacy(this[at].name, this[at].i, "json"); },
    get binary() { return host.legacy(this[at].name, this[at].i, "binary"); },
    get data() { return host.legacy(this[at].name, this[at].i, "json"); },
    get parameter() { return host.params(this[at].name); },
    get params() { return host.params(this[at].name); },
    get context() { return host.context(this[at].name); },
    get runIndex() { return host.lastRun(this[at].name); },
  };

  // $input
  const inputProto = (uses("$input") || uses("$item")) && {
    get item() { return host.item(this[at].i); },
    get params() { return host.previous("params"); },
    get context() { return host.previous("context"); },
    first() { return host.inputEdge(false); },
    last() { return host.inputEdge(true); },
    all() { return host.inputAll(); },
    itemMatching(i) { return host.item(number(i)); },
  };

  // $item(i)
  const viewProto = uses("$item") && {
    get $json() { return host.json(this[at].i); },
    get $data() { return host.json(this[at].i); },
    get $binary() { return host.binary(this[at].i); },
    get $input() { return make(inputProto, "", this[at].i); },
    get $node() { return host.nodes(this[at].i); },
    get $itemIndex() { return this[at].i; },
  };

  return {
    shared: [nodeProto, legacyProto, inputProto, viewProto],
    nodeRef: (name, i) => make(nodeProto, name, i),
    legacy: (name, i) => make(legacyProto, name, i),
    input: (i) => make(inputProto, "", i),
    itemView: (i) => make(viewProto, "", i),
  };
})
