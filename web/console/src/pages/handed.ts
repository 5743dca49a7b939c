let key = '';

/** Hands a key that was just made to the page that shows how to use it. */
export function handKey(k: string) {
  key = k;
}

/** The key handed over, once: it is kept nowhere else. */
export function takeKey(): string {
  const k = key;
  queueMicrotask(() => (key = ''));
  return k;
}
