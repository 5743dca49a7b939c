// The main journey of the App tier, by a client that openapi-typescript made
// of /openapi.json, and an EventSource that loses its connection again and
// again. Prints what it saw as JSON.
import createClient from "openapi-fetch";
import { EventSource } from "eventsource";
import type { paths } from "./api.js";

declare const process: { env: Record<string, string | undefined> };
const { URL: baseUrl = "", TOKEN = "", PROXY = "" } = process.env;
const api = createClient<paths>({ baseUrl, headers: { Authorization: `Bearer ${TOKEN}` } });

function must<T>(what: string, r: { data?: T; error?: { message: string } | undefined; response: Response }): T {
  if (r.data === undefined) throw new Error(`${what}: ${r.response.status} ${JSON.stringify(r.error)}`);
  return r.data;
}

const wait = (i: number) => ({ name: `Wait ${i}`, type: "n8n-nodes-base.wait", typeVersion: 1.1, parameters: { resume: "timeInterval", amount: 0.1, unit: "seconds" } });
const nodes = [{ name: "Start", type: "n8n-nodes-base.manualTrigger" }, wait(0), wait(1), wait(2), wait(3)];
const connections = Object.fromEntries(nodes.slice(1).map((n, i) => [nodes[i]!.name, { main: [[{ node: n.name, type: "main", index: 0 }]] }]));

const profile = must("profile", await api.GET("/api/app/auth/profile"));
const saved = must("create", await api.POST("/api/app/workflows", { body: { name: "Generated client", nodes, connections, tags: ["generated"] } }));
const workflow_id = saved.workflow_id;
const found = must("list", await api.GET("/api/app/workflows", { params: { query: { tags: ["generated"], limit: 5 } } }));
const updated = must("update", await api.PUT("/api/app/workflows/{workflow_id}", {
  params: { path: { workflow_id }, header: { "If-Match": `"${saved.version}"` } }, body: { description: "changed" } }));
const late = await api.PUT("/api/app/workflows/{workflow_id}", {
  params: { path: { workflow_id }, header: { "If-Match": `"${saved.version}"` } }, body: { description: "too late" } });
const versions = must("versions", await api.GET("/api/app/workflows/{workflow_id}/versions", { params: { path: { workflow_id } } }));
const preview = must("preview", await api.POST("/api/app/expressions/preview", { body: { expression: "{{ $json.n + 1 }}", items: [{ n: 1 }] } }));
const file = must("upload", await api.POST("/api/app/files", {
  params: { query: { name: "hello.txt" } }, body: "hello" as never, bodySerializer: (b) => b as never, headers: { "Content-Type": "text/plain" } }));
const started = must("execute", await api.POST("/api/app/workflows/{workflow_id}/execute", {
  params: { path: { workflow_id }, header: { "Idempotency-Key": "once" } }, body: { inputs: { a: 1 }, files: { data: file.file_id } } }));
const path = { execution_id: started.execution_id };
const ticket = must("ticket", await api.POST("/api/app/executions/{execution_id}/ticket", { params: { path } }));

const ids: number[] = [];
let opened = 0;
await new Promise<void>((done, failed) => {
  const es = new EventSource(`${PROXY}/api/app/executions/${path.execution_id}/logs/stream?ticket=${ticket.ticket}`);
  es.onopen = () => { opened++; };
  es.onmessage = (m) => { ids.push(Number(m.lastEventId)); };
  es.onerror = (e) => { // told not to come back, or lost
    if (es.readyState === EventSource.CLOSED) e.code === 204 ? done() : failed(new Error(`closed by ${e.code} ${e.message}`));
  };
});
const execution = must("get", await api.GET("/api/app/executions/{execution_id}", { params: { path } }));
const logs = must("logs", await api.GET("/api/app/executions/{execution_id}/logs", { params: { path, query: { limit: 1000 } } }));
must("delete", await api.DELETE("/api/app/workflows/{workflow_id}", { params: { path: { workflow_id } } }));
const gone = await api.GET("/api/app/workflows/{workflow_id}", { params: { path: { workflow_id } } });

console.log(JSON.stringify({ email: profile.email, found: found.workflows.length, version: updated.version, late: late.response.status, lateError: late.error?.error,
  versions: versions.versions.length, preview: preview.value, status: execution.status, logged: logs.events.length, ids, opened, gone: gone.response.status }));
