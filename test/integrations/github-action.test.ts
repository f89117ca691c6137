/** action.yml, its steps run the way the runner of GitHub runs them. */

import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { listedCertificate } from '../support/listed.ts';
import { openNpmRegistry, packProject, run, type NpmRegistry } from '../support/npm-registry.ts';
import { PROJECT } from '../support/rootaudit.ts';
import { makeTemporaryDirectory, makeTree } from '../support/tree.ts';

interface Step {
  readonly id: string;
  readonly shell: string;
  readonly run: string;
  readonly env: Readonly<Record<string, string>>;
}

interface Action {
  readonly inputs: Readonly<Record<string, { readonly description: string; readonly default: string }>>;
  readonly outputs: Readonly<Record<string, { readonly value: string }>>;
  readonly runs: { readonly using: string; readonly steps: readonly Step[] };
}

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- its form is checked with GitHub's schema in test/system
const action = parse(readFileSync(join(PROJECT, 'action.yml'), 'utf8')) as Action;
const COMMAND = join(PROJECT, 'bin/rootaudit.js');
const { pem } = listedCertificate();
const bad = makeTree({ '/usr/local/share/ca-certificates/planted.crt': pem });
const clean = makeTree({ '/etc/hostname': 'clean\n' });

interface Outcome {
  readonly status: number;
  readonly log: string;
  readonly summary: string;
  readonly outputs: Readonly<Record<string, string>>;
  readonly workspace: string;
}

interface Surroundings {
  readonly workspace?: string;
  readonly environment?: Readonly<Record<string, string>>;
}

/** Inputs reach a step through its `env` only: the runner puts values in place of expressions. */
async function runAction(
  inputs: Readonly<Record<string, string>>,
  { workspace = makeTemporaryDirectory(), environment = {} }: Surroundings = {},
): Promise<Outcome> {
  const unknown = Object.keys(inputs).filter((name) => !(name in action.inputs));
  expect(unknown).toEqual([]);
  const temporary = makeTemporaryDirectory();
  const summaryFile = join(temporary, 'summary.md');
  const steps = new Map<string, Readonly<Record<string, string>>>();
  const evaluate = (text: string): string =>
    text.replaceAll(/\$\{\{\s*(\S+)\s*\}\}/g, (_, expression: string) => {
      const [scope = '', name = '', , output = ''] = expression.split('.');
      if (scope === 'inputs') return inputs[name] ?? action.inputs[name]?.default ?? '';
      if (scope === 'steps') return steps.get(name)?.[output] ?? '';
      throw new Error(`what is ${expression}?`);
    });
  let status = 0;
  let log = '';
  for (const step of action.runs.steps) {
    const outputFile = join(temporary, `${step.id}.output`);
    writeFileSync(outputFile, '');
    const script = join(temporary, `${step.id}.sh`);
    writeFileSync(script, step.run);
    const result = await run('bash', ['--noprofile', '--norc', '-eo', 'pipefail', script], {
      cwd: workspace,
      environment: {
        ...environment,
        GITHUB_ACTION_PATH: PROJECT,
        GITHUB_OUTPUT: outputFile,
        GITHUB_STEP_SUMMARY: summaryFile,
        GITHUB_WORKSPACE: workspace,
        RUNNER_TEMP: temporary,
        ...Object.fromEntries(Object.entries(step.env).map(([name, value]) => [name, evaluate(value)])),
      },
    });
    log += result.stdout + result.stderr;
    steps.set(step.id, readOutputs(outputFile));
    ({ status } = result);
    if (status !== 0) break;
  }
  return {
    status,
    log,
    summary: existsSync(summaryFile) ? readFileSync(summaryFile, 'utf8') : '',
    outputs: Object.fromEntries(
      Object.entries(action.outputs).map(([name, { value }]) => [name, evaluate(value)]),
    ),
    workspace,
  };
}

function readOutputs(file: string): Readonly<Record<string, string>> {
  const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1);
  return Object.fromEntries(lines.map((line) => [line.replace(/=.*/, ''), line.replace(/^[^=]*=/, '')]));
}

/** What the runner would take for commands of ours: outside of what `stop-commands` encloses. */
function workflowCommands(log: string): string[] {
  const commands: string[] = [];
  let stopped: string | undefined;
  for (const line of log.split('\n')) {
    if (stopped !== undefined) {
      if (line.trim() === `::${stopped}::`) stopped = undefined;
      continue;
    }
    const [, word] = /^::stop-commands::(.+)$/.exec(line.trim()) ?? [];
    if (word !== undefined) stopped = word;
    else if (line.trimStart().startsWith('::') || line.includes('##[')) commands.push(line);
  }
  expect(stopped).toBeUndefined();
  return commands;
}

describe('action.yml', () => {
  it('describes every input, and has no expression in a script', () => {
    for (const { description } of Object.values(action.inputs)) expect(description).toMatch(/\.$/);
    expect(action.runs.using).toBe('composite');
    for (const step of action.runs.steps) {
      expect(step.shell).toBe('bash');
      expect(step.run).not.toContain('${{');
    }
  });

  it('hands every input to a step', () => {
    const used = JSON.stringify(action.runs.steps.map(({ env }) => env));
    expect(Object.keys(action.inputs).filter((name) => !used.includes(`inputs.${name} `))).toEqual([]);
  });

  it('ends with 1 for a dangerous root, and tells it in the log, the summary and a file', async () => {
    const { status, log, summary, outputs, workspace } = await runAction({ command: COMMAND, root: bad });
    expect(status).toBe(1);
    expect(log).toContain('CN=Superfish');
    expect(summary).toContain('Superfish');
    expect(outputs).toEqual({ 'exit-code': '1', sarif: 'rootaudit.sarif', json: '' });
    expect(JSON.parse(readFileSync(join(workspace, 'rootaudit.sarif'), 'utf8'))).toMatchObject({
      version: '2.1.0',
    });
    expect(workflowCommands(log)).toEqual([
      '::error title=rootaudit::A root is trusted that must go, or the policy is violated.',
    ]);
  });

  it('ends with 0 for a clean root', async () => {
    const { status, log, outputs, summary } = await runAction({ command: COMMAND, root: clean });
    expect({ status, outputs }).toMatchObject({ status: 0, outputs: { 'exit-code': '0' } });
    expect(workflowCommands(log)).toEqual([]);
    expect(summary).not.toBe('');
  });

  it('takes several targets, formats and arguments, a line each', async () => {
    const { status, outputs, workspace } = await runAction({
      command: COMMAND,
      targets: `dir:${clean}\r\n\n  \ndir:${bad}\n`,
      formats: 'json=all of it.json\njunit=rootaudit.xml',
      args: '--mitigated\n--allow-incomplete\n',
      'fail-on': 'critical',
      summary: 'false',
    });
    expect({ status, outputs }).toEqual({
      status: 1,
      outputs: { 'exit-code': '1', sarif: '', json: 'all of it.json' },
    });
    expect(JSON.parse(readFileSync(join(workspace, 'all of it.json'), 'utf8'))).toHaveProperty(
      'reports.length',
      2,
    );
    expect(readdirSync(workspace).toSorted()).toEqual(['all of it.json', 'rootaudit.xml']);
  });

  it('finds the policy of the workspace, and takes another one and a baseline', async () => {
    const workspace = makeTree({
      '/rootaudit.yaml': 'version: 1\nonly: []\n',
      '/strict.yaml': 'version: 1\nforbid:\n  - subject: CN=Nobody\n',
    });
    const inputs = { command: COMMAND, root: bad, formats: 'json=report.json' };
    expect(await runAction(inputs, { workspace })).toMatchObject({ status: 1 });
    const policy = join(workspace, 'strict.yaml');
    expect(await runAction({ ...inputs, policy, baseline: 'report.json' }, { workspace })).toMatchObject({
      status: 0,
    });
  });

  it('says when a target cannot be scanned, and does not take an older file for a result', async () => {
    const workspace = makeTree({ '/rootaudit.sarif': '{}' });
    utimesSync(join(workspace, 'rootaudit.sarif'), 1e9, 1e9);
    const outcome = await runAction({ command: COMMAND, targets: '/no/such' }, { workspace });
    expect(outcome).toMatchObject({ status: 2, outputs: { 'exit-code': '2', sarif: '' } });
    expect(outcome.log).toMatch(/rootaudit: .*\/no\/such/);
    expect(outcome.summary).toBe('rootaudit could not scan: the log of the step says why.\n');
  });

  it.each([
    ['formats', 'json'],
    ['formats', '=x'],
  ])('refuses %s "%s"', async (name, value) => {
    const { status, log } = await runAction({ command: COMMAND, root: clean, [name]: value });
    expect(status).toBe(2);
    expect(log).not.toContain('stores read');
  });

  describe('with hostile inputs', () => {
    const HOSTILE = `$(touch pwned)\`touch pwned\`'; touch pwned; '"; touch pwned; " && touch pwned | touch pwned
touch pwned
> pwned
\${{ github.token }}
::set-env name=X::y`;
    const NAMES = Object.keys(action.inputs).filter((name) => name !== 'command' && name !== 'version');

    it.each(NAMES)('in %s runs nothing', async (name) => {
      const root = name === 'targets' ? '' : clean;
      const { status, workspace, log } = await runAction({ command: COMMAND, root, [name]: HOSTILE });
      expect(readdirSync(workspace).filter((file) => file !== 'rootaudit.sarif')).toEqual([]);
      expect(status).toBe(name === 'summary' ? 0 : 2);
      expect(workflowCommands(log).filter((line) => !line.startsWith('::error title=rootaudit::'))).toEqual(
        [],
      );
    });

    it('waits for nothing from standard input', async () => {
      expect(await runAction({ command: COMMAND, targets: '-' })).toMatchObject({ status: 2 });
    });

    it('takes a target that looks like an option for a target', async () => {
      const { status, log } = await runAction({ command: COMMAND, targets: '--version' });
      expect(status).toBe(2);
      expect(log).toContain('there is no --version');
    });

    it.each([
      '1.0.0 && touch pwned',
      '$(touch pwned)',
      'npm:other',
      '../evil',
      '1\n2',
      'https://evil.example/x',
    ])('refuses to install version %j', async (version) => {
      const { status, log, workspace } = await runAction({ root: clean, version });
      expect(status).toBe(2);
      expect(log).toContain('::error title=rootaudit::version: ');
      expect(readdirSync(workspace)).toEqual([]);
    });
  });

  it('keeps names of certificates from being commands of the runner', async () => {
    const command = join(makeTemporaryDirectory(), 'shouting');
    writeFileSync(
      command,
      '#!/bin/sh\necho "::add-mask::a"\necho "x ##[add-mask]b"\necho "::stop-commands::x" >&2\nprintf "::error::c"\nexit 1\n',
      { mode: 0o755 },
    );
    const { status, log } = await runAction({ command, root: clean });
    expect(status).toBe(1);
    expect(workflowCommands(log)).toEqual([
      '::error title=rootaudit::A root is trusted that must go, or the policy is violated.',
    ]);
    const again = await runAction({ command, root: clean });
    const wordOf = (text: string): string | undefined => /::stop-commands::(\w{32})\n/.exec(text)?.[1];
    expect(wordOf(again.log)).not.toBe(wordOf(log));
  });

  it('says so when a report is too long for a summary', async () => {
    const command = join(makeTemporaryDirectory(), 'long');
    const script = `for a in "$@"; do case $a in --format=markdown=*) head -c 1100000 /dev/zero > "\${a#--format=markdown=}" ;; esac; done`;
    writeFileSync(command, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    const { status, summary } = await runAction({ command, root: clean });
    expect(status).toBe(0);
    expect(summary).toBe(
      'The report of rootaudit is too long for a summary: see the log of the step and the files.\n',
    );
  });
});

describe('without an installed rootaudit', () => {
  let registry: NpmRegistry;
  beforeAll(async () => {
    registry = await openNpmRegistry(await packProject());
  });
  afterAll(() => registry.close());

  it('the action installs its own version, whatever .npmrc the workspace has', async () => {
    const workspace = makeTree({ '/.npmrc': 'registry=http://127.0.0.1:9/\n' });
    // As npm takes it from the settings of the runner's user.
    const npmrc = join(makeTemporaryDirectory(), 'npmrc');
    writeFileSync(npmrc, `registry=${registry.environment['npm_config_registry']}\n`);
    const { npm_config_cache = '' } = registry.environment;
    const environment = { npm_config_userconfig: npmrc, npm_config_cache };
    const { status, log, summary } = await runAction({ root: bad }, { workspace, environment });
    expect(log).toContain('CN=Superfish');
    expect({ status, summary: summary.length > 0 }).toEqual({ status: 1, summary: true });
  });
});

describe('the scripts', () => {
  const hasShellcheck = spawnSync('shellcheck', ['--version']).status === 0;
  const scripts = readdirSync(join(PROJECT, 'integrations'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.sh'))
    .map((name) => join(PROJECT, 'integrations', name));

  it.skipIf(!hasShellcheck).each(scripts)('%s pass shellcheck', (script) => {
    const { status, stdout } = spawnSync('shellcheck', [script], { encoding: 'utf8' });
    expect({ status, stdout }).toEqual({ status: 0, stdout: '' });
  });
});
