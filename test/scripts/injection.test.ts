import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { sha256 } from '../../src/core/certificate.ts';
import type { Action } from '../../src/core/remediation.ts';
import { decodePath, encodePath } from '../../src/core/shell.ts';
import type { TargetSummary } from '../../src/report/report.ts';
import { writeScript } from '../../src/scripts/index.ts';
import { powerShellText } from '../../src/scripts/powershell-words.ts';
import { yamlText } from '../../src/scripts/yaml-text.ts';
import { instructionsIn, shellCommand } from '../support/dockerfile.ts';
import { CANARY, HOSTILE_NAMES } from '../support/hostile-names.ts';
import { inputOf, planOfActions } from '../support/scripts.ts';
import { runShell, savedScript, SHELLS } from '../support/shells.ts';
import { makeTemporaryDirectory } from '../support/tree.ts';

const DIRECTORY: TargetSummary = {
  kind: 'directory',
  reference: '$(touch ran)\n`touch ran`',
  platform: 'linux',
};
const IMAGE: TargetSummary = { ...DIRECTORY, kind: 'image', image: { name: 'x; touch ran', layers: [] } };

/** What a program can be given as an argument. */
const words = HOSTILE_NAMES.filter((name) => !name.includes('\0'));
/** What a file can be called, in a directory of such. */
const fileNames = words.filter(
  (name) =>
    !name.includes('/') &&
    name !== '.' &&
    name !== '..' &&
    name !== '' &&
    encodePath(name).length <= 255 &&
    isPath(name),
);
/** Whatever shows names shows all of them. */
const everyName = HOSTILE_NAMES.join(' ');

/** Half of a pair has no bytes of its own. */
function isPath(name: string): boolean {
  return decodePath(encodePath(name)) === name;
}

/** A command that appends its arguments to a file, each with a NUL. */
function noting(file: string, passed: readonly string[]): Action {
  const program = String.raw`file=$1; shift; printf '%s\0' "$@" >> "$file"`;
  return { kind: 'run', argv: ['sh', '-c', program, 'sh', file, ...passed], changes: [] };
}

function notedIn(file: string): string[] {
  const bytes = readFileSync(file);
  const found: string[] = [];
  for (let at = 0; at < bytes.length;) {
    const end = bytes.indexOf(0, at);
    found.push(decodePath(bytes.subarray(at, end)));
    at = end + 1;
  }
  return found;
}

function expectNothingRan(...directories: readonly string[]): void {
  for (const directory of directories)
    expect(readdirSync(directory).filter((name) => name === CANARY)).toEqual([]);
}

interface Files {
  readonly root: string;
  readonly left: () => string[];
  readonly actions: readonly Action[];
}

/** A file of each name, of which every second one is to go. */
function hostileFiles(names = fileNames): Files {
  const root = makeTemporaryDirectory();
  const directory = join(root, 'd');
  mkdirSync(directory);
  const content = (name: string): Buffer => Buffer.concat([Buffer.from('content of '), encodePath(name)]);
  for (const name of names)
    writeFileSync(Buffer.concat([Buffer.from(`${directory}/`), encodePath(name)]), content(name));
  const going = names.filter((_, index) => index % 2 === 0);
  return {
    root,
    left: () => readdirSync(directory, { encoding: 'buffer' }).map(decodePath).toSorted(),
    actions: going.map((name) => ({ kind: 'delete', path: `/d/${name}`, sha256: sha256(content(name)) })),
  };
}

function stayingOf(names: readonly string[]): string[] {
  return names.filter((_, index) => index % 2 === 1).toSorted();
}

it('there are more than two hundred hostile names', () => {
  expect(HOSTILE_NAMES.length).toBeGreaterThanOrEqual(200);
  expect(fileNames.length).toBeGreaterThanOrEqual(200);
});

describe.each(SHELLS)('a script for sh in $name', (shell) => {
  it('hands hostile names to programs as they are, and runs none of them', async () => {
    const cwd = makeTemporaryDirectory();
    const file = join(makeTemporaryDirectory(), 'words');
    const passed = words.filter(isPath);
    const plan = planOfActions([noting(file, passed)], everyName, DIRECTORY);
    const script = savedScript(await writeScript('sh', inputOf(plan, '')));
    const ran = runShell(shell, script, [], { backup: makeTemporaryDirectory(), cwd });
    expect(ran.status).toBe(0);
    expect(notedIn(file)).toEqual(passed);
    expectNothingRan(cwd);
  });

  // One shell for all of them, a share for each of the others.
  const share =
    shell === SHELLS[0] ? fileNames : fileNames.filter((_, index) => index % 12 === SHELLS.indexOf(shell));

  it('deletes exactly the files of hostile names that it is to delete, puts them back, and shows them harmless', async () => {
    const cwd = makeTemporaryDirectory();
    const { root, left, actions } = hostileFiles(share);
    const plan = planOfActions(actions, everyName, DIRECTORY);
    const script = savedScript(await writeScript('sh', inputOf(plan, root)));
    const backup = makeTemporaryDirectory();
    const ran = runShell(shell, script, [], { backup, cwd });
    expect(ran.status).toBe(0);
    expect(ran.output).toMatch(/^[\x20-\x7e\n]+$/);
    expect(left()).toEqual(stayingOf(share));
    expect(runShell(shell, script, ['undo'], { backup, cwd })).toMatchObject({ status: 0 });
    expect(left()).toEqual(share.toSorted());
    expectNothingRan(cwd, root, join(root, 'd'));
  });
});

describe('a Dockerfile', () => {
  const textOf = async (actions: readonly Action[]): Promise<string> =>
    writeScript('dockerfile', inputOf(planOfActions(actions, everyName, IMAGE), ''));

  it('has no instruction that a name began', async () => {
    const { actions } = hostileFiles();
    const found = instructionsIn(await textOf(actions));
    expect(found.map(({ word }) => word)).toEqual(['FROM', 'USER', ...actions.map(() => 'RUN')]);
    expect(found[0]?.rest).toBe('IMAGE');
  });

  it('hands hostile names to programs as they are, and runs none of them', async () => {
    const cwd = makeTemporaryDirectory();
    const file = join(makeTemporaryDirectory(), 'words');
    const passed = words.filter(isPath);
    const text = await textOf(passed.map((word) => noting(file, [word])));
    const commands = instructionsIn(text)
      .filter(({ word }) => word === 'RUN')
      .map(shellCommand);
    const { status } = spawnSync('sh', ['-e', '-c', commands.join('\n')], { cwd });
    expect(status).toBe(0);
    expect(notedIn(file)).toEqual(passed);
    expectNothingRan(cwd);
  });

  it('deletes exactly the files of hostile names that it is to delete', async () => {
    const cwd = makeTemporaryDirectory();
    const { root, left, actions } = hostileFiles();
    const inside = actions.map((action) =>
      action.kind === 'delete' ? { ...action, path: root + action.path } : action,
    );
    const commands = instructionsIn(await textOf(inside))
      .filter(({ word }) => word === 'RUN')
      .map(shellCommand);
    const { status, stderr } = spawnSync('sh', ['-e', '-c', commands.join('\n')], { cwd, encoding: 'utf8' });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(left()).toEqual(stayingOf(fileNames));
    expectNothingRan(cwd, root);
  });

  it('says what no command can be given', async () => {
    const text = await textOf([noting('/x', ['a\0b'])]);
    expect(text).toContain('A name with a NUL can be given to no command');
    expect(instructionsIn(text).filter(({ word }) => word === 'RUN')).toEqual([]);
  });
});

describe('text of PowerShell', () => {
  it.each(words.map((word) => ({ word })))('is exactly $word', ({ word }) => {
    const text = powerShellText(word);
    expect(text).toMatch(/^[\x20-\x7e]+$/);
    expect(evaluated(text)).toBe(word);
  });

  it('refuses a NUL in words', () => {
    expect(() => powerShellText('a\0b')).toThrow('which holds a NUL');
  });
});

/** By the rules of the language: literals in single quotes, where '' is a quote, and characters by their number. */
function evaluated(text: string): string {
  const sum = /^\((.*)\)$/.exec(text)?.[1] ?? text;
  const part = /(?:'((?:[^']|'')*)'|\[char\]0x([0-9a-f]{4}))(?: \+ |$)/y;
  let result = '';
  while (part.lastIndex < sum.length) {
    const at = part.lastIndex;
    const found = part.exec(sum);
    if (!found) throw new Error(`no literal at ${at} of ${sum}`);
    result += found[1]?.replaceAll("''", "'") ?? String.fromCharCode(Number.parseInt(found[2] ?? '', 16));
  }
  return result;
}

describe('a playbook', () => {
  const unsafe = { tag: '!unsafe', resolve: (text: string): string => text };
  const half = /[\ud800-\udfff]/u;

  it('holds hostile names as what they are, and none as a template', async () => {
    const passed = words.filter((word) => !half.test(word));
    const plan = planOfActions([noting('/x', passed)], everyName, DIRECTORY);
    const text = await writeScript('ansible', inputOf(plan, ''));
    const plays: unknown = parse(text, { customTags: [unsafe] });
    const found = JSON.stringify(plays);
    for (const word of passed) expect(found).toContain(JSON.stringify(word));
    for (const line of text.split('\n')) {
      if (/\{[{%#]/.test(line) && !line.trimStart().startsWith('#'))
        expect(line).toMatch(/!unsafe|rootaudit_(?:backup|hosts|file)/);
    }
  });

  it('is refused for a path that Ansible would put a variable into, or that is not UTF-8', async () => {
    for (const path of ['/d/$HOME', '/d/${HOME}', '/d/x\udc80y']) {
      const plan = planOfActions([{ kind: 'delete', path, sha256: '0' }], '', DIRECTORY);
      await expect(writeScript('ansible', inputOf(plan, ''))).rejects.toThrow(/Ansible would take|not UTF-8/);
    }
  });

  it.each(words.filter((word) => !half.test(word)).map((word) => ({ word })))(
    'reads $word back',
    ({ word }) => {
      expect(parse(yamlText({ key: word, list: [word] }))).toEqual({ key: word, list: [word] });
    },
  );
});
