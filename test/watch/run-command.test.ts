import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { SCHEMA_VERSION } from '../../src/report/report.ts';
import type { WatchEvent } from '../../src/watch/event.ts';
import { runCommand, type CommandOptions } from '../../src/watch/run-command.ts';
import { makeTemporaryDirectory } from '../support/tree.ts';

function eventNamed(subject: string, path = '/etc/x.crt'): WatchEvent {
  return {
    schemaVersion: SCHEMA_VERSION,
    id: '1',
    time: '2026-01-01T00:00:00.000Z',
    target: { kind: 'live', reference: '/', platform: 'linux' },
    type: 'root-trusted',
    certificate: { sha256: 'ab'.repeat(32), subject },
    severity: 'high',
    findings: [{ advisory: 'bad', title: 'Bad', severity: 'high', match: 'certificate', stillShippedBy: [] }],
    store: { id: `openssl:${path}`, type: 'openssl', application: 'OpenSSL', path },
    path,
    before: { trust: 'absent', purposes: [] },
    after: { trust: 'trusted', purposes: ['serverAuth'] },
    everywhere: true,
  };
}

/** Writes its input, arguments and variables into a file. */
const RECORD = `
  const input = require('node:fs').readFileSync(0, 'utf8');
  const variables = Object.fromEntries(Object.entries(process.env).filter(([name]) => name.startsWith('ROOTAUDIT_')));
  require('node:fs').writeFileSync('record.json', JSON.stringify({ input, variables, args: process.argv.slice(1) }));`;

async function run(
  event: WatchEvent,
  options: Partial<CommandOptions> = {},
  signal?: AbortSignal,
): Promise<string[]> {
  const told: string[] = [];
  await runCommand(
    { event, line: `${JSON.stringify(event)}\n` },
    {
      command: process.execPath,
      args: [],
      environment: { PATH: process.env['PATH'], ROOTAUDIT_WEBHOOK_TOKEN: 'secret' },
      timeout: 20_000,
      tell: (message) => told.push(message),
      ...options,
    },
    signal ?? new AbortController().signal,
  );
  return told;
}

describe('runCommand', () => {
  it.each([
    '$(touch pwned)',
    '`touch pwned`',
    '; touch pwned #',
    '"; touch pwned; "',
    "'; touch pwned; '",
    '| touch pwned',
    '() { :; }; touch pwned',
    'a\nb\u001b[31m\u202e',
    '-e touch',
    'nul\0nul',
    'x'.repeat(100_000),
  ])('hands over %j and executes nothing of it', async (name) => {
    const directory = makeTemporaryDirectory();
    const event = eventNamed(`CN=${name}`, `/etc/${name}`);
    const code = `process.chdir(${JSON.stringify(directory)});${RECORD}`;
    expect(await run(event, { args: ['-e', code, '--', '$(touch pwned)', '; touch pwned'] })).toEqual([]);
    const record: unknown = JSON.parse(readFileSync(join(directory, 'record.json'), 'utf8'));
    expect(record).toMatchObject({
      input: `${JSON.stringify(event)}\n`,
      args: ['$(touch pwned)', '; touch pwned'],
      variables: {
        ROOTAUDIT_EVENT_TYPE: 'root-trusted',
        ROOTAUDIT_EVENT_TIME: '2026-01-01T00:00:00.000Z',
        ROOTAUDIT_EVENT_SHA256: 'ab'.repeat(32),
        ROOTAUDIT_EVENT_SEVERITY: 'high',
        ROOTAUDIT_EVENT_ADVISORY: 'bad',
      },
    });
    expect(JSON.stringify(record)).not.toContain('secret');
    const text = readFileSync(join(directory, 'record.json'), 'utf8');
    const variables = text.slice(text.indexOf('"variables"'));
    expect(variables).not.toMatch(/\\n|\\u001b|\u202e/);
    expect(variables.length).toBeLessThan(6000);
    expect(readdirSync(directory)).toEqual(['record.json']);
    expect(existsSync('pwned')).toBe(false);
  });

  it.each<[string, Partial<CommandOptions>, RegExp]>([
    [
      'a command that is not there',
      { command: '/no/such/command' },
      /^\/no\/such\/command cannot be run \(ENOENT\)$/,
    ],
    ['an argument that no command can have', { args: ['\0'] }, /cannot be run \(ERR_INVALID_ARG_VALUE\)$/],
    ['one that fails', { args: ['-e', 'process.exit(3)'] }, /ended with 3$/],
    ['one that is killed', { args: ['-e', 'process.kill(process.pid, "SIGKILL")'] }, /ended by SIGKILL$/],
    [
      'one that takes too long, and all that it started',
      {
        command: 'sh',
        args: ['-c', 'sleep 300 & sleep 300; :'],
        timeout: 200,
      },
      /took longer than 0.2 s and was ended$/,
    ],
    [
      'one that does not want to end',
      { args: ['-e', 'process.on("SIGTERM", () => {}); setInterval(() => {}, 1000)'], timeout: 700 },
      /took longer/,
    ],
  ])('tells of %s', async (_what, options, expected) => {
    expect(await run(eventNamed('CN=x'), options)).toEqual([expect.stringMatching(expected)]);
  });

  it('does not mind when the event is not read', async () => {
    const event = eventNamed('x'.repeat(1 << 20));
    expect(await run(event, { args: ['-e', 'process.exit(0)'] })).toEqual([]);
  });

  it('ends the command when there is no more time, without complaint', async () => {
    const stop = new AbortController();
    const done = run(eventNamed('CN=x'), { args: ['-e', 'setInterval(() => {}, 1000)'] }, stop.signal);
    stop.abort();
    expect(await done).toEqual([]);
  });
});
