import { useMutation, useQuery } from '@tanstack/react-query';
import { ArrowUp, Bot, ExternalLink, Play, SquarePen } from 'lucide-react';
import { useCallback, useEffect, useRef, useState, type FormEvent } from 'react';
import { Link, useLocation, useSearchParams } from 'wouter';
import { api, done } from '../api/client';
import type { Workflow } from '../api/types';
import { loadWorkflow } from '../api/workflow';
import { Canvas, type Flow } from '../canvas/canvas';
import { useTypesOf } from '../canvas/catalogue';
import { draftOf } from '../canvas/document';
import { isFinal } from '../canvas/run';
import { useChat, type Message } from '../canvas/use-chat';
import { useRun } from '../canvas/use-run';
import { useText } from '../text';
import { Ago, Fault, Loading, Status } from '../ui/bits';
import { Button, IconButton } from '../ui/button';

/** Talking with the workflow agent, and what comes of it. */
export default function Chat({ id }: { id?: string }) {
  const { t } = useText();
  const [, go] = useLocation();
  const [search] = useSearchParams();
  const edits = search.get('edit') ?? undefined;
  const chat = useChat(id);
  const first = useRef<string | null>(null);
  const begin = useMutation({
    mutationFn: (_text: string) => done(api.POST('/api/app/sessions', { body: edits ? { action: 'edit', workflow_id: edits } : { action: 'create' } })),
    onSuccess: (s, text) => {
      first.current = text;
      go(`/chat/${s.session_id}`);
    },
  });
  const send = (text: string) => {
    if (id) return chat.say(text);
    begin.mutate(text);
  };
  useEffect(() => {
    if (!id || first.current === null || chat.loading) return;
    const text = first.current;
    first.current = null;
    chat.say(text, id);
  }, [id, chat]);
  const workflowID = chat.made?.workflow_id ?? chat.about?.workflow_id ?? edits;
  return (
    <div className="chat">
      <History current={id} />
      <section className="chat-main" aria-label={t('nav.chat')}>
        <header className="chat-head">
          <h1>{chat.about?.title ?? t('chat.new')}</h1>
          <Link href="/chat" className="icon-button" aria-label={t('chat.new')}>
            <SquarePen size={18} aria-hidden />
          </Link>
        </header>
        <Messages chat={chat} started={!!id} editing={!!edits} onSay={send} />
        <Composer busy={chat.busy || begin.isPending} onSay={send} />
      </section>
      {(chat.made || workflowID) && <Outcome key={id ?? 'new'} made={chat.made?.workflow} workflowID={workflowID} />}
    </div>
  );
}

function History({ current }: { current: string | undefined }) {
  const { t } = useText();
  const list = useQuery({ queryKey: ['sessions'], queryFn: () => done(api.GET('/api/app/sessions', { params: { query: { limit: 50 } } })) });
  return (
    <nav className="chat-list" aria-label={t('chat.earlier')}>
      <h2>{t('chat.earlier')}</h2>
      <ul>
        {(list.data?.sessions ?? []).map(
          (s) =>
            s && (
              <li key={s.session_id}>
                <Link href={`/chat/${s.session_id}`} className={s.session_id === current ? 'place place-here' : 'place'} aria-current={s.session_id === current ? 'page' : undefined}>
                  <span className="clamp">{s.title || t('chat.untitled')}</span>
                  <span className="muted small">
                    <Ago at={s.updated_at} />
                  </span>
                </Link>
              </li>
            ),
        )}
      </ul>
    </nav>
  );
}

type ChatState = ReturnType<typeof useChat>;

function Messages({ chat, started, editing, onSay }: { chat: ChatState; started: boolean; editing: boolean; onSay(text: string): void }) {
  const { t } = useText();
  const end = useRef<HTMLDivElement>(null);
  const count = chat.messages.length;
  const size = chat.messages.at(-1)?.text.length ?? 0;
  useEffect(() => void end.current?.scrollIntoView({ block: 'end' }), [count, size, chat.busy]);
  if (chat.loading) return <Loading />;
  const suggestions = editing ? (['chat.try.change1', 'chat.try.change2'] as const) : (['chat.try.1', 'chat.try.2', 'chat.try.3'] as const);
  return (
    <div className="messages" role="log" aria-live="polite" tabIndex={0} aria-label={t('chat.messages')}>
      {!started && count === 0 && (
        <div className="chat-start">
          <span className="empty-icon">
            <Bot size={28} aria-hidden />
          </span>
          <h2>{editing ? t('chat.editTitle') : t('chat.title')}</h2>
          <p className="muted">{t('chat.text')}</p>
          <ul>
            {suggestions.map((s) => (
              <li key={s}>
                <button type="button" className="suggestion" onClick={() => onSay(t(s))}>
                  {t(s)}
                </button>
              </li>
            ))}
          </ul>
        </div>
      )}
      {chat.messages.map((m, i) => (
        <Bubble key={m.id} message={m} open={i === count - 1 && !chat.busy} onSay={onSay} />
      ))}
      {chat.busy && (
        <p className="progress" role="status">
          <i aria-hidden />
          <i aria-hidden />
          <i aria-hidden />
          {chat.progress?.stage_description ?? t('chat.thinking')}
        </p>
      )}
      {chat.fault && <Fault error={chat.fault} />}
      {chat.error && <Fault error={chat.error} />}
      <div ref={end} />
    </div>
  );
}

/** One message; while it is the last, its questions and alternatives are answered by a press. */
function Bubble({ message: m, open, onSay }: { message: Message; open: boolean; onSay(text: string): void }) {
  const { t } = useText();
  const alternatives = m.alternatives ?? [];
  const options = (m.questions ?? []).flatMap((q) => (q.options ?? []).map((o) => ({ q, o })));
  return (
    <article className={`bubble bubble-${m.role === 'user' ? 'user' : 'agent'}`} aria-label={m.role === 'user' ? t('chat.you') : t('chat.agent')}>
      <Marked text={alternatives.length ? (m.text.split('\n')[0] ?? '') : m.text} />
      {alternatives.length > 0 && (
        <ul className="alternatives">
          {alternatives.map((a, i) => (
            <li key={a.id}>
              <button type="button" disabled={!open} onClick={() => onSay(String(i + 1))}>
                <strong>
                  {i + 1}. {a.title}
                </strong>
                {a.description && <span>{a.description}</span>}
                <span className="row wrap">
                  {a.approach && <span className="chip">{a.approach}</span>}
                  {a.complexity && <span className="chip chip-tag">{a.complexity}</span>}
                </span>
                {(a.trade_offs ?? []).map((x) => (
                  <span key={x} className="muted small">
                    {x}
                  </span>
                ))}
              </button>
            </li>
          ))}
        </ul>
      )}
      {options.length > 0 && (
        <div className="row wrap" role="group" aria-label={t('chat.choices')}>
          {options.map(({ q, o }) => (
            <Button key={q.id + o} disabled={!open} onClick={() => onSay(o)}>
              {o}
            </Button>
          ))}
        </div>
      )}
    </article>
  );
}

/** Text with the little markup that agents use: bold, code, and lists as they stand. */
function Marked({ text }: { text: string }) {
  const parts = text.split(/(\*\*[^*]+\*\*|`[^`]+`)/g);
  return (
    <p className="text">
      {parts.map((p, i) => (p.startsWith('**') && p.length > 4 ? <strong key={i}>{p.slice(2, -2)}</strong> : p.startsWith('`') && p.length > 2 ? <code key={i}>{p.slice(1, -1)}</code> : p))}
    </p>
  );
}

function Composer({ busy, onSay }: { busy: boolean; onSay(text: string): void }) {
  const { t } = useText();
  const [text, setText] = useState('');
  const send = (e?: FormEvent) => {
    e?.preventDefault();
    if (busy || !text.trim()) return;
    onSay(text.trim());
    setText('');
  };
  return (
    <form className="composer" onSubmit={send}>
      <textarea
        rows={Math.min(Math.max(text.split('\n').length, 1), 6)}
        aria-label={t('chat.message')}
        placeholder={t('chat.placeholder')}
        value={text}
        onChange={(e) => setText(e.target.value)}
        onKeyDown={(e) => {
          if (e.key === 'Enter' && !e.shiftKey && !e.nativeEvent.isComposing) {
            e.preventDefault();
            send();
          }
        }}
      />
      <IconButton icon={ArrowUp} type="submit" label={t('chat.send')} className="composer-send" disabled={busy || !text.trim()} />
    </form>
  );
}

/** The workflow as it grows, to be run and opened. */
function Outcome({ made, workflowID }: { made: Workflow | undefined; workflowID: string | undefined }) {
  const { t } = useText();
  const [runID, setRun] = useState<string>();
  const stored = useQuery({
    queryKey: ['workflow-shown', workflowID],
    enabled: !!workflowID && !made,
    queryFn: () => loadWorkflow(workflowID!),
  });
  const workflow = made ?? stored.data;
  const types = useTypesOf((workflow?.nodes ?? []).map((n) => n.type));
  const { run, whole, status } = useRun(runID);
  const flow = useRef<Flow | null>(null);
  const shown = JSON.stringify(workflow?.nodes.map((n) => n.name));
  useEffect(() => {
    const timer = setTimeout(() => void flow.current?.fitView({ maxZoom: 1, padding: 0.2, duration: 300 }), 80);
    return () => clearTimeout(timer);
  }, [shown]);
  const keep = useCallback((f: Flow) => void (flow.current = f), []);
  const execute = useMutation({
    mutationFn: () => done(api.POST('/api/app/workflows/{workflow_id}/execute', { params: { path: { workflow_id: workflowID! } }, body: {} })),
    onSuccess: (e) => setRun(e.execution_id),
  });
  if (!workflow) return null;
  return (
    <section className="outcome" aria-label={t('chat.workflow')}>
      <header className="drawer-head">
        <strong className="clamp">{workflow.name}</strong>
        {workflowID && (
          <div className="row">
            {status && <Status status={status} />}
            <Button kind="primary" icon={Play} busy={execute.isPending || (!!status && !isFinal(status) && status !== 'waiting')} onClick={() => execute.mutate()}>
              {t('chat.run')}
            </Button>
            <Link className="button button-plain" href={`/workflows/${workflowID}${runID ? `?run=${runID}` : ''}`}>
              <ExternalLink size={16} aria-hidden />
              {t('open')}
            </Link>
          </div>
        )}
      </header>
      {whole?.error && <Fault error={new Error(`${whole.error.node ?? ''}: ${whole.error.message}`)} />}
      <Canvas draft={draftOf({ ...workflow, tags: workflow.tags ?? [], settings: workflow.settings ?? {} })} types={types} run={run} label={t('canvas.of', { name: workflow.name })} onFlow={keep} />
    </section>
  );
}
