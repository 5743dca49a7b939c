import { useEffect, useSyncExternalStore } from 'react';
import { useLocation, useSearch, type AroundNavHandler } from 'wouter';
import { useText } from '../text';
import { Confirm } from './dialog';

type Way = () => void;

// What the page holds back, and where the person wants to go all the same.
let unsaved = false;
let wanted: Way | null = null;
const listeners = new Set<() => void>();

function ask(way: Way | null) {
  wanted = way;
  listeners.forEach((l) => l());
}

/** Goes a way that leaves the page, once the person gives up what is not saved. */
export function leave(way: Way) {
  if (unsaved) ask(way);
  else way();
}

/** Lets go of what is not saved: the page is left next. */
export function giveUp() {
  unsaved = false;
}

const pathOf = (to: string) => new URL(to, window.location.href).pathname;

/** How links go: to another page only when nothing is left behind. */
export const aroundNav: AroundNavHandler = (navigate, to, options) => {
  if (pathOf(to) === window.location.pathname) navigate(to, options);
  else leave(() => navigate(to, options));
};

// The browser's own buttons. The router listens as well, and is told after
// this, which is here before it.
let held: { at: string; go: (to: string) => void } | null = null;
window.addEventListener('popstate', (e) => {
  const to = window.location;
  if (!unsaved || !held || to.pathname === pathOf(held.at)) return;
  const { at, go } = held;
  const there = `~${to.pathname}${to.search}`;
  e.stopImmediatePropagation();
  window.history.pushState(null, '', at);
  leave(() => go(there));
});

/** Asks before the page is left with changes that are not saved: by a link, by the browser's buttons, by closing it. */
export function useUnsaved(dirty: boolean) {
  const [, go] = useLocation();
  const search = useSearch();
  useEffect(() => {
    if (!dirty) return;
    unsaved = true;
    held = { at: window.location.href, go };
    const close = (e: BeforeUnloadEvent) => unsaved && e.preventDefault();
    window.addEventListener('beforeunload', close);
    return () => {
      unsaved = false;
      held = null;
      window.removeEventListener('beforeunload', close);
    };
  }, [dirty, search, go]);
}

const subscribe = (l: () => void) => (listeners.add(l), () => void listeners.delete(l));

/** The question that useUnsaved has to ask. */
export function LeaveQuestion() {
  const { t } = useText();
  const way = useSyncExternalStore(subscribe, () => wanted);
  const go = () => {
    giveUp();
    ask(null);
    way?.();
  };
  return <Confirm open={way !== null} onClose={() => ask(null)} onConfirm={go} title={t('leave.title')} text={t('leave.text')} action={t('leave.go')} />;
}
