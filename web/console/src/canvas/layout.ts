import { STICKY, linksOf, type Draft } from './document';

export const NODE_WIDTH = 208;
export const NODE_HEIGHT = 72;

/** Documents are written for narrower nodes: the canvas draws them further apart. */
export const STRETCH = 1.4;

export const toCanvas = ([x, y]: [number, number]) => ({ x: x * STRETCH, y });

export const fromCanvas = ({ x, y }: { x: number; y: number }): [number, number] => [Math.round(x / STRETCH), Math.round(y)];

/** Puts nodes in order from left to right; notes stay where they are. */
export async function arrange(d: Draft): Promise<Draft> {
  const { Graph, layout } = await import('@dagrejs/dagre').then((m) => ({ Graph: m.graphlib.Graph, layout: m.layout }));
  const graph = new Graph();
  graph.setGraph({ rankdir: 'LR', nodesep: 48, ranksep: 96 });
  graph.setDefaultEdgeLabel(() => ({}));
  const nodes = d.nodes.filter((n) => n.type !== STICKY);
  for (const n of nodes) graph.setNode(n.name, { width: NODE_WIDTH, height: NODE_HEIGHT });
  for (const l of linksOf(d.connections)) if (graph.hasNode(l.from) && graph.hasNode(l.to)) graph.setEdge(l.from, l.to);
  layout(graph);
  return {
    ...d,
    nodes: d.nodes.map((n) => {
      if (n.type === STICKY) return n;
      const at = graph.node(n.name) as { x: number; y: number };
      return { ...n, position: fromCanvas({ x: at.x - NODE_WIDTH / 2, y: at.y - NODE_HEIGHT / 2 }) };
    }),
  };
}
