import type { Schemas } from './client';

export type Summary = Schemas['SearchWorkflowsResult']['workflows'][number];
export type Execution = Schemas['GetExecutionResult'];
export type ExecutionSummary = Schemas['ListExecutionsResult']['executions'][number];
export type Key = Schemas['CreateApiKeyResult'];
export type Trigger = Schemas['TestWebhookResult']['triggers'][number];
export type CredentialType = Schemas['ListCredentialTypesResult']['types'][number];

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type Params = { [key: string]: Json };

export interface WorkflowNode {
  id: string;
  name: string;
  type: string;
  typeVersion: number;
  position: [number, number];
  parameters: Params;
  credentials?: Record<string, { id?: string; name?: string }>;
  disabled?: boolean;
  onError?: string;
  notes?: string;
  [key: string]: unknown;
}

export interface Target {
  node: string;
  type: string;
  index: number;
}

export type Connections = Record<string, Record<string, (Target[] | null)[]>>;

/** A whole workflow as the API shows it. */
export interface Workflow {
  workflow_id: string;
  name: string;
  description: string;
  nodes: WorkflowNode[];
  connections: Connections;
  settings: Params;
  pinData?: Params;
  tags: string[];
  active: boolean;
  version: number;
  triggers?: Trigger[];
  created_at: string;
  updated_at: string;
}

export interface Finding {
  code: string;
  node?: string;
  path?: string;
  message: string;
  hint?: string;
}

export interface Validation {
  valid: boolean;
  errors: Finding[];
  warnings: Finding[];
}

export interface Port {
  name: string;
  type: string;
  description?: string;
}

/** A node type in full. */
export interface NodeType {
  type: string;
  found: boolean;
  display_name: string;
  description: string;
  category: string;
  versions: number[];
  inputs: Port[] | null;
  outputs: Port[] | null;
  credentials?: string[] | null;
  parameters?: Schema;
  docs?: string;
}

export interface NodeTypeSummary {
  type: string;
  display_name: string;
  description: string;
  version: number;
}

/** The part of JSON Schema that node types use. */
export interface Schema {
  type?: string;
  title?: string;
  description?: string;
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  anyOf?: Schema[];
  enum?: Json[];
  default?: Json;
  examples?: Json[];
  pattern?: string;
  format?: string;
  additionalProperties?: boolean | Schema;
}

/** One line of an execution's log. */
export interface LogEvent {
  execution_id: string;
  seq: number;
  type: string;
  level: string;
  at: string;
  node?: string;
  run?: number;
  message?: string;
  status?: string;
  duration_ms?: number;
  item_counts?: number[];
}

export interface Item {
  json: Params;
  binary?: Record<string, { fileName?: string; mimeType?: string; fileSize?: string }>;
}

export interface ExecutionError {
  node?: string;
  node_type?: string;
  run?: number;
  item?: number;
  message: string;
  description?: string;
  code?: string;
}

export interface NodeRun {
  node: string;
  run: number;
  status: string;
  error?: ExecutionError;
  item_counts?: number[];
  outputs?: Item[][];
  duration_ms: number;
  console?: string[];
}

export interface Waiting {
  node: string;
  kind: string;
  until?: string;
  data?: unknown;
}

/** An execution whole: `Execution` with what the description leaves open. */
export interface ExecutionWhole extends Omit<Execution, 'nodes' | 'error' | 'waiting_for'> {
  nodes?: NodeRun[];
  error?: ExecutionError;
  waiting_for?: Waiting;
}
