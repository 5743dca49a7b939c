import { useMutation } from '@tanstack/react-query';
import { Check, ExternalLink, X } from 'lucide-react';
import { useState, type FormEvent } from 'react';
import { api, done } from '../api/client';
import type { ExecutionWhole, Json, Params } from '../api/types';
import { useText } from '../text';
import { Field } from '../ui/bits';
import { Button } from '../ui/button';

/** What a run asks: the waiting node's data. */
interface Asked {
  title?: string;
  message?: string;
  description?: string;
  approve?: string;
  reject?: string;
  /** Whether a comment is asked for. */
  comment?: boolean;
  choices?: { name: string; label?: string }[];
  fields?: FormField[];
}

interface FormField {
  name: string;
  label?: string;
  type?: string;
  required?: boolean;
  options?: string[];
  placeholder?: string;
  default?: string;
}

/** Answers what a run waits for, in place. */
export function Answer({ execution, onAnswered }: { execution: ExecutionWhole; onAnswered(): void }) {
  const { t } = useText();
  const waiting = execution.waiting_for!;
  const asked = (waiting.data ?? {}) as Asked;
  const [comment, setComment] = useState('');
  const said: Params = comment ? { comment } : {};
  const answer = useMutation({
    mutationFn: (response: Params) => done(api.POST('/api/app/executions/{execution_id}/resume', { params: { path: { execution_id: execution.execution_id } }, body: { response } })),
    onSettled: onAnswered,
  });
  return (
    <div className="answer" role="group" aria-label={t(`wait.${waiting.kind as 'approval'}`)}>
      <strong>
        {waiting.node} · {t(`wait.${waiting.kind as 'approval'}`)}
      </strong>
      {asked.title && <p>{asked.title}</p>}
      {asked.message && <p className="text">{asked.message}</p>}
      {asked.description && <p className="muted text">{asked.description}</p>}
      {waiting.kind === 'time' && <p className="muted">{t('wait.until', { time: waiting.until ? new Date(waiting.until).toLocaleString() : '' })}</p>}
      {(waiting.kind === 'approval' || waiting.kind === 'choice') && (
        <>
          {asked.comment && (
            <Field label={t('wait.comment')}>
              <input type="text" value={comment} onChange={(e) => setComment(e.target.value)} />
            </Field>
          )}
          <div className="row wrap">
            {waiting.kind === 'approval' ? (
              <>
                <Button kind="primary" icon={Check} disabled={answer.isPending} onClick={() => answer.mutate({ approved: true, ...said })}>
                  {asked.approve || t('wait.approve')}
                </Button>
                <Button kind="danger" icon={X} disabled={answer.isPending} onClick={() => answer.mutate({ approved: false, ...said })}>
                  {asked.reject || t('wait.decline')}
                </Button>
              </>
            ) : (
              (asked.choices ?? []).map((c) => (
                <Button key={c.name} disabled={answer.isPending} onClick={() => answer.mutate({ choice: c.name, ...said })}>
                  {c.label || c.name}
                </Button>
              ))
            )}
          </div>
        </>
      )}
      {waiting.kind === 'form' && asked.fields && <AnswerForm fields={asked.fields} busy={answer.isPending} onSend={(values) => answer.mutate(values)} />}
      {execution.resume_url && (waiting.kind === 'form' || waiting.kind === 'webhook') && (
        <a className="row small" href={execution.resume_url} target="_blank" rel="noreferrer">
          <ExternalLink size={14} aria-hidden /> {t('wait.page')}
        </a>
      )}
    </div>
  );
}

function AnswerForm({ fields, busy, onSend }: { fields: FormField[]; busy: boolean; onSend(values: Params): void }) {
  const { t } = useText();
  const [values, setValues] = useState<Params>(() => Object.fromEntries(fields.flatMap((f) => (f.default ? [[f.name, f.default as Json]] : []))));
  const send = (e: FormEvent) => {
    e.preventDefault();
    onSend(values);
  };
  const set = (f: FormField, v: string) => setValues({ ...values, [f.name]: f.type === 'number' && v !== '' ? Number(v) : v });
  return (
    <form className="stack" onSubmit={send}>
      {fields
        .filter((f) => f.type !== 'html' && f.type !== 'hiddenField' && f.type !== 'file')
        .map((f) => {
          const common = { required: f.required ?? false, value: String(values[f.name] ?? '') };
          return (
            <Field key={f.name} label={f.label ?? f.name}>
              {f.options?.length ? (
                <select {...common} onChange={(e) => set(f, e.target.value)}>
                  <option value="" />
                  {f.options.map((o) => (
                    <option key={o}>{o}</option>
                  ))}
                </select>
              ) : f.type === 'textarea' ? (
                <textarea rows={3} {...common} onChange={(e) => set(f, e.target.value)} />
              ) : (
                <input type={f.type && ['number', 'email', 'password', 'date'].includes(f.type) ? f.type : 'text'} placeholder={f.placeholder ?? ''} {...common} onChange={(e) => set(f, e.target.value)} />
              )}
            </Field>
          );
        })}
      <Button kind="primary" type="submit" busy={busy}>
        {t('wait.send')}
      </Button>
    </form>
  );
}
