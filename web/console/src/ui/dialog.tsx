import { AlertDialog, Dialog as Radix } from 'radix-ui';
import { X } from 'lucide-react';
import type { ReactNode } from 'react';
import { useText } from '../text';
import { Button } from './button';

interface DialogProps {
  open: boolean;
  onClose(): void;
  title: string;
  description?: string;
  wide?: boolean;
  children: ReactNode;
}

export function Dialog({ open, onClose, title, description, wide, children }: DialogProps) {
  const { t } = useText();
  return (
    <Radix.Root open={open} onOpenChange={(o) => !o && onClose()}>
      <Radix.Portal>
        <Radix.Overlay className="overlay" />
        <Radix.Content className={`dialog ${wide ? 'dialog-wide' : ''}`} {...(description ? {} : { 'aria-describedby': undefined })}>
          <header className="dialog-head">
            <Radix.Title>{title}</Radix.Title>
            <Radix.Close className="icon-button" aria-label={t('close')}>
              <X size={18} aria-hidden />
            </Radix.Close>
          </header>
          {description && <Radix.Description className="muted">{description}</Radix.Description>}
          {children}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}

interface ConfirmProps {
  open: boolean;
  onClose(): void;
  onConfirm(): void;
  title: string;
  text: string;
  action: string;
}

/** Asks before something that cannot be undone. */
export function Confirm({ open, onClose, onConfirm, title, text, action }: ConfirmProps) {
  const { t } = useText();
  return (
    <AlertDialog.Root open={open} onOpenChange={(o) => !o && onClose()}>
      <AlertDialog.Portal>
        <AlertDialog.Overlay className="overlay" />
        <AlertDialog.Content className="dialog">
          <header className="dialog-head">
            <AlertDialog.Title>{title}</AlertDialog.Title>
          </header>
          <AlertDialog.Description>{text}</AlertDialog.Description>
          <footer className="dialog-foot">
            <AlertDialog.Cancel asChild>
              <Button>{t('cancel')}</Button>
            </AlertDialog.Cancel>
            <AlertDialog.Action asChild onClick={onConfirm}>
              <Button kind="danger">{action}</Button>
            </AlertDialog.Action>
          </footer>
        </AlertDialog.Content>
      </AlertDialog.Portal>
    </AlertDialog.Root>
  );
}
