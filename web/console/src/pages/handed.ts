let key = '';

/** Hands a key that was just made to the page that shows how to use it. */
export function handKey(k: string) {
  key = k;
}

/** The key handed over, "" for none. It is kept nowhere else. */
export const handedKey = () => key;

export const forgetKey = () => handKey('');
