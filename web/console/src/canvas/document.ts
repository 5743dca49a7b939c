import type { Connections, Params, Workflow, WorkflowNode } from '../api/types';
import { newID } from '../values';

/** What the editor changes of a workflow. Values are never changed in place. */
export interface Draft {
  name: string;
  description: string;
  nodes: WorkflowNode[];
  connections: Connections;
  settings: Params;
  pinData?: Params;
  tags: string[];
}

export const STICKY = 'n8n-nodes-base.stickyNote';

export function draftOf(w: Workflow): Draft {
  return { name: w.name, description: w.description, nodes: w.nodes, connections: w.connections ?? {}, settings: w.settings ?? {}, tags: w.tags ?? [], ...(w.pinData ? { pinData: w.pinData } : {}) };
}

/** A connection from one node's output to another's input. */
export interface Link {
  from: string;
  type: string;
  output: number;
  to: string;
  inputType: string;
  input: number;
}

export const linkID = (l: Link) => JSON.stringify([l.from, l.type, l.output, l.to, l.inputType, l.input]);

export function linksOf(connections: Connections): Link[] {
  const out: Link[] = [];
  for (const [from, byType] of Object.entries(connections)) {
    for (const [type, outputs] of Object.entries(byType)) {
      (outputs ?? []).forEach((targets, output) =>
        (targets ?? []).forEach((t) => out.push({ from, type, output, to: t.node, inputType: t.type ?? 'main', input: t.index ?? 0 })),
      );
    }
  }
  return out;
}

export function connectionsOf(links: Link[]): Connections {
  const out: Connections = {};
  for (const l of links) {
    const outputs = ((out[l.from] ??= {})[l.type] ??= []);
    while (outputs.length <= l.output) outputs.push([]);
    outputs[l.output]!.push({ node: l.to, type: l.inputType, index: l.input });
  }
  return out;
}

export function connect(d: Draft, l: Link): Draft {
  const links = linksOf(d.connections);
  if (links.some((other) => linkID(other) === linkID(l))) return d;
  return { ...d, connections: connectionsOf([...links, l]) };
}

export function disconnect(d: Draft, ids: string[]): Draft {
  return { ...d, connections: connectionsOf(linksOf(d.connections).filter((l) => !ids.includes(linkID(l)))) };
}

export function changeNode(d: Draft, name: string, change: Partial<WorkflowNode>): Draft {
  return { ...d, nodes: d.nodes.map((n) => (n.name === name ? { ...n, ...change } : n)) };
}

/** Gives a node another name, in its connections and in expressions that refer to it, too. */
export function rename(d: Draft, from: string, to: string): Draft {
  const quote = (s: string) => s.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const refers = new RegExp(`(\\$\\(\\s*|\\$node\\[\\s*)(["'\`])${quote(from)}\\2`, 'g');
  const inValue = <T>(v: T): T => {
    if (typeof v === 'string') return v.replace(refers, (_m, head: string, q: string) => `${head}${q}${to}${q}`) as T;
    if (Array.isArray(v)) return v.map(inValue) as T;
    if (v && typeof v === 'object') return Object.fromEntries(Object.entries(v).map(([k, e]) => [k, inValue(e)])) as T;
    return v;
  };
  const pinData = d.pinData && Object.fromEntries(Object.entries(d.pinData).map(([k, v]) => [k === from ? to : k, v]));
  return {
    ...d,
    ...(pinData ? { pinData } : {}),
    nodes: d.nodes.map((n) => ({ ...n, name: n.name === from ? to : n.name, parameters: inValue(n.parameters) })),
    connections: connectionsOf(linksOf(d.connections).map((l) => ({ ...l, from: l.from === from ? to : l.from, to: l.to === from ? to : l.to }))),
  };
}

/** Takes nodes out; what led to a node with one way on is led past it. */
export function remove(d: Draft, names: string[]): Draft {
  let links = linksOf(d.connections);
  for (const name of names) {
    const inward = links.filter((l) => l.to === name && l.inputType === 'main');
    const onward = links.filter((l) => l.from === name && l.type === 'main');
    links = links.filter((l) => l.from !== name && l.to !== name);
    if (onward.length !== 1) continue;
    const next = onward[0]!;
    for (const l of inward) {
      const past = { ...l, to: next.to, inputType: next.inputType, input: next.input };
      if (past.from !== past.to && !links.some((other) => linkID(other) === linkID(past))) links.push(past);
    }
  }
  return { ...d, nodes: d.nodes.filter((n) => !names.includes(n.name)), connections: connectionsOf(links) };
}

export function freeName(d: Draft, wanted: string): string {
  const taken = new Set(d.nodes.map((n) => n.name));
  if (!taken.has(wanted)) return wanted;
  for (let i = 1; ; i++) if (!taken.has(`${wanted} ${i}`)) return `${wanted} ${i}`;
}

/** Puts a node in, behind another when that is named. */
export function add(d: Draft, node: Omit<WorkflowNode, 'name' | 'id'> & { name: string }, behind?: { name: string; output: number }): { draft: Draft; name: string } {
  const name = freeName(d, node.name);
  let draft: Draft = { ...d, nodes: [...d.nodes, { ...node, id: newID(), name } as WorkflowNode] };
  if (behind) draft = connect(draft, { from: behind.name, type: 'main', output: behind.output, to: name, inputType: 'main', input: 0 });
  return { draft, name };
}

/** How two documents differ: by node name, then connections. */
export interface Difference {
  added: string[];
  removed: string[];
  changed: { name: string; fields: string[] }[];
  connections: number;
}

export function difference(before: Draft, after: Draft): Difference {
  const old = new Map(before.nodes.map((n) => [n.name, n]));
  const now = new Map(after.nodes.map((n) => [n.name, n]));
  const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);
  const changed = [...now.values()].flatMap((n) => {
    const was = old.get(n.name);
    if (!was) return [];
    const fields = [...new Set([...Object.keys(was), ...Object.keys(n)])].filter((k) => k !== 'position' && !same(was[k], n[k]));
    return fields.length ? [{ name: n.name, fields }] : [];
  });
  const links = (d: Draft) => new Set(linksOf(d.connections).map(linkID));
  const [a, b] = [links(before), links(after)];
  return {
    added: [...now.keys()].filter((k) => !old.has(k)),
    removed: [...old.keys()].filter((k) => !now.has(k)),
    changed,
    connections: [...a].filter((l) => !b.has(l)).length + [...b].filter((l) => !a.has(l)).length,
  };
}
