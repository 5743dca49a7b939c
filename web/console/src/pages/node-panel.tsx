import { useQuery } from '@tanstack/react-query';
import { CircleAlert, Link2, Link2Off, Play, Plus, Trash2, X } from 'lucide-react';
import { useState } from 'react';
import { api, done } from '../api/client';
import type { ExecutionWhole, NodeType, Params, Validation, WorkflowNode } from '../api/types';
import { handlesOf } from '../canvas/catalogue';
import { changeNode, connect, disconnect, linkID, linksOf, remove, rename, type Draft } from '../canvas/document';
import { SchemaForm } from '../canvas/form';
import { iconOf } from '../canvas/looks';
import { titleOf } from '../canvas/node-card';
import type { RunState } from '../canvas/run';
import { useText } from '../text';
import { Field, Toggle } from '../ui/bits';
import { Button, IconButton } from '../ui/button';
import { Tabs } from '../ui/tabs';
import { Findings } from './import';
import { NodeData } from './node-data';

interface Props {
  workflowID: string;
  draft: Draft;
  node: WorkflowNode;
  /** Whether the node is in what was saved, under this name. */
  stored: boolean;
  type: NodeType | undefined;
  types: Map<string, NodeType>;
  validation: Validation | undefined;
  run: RunState | undefined;
  whole: ExecutionWhole | undefined;
  change(make: (d: Draft) => Draft, step?: string): void;
  onRename(name: string): void;
  onSelect(name: string): void;
  onClose(): void;
  onAdd(output: number): void;
  onRunFrom: (() => void) | undefined;
}

/** Everything about one node: parameters, data of the run, behaviour, connections. */
export function NodePanel(props: Props) {
  const { t } = useText();
  const { node, type, validation, whole, run, change } = props;
  const ran = run?.nodes.has(node.name) || whole?.nodes?.some((n) => n.node === node.name);
  const failed = whole?.error?.node === node.name ? whole.error : undefined;
  const [tab, setTab] = useState(failed ? 'parameters' : ran ? 'data' : 'parameters');
  const Icon = iconOf(node.type, type?.category);
  const own = {
    valid: true,
    errors: (validation?.errors ?? []).filter((f) => f.node === node.name),
    warnings: (validation?.warnings ?? []).filter((f) => f.node === node.name),
  };
  return (
    <aside className="panel" aria-label={t('node.panel', { name: node.name })}>
      <header className={`panel-head cat-${type?.category ?? 'UNKNOWN'}`}>
        <span className="node-icon">
          <Icon size={18} aria-hidden />
        </span>
        <NameField key={node.name} {...props} />
        <IconButton icon={X} label={t('close')} onClick={props.onClose} />
      </header>
      <p className="panel-about muted small">
        {titleOf(node, type?.display_name)} · {type?.description}
      </p>
      {failed && (
        <div className="failure" role="alert">
          <CircleAlert size={18} aria-hidden />
          <div>
            <strong>{failed.message}</strong>
            {failed.item !== undefined && failed.item !== null && <p className="small">{t('failure.item', { n: failed.item + 1 })}</p>}
            <p className="small">{failed.description || t('failure.remedy')}</p>
            {props.onRunFrom && (
              <Button kind="danger" icon={Play} onClick={props.onRunFrom}>
                {t('failure.runFrom')}
              </Button>
            )}
          </div>
        </div>
      )}
      <Findings validation={own} />
      <Tabs
        label={t('node.panel', { name: node.name })}
        value={tab}
        onChange={setTab}
        tabs={[
          {
            id: 'parameters',
            label: t('node.parameters'),
            content: (
              <>
                <Credentials {...props} />
                {type?.parameters ? (
                  <SchemaForm
                    schema={type.parameters}
                    value={node.parameters ?? {}}
                    onChange={(p) => change((d) => changeNode(d, node.name, { parameters: p }), `parameters ${node.name}`)}
                    ground={{ workflowID: props.workflowID, node: ran || props.stored ? node.name : undefined, executionID: ran ? whole?.execution_id : undefined }}
                  />
                ) : (
                  <Unknown {...props} />
                )}
              </>
            ),
          },
          { id: 'data', label: t('node.data'), content: <NodeData draft={props.draft} node={node.name} whole={whole} /> },
          { id: 'connections', label: t('node.connections'), content: <ConnectionsTab {...props} /> },
          { id: 'settings', label: t('node.settings'), content: <SettingsTab {...props} /> },
        ]}
      />
    </aside>
  );
}

function NameField({ draft, node, change, onRename }: Props) {
  const { t } = useText();
  const [name, setName] = useState(node.name);
  const commit = () => {
    const wanted = name.trim();
    if (!wanted || wanted === node.name || draft.nodes.some((n) => n.name === wanted)) return setName(node.name);
    change((d) => rename(d, node.name, wanted));
    onRename(wanted);
  };
  return <input className="panel-name" aria-label={t('node.name')} value={name} onChange={(e) => setName(e.target.value)} onBlur={commit} onKeyDown={(e) => e.key === 'Enter' && e.currentTarget.blur()} />;
}

/** A node whose type is not known keeps its parameters as they are. */
function Unknown({ node }: Props) {
  const { t } = useText();
  return (
    <>
      <p className="warn-text">{t('node.unknown', { type: node.type })}</p>
      <pre className="json">{JSON.stringify(node.parameters, null, 2)}</pre>
    </>
  );
}

function Credentials({ node, type, change }: Props) {
  const { t } = useText();
  const kinds = type?.credentials ?? [];
  const list = useQuery({ queryKey: ['credentials'], queryFn: () => done(api.GET('/api/app/credentials')), enabled: kinds.length > 0 });
  if (kinds.length === 0) return null;
  const chosen = Object.entries(node.credentials ?? {})[0];
  const fitting = (list.data?.credentials ?? []).filter((c) => kinds.includes(c.type));
  const value = chosen ? (fitting.find((c) => c.credential_id === chosen[1].id || (!chosen[1].id && c.name === chosen[1].name))?.credential_id ?? 'missing') : '';
  const pick = (id: string) => {
    const c = fitting.find((x) => x.credential_id === id);
    const parameters: Params = { ...node.parameters };
    if (c && type?.parameters?.properties?.genericAuthType) Object.assign(parameters, { authentication: 'genericCredentialType', genericAuthType: c.type });
    change((d) => changeNode(d, node.name, { credentials: c ? { [c.type]: { id: c.credential_id, name: c.name } } : {}, ...(c ? { parameters } : {}) }));
  };
  return (
    <Field label={t('credential')} hint={fitting.length === 0 ? t('credential.noneFits') : undefined}>
      <select value={value} onChange={(e) => pick(e.target.value)}>
        <option value="">{t('credential.none')}</option>
        {value === 'missing' && <option value="missing">{t('credential.missing', { name: chosen?.[1].name ?? '' })}</option>}
        {fitting.map((c) => (
          <option key={c.credential_id} value={c.credential_id}>
            {c.name} ({c.type})
          </option>
        ))}
      </select>
    </Field>
  );
}

/** The node's connections as lists, which need no pointer. */
function ConnectionsTab({ draft, node, types, change, onAdd, onSelect }: Props) {
  const { t } = useText();
  const handles = handlesOf(draft, types).get(node.name)!;
  const links = linksOf(draft.connections);
  const inward = links.filter((l) => l.to === node.name);
  const others = draft.nodes.filter((n) => n.name !== node.name && (types.get(n.type)?.inputs?.length ?? 0) > 0);
  const row = (l: (typeof links)[number], name: string) => (
    <li key={linkID(l)} className="row spread">
      <button type="button" className="link" onClick={() => onSelect(name)}>
        {name}
      </button>
      <IconButton icon={Link2Off} size={15} label={t('node.disconnect', { name })} onClick={() => change((d) => disconnect(d, [linkID(l)]))} />
    </li>
  );
  return (
    <div className="stack">
      {handles.inputs.length > 0 && (
        <section>
          <h3>{t('node.from')}</h3>
          {inward.length === 0 ? <p className="muted small">{t('node.noneBefore')}</p> : <ul className="plain">{inward.map((l) => row(l, l.from))}</ul>}
        </section>
      )}
      {handles.outputs.map((h) => (
        <section key={h.id}>
          <h3>{handles.outputs.length > 1 ? t('node.toOutput', { output: h.label }) : t('node.to')}</h3>
          <ul className="plain">{links.filter((l) => l.from === node.name && l.type === h.type && l.output === h.index).map((l) => row(l, l.to))}</ul>
          <div className="row wrap">
            <select
              aria-label={t('node.connectTo')}
              value=""
              onChange={(e) => {
                const to = draft.nodes.find((n) => n.name === e.target.value);
                const port = to && types.get(to.type)?.inputs?.[0];
                if (to) change((d) => connect(d, { from: node.name, type: h.type, output: h.index, to: to.name, inputType: port?.type ?? 'main', input: 0 }));
              }}
            >
              <option value="">{t('node.connectTo')}</option>
              {others.map((n) => (
                <option key={n.name}>{n.name}</option>
              ))}
            </select>
            {h.type === 'main' && (
              <Button kind="quiet" icon={Plus} onClick={() => onAdd(h.index)}>
                {t('node.addNext')}
              </Button>
            )}
          </div>
        </section>
      ))}
      <p className="muted small row">
        <Link2 size={14} aria-hidden /> {t('node.connectHint')}
      </p>
    </div>
  );
}

function SettingsTab({ node, change, onClose, onRunFrom }: Props) {
  const { t } = useText();
  const set = (c: Partial<WorkflowNode>) => change((d) => changeNode(d, node.name, c), `settings ${node.name}`);
  const flags = ['disabled', 'executeOnce', 'alwaysOutputData', 'retryOnFail'] as const;
  return (
    <div className="stack">
      {flags.map((f) => (
        <Toggle key={f} label={t(`node.${f}`)} checked={!!node[f]} onChange={(on) => set({ [f]: on })} />
      ))}
      {!!node.retryOnFail && (
        <div className="row">
          <Field label={t('node.maxTries')}>
            <input type="number" min={2} max={10} value={Number(node.maxTries ?? 3)} onChange={(e) => set({ maxTries: Number(e.target.value) })} />
          </Field>
          <Field label={t('node.waitBetweenTries')}>
            <input type="number" min={0} max={5000} value={Number(node.waitBetweenTries ?? 1000)} onChange={(e) => set({ waitBetweenTries: Number(e.target.value) })} />
          </Field>
        </div>
      )}
      <Field label={t('node.onError')}>
        <select value={node.onError ?? 'stopWorkflow'} onChange={(e) => set({ onError: e.target.value })}>
          <option value="stopWorkflow">{t('node.onError.stop')}</option>
          <option value="continueRegularOutput">{t('node.onError.continue')}</option>
          <option value="continueErrorOutput">{t('node.onError.output')}</option>
        </select>
      </Field>
      <Field label={t('node.notes')}>
        <textarea rows={3} value={node.notes ?? ''} onChange={(e) => set({ notes: e.target.value })} />
      </Field>
      {onRunFrom && (
        <Button icon={Play} onClick={onRunFrom}>
          {t('node.runFrom')}
        </Button>
      )}
      <Button kind="danger" icon={Trash2} onClick={() => (change((d) => remove(d, [node.name])), onClose())}>
        {t('node.remove')}
      </Button>
    </div>
  );
}
