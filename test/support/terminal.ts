/** Commands in a terminal of their own, by util-linux's script. */

import { spawn, spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';

export function hasCommand(name: string): boolean {
  return (process.env['PATH'] ?? '').split(':').some((directory) => {
    try {
      accessSync(join(directory, name), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** What `command` (for sh) prints on a terminal, standard error included; `input` is typed. */
export function onTerminal(
  command: string,
  { input = '', cwd, ...environment }: Readonly<Record<string, string>> = {},
): string {
  const { PATH = '', HOME = '' } = process.env;
  const { stdout, status, error } = spawnSync('script', ['-qec', command, '/dev/null'], {
    input,
    encoding: 'utf8',
    timeout: 30_000,
    ...(cwd !== undefined && { cwd }),
    env: { PATH, HOME, TERM: 'xterm', LANG: 'C.UTF-8', ...environment },
  });
  if (error) throw error;
  if (status === null) throw new Error(`${command} did not end: ${stdout}`);
  return stdout;
}

/** What `command` prints and how it ends, when `answer` is typed once it has asked `question`. */
export function answeredOnTerminal(
  command: string,
  question: string,
  answer: string,
): Promise<{ readonly stdout: string; readonly status: number | null }> {
  return new Promise((resolve, reject) => {
    const child = spawn('script', ['-qefc', command, '/dev/null'], {
      stdio: ['pipe', 'pipe', 'inherit'],
      timeout: 50_000,
    });
    let stdout = '';
    let isAsked = false;
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
      // What is typed before the question is there goes to the terminal and not to who asks: ^C would end it.
      if (isAsked || !stdout.includes(question)) return;
      isAsked = true;
      child.stdin.write(answer);
    });
    child.once('error', reject);
    child.once('close', (status) => resolve({ stdout, status }));
  });
}
