import { useQuery } from '@tanstack/react-query';
import { Plus, Trash2, Variable } from 'lucide-react';
import { createContext, useContext, useState } from 'react';
import { api, done } from '../api/client';
import type { Json, Params, Schema } from '../api/types';
import { useText } from '../text';
import { Button, IconButton } from '../ui/button';
import { Code } from '../ui/code';
import { useSlow } from '../ui/slow';

/** Where expressions are tried: with the data of a run, where there is one. */
export interface Ground {
  workflowID: string;
  /** Unless it is not stored yet. */
  node: string | undefined;
  executionID?: string | undefined;
}

const GroundContext = createContext<Ground | null>(null);

interface FormProps {
  schema: Schema;
  value: Params;
  onChange(value: Params): void;
  ground: Ground;
}

/** A form for a node's parameters, made from their JSON schema. */
export function SchemaForm({ schema, value, onChange, ground }: FormProps) {
  const { t } = useText();
  const properties = Object.keys(schema.properties ?? {});
  return (
    <GroundContext.Provider value={ground}>
      {properties.length === 0 ? <p className="muted">{t('node.noParameters')}</p> : <Properties schema={schema} value={value} onChange={onChange} path="" />}
    </GroundContext.Provider>
  );
}

function Properties({ schema, value, onChange, path }: { schema: Schema; value: Params; onChange(v: Params): void; path: string }) {
  const required = new Set(schema.required ?? []);
  const set = (key: string, v: Json | undefined) => {
    const next = { ...value };
    if (v === undefined) delete next[key];
    else next[key] = v;
    onChange(next);
  };
  const entries = Object.entries(schema.properties ?? {}).filter(([key, s]) => value[key] !== undefined || isUsed(s, schema, value));
  return (
    <>
      {entries.map(([key, s]) => (
        <Property key={key} name={key} path={`${path}${key}`} schema={s} required={required.has(key)} value={value[key]} onChange={(v) => set(key, v)} />
      ))}
    </>
  );
}

/** Whether a field counts with the values that others have, as its description says. */
function isUsed(field: Schema, parent: Schema, value: Params): boolean {
  const m = /Used when (.+?)\.(?:\s|$)/.exec(field.description ?? '');
  if (!m) return true;
  return m[1]!.split(/ and (?=\w+ is )/).every((part) => {
    const c = /^(\w+) is (.+)$/.exec(part.trim());
    if (!c || !parent.properties?.[c[1]!]) return true;
    const current = value[c[1]!] ?? parent.properties[c[1]!]!.default;
    if (typeof current === 'string' && current.startsWith('=')) return true;
    return c[2]!.split(/ or |, /).some((v) => v.trim() === String(current ?? ''));
  });
}

type Kind = 'enum' | 'boolean' | 'number' | 'string' | 'object' | 'array' | 'any';

function resolve(schema: Schema): { kind: Kind; inner: Schema; expression: boolean } {
  const branches = schema.anyOf ?? [schema];
  const expression = branches.some((b) => b.pattern === '^=');
  const inner = branches.find((b) => b.pattern !== '^=') ?? schema;
  if (inner.enum) return { kind: 'enum', inner, expression };
  switch (inner.type) {
    case 'boolean':
      return { kind: 'boolean', inner, expression };
    case 'number':
    case 'integer':
      return { kind: 'number', inner, expression };
    case 'string':
      return { kind: 'string', inner, expression: true };
    case 'object':
      return { kind: inner.properties ? 'object' : 'any', inner, expression };
    case 'array':
      return { kind: 'array', inner, expression };
  }
  return { kind: 'any', inner, expression: true };
}

/** jsCode → Js code */
export function humanize(name: string): string {
  const words = name.replace(/([a-z0-9])([A-Z])/g, '$1 $2').replace(/_/g, ' ').toLowerCase();
  return (words.charAt(0).toUpperCase() + words.slice(1)).replace(/\b(url|json|id|html|js|xml|api|csv)\b/gi, (w) => w.toUpperCase());
}

interface PropertyProps {
  name: string;
  path: string;
  schema: Schema;
  required: boolean;
  value: Json | undefined;
  onChange(v: Json | undefined): void;
}

function Property({ name, path, schema, required, value, onChange }: PropertyProps) {
  const { t } = useText();
  const { kind, inner, expression } = resolve(schema);
  const label = schema.title ?? humanize(name);
  const about = (schema.description ?? '').replace(/\s*Used when .+?\.(?=\s|$)/, '');
  const id = `p-${path.replace(/\W/g, '-')}`;
  const isExpression = typeof value === 'string' && value.startsWith('=');
  if (kind === 'object' && !isExpression) {
    const given = (typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {}) as Params;
    return (
      <details className="group" open={required || Object.keys(given).length > 0}>
        <summary>{label}</summary>
        {about && <p className="field-hint">{about}</p>}
        <Properties schema={inner} value={given} onChange={onChange} path={`${path}.`} />
      </details>
    );
  }
  if (kind === 'array' && !isExpression) return <List label={label} about={about} path={path} schema={inner} value={Array.isArray(value) ? value : []} onChange={onChange} />;
  const toggle = () => {
    if (isExpression) return onChange((value as string).slice(1) || undefined);
    onChange(`=${value === undefined ? '' : typeof value === 'object' ? JSON.stringify(value) : String(value)}`);
  };
  return (
    <div className="field">
      <div className="field-head">
        <label htmlFor={id}>
          {label}
          {required && <span aria-hidden> *</span>}
        </label>
        {expression && (
          <IconButton icon={Variable} size={15} label={t('node.expression')} aria-pressed={isExpression} className={isExpression ? 'pressed' : ''} onClick={toggle} />
        )}
      </div>
      {isExpression ? <Expression id={id} value={value as string} onChange={onChange} /> : <Control id={id} name={name} label={label} kind={kind} schema={inner} fallback={schema.default} value={value} onChange={onChange} required={required} />}
      {about && <p className="field-hint">{about}</p>}
    </div>
  );
}

interface ControlProps {
  id: string;
  name: string;
  label: string;
  kind: Kind;
  schema: Schema;
  fallback: Json | undefined;
  value: Json | undefined;
  required: boolean;
  onChange(v: Json | undefined): void;
}

function Control({ id, name, label, kind, schema, fallback, value, required, onChange }: ControlProps) {
  const { t } = useText();
  const hint = schema.examples?.[0] ?? fallback;
  const placeholder = hint === undefined || hint === null ? '' : typeof hint === 'string' ? hint : JSON.stringify(hint);
  switch (kind) {
    case 'boolean':
      return (
        <select id={id} value={value === undefined ? '' : String(value)} onChange={(e) => onChange(e.target.value === '' ? undefined : e.target.value === 'true')}>
          <option value="">{fallback === undefined ? '—' : t('form.default', { value: t(fallback ? 'yes' : 'no') })}</option>
          <option value="true">{t('yes')}</option>
          <option value="false">{t('no')}</option>
        </select>
      );
    case 'enum':
      return (
        <select id={id} value={value === undefined ? '' : String(value)} onChange={(e) => onChange(e.target.value === '' ? undefined : (schema.enum!.find((v) => String(v) === e.target.value) as Json))}>
          {(!required || value === undefined) && <option value="">{fallback === undefined ? '—' : t('form.default', { value: String(fallback) })}</option>}
          {value !== undefined && !schema.enum!.some((v) => v === value) && <option value={String(value)}>{String(value)}</option>}
          {schema.enum!.map((v) => (
            <option key={String(v)} value={String(v)}>
              {String(v)}
            </option>
          ))}
        </select>
      );
    case 'number':
      return <input id={id} type="number" step={schema.type === 'integer' ? 1 : 'any'} placeholder={placeholder} value={typeof value === 'number' ? value : ''} onChange={(e) => onChange(e.target.value === '' ? undefined : Number(e.target.value))} />;
    case 'string':
      if (/code$/i.test(name)) return <Code language={name === 'jsCode' || name.startsWith('function') ? 'javascript' : 'text'} label={label} value={typeof value === 'string' ? value : ''} onChange={onChange} rows={10} />;
      return <Line id={id} name={name} placeholder={placeholder} value={value} onChange={onChange} />;
  }
  if (value !== null && typeof value === 'object') return <JSONValue label={label} value={value} onChange={onChange} />;
  return <Line id={id} name={name} placeholder={placeholder} value={value} onChange={onChange} keepKind />;
}

/** One line of text, or several where that is usual. */
function Line({ id, name, placeholder, value, onChange, keepKind }: { id: string; name: string; placeholder: string; value: Json | undefined; onChange(v: Json | undefined): void; keepKind?: boolean }) {
  const text = value === undefined || value === null ? '' : String(value);
  const change = (next: string) => {
    if (next === '') return onChange(undefined);
    if (keepKind && typeof value === 'number' && next.trim() !== '' && !Number.isNaN(Number(next))) return onChange(Number(next));
    onChange(next);
  };
  if (text.includes('\n') || /(body|content|text|message|html|template|query|json|output)$/i.test(name)) {
    return <textarea id={id} rows={Math.min(Math.max(text.split('\n').length, 2), 12)} placeholder={placeholder} value={text} onChange={(e) => change(e.target.value)} spellCheck={false} />;
  }
  return <input id={id} type="text" placeholder={placeholder} value={text} onChange={(e) => change(e.target.value)} autoComplete="off" />;
}

/** Any JSON: kept as it was until the text is JSON again. */
export function JSONValue({ label, value, onChange }: { label: string; value: Json; onChange(v: Json): void }) {
  const { t } = useText();
  const [text, setText] = useState(() => JSON.stringify(value, null, 2));
  const [bad, setBad] = useState(false);
  const change = (next: string) => {
    setText(next);
    try {
      const parsed = JSON.parse(next) as Json;
      setBad(false);
      if (JSON.stringify(parsed) !== JSON.stringify(value)) onChange(parsed);
    } catch {
      setBad(true);
    }
  };
  return (
    <>
      <Code language="json" label={label} value={text} onChange={change} rows={5} />
      {bad && <p className="field-error">{t('form.noJSON')}</p>}
    </>
  );
}

function List({ label, about, path, schema, value, onChange }: { label: string; about: string; path: string; schema: Schema; value: Json[]; onChange(v: Json[]): void }) {
  const { t } = useText();
  const items = schema.items ?? {};
  const { kind, inner } = resolve(items);
  const fresh = (): Json => (kind === 'object' ? {} : kind === 'number' ? 0 : '');
  return (
    <fieldset className="list">
      <legend>{label}</legend>
      {about && <p className="field-hint">{about}</p>}
      {value.map((item, i) => (
        <div key={i} className="list-item">
          <div className="grow">
            {kind === 'object' && typeof item === 'object' && item !== null && !Array.isArray(item) ? (
              <Properties schema={inner} value={item} path={`${path}.${i}.`} onChange={(v) => onChange(value.with(i, v))} />
            ) : (
              <Property name={`${label} ${i + 1}`} path={`${path}.${i}`} schema={items} required value={item} onChange={(v) => onChange(value.with(i, v ?? ''))} />
            )}
          </div>
          <IconButton icon={Trash2} size={15} label={t('form.remove', { what: `${label} ${i + 1}` })} onClick={() => onChange(value.filter((_, j) => j !== i))} />
        </div>
      ))}
      <Button kind="quiet" icon={Plus} onClick={() => onChange([...value, fresh()])}>
        {t('form.add', { what: label })}
      </Button>
    </fieldset>
  );
}

/** An expression, and what it gives with the last run's data. */
function Expression({ id, value, onChange }: { id: string; value: string; onChange(v: string): void }) {
  const { t } = useText();
  const ground = useContext(GroundContext)!;
  const slow = useSlow(value, 500);
  const preview = useQuery({
    queryKey: ['preview', ground, slow],
    enabled: slow.length > 1,
    retry: false,
    staleTime: 60_000,
    queryFn: () =>
      done(
        api.POST('/api/app/expressions/preview', {
          body: { expression: slow, ...(ground.node ? { node: ground.node } : {}), ...(ground.executionID ? { execution_id: ground.executionID } : { workflow_id: ground.workflowID }) },
        }),
      ),
  });
  const shown = preview.data;
  return (
    <div className="expression">
      <textarea id={id} className="code" rows={Math.min(Math.max(value.split('\n').length, 2), 10)} spellCheck={false} value={value.slice(1)} onChange={(e) => onChange(`=${e.target.value}`)} placeholder="{{ $json.name }}" />
      <output className={`preview ${shown && !shown.valid ? 'preview-bad' : ''}`} htmlFor={id}>
        {preview.error ? preview.error.message : !shown ? t('form.noPreview') : shown.valid ? <code>{JSON.stringify(shown.value ?? null)}</code> : shown.error}
      </output>
    </div>
  );
}
