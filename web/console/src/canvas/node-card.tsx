import { Handle as FlowHandle, Position, useUpdateNodeInternals, type NodeProps, type Node as FlowNode } from '@xyflow/react';
import { CircleAlert, CircleCheck, Hourglass, LoaderCircle, TriangleAlert } from 'lucide-react';
import { memo, useEffect } from 'react';
import type { Finding, WorkflowNode } from '../api/types';
import { useText } from '../text';
import { duration } from '../ui/bits';
import { shortType } from '../values';
import type { Handle } from './catalogue';
import { STRETCH } from './layout';
import { iconOf } from './looks';
import type { NodeState } from './run';

export interface CardData extends Record<string, unknown> {
  node: WorkflowNode;
  title: string;
  category: string;
  known: boolean;
  inputs: Handle[];
  outputs: Handle[];
  state?: NodeState | undefined;
  findings: (Finding & { bad: boolean })[];
  mark?: 'added' | 'removed' | 'changed' | undefined;
}

const place = (i: number, n: number) => ({ top: `${((i + 1) / (n + 1)) * 100}%` });

/** A node on the canvas. */
export const NodeCard = memo(function NodeCard({ id, data, selected }: NodeProps<FlowNode<CardData>>) {
  const { node, category, state, findings, inputs, outputs } = data;
  const Icon = iconOf(node.type, category);
  const bad = findings.some((f) => f.bad);
  const many = outputs.length > 1;
  const moved = useUpdateNodeInternals();
  useEffect(() => moved(id), [id, moved, inputs.length, outputs.length]); // edges find the ports again
  const classes = ['node', `cat-${category || 'UNKNOWN'}`, state && `node-${state.state}`, selected && 'node-selected', node.disabled && 'node-off', data.mark && `node-${data.mark}`];
  return (
    <div className={classes.filter(Boolean).join(' ')} style={many ? { minHeight: 28 + outputs.length * 22 } : undefined}>
      {inputs.map((h, i) => (
        <FlowHandle key={h.id} id={h.id} type="target" position={Position.Left} style={place(i, inputs.length)} className={h.type === 'main' ? '' : 'handle-side'} />
      ))}
      <span className="node-icon">
        <Icon size={20} aria-hidden />
      </span>
      <div className="node-text">
        <span className="node-name">{node.name}</span>
        <span className="node-type">{data.title}</span>
      </div>
      <NodeBadge state={state} findings={findings} bad={bad} />
      {outputs.map((h, i) => (
        <FlowHandle key={h.id} id={h.id} type="source" position={Position.Right} style={place(i, outputs.length)} className={h.type === 'main' ? '' : 'handle-side'}>
          {many && <span className="handle-label">{h.label}</span>}
        </FlowHandle>
      ))}
      {state && (state.ms !== undefined || state.runs > 1) && (
        <span className="node-foot">
          {state.runs > 1 && `${state.runs}× `}
          {duration(state.ms)}
        </span>
      )}
    </div>
  );
});

function NodeBadge({ state, findings, bad }: { state: NodeState | undefined; findings: Finding[]; bad: boolean }) {
  const { t } = useText();
  if (state) {
    const icons = { running: LoaderCircle, success: CircleCheck, error: CircleAlert, waiting: Hourglass };
    const Icon = icons[state.state];
    return (
      <span className={`node-badge badge-${state.state}`} role="img" aria-label={t(`status.${state.state}`)}>
        <Icon size={17} className={state.state === 'running' ? 'spin' : ''} aria-hidden />
      </span>
    );
  }
  if (findings.length === 0) return null;
  return (
    <span className={`node-badge ${bad ? 'badge-error' : 'badge-waiting'}`} role="img" aria-label={findings.map((f) => f.message).join('; ')} title={findings.map((f) => f.message).join('\n')}>
      {bad ? <CircleAlert size={17} aria-hidden /> : <TriangleAlert size={17} aria-hidden />}
    </span>
  );
}

/** A note between the nodes. */
export const NoteCard = memo(function NoteCard({ data, selected }: NodeProps<FlowNode<CardData>>) {
  const p = data.node.parameters as { content?: string; width?: number; height?: number; color?: number | string };
  const colour = typeof p.color === 'number' ? p.color : 1;
  return (
    <div className={`note note-${((colour - 1) % 7) + 1} ${selected ? 'note-selected' : ''}`} style={{ width: (p.width ?? 240) * STRETCH, height: p.height ?? 160 }}>
      {(p.content ?? '').split('\n').map((line, i) => {
        const heading = /^#{1,6}\s+(.*)/.exec(line);
        return heading ? <strong key={i}>{heading[1]}</strong> : <p key={i}>{line.replace(/\*\*/g, '') || '\u00a0'}</p>;
      })}
    </div>
  );
});

export const titleOf = (node: WorkflowNode, displayName: string | undefined) => displayName ?? shortType(node.type);
