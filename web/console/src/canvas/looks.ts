import { Bot, Boxes, BrainCircuit, Braces, CalendarClock, ClipboardList, Clock, Code, Filter, GitBranch, GitMerge, Globe, Hand, Hourglass, ListChecks, MousePointerClick, Pencil, Repeat, Reply, Settings2, Split, StickyNote, TriangleAlert, UserCheck, Webhook, Wrench, Workflow, Zap, type LucideIcon } from 'lucide-react';
import { shortType } from '../values';

const icons: Record<string, LucideIcon> = {
  manualTrigger: MousePointerClick,
  webhook: Webhook,
  scheduleTrigger: CalendarClock,
  cron: CalendarClock,
  interval: Clock,
  formTrigger: ClipboardList,
  form: ClipboardList,
  errorTrigger: TriangleAlert,
  executeWorkflow: Workflow,
  executeWorkflowTrigger: Workflow,
  httpRequest: Globe,
  code: Code,
  function: Code,
  functionItem: Code,
  set: Pencil,
  if: GitBranch,
  switch: Split,
  merge: GitMerge,
  filter: Filter,
  splitInBatches: Repeat,
  wait: Hourglass,
  respondToWebhook: Reply,
  stopAndError: TriangleAlert,
  approval: UserCheck,
  choice: ListChecks,
  mcpTool: Wrench,
  stickyNote: StickyNote,
  xml: Braces,
  html: Braces,
  markdown: Braces,
  aggregate: Boxes,
};

const byCategory: Record<string, LucideIcon> = {
  TRIGGER: Zap,
  ACTION: Settings2,
  EXTERNAL_ACTION: Globe,
  FLOW: GitBranch,
  HUMAN_IN_THE_LOOP: Hand,
  AI_AGENT: Bot,
  TOOL: Wrench,
  MEMORY: BrainCircuit,
};

export const categories = ['TRIGGER', 'ACTION', 'EXTERNAL_ACTION', 'FLOW', 'HUMAN_IN_THE_LOOP', 'AI_AGENT', 'TOOL', 'MEMORY'] as const;

export function iconOf(type: string, category = ''): LucideIcon {
  return icons[shortType(type)] ?? byCategory[category] ?? Settings2;
}
