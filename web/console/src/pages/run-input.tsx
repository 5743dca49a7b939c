import { Play } from 'lucide-react';
import { useState } from 'react';
import type { Params, WorkflowNode } from '../api/types';
import { useText } from '../text';
import { Field } from '../ui/bits';
import { Button } from '../ui/button';
import { Code } from '../ui/code';
import { Dialog } from '../ui/dialog';
import { messageOf } from '../values';

/** What a run by hand begins with. */
export interface Start {
  trigger: string;
  text: string;
}

interface Props {
  /** What was given the last time. */
  start: Start;
  triggers: WorkflowNode[];
  onChange(start: Start): void;
  onRun(inputs: Params): void;
  onClose(): void;
}

/** Asks for the data that a run begins with. */
export function RunInput({ start, triggers, onChange, onRun, onClose }: Props) {
  const { t } = useText();
  const [fault, setFault] = useState<string>();
  const run = () => {
    try {
      onRun(objectIn(start.text, t('input.object')));
    } catch (error) {
      setFault(error instanceof SyntaxError ? t('import.noJSON', { why: error.message }) : messageOf(error));
    }
  };
  return (
    <Dialog open onClose={onClose} title={t('input.title')} description={t('input.text')} wide>
      <div
        className="stack"
        onKeyDownCapture={(e) => {
          if (e.key !== 'Enter' || !(e.ctrlKey || e.metaKey)) return;
          e.preventDefault();
          e.stopPropagation();
          if (!e.repeat) run();
        }}
      >
        {triggers.length > 1 && (
          <Field label={t('input.trigger')}>
            <select value={start.trigger} onChange={(e) => onChange({ ...start, trigger: e.target.value })}>
              {triggers.map((n) => (
                <option key={n.name}>{n.name}</option>
              ))}
            </select>
          </Field>
        )}
        <Code language="json" label={t('input.json')} value={start.text} rows={12} onChange={(text) => (onChange({ ...start, text }), setFault(undefined))} />
        {fault && (
          <p className="field-error" role="alert">
            {fault}
          </p>
        )}
        <footer className="dialog-foot">
          <Button kind="primary" icon={Play} onClick={run}>
            {t('run')}
          </Button>
        </footer>
      </div>
    </Dialog>
  );
}

function objectIn(text: string, otherwise: string): Params {
  const value: unknown = JSON.parse(text.trim() || '{}');
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error(otherwise);
  return value as Params;
}
