import { useState } from 'react';
import type { ExecutionWhole, Item, Json } from '../api/types';
import { linksOf, type Draft } from '../canvas/document';
import { useText } from '../text';
import { CopyButton } from '../ui/bits';
import { Segments } from '../ui/segments';

type View = 'table' | 'json' | 'schema';

/** What went into a node in a run, and what came out of it. */
export function NodeData({ draft, node, whole }: { draft: Draft; node: string; whole: ExecutionWhole | undefined }) {
  const { t } = useText();
  const [side, setSide] = useState<'input' | 'output'>('output');
  const [view, setView] = useState<View>('table');
  const runs = (whole?.nodes ?? []).filter((r) => r.node === node);
  const [index, setIndex] = useState(-1);
  const run = runs.at(index);
  if (!whole) return <p className="muted">{t('data.noRun')}</p>;
  if (!run) return <p className="muted">{t('data.notRun')}</p>;
  const outputs = run.outputs ?? [];
  const inputs = linksOf(draft.connections)
    .filter((l) => l.to === node && l.inputType === 'main')
    .map((l) => ({ title: l.from, items: (whole.nodes ?? []).filter((r) => r.node === l.from && r.run <= run.run).at(-1)?.outputs?.[l.output] ?? [] }));
  const shown = side === 'input' ? inputs : outputs.map((items, i) => ({ title: outputs.length > 1 ? t('data.output', { n: i + 1 }) : '', items }));
  return (
    <div className="data">
      <div className="row wrap spread">
        <Segments label={t('data.side')} value={side} options={[['input', t('data.in')], ['output', t('data.out')]]} onChange={setSide} />
        <Segments label={t('data.view')} value={view} options={[['table', t('data.table')], ['json', 'JSON'], ['schema', t('data.schema')]]} onChange={setView} />
      </div>
      {runs.length > 1 && (
        <label className="row small">
          {t('data.run')}
          <select value={index < 0 ? runs.length - 1 : index} onChange={(e) => setIndex(Number(e.target.value))}>
            {runs.map((_, i) => (
              <option key={i} value={i}>
                {i + 1} / {runs.length}
              </option>
            ))}
          </select>
        </label>
      )}
      {run.error && side === 'output' && <p className="field-error">{run.error.message}</p>}
      {shown.every((s) => s.items.length === 0) && <p className="muted">{t('data.none')}</p>}
      {shown.map((s, i) => s.items.length > 0 && <Items key={i} title={s.title} items={s.items} view={view} />)}
      {(run.console ?? []).length > 0 && side === 'output' && (
        <section>
          <h3>{t('data.console')}</h3>
          <pre className="json">{run.console!.join('\n')}</pre>
        </section>
      )}
      {whole.truncated && <p className="muted small">{whole.truncated}</p>}
    </div>
  );
}

const SHOWN = 200;

export function Items({ title, items, view }: { title: string; items: Item[]; view: View }) {
  const { t } = useText();
  const json = items.map((i) => i.json);
  const text = JSON.stringify(json, null, 2);
  return (
    <section>
      <div className="row spread">
        <h3>
          {title} <span className="muted small">{t('data.items', { n: items.length })}</span>
        </h3>
        <CopyButton text={text} />
      </div>
      {view === 'json' && (
        <pre className="json" tabIndex={0}>
          {text.length > 200_000 ? `${text.slice(0, 200_000)}…` : text}
        </pre>
      )}
      {view === 'schema' && <Shape value={json as Json[]} />}
      {view === 'table' && <Table items={items.slice(0, SHOWN)} label={title || t('data.out')} />}
      {view === 'table' && items.length > SHOWN && <p className="muted small">{t('data.first', { n: SHOWN })}</p>}
    </section>
  );
}

function Table({ items, label }: { items: Item[]; label: string }) {
  const columns = [...new Set(items.flatMap((i) => Object.keys(i.json ?? {})))].slice(0, 40);
  if (columns.length === 0) return <pre className="json">{JSON.stringify(items.map((i) => i.json))}</pre>;
  return (
    <div className="table-scroll" tabIndex={0} role="region" aria-label={label}>
      <table>
        <thead>
          <tr>
            <th scope="col">#</th>
            {columns.map((c) => (
              <th key={c} scope="col">
                {c}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {items.map((item, i) => (
            <tr key={i}>
              <td className="muted">{i + 1}</td>
              {columns.map((c) => (
                <td key={c}>{cell(item.json?.[c])}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

const cell = (v: Json | undefined) => (v === undefined ? '' : typeof v === 'object' ? JSON.stringify(v) : String(v));

/** The fields of the items with their types. */
function Shape({ value }: { value: Json[] }) {
  return <ul className="shape">{fieldsOf(value).map(([name, types, inner]) => <ShapeField key={name} name={name} types={types} inner={inner} />)}</ul>;
}

type Fields = [name: string, types: string, inner: Json[]][];

function fieldsOf(values: Json[]): Fields {
  const names = new Map<string, { types: Set<string>; inner: Json[] }>();
  for (const v of values) {
    if (v === null || typeof v !== 'object' || Array.isArray(v)) continue;
    for (const [k, e] of Object.entries(v)) {
      const entry = names.get(k) ?? { types: new Set(), inner: [] };
      names.set(k, entry);
      entry.types.add(e === null ? 'null' : Array.isArray(e) ? 'array' : typeof e);
      entry.inner.push(...(Array.isArray(e) ? e : [e]));
    }
  }
  return [...names].map(([name, e]) => [name, [...e.types].join(' | '), e.inner]);
}

function ShapeField({ name, types, inner }: { name: string; types: string; inner: Json[] }) {
  const fields = fieldsOf(inner);
  return (
    <li>
      <code>{name}</code> <span className="muted small">{types}</span>
      {fields.length > 0 && <ul className="shape">{fields.map(([n, ty, i]) => <ShapeField key={n} name={n} types={ty} inner={i} />)}</ul>}
    </li>
  );
}
