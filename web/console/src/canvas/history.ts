import { useCallback, useState } from 'react';
import type { Draft } from './document';

interface Past {
  before: Draft[];
  now: Draft;
  after: Draft[];
}

const KEPT = 100;

/** A draft with undo and redo. Changes that name the same step in a row are one. */
export function useHistory(first: Draft) {
  const [past, setPast] = useState<Past & { step: string }>({ before: [], now: first, after: [], step: '' });
  const change = useCallback((make: (d: Draft) => Draft, step = '') => {
    setPast((p) => {
      const now = make(p.now);
      if (now === p.now) return p;
      const joined = step !== '' && step === p.step;
      return { before: joined ? p.before : [...p.before.slice(-KEPT), p.now], now, after: [], step };
    });
  }, []);
  const undo = useCallback(() => setPast((p) => (p.before.length === 0 ? p : { before: p.before.slice(0, -1), now: p.before.at(-1)!, after: [p.now, ...p.after], step: '' })), []);
  const redo = useCallback(() => setPast((p) => (p.after.length === 0 ? p : { before: [...p.before, p.now], now: p.after[0]!, after: p.after.slice(1), step: '' })), []);
  const reset = useCallback((d: Draft) => setPast({ before: [], now: d, after: [], step: '' }), []);
  return { draft: past.now, change, undo, redo, reset, canUndo: past.before.length > 0, canRedo: past.after.length > 0 };
}
