import { useEffect, useState } from 'react';

export type Theme = 'system' | 'light' | 'dark';

const KEY = 'flowgate-theme';
const dark = window.matchMedia('(prefers-color-scheme: dark)');

const kept = (): Theme => {
  const value = localStorage.getItem(KEY);
  return value === 'light' || value === 'dark' ? value : 'system';
};

const shown = (theme: Theme): 'light' | 'dark' => (theme === 'system' ? (dark.matches ? 'dark' : 'light') : theme);

/** Puts the kept theme on the page; called once before anything is shown. */
export function applyTheme(theme: Theme = kept()) {
  document.documentElement.dataset.theme = shown(theme);
}

dark.addEventListener('change', () => applyTheme());

export function useTheme(): [Theme, (theme: Theme) => void] {
  const [theme, setTheme] = useState(kept);
  useEffect(() => {
    localStorage.setItem(KEY, theme);
    applyTheme(theme);
  }, [theme]);
  return [theme, setTheme];
}
