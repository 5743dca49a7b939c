import { Search } from 'lucide-react';
import { useMemo, useState } from 'react';
import type { NodeTypeSummary } from '../api/types';
import { STICKY } from '../canvas/document';
import { useNodeTypes } from '../canvas/catalogue';
import { categories, iconOf } from '../canvas/looks';
import { useText, type Word } from '../text';
import { Fault, Loading } from '../ui/bits';
import { Dialog } from '../ui/dialog';

/** The kinds of node there are, to pick one. */
export function Palette({ onClose, onPick }: { onClose(): void; onPick(type: NodeTypeSummary): void }) {
  const { t } = useText();
  const types = useNodeTypes();
  const [query, setQuery] = useState('');
  const groups = useMemo(() => {
    const words = query.toLowerCase().split(/\s+/).filter(Boolean);
    return categories.flatMap((c) => {
      const list = (types.data?.[c] ?? []).filter((n) => n.type !== STICKY && words.every((w) => `${n.display_name} ${n.description} ${n.type}`.toLowerCase().includes(w)));
      return list.length ? [{ category: c, list }] : [];
    });
  }, [types.data, query]);
  return (
    <Dialog open onClose={onClose} title={t('node.add')} wide>
      <label className="search">
        <Search size={16} aria-hidden />
        <span className="sr-only">{t('search')}</span>
        <input
          type="search"
          autoFocus
          placeholder={t('search')}
          value={query}
          onChange={(e) => setQuery(e.target.value)}
          onKeyDown={(e) => {
            const first = groups[0]?.list[0];
            if (e.key === 'Enter' && first) onPick(first);
          }}
        />
      </label>
      {types.isPending && <Loading />}
      {types.error && <Fault error={types.error} />}
      <div className="palette">
        {groups.map(({ category, list }) => (
          <section key={category}>
            <h3>{t(`category.${category}` as Word)}</h3>
            <ul>
              {list.map((n) => {
                const Icon = iconOf(n.type, category);
                return (
                  <li key={n.type}>
                    <button type="button" className={`palette-item cat-${category}`} onClick={() => onPick(n)}>
                      <span className="node-icon">
                        <Icon size={18} aria-hidden />
                      </span>
                      <span>
                        <strong>{n.display_name}</strong>
                        <small className="muted clamp">{n.description}</small>
                      </span>
                    </button>
                  </li>
                );
              })}
            </ul>
          </section>
        ))}
        {types.data && groups.length === 0 && <p className="muted">{t('nothingFound')}</p>}
      </div>
    </Dialog>
  );
}
