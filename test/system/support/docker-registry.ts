/** Debian's docker-registry on a free port of this machine, over one storage, with each kind of access. */

import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { findTool, TOOL_ENVIRONMENT } from './tools.ts';

const running: ChildProcess[] = [];

export async function stopRegistries(): Promise<void> {
  await Promise.all(running.splice(0).map(stop));
}

async function stop(child: ChildProcess): Promise<void> {
  const ended = new Promise((resolve) => child.once('exit', resolve));
  if (child.exitCode === null && child.kill()) await ended;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/** `settings`: sections of its configuration besides the storage. The registry's host: "127.0.0.1:40000". */
export async function startRegistry(
  directory: string,
  settings: { readonly auth?: unknown; readonly tls?: unknown } = {},
): Promise<string> {
  const port = await freePort();
  const host = `127.0.0.1:${port}`;
  const storage = join(directory, 'storage');
  mkdirSync(storage, { recursive: true });
  const config = {
    version: 0.1,
    log: { level: 'error' },
    storage: { filesystem: { rootdirectory: storage } },
    http: { addr: host, secret: 'x', ...(settings.tls !== undefined && { tls: settings.tls }) },
    ...(settings.auth !== undefined && { auth: settings.auth }),
    compatibility: { schema1: { enabled: true } },
  };
  const file = join(directory, `config-${port}.yml`);
  // JSON is YAML.
  writeFileSync(file, JSON.stringify(config));
  const child = spawn(findTool('docker-registry') ?? '', ['serve', file], {
    env: TOOL_ENVIRONMENT,
    stdio: 'ignore',
  });
  running.push(child);
  const scheme = settings.tls === undefined ? 'http' : 'https';
  for (let attempt = 0; attempt < 100; attempt++) {
    if (child.exitCode !== null) throw new Error(`docker-registry ended with ${child.exitCode}`);
    if (await answers(`${scheme}://${host}/v2/`)) return host;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('docker-registry does not answer');
}

/** With TLS a certificate that is not trusted is an answer, too. */
async function answers(url: string): Promise<boolean> {
  try {
    await fetch(url);
    return true;
  } catch (error) {
    const cause = error instanceof Error ? error.cause : undefined;
    return cause instanceof Error && 'code' in cause && cause.code === 'DEPTH_ZERO_SELF_SIGNED_CERT';
  }
}
