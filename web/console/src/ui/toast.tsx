import { Toast } from 'radix-ui';
import { CircleAlert, CircleCheck, X } from 'lucide-react';
import { useSyncExternalStore, type ReactNode } from 'react';
import { useText } from '../text';

interface Note {
  kind: 'ok' | 'error';
  text: string;
}

let notes: (Note & { id: number })[] = [];
let next = 1;
const listeners = new Set<() => void>();

function change(list: typeof notes) {
  notes = list;
  listeners.forEach((l) => l());
}

const subscribe = (l: () => void) => (listeners.add(l), () => void listeners.delete(l));

/** Tells the person something in passing. The same words twice show once. */
export function toast(note: Note) {
  change([...notes.filter((n) => n.text !== note.text).slice(-3), { ...note, id: next++ }]);
}

export function Toasts({ children }: { children: ReactNode }) {
  const { t } = useText();
  const list = useSyncExternalStore(subscribe, () => notes);
  return (
    <Toast.Provider duration={6000} label={t('notification')}>
      {children}
      {list.map((n) => (
        <Toast.Root key={n.id} className={`toast toast-${n.kind}`} onOpenChange={(open) => !open && change(notes.filter((o) => o.id !== n.id))}>
          {n.kind === 'ok' ? <CircleCheck size={18} aria-hidden /> : <CircleAlert size={18} aria-hidden />}
          <Toast.Description className="toast-text">{n.text}</Toast.Description>
          <Toast.Close className="icon-button" aria-label={t('close')}>
            <X size={16} />
          </Toast.Close>
        </Toast.Root>
      ))}
      <Toast.Viewport className="toasts" />
    </Toast.Provider>
  );
}
