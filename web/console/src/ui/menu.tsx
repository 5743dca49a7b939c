import { DropdownMenu } from 'radix-ui';
import type { LucideIcon } from 'lucide-react';
import type { ReactElement } from 'react';

export interface MenuItem {
  label: string;
  icon?: LucideIcon;
  danger?: boolean;
  disabled?: boolean;
  onSelect(): void;
}

export function Menu({ trigger, items }: { trigger: ReactElement; items: (MenuItem | null)[] }) {
  return (
    <DropdownMenu.Root modal={false}>
      <DropdownMenu.Trigger asChild>{trigger}</DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content className="menu" sideOffset={6} align="end" collisionPadding={8}>
          {items.map((item, i) =>
            item === null ? (
              <DropdownMenu.Separator key={i} className="menu-line" />
            ) : (
              <DropdownMenu.Item key={i} className={`menu-item ${item.danger ? 'menu-danger' : ''}`} onSelect={item.onSelect} disabled={item.disabled ?? false}>
                {item.icon && <item.icon size={16} aria-hidden />}
                {item.label}
              </DropdownMenu.Item>
            ),
          )}
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}
