import { describe, expect, it } from 'vitest';
import { detailsOf, detailsText } from '../../src/cli/help.ts';
import { commandsOf, program } from '../support/program.ts';
import { rootaudit } from '../support/rootaudit.ts';

const all = program();
const names = commandsOf(all).map((command) => command.name());

/** The files below golden/ are read by people when they change: `npm test -- test/cli/help.test.ts -u`. */
describe('--help', () => {
  it.each(['', ...names])('of rootaudit %s', async (name) => {
    const { status, stdout, stderr } = rootaudit([...(name === '' ? [] : [name]), '--help']);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    await expect(stdout).toMatchFileSnapshot(`golden/help${name === '' ? '' : `-${name}`}.txt`);
  });

  it.each(['', ...names])(
    'of rootaudit %s stays within 80 columns, but for a command to be copied',
    (name) => {
      const { stdout } = rootaudit([...(name === '' ? [] : [name]), '--help']);
      const long = stdout.split('\n').filter((line) => line.length > 80);
      for (const line of long) expect(line).toMatch(/^ {2}\$ /);
    },
  );

  it('is as wide as the window, within reason', () => {
    const widest = (COLUMNS: string): number =>
      Math.max(
        ...rootaudit(['scan', '--help'], { COLUMNS })
          .stdout.split('\n')
          .filter((line) => !line.startsWith('  $ '))
          .map((line) => line.length),
      );
    expect(widest('64')).toBeLessThanOrEqual(64);
    expect(widest('1')).toBeLessThanOrEqual(64);
    expect(widest('100000')).toBeLessThanOrEqual(100);
    expect(widest('100000')).toBeGreaterThan(90);
    expect(widest('nonsense')).toBeLessThanOrEqual(80);
  });

  it.each(names)(
    'of rootaudit %s has a description, exit codes and examples that are of this command',
    (name) => {
      const command = commandsOf(all).find((each) => each.name() === name);
      if (!command) throw new Error(`no command ${name}`);
      expect(command.description()).toMatch(/^[a-z].*[^.]$/);
      const { exitCodes = [], examples = [] } = detailsOf(command);
      expect(exitCodes.map(([code]) => code)[0]).toBe(0);
      expect(examples.some(([line]) => line.includes(`rootaudit ${name}`))).toBe(true);
      for (const option of command.options) expect(option.description).toMatch(/^(?:[a-z]|--).*[^.]$/);
    },
  );

  it.each(names)('of rootaudit %s shows examples whose options exist', (name) => {
    const command = commandsOf(all).find((each) => each.name() === name);
    const { examples = [] } = command ? detailsOf(command) : {};
    const known = new Set(command?.options.flatMap(({ short, long }) => [short, long]));
    for (const [line] of examples) {
      const own = line.split(/[|>]/).find((part) => part.includes(`rootaudit ${name}`)) ?? '';
      const before = own.split(' --exec ')[0] ?? '';
      for (const word of before.split(' ').filter((each) => /^--?[a-z]/.test(each))) {
        expect(known.has(word.replace(/=.*/, '')), `${word} in ${line}`).toBe(true);
      }
    }
  });

  it('breaks its lines where they have to be broken', () => {
    const details = {
      about: ['One two three four.'],
      exitCodes: [[0, 'all is well and nothing is wrong']],
      examples: [
        ['short', 'what it is for'],
        ['a command that is longer than its column may be', 'why'],
      ],
    } as const;
    expect(detailsText(details, 20)).toBe(`
One two three four.

Exit codes:
  0  all is well and
     nothing is
     wrong

Examples:
  $ short  what it
           is for
  $ a command that is longer than its column may be
           why`);
  });
});
