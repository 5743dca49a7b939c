import { lazy, Suspense } from 'react';

const Editor = lazy(() => import('./codemirror'));

export interface CodeProps {
  value: string;
  onChange(value: string): void;
  language: 'json' | 'javascript' | 'text';
  label: string;
  rows?: number;
}

/** A code editor, which is loaded when the first one is shown. */
export function Code(props: CodeProps) {
  return (
    <Suspense fallback={<textarea className="code" rows={props.rows ?? 8} aria-label={props.label} value={props.value} readOnly />}>
      <Editor {...props} />
    </Suspense>
  );
}
