import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { ArrowLeft, Braces, Download, Ellipsis, History, LayoutDashboard, MessageSquare, Play, Plus, Redo2, Save, StickyNote as NoteIcon, Trash2, Undo2, Webhook } from 'lucide-react';
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { Link, useLocation, useSearchParams } from 'wouter';
import { api, done, Failure, type Schemas } from '../api/client';
import type { NodeType, Validation, Workflow } from '../api/types';
import { loadWorkflow } from '../api/workflow';
import { Canvas, type Flow } from '../canvas/canvas';
import { useTypesOf } from '../canvas/catalogue';
import { STICKY, add, changeNode, connect, disconnect, draftOf, remove, type Draft } from '../canvas/document';
import { useHistory } from '../canvas/history';
import { arrange, fromCanvas } from '../canvas/layout';
import { isFinal } from '../canvas/run';
import { useRun } from '../canvas/use-run';
import { useText } from '../text';
import { Fault, Loading, Toggle } from '../ui/bits';
import { Button, IconButton } from '../ui/button';
import { Confirm } from '../ui/dialog';
import { giveUp, useUnsaved } from '../ui/leave';
import { Menu } from '../ui/menu';
import { useSlow } from '../ui/slow';
import { toast } from '../ui/toast';
import { newID } from '../values';
import { NodePanel } from './node-panel';
import { NotePanel } from './note-panel';
import { Palette } from './palette';
import { RunDrawer } from './run-drawer';
import { RunInput, type Start } from './run-input';
import { Versions } from './versions';
import { WebhookTest } from './webhook-test';

/** A workflow: its graph, its nodes' parameters, its runs. */
export default function EditorPage({ id }: { id: string }) {
  const workflow = useQuery({ queryKey: ['workflow', id], queryFn: () => loadWorkflow(id), staleTime: Infinity, refetchOnMount: 'always', gcTime: 0 });
  if (workflow.isPending || workflow.isFetching) return <Loading />;
  if (workflow.error) return <Fault error={workflow.error} />;
  return <Editor key={workflow.data.version} workflow={workflow.data} />;
}

function Editor({ workflow }: { workflow: Workflow }) {
  const { t } = useText();
  const client = useQueryClient();
  const [, go] = useLocation();
  const [search, setSearch] = useSearchParams();
  const id = workflow.workflow_id;
  const [saved, setSaved] = useState(() => draftOf(workflow));
  const [version, setVersion] = useState(workflow.version);
  const [active, setActive] = useState(workflow.active);
  const { draft, change, undo, redo, canUndo, canRedo } = useHistory(saved);
  const dirty = draft !== saved;
  const [selected, setSelected] = useState<string>();
  const [dialog, setDialog] = useState<'versions' | 'webhook' | 'delete' | 'input' | null>(null);
  const [start, setStart] = useState<Start>({ trigger: '', text: '{\n  \n}' });
  const [palette, setPalette] = useState<{ behind?: { name: string; output: number } } | null>(null);
  const flow = useRef<Flow | null>(null);
  const types = useTypesOf(draft.nodes.map((n) => n.type));
  const validation = useValidation(draft);
  const runID = search.get('run') ?? undefined;
  const { run, whole, status, fault } = useRun(runID);
  const node = draft.nodes.find((n) => n.name === selected);

  const [focus, setFocus] = useState<{ name: string }>();
  const center = useCallback((name: string) => setFocus({ name }), []);

  const failing = whole?.error?.node;
  useEffect(() => {
    if (!failing) return;
    setSelected(failing);
    center(failing);
  }, [failing, runID, center]);

  const save = useMutation({
    mutationFn: async () => {
      const now = draft;
      const body = { ...now, name: now.name.trim() || t('workflow.unnamed') };
      const out = await done(
        api.PUT('/api/app/workflows/{workflow_id}', { params: { path: { workflow_id: id }, header: { 'If-Match': `"${version}"` } }, body: body as unknown as Schemas['UpdateWorkflowRequest'] }),
      );
      return { out, now };
    },
    onSuccess: ({ out, now }) => {
      setSaved(now);
      setVersion(out.version);
      setActive(out.active);
      void client.invalidateQueries({ queryKey: ['workflows'] });
      void client.invalidateQueries({ queryKey: ['versions', id] });
    },
    onError: (error) => toast({ kind: 'error', text: error instanceof Failure && error.status === 409 ? t('editor.conflict') : error.message }),
  });
  const execute = useMutation({
    mutationFn: async (body: Schemas['ExecuteWorkflowRequest']) => {
      if (dirty) await save.mutateAsync();
      return done(
        api.POST('/api/app/workflows/{workflow_id}/execute', {
          params: { path: { workflow_id: id }, header: { 'Idempotency-Key': newID() } },
          body,
        }),
      );
    },
    onSuccess: (e) => {
      setSearch({ run: e.execution_id }, { replace: true });
      void client.invalidateQueries({ queryKey: ['executions'] });
    },
    onError: (error) => !(error instanceof Failure && error.status === 409 && save.isError) && toast({ kind: 'error', text: error.message }),
  });
  const activate = useMutation({
    mutationFn: async (on: boolean) => {
      if (dirty) await save.mutateAsync();
      const params = { params: { path: { workflow_id: id } } };
      return done(on ? api.POST('/api/app/workflows/{workflow_id}/activate', params) : api.POST('/api/app/workflows/{workflow_id}/deactivate', params));
    },
    onSuccess: (a) => {
      setActive(a.active);
      toast({ kind: 'ok', text: a.active ? t('editor.activated') : t('editor.deactivated') });
    },
  });
  const erase = useMutation({
    mutationFn: () => done(api.DELETE('/api/app/workflows/{workflow_id}', { params: { path: { workflow_id: id } } })),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: ['workflows'] });
      giveUp();
      go('/workflows');
    },
  });

  const busy = execute.isPending || save.isPending || (!!runID && !!status && !isFinal(status) && status !== 'waiting');
  useUnsaved(dirty);
  useKeys({
    save: () => dirty && !save.isPending && save.mutate(),
    undo,
    redo,
    run: () => !busy && execute.mutate({}),
  });

  const insert = (type: NodeType | { type: string; display_name: string; version: number }, behind?: { name: string; output: number }) => {
    const before = draft.nodes.find((n) => n.name === behind?.name);
    const last = before ?? draft.nodes.filter((n) => n.type !== STICKY).at(-1);
    const position: [number, number] = last ? [last.position[0] + 220, last.position[1] + (behind ? behind.output * 104 : 0)] : [0, 0];
    const node = { name: type.display_name, type: type.type, typeVersion: 'version' in type ? type.version : (type.versions.at(-1) ?? 1), position, parameters: {} };
    const added = add(draft, node, behind);
    change(() => added.draft);
    setPalette(null);
    setSelected(added.name);
    center(added.name);
  };
  const addNote = () => {
    const at = flow.current?.screenToFlowPosition({ x: window.innerWidth / 2, y: window.innerHeight / 2 }) ?? { x: 0, y: 0 };
    const added = add(draft, { name: t('note'), type: STICKY, typeVersion: 1, position: fromCanvas(at), parameters: { content: t('note.text'), width: 240, height: 160 } });
    change(() => added.draft);
    setSelected(added.name);
  };
  const tidy = () =>
    void arrange(draft).then((next) => {
      setFocus(undefined);
      change(() => next);
      setTimeout(() => void flow.current?.fitView({ maxZoom: 1, padding: 0.2, duration: 300 }), 60);
    });
  const triggers = draft.nodes.filter((n) => !n.disabled && types.get(n.type)?.category === 'TRIGGER');
  const first = triggers.find((n) => n.name === start.trigger) ?? triggers[0];
  const hooks = draft.nodes.some((n) => n.type.endsWith('.webhook') || n.type.endsWith('.formTrigger'));

  return (
    <div className="editor">
      <header className="editor-head">
        <Link href="/workflows" className="icon-button" aria-label={t('nav.workflows')}>
          <ArrowLeft size={18} aria-hidden />
        </Link>
        <h1 className="sr-only">{draft.name}</h1>
        <input className="editor-name" aria-label={t('workflow.name')} value={draft.name} onChange={(e) => change((d) => ({ ...d, name: e.target.value }), 'name')} />
        <span className="muted small editor-state">
          v{version}
          {dirty && ` · ${t('editor.unsaved')}`}
        </span>
        <div className="editor-tools">
          <IconButton icon={Undo2} label={t('undo')} disabled={!canUndo} onClick={undo} className="wide-only" />
          <IconButton icon={Redo2} label={t('redo')} disabled={!canRedo} onClick={redo} className="wide-only" />
          <Toggle checked={active} onChange={(on) => activate.mutate(on)} disabled={activate.isPending} label={t('status.active')} />
          <Button icon={Save} busy={save.isPending} disabled={!dirty} onClick={() => save.mutate()}>
            {t('save')}
          </Button>
          <Button kind="primary" icon={Play} busy={busy} onClick={() => execute.mutate({})}>
            {t('run')}
          </Button>
          <IconButton icon={Braces} label={t('input.run')} disabled={busy} onClick={() => setDialog('input')} className="wide-only" />
          <Menu
            trigger={<IconButton icon={Ellipsis} label={t('more.actions')} />}
            items={[
              { label: t('input.run'), icon: Braces, disabled: busy, onSelect: () => setDialog('input') },
              { label: t('editor.talk'), icon: MessageSquare, onSelect: () => go(`/chat?edit=${id}`) },
              { label: t('versions'), icon: History, onSelect: () => setDialog('versions') },
              { label: t('webhook.test'), icon: Webhook, disabled: !hooks, onSelect: () => setDialog('webhook') },
              { label: t('export'), icon: Download, onSelect: () => exportFile(draft) },
              null,
              { label: t('delete'), icon: Trash2, danger: true, onSelect: () => setDialog('delete') },
            ]}
          />
        </div>
      </header>
      <div className="editor-body">
        <section className="editor-canvas" aria-label={t('canvas')}>
          <Canvas
            draft={draft}
            types={types}
            run={run}
            validation={validation}
            selected={selected}
            label={t('canvas.of', { name: draft.name })}
            onSelect={setSelected}
            onMove={(moved) => change((d) => moved.reduce((x, m) => changeNode(x, m.name, { position: m.position }), d))}
            onConnect={(l) => change((d) => connect(d, l))}
            onRemove={(nodes, links) => {
              change((d) => (nodes.length ? remove(d, nodes) : disconnect(d, links)));
              if (selected && nodes.includes(selected)) setSelected(undefined);
            }}
            onFlow={(f) => (flow.current = f)}
            focus={focus}
            onMoved={() => setFocus(undefined)}
          />
          <div className="canvas-tools">
            <IconButton icon={Plus} label={t('node.add')} onClick={() => setPalette({})} />
            <IconButton icon={NoteIcon} label={t('note.add')} onClick={addNote} />
            <IconButton icon={LayoutDashboard} label={t('canvas.arrange')} onClick={tidy} />
          </div>
          {runID && (
            <RunDrawer
              workflowID={id}
              runID={runID}
              run={run}
              whole={whole}
              status={status}
              fault={fault}
              onNode={(name) => (setSelected(name), center(name))}
              onClose={() => setSearch({}, { replace: true })}
              onRun={(execution) => setSearch({ run: execution }, { replace: true })}
            />
          )}
        </section>
        {node?.type === STICKY ? (
          <NotePanel node={node} onChange={(p) => change((d) => changeNode(d, node.name, p), `note ${node.name}`)} onRemove={() => (change((d) => remove(d, [node.name])), setSelected(undefined))} onClose={() => setSelected(undefined)} />
        ) : (
          node && (
            <NodePanel
              key={node.id || node.name}
              workflowID={id}
              draft={draft}
              node={node}
              stored={saved.nodes.some((n) => n.name === node.name)}
              type={types.get(node.type)}
              types={types}
              validation={validation}
              run={run}
              whole={whole}
              change={change}
              onRename={setSelected}
              onSelect={(name) => (setSelected(name), center(name))}
              onClose={() => setSelected(undefined)}
              onAdd={(output) => setPalette({ behind: { name: node.name, output } })}
              onRunFrom={whole && isFinal(whole.status) ? () => execute.mutate({ start_from_node: node.name, execution_id: whole.execution_id }) : undefined}
            />
          )
        )}
      </div>
      {palette && <Palette onClose={() => setPalette(null)} onPick={(type) => insert(type, palette.behind ?? (node && node.type !== STICKY && types.get(node.type)?.outputs?.length ? { name: node.name, output: 0 } : undefined))} />}
      {dialog === 'versions' && <Versions workflowID={id} version={version} draft={draft} dirty={dirty} onClose={() => setDialog(null)} />}
      {dialog === 'input' && (
        <RunInput
          start={{ ...start, trigger: first?.name ?? '' }}
          triggers={triggers}
          onChange={setStart}
          onClose={() => setDialog(null)}
          onRun={(inputs) => (setDialog(null), execute.mutate({ inputs, ...(first && triggers.length > 1 ? { trigger_node: first.name } : {}) }))}
        />
      )}
      {dialog === 'webhook' && <WebhookTest workflowID={id} triggers={workflow.triggers ?? []} dirty={dirty} onClose={() => setDialog(null)} />}
      <Confirm open={dialog === 'delete'} onClose={() => setDialog(null)} onConfirm={() => erase.mutate()} title={t('workflow.delete')} text={t('workflow.deleteText', { name: draft.name })} action={t('delete')} />
    </div>
  );
}

/** What is wrong with a draft, as saving it would say. */
function useValidation(draft: Draft): Validation | undefined {
  const slow = useSlow(draft, 900);
  const stamp = useMemo(() => JSON.stringify([slow.nodes.map(({ position: _, ...n }) => n), slow.connections]), [slow]);
  const query = useQuery({
    queryKey: ['validation', stamp],
    queryFn: () => done(api.POST('/api/app/workflows/validate', { body: { nodes: slow.nodes, connections: slow.connections } as unknown as Schemas['PostWorkflowsValidateRequest'] })),
    staleTime: Infinity,
    placeholderData: (before) => before,
    retry: false,
  });
  return query.data as unknown as Validation | undefined;
}

function useKeys(actions: { save(): void; undo(): void; redo(): void; run(): void }) {
  const latest = useRef(actions);
  latest.current = actions;
  useEffect(() => {
    const press = (e: KeyboardEvent) => {
      if (!(e.ctrlKey || e.metaKey) || document.querySelector('[role=dialog], [role=alertdialog]')) return;
      const typing = e.target instanceof HTMLElement && (e.target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(e.target.tagName));
      const key = e.key.toLowerCase();
      const does = key === 's' ? 'save' : key === 'enter' ? 'run' : key === 'z' && !typing ? (e.shiftKey ? 'redo' : 'undo') : undefined;
      if (!does) return;
      e.preventDefault();
      if (!e.repeat || does === 'undo' || does === 'redo') latest.current[does]();
    };
    window.addEventListener('keydown', press);
    return () => window.removeEventListener('keydown', press);
  }, []);
}

function exportFile(d: Draft) {
  const blob = new Blob([JSON.stringify(d, null, 2)], { type: 'application/json' });
  const a = document.createElement('a');
  a.href = URL.createObjectURL(blob);
  a.download = `${d.name.replace(/[^\p{L}\p{N}._-]+/gu, '-') || 'workflow'}.json`;
  a.click();
  URL.revokeObjectURL(a.href);
}
