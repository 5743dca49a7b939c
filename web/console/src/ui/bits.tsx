import { Switch } from 'radix-ui';
import { Check, CircleAlert, Copy as CopyIcon, LoaderCircle, type LucideIcon } from 'lucide-react';
import { useEffect, useId, useState, type ReactElement, type ReactNode, cloneElement } from 'react';
import { Failure } from '../api/client';
import { useText, type Word } from '../text';
import { messageOf } from '../values';
import { IconButton } from './button';
import { toast } from './toast';

interface FieldProps {
  label: ReactNode;
  hint?: ReactNode;
  error?: string | undefined;
  children: ReactElement<{ id?: string; 'aria-describedby'?: string; 'aria-invalid'?: boolean }>;
}

/** A control with its label, and what is wrong with it. */
export function Field({ label, hint, error, children }: FieldProps) {
  const id = useId();
  const about = hint || error ? `${id}-about` : undefined;
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      {cloneElement(children, { id, ...(about ? { 'aria-describedby': about } : {}), ...(error ? { 'aria-invalid': true } : {}) })}
      {about && (
        <p id={about} className={error ? 'field-error' : 'field-hint'}>
          {error ?? hint}
        </p>
      )}
    </div>
  );
}

export function Toggle({ checked, onChange, label, disabled }: { checked: boolean; onChange(on: boolean): void; label: string; disabled?: boolean }) {
  const id = useId();
  return (
    <span className="toggle">
      <Switch.Root id={id} className="switch" checked={checked} onCheckedChange={onChange} disabled={disabled ?? false}>
        <Switch.Thumb className="switch-thumb" />
      </Switch.Root>
      <label htmlFor={id}>{label}</label>
    </span>
  );
}

export function Status({ status }: { status: string }) {
  const { t } = useText();
  const key = `status.${status}` as Word;
  return (
    <span className={`status status-${status}`}>
      <i aria-hidden />
      {t(key)}
    </span>
  );
}

export function Loading() {
  const { t } = useText();
  return (
    <div className="loading" role="status">
      <LoaderCircle size={22} className="spin" aria-hidden />
      <span className="sr-only">{t('loading')}</span>
    </div>
  );
}

export function Empty({ icon: Icon, title, text, children }: { icon: LucideIcon; title: string; text: string; children?: ReactNode }) {
  return (
    <div className="empty">
      <span className="empty-icon">
        <Icon size={26} aria-hidden />
      </span>
      <h2>{title}</h2>
      <p className="muted">{text}</p>
      {children && <div className="row center wrap">{children}</div>}
    </div>
  );
}

export function Fault({ error }: { error: unknown }) {
  const { t } = useText();
  return (
    <div className="fault" role="alert">
      <CircleAlert size={18} aria-hidden />
      <div>
        {messageOf(error)}
        {error instanceof Failure && error.requestID && <p className="muted small">{t('request', { id: error.requestID })}</p>}
      </div>
    </div>
  );
}

/** When something was, in words; the exact time on pointing at it. */
export function Ago({ at }: { at: string | undefined }) {
  const { language } = useText();
  const [, tick] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => tick((n) => n + 1), 30_000);
    return () => clearInterval(timer);
  }, []);
  if (!at) return <span className="muted">—</span>;
  const date = new Date(at);
  return (
    <time dateTime={at} title={date.toLocaleString(language)}>
      {ago(date, language)}
    </time>
  );
}

function ago(date: Date, language: string): string {
  const seconds = Math.round((date.getTime() - Date.now()) / 1000);
  const format = new Intl.RelativeTimeFormat(language, { numeric: 'auto', style: 'short' });
  const steps: [number, Intl.RelativeTimeFormatUnit][] = [[60, 'second'], [3600, 'minute'], [86_400, 'hour'], [2_592_000, 'day'], [31_536_000, 'month']];
  let size = 1;
  for (const [limit, unit] of steps) {
    if (Math.abs(seconds) < limit) return format.format(Math.round(seconds / size), unit);
    size = limit;
  }
  return format.format(Math.round(seconds / 31_536_000), 'year');
}

export function duration(ms: number | undefined): string {
  if (ms === undefined) return '';
  if (ms < 1) return '<1 ms';
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1000)} s`;
}

/** Puts text on the clipboard; over plain HTTP browsers only have the older way. */
async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    let taken = false;
    const take = (e: ClipboardEvent) => {
      e.clipboardData?.setData('text/plain', text);
      e.preventDefault();
      taken = true;
    };
    document.addEventListener('copy', take, true);
    const allowed = document.execCommand('copy');
    document.removeEventListener('copy', take, true);
    return allowed && taken;
  }
}

export function CopyButton({ text, label }: { text: string; label?: string }) {
  const { t } = useText();
  const [done, setDone] = useState(false);
  useEffect(() => {
    if (!done) return;
    const timer = setTimeout(() => setDone(false), 1500);
    return () => clearTimeout(timer);
  }, [done]);
  return (
    <IconButton icon={done ? Check : CopyIcon} size={16} label={done ? t('copied') : (label ?? t('copy'))} onClick={() => void copy(text).then((ok) => (ok ? setDone(true) : toast({ kind: 'error', text: t('copy.failed') })))} />
  );
}

/** Text to be copied as it stands. */
export function Snippet({ text, label }: { text: string; label?: string }) {
  return (
    <div className="snippet">
      <pre tabIndex={0}>
        <code>{text}</code>
      </pre>
      <CopyButton text={text} {...(label ? { label } : {})} />
    </div>
  );
}

export function Page({ title, text, actions, children }: { title: string; text?: string; actions?: ReactNode; children: ReactNode }) {
  return (
    <div className="page">
      <header className="page-head">
        <div>
          <h1>{title}</h1>
          {text && <p className="muted">{text}</p>}
        </div>
        {actions && <div className="row wrap">{actions}</div>}
      </header>
      {children}
    </div>
  );
}
