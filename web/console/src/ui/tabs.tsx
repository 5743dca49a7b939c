import { Tabs as Radix } from 'radix-ui';
import type { ReactNode } from 'react';

interface Tab {
  id: string;
  label: ReactNode;
  content: ReactNode;
}

export function Tabs({ tabs, value, onChange, label }: { tabs: Tab[]; value: string; onChange(id: string): void; label: string }) {
  return (
    <Radix.Root className="tabs" value={value} onValueChange={onChange}>
      <Radix.List className="tab-list" aria-label={label}>
        {tabs.map((t) => (
          <Radix.Trigger key={t.id} value={t.id} className="tab">
            {t.label}
          </Radix.Trigger>
        ))}
      </Radix.List>
      {tabs.map((t) => (
        <Radix.Content key={t.id} value={t.id} className="tab-content">
          {t.content}
        </Radix.Content>
      ))}
    </Radix.Root>
  );
}
