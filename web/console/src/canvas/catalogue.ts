import { useQueries, useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { api, done } from '../api/client';
import type { NodeType, NodeTypeSummary, Port, WorkflowNode } from '../api/types';
import { linksOf, type Draft } from './document';

/** Every node type, by category. */
export function useNodeTypes() {
  return useQuery({
    queryKey: ['node-types'],
    queryFn: async () => (await done(api.GET('/api/app/node-types'))).categories as unknown as Record<string, NodeTypeSummary[]>,
    staleTime: Infinity,
  });
}

async function loadType(type: string): Promise<NodeType | null> {
  const { nodes } = await done(api.POST('/api/app/node-types/details', { body: { nodes: [{ type }] } }));
  const found = nodes[0] as unknown as NodeType | undefined;
  return found?.found ? found : null;
}

/** The node types named, in full, as far as they are known. */
export function useTypesOf(names: string[]): Map<string, NodeType> {
  const wanted = [...new Set(names)].sort();
  const results = useQueries({
    queries: wanted.map((type) => ({ queryKey: ['node-type', type], queryFn: () => loadType(type), staleTime: Infinity })),
  });
  const stamp = wanted.join('\n') + results.map((r) => r.dataUpdatedAt).join();
  // eslint-disable-next-line react-hooks/exhaustive-deps -- the stamp stands for the results
  return useMemo(() => new Map(results.flatMap((r) => (r.data ? [[r.data.type, r.data] as const] : []))), [stamp]);
}

/** A port as the canvas draws it. */
export interface Handle {
  id: string;
  label: string;
  type: string;
  index: number;
}

const numbered = (ports: Port[]): Handle[] => {
  const seen = new Map<string, number>();
  return ports.map((p) => {
    const index = seen.get(p.type) ?? 0;
    seen.set(p.type, index + 1);
    return { id: `${p.type}:${index}`, label: p.name, type: p.type, index };
  });
};

function widen(handles: Handle[], used: Map<string, number>): Handle[] {
  const out = [...handles];
  for (const [type, count] of used) {
    for (let i = out.filter((h) => h.type === type).length; i < count; i++) out.push({ id: `${type}:${i}`, label: String(i), type, index: i });
  }
  return out;
}

function outputsOf(node: WorkflowNode, type: NodeType | undefined): Port[] {
  const main = (name: string): Port => ({ name, type: 'main' });
  let ports = type?.outputs ?? (type && type.outputs === null && shortSwitch(node) ? switchPorts(node) : null) ?? (type ? [] : [main('output')]);
  if (node.onError === 'continueErrorOutput') ports = [...ports, main('error')];
  return ports;
}

const shortSwitch = (node: WorkflowNode) => node.type.endsWith('.switch');

function switchPorts(node: WorkflowNode): Port[] {
  const p = node.parameters as { mode?: string; numberOutputs?: number; rules?: { values?: { outputKey?: string }[]; rules?: { outputKey?: string }[] }; options?: { fallbackOutput?: unknown }; outputsAmount?: number };
  if (p.mode === 'expression') return Array.from({ length: Number(p.numberOutputs) || 4 }, (_, i) => ({ name: String(i), type: 'main' }));
  const rules = p.rules?.values ?? p.rules?.rules ?? [];
  const ports = rules.map((r, i) => ({ name: r.outputKey || String(i), type: 'main' }));
  return p.options?.fallbackOutput === 'extra' ? [...ports, { name: 'fallback', type: 'main' }] : ports;
}

/** The handles of every node of a draft: those of its type, and those its connections use. */
export function handlesOf(d: Draft, types: Map<string, NodeType>): Map<string, { inputs: Handle[]; outputs: Handle[] }> {
  const used = new Map<string, { inputs: Map<string, number>; outputs: Map<string, number> }>();
  const at = (name: string) => used.get(name) ?? (used.set(name, { inputs: new Map(), outputs: new Map() }), used.get(name)!);
  for (const l of linksOf(d.connections)) {
    const { outputs } = at(l.from);
    const { inputs } = at(l.to);
    outputs.set(l.type, Math.max(outputs.get(l.type) ?? 0, l.output + 1));
    inputs.set(l.inputType, Math.max(inputs.get(l.inputType) ?? 0, l.input + 1));
  }
  return new Map(
    d.nodes.map((n) => {
      const type = types.get(n.type);
      const u = at(n.name);
      return [n.name, { inputs: widen(numbered(type ? (type.inputs ?? []) : []), u.inputs), outputs: widen(numbered(outputsOf(n, type)), u.outputs) }];
    }),
  );
}
