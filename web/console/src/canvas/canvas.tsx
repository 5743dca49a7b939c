import '@xyflow/react/dist/style.css';
import '../styles/canvas.css';
import {
  Background,
  BackgroundVariant,
  Controls,
  MiniMap,
  ReactFlow,
  useNodesState,
  useReactFlow,
  useStore,
  type Connection,
  type Edge,
  type Node as FlowNode,
  type ReactFlowInstance,
} from '@xyflow/react';
import { useCallback, useEffect, useMemo, useRef } from 'react';
import type { NodeType, Validation } from '../api/types';
import { useTheme } from '../theme';
import { handlesOf } from './catalogue';
import { STICKY, linkID, linksOf, type Difference, type Draft, type Link } from './document';
import { NODE_HEIGHT, NODE_WIDTH, fromCanvas, toCanvas } from './layout';
import { NodeCard, NoteCard, titleOf, type CardData } from './node-card';
import type { RunState } from './run';

const nodeTypes = { card: NodeCard, note: NoteCard };

export type Flow = ReactFlowInstance<FlowNode<CardData>, Edge>;

const minimapColour = (n: FlowNode) => ((n.data as CardData).category ? 'var(--accent)' : 'var(--line)');

export interface CanvasProps {
  draft: Draft;
  types: Map<string, NodeType>;
  run?: RunState | undefined;
  validation?: Validation | undefined;
  marks?: Difference | undefined;
  selected?: string | undefined;
  label: string;
  onSelect?: (name: string | undefined) => void;
  onMove?: (moved: { name: string; position: [number, number] }[]) => void;
  onConnect?: (link: Link) => void;
  onRemove?: (nodes: string[], links: string[]) => void;
  onFlow?: (flow: Flow) => void;
  /** The node to have in the middle, until the person moves the canvas. */
  focus?: { name: string } | undefined;
  onMoved?: () => void;
}

/** A workflow as a graph. Without onMove it is only looked at. */
export function Canvas({ draft, types, run, validation, marks, selected, label, onSelect, onMove, onConnect, onRemove, onFlow, focus, onMoved }: CanvasProps) {
  const cards = useCards({ draft, types, run, validation, marks });
  const [nodes, setNodes, onNodesChange] = useNodesState<FlowNode<CardData>>(cards);
  useEffect(() => {
    setNodes((before) => {
      const old = new Map(before.map((n) => [n.id, n]));
      return cards.map((card) => {
        const was = old.get(card.id);
        return { ...was, ...card, selected: card.id === selected, ...(was && same(was.data, card.data) ? { data: was.data } : {}) };
      });
    });
  }, [cards, selected, setNodes]);
  const edges = useEdges(draft, run);
  const connect = useCallback(
    (c: Connection) => {
      const [type, output] = portOf(c.sourceHandle);
      const [inputType, input] = portOf(c.targetHandle);
      onConnect?.({ from: c.source, type, output, to: c.target, inputType, input });
    },
    [onConnect],
  );
  const flow = useRef<Flow | null>(null);
  const theme = useTheme();
  return (
    <ReactFlow
      className="canvas"
      aria-label={label}
      nodes={nodes}
      edges={edges}
      nodeTypes={nodeTypes}
      colorMode={theme}
      onNodesChange={onNodesChange}
      onNodeClick={(_e, n) => onSelect?.(n.id)}
      onPaneClick={() => onSelect?.(undefined)}
      onNodeDragStop={(_e, _n, moved) => onMove?.(moved.map((n) => ({ name: n.id, position: fromCanvas(n.position) })))}
      onConnect={connect}
      onMoveStart={(e) => e && onMoved?.()}
      onDelete={({ nodes: n, edges: e }) => onRemove?.(n.map((x) => x.id), e.map((x) => x.id))}
      onSelectionChange={({ nodes: n }) => n.length === 1 && n[0]!.id !== selected && flow.current && onSelect?.(n[0]!.id)}
      onInit={(f) => {
        flow.current = f;
        onFlow?.(f);
      }}
      nodesDraggable={!!onMove}
      nodesConnectable={!!onConnect}
      deleteKeyCode={onRemove ? ['Delete', 'Backspace'] : null}
      fitView
      fitViewOptions={{ maxZoom: 1, padding: 0.2 }}
      minZoom={0.1}
      maxZoom={2}
      snapToGrid
      snapGrid={[8, 8]}
      proOptions={{ hideAttribution: true }}
    >
      <Background variant={BackgroundVariant.Dots} gap={20} size={1.4} />
      <Center focus={focus} />
      {!focus && <InSight selected={selected} />}
      <Distance />
      <Controls showInteractive={false} />
      {draft.nodes.length > 12 && <MiniMap pannable zoomable className="minimap" ariaLabel={label} nodeColor={minimapColour} />}
    </ReactFlow>
  );
}

/** Keeps a node in the middle, also when a panel takes room from the canvas. */
function Center({ focus }: { focus: { name: string } | undefined }) {
  const flow = useReactFlow();
  const width = useStore((s) => s.width);
  const height = useStore((s) => s.height);
  const there = useStore((s) => !!focus && s.nodeLookup.has(focus.name));
  useEffect(() => {
    const node = there && focus && flow.getNode(focus.name);
    if (node && width > 0 && height > 0) void flow.setCenter(node.position.x + NODE_WIDTH / 2, node.position.y + NODE_HEIGHT / 2, { zoom: 1, duration: 300 });
  }, [flow, focus, there, width, height]);
  return null;
}

/** Moves the canvas as far as the selected node needs when a panel has taken room from it. */
function InSight({ selected }: { selected: string | undefined }) {
  const flow = useReactFlow();
  const width = useStore((s) => s.width);
  const latest = useRef(selected);
  latest.current = selected;
  useEffect(() => {
    const node = latest.current === undefined ? undefined : flow.getNode(latest.current);
    if (!node) return;
    const { x, y, zoom } = flow.getViewport();
    const beyond = (node.position.x + NODE_WIDTH) * zoom + x - (width - 24);
    if (beyond > 0 && width > NODE_WIDTH) void flow.setViewport({ x: x - beyond, y, zoom }, { duration: 200 });
  }, [flow, width]);
  return null;
}

/** Tells the styles whether the graph is seen from afar. */
function Distance() {
  const canvas = useStore((s) => s.domNode);
  const far = useStore((s) => s.transform[2] < 0.4);
  useEffect(() => {
    if (canvas) canvas.dataset.far = String(far);
  }, [canvas, far]);
  return null;
}

const portOf = (id: string | null): [string, number] => {
  const [type = 'main', index = '0'] = (id ?? 'main:0').split(':');
  return [type, Number(index)];
};

function same(a: CardData, b: CardData): boolean {
  const small = (d: CardData) => JSON.stringify([d.title, d.category, d.inputs, d.outputs, d.state, d.findings, d.mark]);
  return a.node === b.node && small(a) === small(b);
}

function useCards({ draft, types, run, validation, marks }: Pick<CanvasProps, 'draft' | 'types' | 'run' | 'validation' | 'marks'>): FlowNode<CardData>[] {
  const handles = useMemo(() => handlesOf(draft, types), [draft, types]);
  return useMemo(() => {
    const findings = [...(validation?.errors ?? []).map((f) => ({ ...f, bad: true })), ...(validation?.warnings ?? []).map((f) => ({ ...f, bad: false }))];
    return draft.nodes.map((node): FlowNode<CardData> => {
      const type = types.get(node.type);
      const note = node.type === STICKY;
      const changed = marks?.changed.some((c) => c.name === node.name);
      return {
        id: node.name,
        type: note ? 'note' : 'card',
        position: toCanvas(node.position ?? [0, 0]),
        zIndex: note ? -1 : 0,
        ...(note ? {} : { initialWidth: NODE_WIDTH, initialHeight: NODE_HEIGHT }),
        ariaLabel: node.name,
        data: {
          node,
          title: titleOf(node, type?.display_name),
          category: type?.category ?? '',
          known: !!type,
          ...handles.get(node.name)!,
          state: run?.nodes.get(node.name),
          findings: findings.filter((f) => f.node === node.name),
          mark: marks?.added.includes(node.name) ? 'added' : marks?.removed.includes(node.name) ? 'removed' : changed ? 'changed' : undefined,
        },
      };
    });
  }, [draft, types, run, validation, marks, handles]);
}

function useEdges(draft: Draft, run: RunState | undefined): Edge[] {
  return useMemo(
    () =>
      linksOf(draft.connections).map((l) => {
        const source = run?.nodes.get(l.from);
        const count = l.type === 'main' ? source?.counts?.[l.output] : undefined;
        const live = run && source?.state === 'success' && run.nodes.get(l.to)?.state === 'running';
        return {
          id: linkID(l),
          source: l.from,
          target: l.to,
          sourceHandle: `${l.type}:${l.output}`,
          targetHandle: `${l.inputType}:${l.input}`,
          className: [count ? 'edge-done' : '', l.type === 'main' ? '' : 'edge-side'].join(' '),
          animated: !!live,
          ...(count !== undefined ? { label: String(count), labelShowBg: true, labelBgPadding: [6, 3] as [number, number], labelBgBorderRadius: 8 } : {}),
        };
      }),
    [draft.connections, run],
  );
}
