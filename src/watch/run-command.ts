/**
 * A command for each event: no shell, the event as JSON on its standard input, the main things in its environment. What
 * it prints goes to standard error, because standard output is the record.
 */

import { spawn, type ChildProcess } from 'node:child_process';
import { visible } from '../core/text.ts';
import type { WatchEvent } from './event.ts';

export interface CommandOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly environment: NodeJS.ProcessEnv;
  /** Milliseconds. */
  readonly timeout: number;
  /** Why it did not work out, in a sentence. */
  readonly tell: (message: string) => void;
}

/** The secret for the webhook is nobody else's business. */
export const TOKEN_VARIABLE = 'ROOTAUDIT_WEBHOOK_TOKEN';
/** Time to end by itself, once told to. */
const GRACE = 2000;

/** Resolves when the command has ended. `line`: the event as JSON. */
export function runCommand(
  { event, line }: { readonly event: WatchEvent; readonly line: string },
  { command, args, environment, timeout, tell }: CommandOptions,
  signal: AbortSignal,
): Promise<void> {
  const { [TOKEN_VARIABLE]: _secret, ...inherited } = environment;
  let child: ChildProcess;
  try {
    child = start(command, args, { ...inherited, ...variablesOf(event) });
  } catch (error) {
    // An argument that is too long, or holds a NUL character.
    tell(`${visible(command)} cannot be run (${codeOf(error)})`);
    return Promise.resolve();
  }
  // It need not read the event.
  child.stdin?.on('error', () => {});
  child.stdin?.end(line);
  return new Promise((resolve) => {
    let slow = false;
    let grace: NodeJS.Timeout | undefined;
    const end = (): void => {
      kill(child, 'SIGTERM');
      grace ??= setTimeout(() => kill(child, 'SIGKILL'), GRACE);
    };
    const timer = setTimeout(() => {
      slow = true;
      end();
    }, timeout);
    signal.addEventListener('abort', end);
    const done = (problem?: string): void => {
      clearTimeout(timer);
      clearTimeout(grace);
      signal.removeEventListener('abort', end);
      if (problem !== undefined) tell(`${visible(command)} ${problem}`);
      resolve();
    };
    child.once('error', (error) => done(`cannot be run (${codeOf(error)})`));
    child.once('exit', (code, by) => {
      if (slow) done(`took longer than ${timeout / 1000} s and was ended`);
      else if (code === 0 || signal.aborted) done();
      else done(code === null ? `was ended by ${by ?? 'a signal'}` : `ended with ${code}`);
    });
  });
}

/** A group of its own, so that what the command starts ends with it. */
const OWN_GROUP = process.platform !== 'win32';

function start(command: string, args: readonly string[], env: NodeJS.ProcessEnv): ChildProcess {
  return spawn(command, args, {
    env,
    stdio: ['pipe', process.stderr.fd, process.stderr.fd],
    shell: false,
    detached: OWN_GROUP,
    windowsHide: true,
  });
}

function kill(child: ChildProcess, how: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    if (OWN_GROUP) process.kill(-child.pid, how);
    else child.kill(how);
  } catch {
    // It has ended in this moment.
  }
}

/** Names from certificates and files are made harmless: they end up in logs and mails. The JSON has them as they are. */
function variablesOf(event: WatchEvent): NodeJS.ProcessEnv {
  const variables: NodeJS.ProcessEnv = { ROOTAUDIT_EVENT_TYPE: event.type, ROOTAUDIT_EVENT_TIME: event.time };
  const set = (name: string, value: string | undefined): void => {
    if (value !== undefined) variables[`ROOTAUDIT_EVENT_${name}`] = visible(value);
  };
  if ('problem' in event) {
    set('PATH', event.problem.path);
    set('STORE', event.problem.store);
    set('MESSAGE', event.problem.message);
    return variables;
  }
  set('STORE', event.store.id);
  if (!('certificate' in event)) {
    set('PATH', event.store.path);
    return variables;
  }
  set('PATH', event.path);
  set('SHA256', event.certificate.sha256);
  set('SUBJECT', event.certificate.subject);
  set('SEVERITY', event.severity);
  set('ADVISORY', event.findings[0]?.advisory);
  return variables;
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'error';
}
