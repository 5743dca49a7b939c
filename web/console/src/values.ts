/** A new identity, also where the page came over plain HTTP. */
export function newID(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join('');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

/** What an error says. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** A word of a shell's command line. */
export const shellWord = (s: string): string => `'${s.replaceAll("'", `'\\''`)}'`;

/** A node type without the package it comes from. */
export const shortType = (type: string): string => type.split('.').pop() ?? type;
