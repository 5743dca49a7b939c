import { useSyncExternalStore } from 'react';

export type Theme = 'light' | 'dark';
export type Choice = Theme | 'system';

const KEY = 'flowgate-theme';
const dark = window.matchMedia('(prefers-color-scheme: dark)');
const listeners = new Set<() => void>();

const kept = (): Theme | null => {
  const value = localStorage.getItem(KEY);
  return value === 'light' || value === 'dark' ? value : null;
};

/** What is shown: what the person chose, or else what their system asks for. */
const theme = (): Theme => kept() ?? (dark.matches ? 'dark' : 'light');

/** Puts the theme on the page; called once before anything is shown. */
export function applyTheme() {
  document.documentElement.dataset.theme = theme();
  listeners.forEach((l) => l());
}

export function chooseTheme(chosen: Choice) {
  if (chosen === 'system') localStorage.removeItem(KEY);
  else localStorage.setItem(KEY, chosen);
  applyTheme();
}

dark.addEventListener('change', applyTheme);
window.addEventListener('storage', (e) => e.key === KEY && applyTheme()); // chosen in another tab

const subscribe = (l: () => void) => (listeners.add(l), () => void listeners.delete(l));

/** What the person chose. */
export const useChoice = (): Choice => useSyncExternalStore(subscribe, () => kept() ?? 'system');

/** The theme that is shown. */
export const useTheme = (): Theme => useSyncExternalStore(subscribe, theme);
