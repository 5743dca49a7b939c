import { useMutation } from '@tanstack/react-query';
import { Radio } from 'lucide-react';
import { useState } from 'react';
import { api, done } from '../api/client';
import type { Trigger } from '../api/types';
import { useText } from '../text';
import { Field, Snippet } from '../ui/bits';
import { Button } from '../ui/button';
import { Dialog } from '../ui/dialog';
import { shellWord } from '../values';

function curlLine(trigger: Trigger, body: string): string {
  const method = trigger.methods?.[0] ?? 'POST';
  const data = method === 'GET' || method === 'HEAD' ? '' : ` \\\n  -H 'Content-Type: application/json' \\\n  -d ${shellWord(body)}`;
  return `curl -i -X ${method} ${shellWord(trigger.url ?? '')}${data}`;
}

/** Has a webhook take one call for a try, and shows how to make it. */
export function WebhookTest({ workflowID, triggers, dirty, onClose }: { workflowID: string; triggers: Trigger[]; dirty: boolean; onClose(): void }) {
  const { t } = useText();
  const [body, setBody] = useState('{"name": "Ada"}');
  const arm = useMutation({ mutationFn: () => done(api.POST('/api/app/workflows/{workflow_id}/test-webhook', { params: { path: { workflow_id: workflowID } } })) });
  const shown = arm.data?.triggers ?? triggers;
  return (
    <Dialog open onClose={onClose} title={t('webhook.test')} description={t('webhook.text')} wide>
      {dirty && <p className="warn-text">{t('webhook.saveFirst')}</p>}
      <Field label={t('webhook.body')}>
        <textarea className="code" rows={4} spellCheck={false} value={body} onChange={(e) => setBody(e.target.value)} />
      </Field>
      <Button kind="primary" icon={Radio} busy={arm.isPending} onClick={() => arm.mutate()}>
        {arm.data ? t('webhook.again') : t('webhook.arm')}
      </Button>
      {arm.data && <p role="status">{t('webhook.until', { time: new Date(arm.data.expires_at).toLocaleTimeString() })}</p>}
      {shown
        .filter((x) => x.url)
        .map((x) => (
          <section key={x.node + x.url}>
            <h3>
              {x.node} <span className="muted small">{arm.data ? t('webhook.testAddress') : t('webhook.address')}</span>
            </h3>
            <Snippet text={curlLine(x, body)} label={t('webhook.copy')} />
          </section>
        ))}
    </Dialog>
  );
}
