/** A daemon of Docker of our own, without a network, that keeps everything in one directory. */

import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findTool, TOOL_ENVIRONMENT } from './tools.ts';

export class DockerDaemon {
  readonly #socket: string;
  readonly #stop: () => Promise<void>;

  private constructor(socket: string, stop: () => Promise<void>) {
    this.#socket = socket;
    this.#stop = stop;
  }

  /** Throws where the kernel or the sandbox does not let it run. */
  static async start(directory: string): Promise<DockerDaemon> {
    mkdirSync(directory, { recursive: true });
    const at = (name: string): string => join(directory, name);
    const options = {
      'data-root': at('data'),
      'exec-root': at('exec'),
      host: `unix://${at('socket')}`,
      pidfile: at('pid'),
      'config-file': at('none.json'),
      'storage-driver': 'vfs',
      bridge: 'none',
      iptables: 'false',
      ip6tables: 'false',
    };
    writeFileSync(options['config-file'], '{}');
    const child = spawn(
      findTool('dockerd') ?? 'dockerd',
      Object.entries(options).map(([name, value]) => `--${name}=${value}`),
      { env: TOOL_ENVIRONMENT, stdio: ['ignore', 'ignore', 'pipe'] },
    );
    let log = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (log = (log + text).slice(-2000)));
    const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
    const stop = async (): Promise<void> => {
      child.kill('SIGTERM');
      await ended;
    };
    const daemon = new DockerDaemon(options.host, stop);
    for (const limit = Date.now() + 60_000; Date.now() < limit;) {
      if (child.exitCode !== null) break;
      if (existsSync(at('socket')) && daemon.#answers()) return daemon;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    await stop();
    throw new Error(`dockerd does not run here: ${log}`);
  }

  #answers(): boolean {
    try {
      this.docker(['version']);
      return true;
    } catch {
      return false;
    }
  }

  /** Standard output of `docker`, which has to succeed. */
  docker(args: readonly string[], input?: Uint8Array): Buffer {
    return execFileSync(findTool('docker') ?? 'docker', ['--host', this.#socket, ...args], {
      env: TOOL_ENVIRONMENT,
      ...(input && { input }),
      maxBuffer: 1 << 28,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
  }

  /** Builds what the Dockerfile in `context` says. */
  build(tag: string, context: string): void {
    const dockerfile = readFileSync(join(context, 'Dockerfile'), 'utf8');
    try {
      this.docker(['build', '--quiet', '--network', 'none', '--tag', tag, context]);
    } catch (error) {
      throw new Error(`docker build failed for:\n${dockerfile}`, { cause: error });
    }
  }

  stop(): Promise<void> {
    return this.#stop();
  }
}
