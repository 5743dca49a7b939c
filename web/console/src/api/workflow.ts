import { api, done } from './client';
import type { Workflow } from './types';

/** A workflow in its newest version. */
export async function loadWorkflow(id: string): Promise<Workflow> {
  return (await done(api.GET('/api/app/workflows/{workflow_id}', { params: { path: { workflow_id: id } } }))) as unknown as Workflow;
}
