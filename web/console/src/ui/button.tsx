import { LoaderCircle, type LucideIcon } from 'lucide-react';
import type { ComponentPropsWithRef } from 'react';
import { Tip } from './tooltip';

interface ButtonProps extends ComponentPropsWithRef<'button'> {
  kind?: 'primary' | 'plain' | 'danger' | 'quiet';
  icon?: LucideIcon;
  busy?: boolean;
}

export function Button({ kind = 'plain', icon: Icon, busy, children, className = '', disabled, ...rest }: ButtonProps) {
  return (
    <button type="button" className={`button button-${kind} ${className}`} disabled={disabled || busy} aria-busy={busy || undefined} {...rest}>
      {busy ? <LoaderCircle size={16} className="spin" aria-hidden /> : Icon && <Icon size={16} aria-hidden />}
      {children !== undefined && <span>{children}</span>}
    </button>
  );
}

interface IconButtonProps extends ComponentPropsWithRef<'button'> {
  icon: LucideIcon;
  label: string;
  size?: number;
}

/** A button without words: its label is what screen readers and tooltips say. */
export function IconButton({ icon: Icon, label, size = 18, className = '', ...rest }: IconButtonProps) {
  return (
    <Tip text={label}>
      <button type="button" className={`icon-button ${className}`} aria-label={label} {...rest}>
        <Icon size={size} aria-hidden />
      </button>
    </Tip>
  );
}
