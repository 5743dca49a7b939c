import createClient from 'openapi-fetch';
import type { components, paths } from './schema';

export type Schemas = components['schemas'];

/** A call that failed, as the server told it. */
export class Failure extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly requestID = '',
    readonly details: Record<string, unknown> = {},
  ) {
    super(message);
  }
}

let tokenOf: () => Promise<string | null> = async () => null;

/** Says where calls get the signed-in person's token from. */
export function useTokensFrom(source: () => Promise<string | null>) {
  tokenOf = source;
}

let refused: () => void = () => {};

/** Says whom to tell that the server does not know the signed-in person any more. */
export function whenRefused(tell: () => void) {
  refused = tell;
}

/** The headers that say who is calling. */
export async function authorization(): Promise<Record<string, string>> {
  const token = await tokenOf();
  return token ? { Authorization: `Bearer ${token}` } : {};
}

/** The API, typed by its own description. */
export const api = createClient<paths>({ baseUrl: window.location.origin });

api.use({
  async onRequest({ request }) {
    for (const [name, value] of Object.entries(await authorization())) request.headers.set(name, value);
    return request;
  },
  onResponse({ response }) {
    if (response.status === 401) refused();
  },
});

/** Makes a Failure of an answer's body. */
export function failureOf(status: number, body: unknown): Failure {
  const b = (body ?? {}) as { error?: string; message?: string; request_id?: string; details?: Record<string, unknown> };
  return new Failure(status, b.error ?? 'unknown', b.message ?? `HTTP ${status}`, b.request_id, b.details);
}

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** Returns what a call answers, and throws a Failure when it fails. */
export async function done<T>(answer: Promise<Answer<T>>): Promise<T> {
  const { data, error, response } = await answer;
  if (!response.ok) throw failureOf(response.status, error);
  return data as T;
}
