import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { completionScript } from '../../src/cli/completion/scripts.ts';
import { commandsOf, program } from '../support/program.ts';
import { rootaudit } from '../support/rootaudit.ts';
import { hasCommand, onTerminal } from '../support/terminal.ts';
import { makeTemporaryDirectory, makeTree } from '../support/tree.ts';

const ADVISORIES = ['superfish', 'trustcor', 'trustcor-cross-signed'];
const all = program();
const scripts = makeTemporaryDirectory();

function scriptFor(shell: string): string {
  const file = join(scripts, shell);
  writeFileSync(file, completionScript(shell, all, ADVISORIES));
  return file;
}

/** What somebody types, with the tabulator key, and what the command is then given. */
const TYPED = [
  ['a command', 'sca\t', ['scan']],
  ['an option', 'scan --fail\tlow', ['scan', '--fail-on', 'low']],
  ['a value', 'scan --fail-on hig\t', ['scan', '--fail-on', 'high']],
  ['a value after an equals sign', 'scan --fail-on=hig\t', ['scan', '--fail-on=high']],
  ['a format', 'scan -f mark\t', ['scan', '-f', 'markdown']],
  ['a file for a format', 'scan -f sarif=unique.t\t', ['scan', '-f', 'sarif=unique.tar']],
  ['a target, whatever it is called', 'scan wit\t', ['scan', 'with two blanks.tar']],
  ['a target below a directory', 'scan folder/in\t', ['scan', 'folder/inside.tar']],
  ['a directory, and no file, for --root', 'list --root fol\t', ['list', '--root', 'folder/']],
  ['an advisory to explain', 'explain superf\t', ['explain', 'superfish']],
  ['a certificate to explain', 'explain cert\t', ['explain', 'certificate.crt']],
  ['an advisory to remove', 'remove superf\t', ['remove', 'superfish']],
  ['a value before the command', '--color nev\t list', ['--color', 'never', 'list']],
  ['an option after one whose value may be left out', 'scan --adb --mit\t', ['scan', '--adb', '--mitigated']],
  ['the name of a shell', 'completion fis\t', ['completion', 'fish']],
  ['a command to be helped with', 'help snap\t', ['help', 'snapshot']],
] as const;

const directory = makeTree({
  '/unique.tar': '',
  '/with two blanks.tar': '',
  '/folder/inside.tar': '',
  '/certificate.crt': '',
});

/** Prints what it is given between brackets. */
const FUNCTION = String.raw`rootaudit() { printf '<%s>' "$@"; echo .; }`;

/** All at once in one shell, so that it starts once. */
function typedInto(shell: string, start: readonly string[]): readonly (readonly string[])[] {
  const input = [...start, FUNCTION, ...TYPED.map(([, keys]) => `rootaudit ${keys}`), 'exit', ''].join('\n');
  const shown = onTerminal(shell, { input, cwd: directory, LC_ALL: 'C.UTF-8' });
  return shown
    .replaceAll(/\u001b\[[\d;?]*[A-Za-z]/g, '')
    .split(/\r*\n/)
    .flatMap((line) => {
      const printed = /(?:^|\r)((?:<[^>]*>)+)\.$/.exec(line)?.[1];
      return printed === undefined ? [] : [[...printed.matchAll(/<([^>]*)>/g)].map(([, word = '']) => word)];
    });
}

/** zsh takes the last slash away when the word ends, and puts an equals sign between an option and its value. */
function asTyped(words: readonly string[] = []): string {
  return words.map((word) => word.replace(/\/$/, '').replace(/^(--[a-z-]+)=/, '$1 ')).join(' ');
}

describe.skipIf(!hasCommand('bash') || !hasCommand('script'))(
  'completion in bash (needs bash, script)',
  () => {
    const given = typedInto('bash --norc -i', [`source ${scriptFor('bash')}`]);
    it.each(TYPED.map((typed, index) => [typed[0], index] as const))('finds %s', (_, index) => {
      expect(given[index]).toEqual(TYPED[index]?.[2]);
    });
  },
);

describe.skipIf(!hasCommand('zsh') || !hasCommand('script'))('completion in zsh (needs zsh, script)', () => {
  const start = ['autoload -U compinit; compinit -u -D', `source ${scriptFor('zsh')}`];
  const given = typedInto('zsh -f -i', start);
  it.each(TYPED.map((typed, index) => [typed[0], index] as const))('finds %s', (_, index) => {
    expect(asTyped(given[index])).toEqual(asTyped(TYPED[index]?.[2]));
  });
});

describe.skipIf(!hasCommand('fish'))('completion in fish (needs fish)', () => {
  const file = scriptFor('fish');
  const complete = (line: string): readonly string[] => {
    const { stdout, stderr } = spawnSync(
      'fish',
      ['--no-config', '-c', `source ${file}; complete -C "${line}"`],
      {
        encoding: 'utf8',
        cwd: directory,
      },
    );
    expect(stderr).toBe('');
    return stdout.split('\n').flatMap((each) => (each === '' ? [] : [each.split('\t')[0] ?? '']));
  };
  it.each(TYPED)('finds %s', (_, keys, words) => {
    const line = keys.slice(0, keys.indexOf('\t'));
    const typed = line.split(' ').length - 1;
    expect(complete(`rootaudit ${line}`)).toEqual([words[typed]]);
  });

  it('offers no files where none are wanted', () => {
    expect(complete('rootaudit selftest ')).toEqual([]);
    expect(complete('rootaudit completion ')).toEqual(['bash', 'fish', 'powershell', 'zsh']);
  });
});

describe('completion in PowerShell', () => {
  const script = completionScript('powershell', all, ADVISORIES);
  const outsideTexts = script.replaceAll(/'(?:[^']|'')*'/g, "''");

  it('registers itself for the native command', () => {
    expect(script).toContain('Register-ArgumentCompleter -Native -CommandName rootaudit -ScriptBlock {');
  });

  it('has every text between quotes that expand nothing, and closes what it opens', () => {
    for (const pair of ['()', '{}', '[]']) {
      const [open = '', close = ''] = pair;
      expect(outsideTexts.split(open).length).toBe(outsideTexts.split(close).length);
    }
    expect(outsideTexts.replaceAll("''", '')).not.toContain("'");
    expect(outsideTexts.match(/"[^"]*"/g)).toEqual(['"$command $previous"', '"$command $previous"']);
  });

  it('knows the values', () => {
    expect(script).toContain("'remove --severity' = @('info', 'low', 'medium', 'high', 'critical')");
    expect(script).toContain("'explain' = @('superfish', 'trustcor', 'trustcor-cross-signed')");
  });
});

describe('every script', () => {
  const shells = ['bash', 'zsh', 'fish', 'powershell'];
  it.each(shells)('knows every command and option of --help (%s)', (shell) => {
    const script = completionScript(shell, all, ADVISORIES);
    for (const command of commandsOf(all)) {
      expect(script).toContain(command.name());
      for (const { long } of command.options) {
        expect(script).toContain(shell === 'fish' ? `-l ${long?.slice(2)}` : long);
      }
    }
  });

  it.each(shells)('holds nothing but ASCII, and no word that a shell would run (%s)', (shell) => {
    const hostile = ['$(touch x)', '`id`', "a'b", 'a b', 'a;b', '-x', '', '../x', 'ok-1.2_3'];
    const script = completionScript(shell, all, hostile);
    expect(script).toMatch(/^[\n -~]*$/);
    expect(script).toContain('ok-1.2_3');
    for (const word of ['touch', '`id`', "a'b", 'a;b', '../x']) expect(script).not.toContain(word);
  });

  it.each(shells)('is printed by rootaudit completion %s', (shell) => {
    const { status, stdout, stderr } = rootaudit(['completion', shell]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toContain('superfish');
  });

  it('is there for no other shell', () => {
    const { status, stderr } = rootaudit(['completion', 'tcsh']);
    expect(status).toBe(2);
    expect(stderr).toContain('Allowed choices are bash, zsh, fish, powershell.');
  });
});
