import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { commandLine, commandLines } from '../../../src/render/shared/commands.ts';

const run = (script: string): string =>
  spawnSync('sh', ['-c', script], { encoding: 'utf8' }).stdout.replaceAll('\n', ' ').trim();

describe('commands that are printed', () => {
  it.each<[string, readonly string[], string]>([
    ['all of them when none fails', ['true', 'echo a', 'echo b'], 'a b'],
    ['none after a check that fails', ['false', 'echo a', 'echo b'], ''],
    ['none after one in the middle that fails', ['echo a', 'false', 'echo b'], 'a'],
    ['none after a check that fails before an alternative', ['false', 'false || echo a', 'echo b'], ''],
    ['the alternative when that is what is left', ['true', 'false || echo a', 'echo b'], 'a b'],
    ['a check that fails within several of one line', ['false', 'true; echo a', 'echo b'], ''],
    ['one alone', ['false || echo a'], 'a'],
  ])('do, pasted into a shell, %s', (_, commands, printed) => {
    expect(run(commandLines({ shell: 'sh', commands }).join('\n'))).toBe(printed);
    expect(run(commandLine({ shell: 'sh', commands }))).toBe(printed);
  });

  it('stay as they are in the shells of Windows', () => {
    const commands = ['certutil -a', 'certutil -b'];
    expect(commandLines({ shell: 'powershell', commands })).toEqual(commands);
    expect(commandLines({ shell: 'cmd', commands })).toEqual(commands);
    expect(commandLine({ shell: 'powershell', commands })).toBe('certutil -a; certutil -b');
    expect(commandLine({ shell: 'cmd', commands })).toBe('certutil -a && certutil -b');
  });
});
