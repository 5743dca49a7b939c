/** What the server tells before anybody signs in. */
export interface Settings {
  name: string;
  version: string;
  environment: string;
  public_url: string;
  mcp: boolean;
  scopes: string[];
  sign_in: { url: string; anon_key: string; sign_up: boolean; guests: boolean; embedded: boolean };
}

export async function loadSettings(): Promise<Settings> {
  const response = await fetch('/console/settings.json');
  if (!response.ok) throw new Error(`settings: HTTP ${response.status}`);
  return (await response.json()) as Settings;
}
