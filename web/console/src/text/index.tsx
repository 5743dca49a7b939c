import { createContext, useContext, useEffect, useMemo, useState, type ReactNode } from 'react';
import { en } from './en';

export type Words = Record<keyof typeof en, string>;
export type Word = keyof Words;
export type Language = 'en' | 'zh';

interface Text {
  language: Language;
  setLanguage(l: Language): void;
  /** The words of a key, with {name} filled in from values; what has none is its own word. */
  t(key: Word, values?: Record<string, string | number>): string;
}

const TextContext = createContext<Text | null>(null);

export function useText(): Text {
  const text = useContext(TextContext);
  if (!text) throw new Error('outside of TextProvider');
  return text;
}

const KEY = 'flowgate-language';

function firstLanguage(): Language {
  const kept = localStorage.getItem(KEY);
  if (kept === 'en' || kept === 'zh') return kept;
  return navigator.language.toLowerCase().startsWith('zh') ? 'zh' : 'en';
}

function fill(words: string, values: Record<string, string | number> = {}): string {
  return words.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

/** The interface's language; Chinese is loaded when it is wanted. */
export function TextProvider({ children }: { children: ReactNode }) {
  const [language, setLanguage] = useState(firstLanguage);
  const [words, setWords] = useState<Words>(en);
  const [ready, setReady] = useState(language === 'en');
  useEffect(() => {
    let wanted = true;
    document.documentElement.lang = language === 'zh' ? 'zh-CN' : 'en';
    localStorage.setItem(KEY, language);
    const load = language === 'zh' ? import('./zh').then((m) => m.zh) : Promise.resolve(en);
    void load.then((w) => wanted && (setWords(w), setReady(true)));
    return () => void (wanted = false);
  }, [language]);
  const text = useMemo<Text>(() => ({ language, setLanguage, t: (key, values) => fill(words[key] ?? key.replace(/^\w+\./, ''), values) }), [language, words]);
  return <TextContext.Provider value={text}>{ready && children}</TextContext.Provider>;
}
