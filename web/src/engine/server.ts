/** What the server itself answers, beside the engine: folders, dropped files, tiles. */

export interface Entry {
  readonly name: string;
  readonly path: string;
}

export interface Browsed {
  readonly path: string | null;
  readonly parent: string | null;
  readonly folders: readonly Entry[];
  readonly files: readonly (Entry & { readonly size: number })[];
}

export interface ServerInfo {
  readonly version: string;
  readonly roots: readonly string[];
  /** Folder for results where there is no project. */
  readonly results: string;
}

export interface Uploaded {
  readonly path: string;
  readonly folder: string;
}

export function browse(path: string | null): Promise<Browsed> {
  return json(`api/browse${path === null ? "" : `?path=${encodeURIComponent(path)}`}`);
}

export function serverInfo(): Promise<ServerInfo> {
  return json("api/server");
}

/** A server that has not answered by then is busy or gone; the page is of use without. */
const PATIENCE_MS = 8000;

/** What was kept of the page; {} when there is nothing. */
export function loadPage(): Promise<unknown> {
  return json("api/page", { signal: AbortSignal.timeout(PATIENCE_MS) });
}

/** Keep it; outlives the page when that is closed the next moment. */
export function savePage(kept: unknown): Promise<unknown> {
  const headers = { "content-type": "application/json" };
  return json("api/page", { method: "PUT", body: JSON.stringify(kept), headers, keepalive: true });
}

/** Hand a dropped file to the server: a browser tells no paths. `name` may hold folders. */
export function upload(batch: string, name: string, file: Blob): Promise<Uploaded> {
  const query = new URLSearchParams({ batch, name });
  return json(`api/upload?${query}`, {
    method: "PUT",
    body: file,
    headers: { "content-type": "application/octet-stream" },
  });
}

export function reportAddress(path: string): string {
  return `api/report?path=${encodeURIComponent(path)}`;
}

/** One channel of a tile: float16 bits. */
export async function tile(
  key: string,
  level: number,
  x: number,
  y: number,
  channel: number,
  signal: AbortSignal,
): Promise<Uint16Array> {
  const answer = await fetch(`t/${key}/${level}/${x}/${y}/${channel}`, { signal });
  if (!answer.ok) throw new Error(`tile ${level}/${x}/${y}: ${answer.status}`);
  return new Uint16Array(await answer.arrayBuffer());
}

async function json<T>(address: string, options: RequestInit = {}): Promise<T> {
  const answer = await fetch(address, options).catch(() => {
    throw new Error("Sidera's server does not answer; start it again with `sidera ui`");
  });
  const body = (await answer.json().catch(() => ({}))) as T & { error?: string };
  if (!answer.ok) throw new Error(body.error ?? `the server answered ${answer.status}`);
  return body;
}
