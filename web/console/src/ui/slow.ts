import { useEffect, useState } from 'react';

/** A value as it was when it last stayed the same for a while. */
export function useSlow<T>(value: T, ms: number): T {
  const [slow, setSlow] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSlow(value), ms);
    return () => clearTimeout(timer);
  }, [value, ms]);
  return slow;
}
