import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { manPages } from '../../src/cli/man.ts';
import { commandsOf, program } from '../support/program.ts';
import { PROJECT } from '../support/rootaudit.ts';
import { hasCommand } from '../support/terminal.ts';

const all = program();
const pages = manPages(all, '1.2.3');

describe('the manual', () => {
  it('has a page for the program and for each command', () => {
    const commands = commandsOf(all).map((command) => `rootaudit-${command.name()}.1`);
    expect(pages.map(({ file }) => file)).toEqual(['rootaudit.1', ...commands]);
  });

  it('says of each option what --help says', () => {
    for (const command of commandsOf(all)) {
      const { text = '' } = pages.find(({ file }) => file === `rootaudit-${command.name()}.1`) ?? {};
      for (const { flags, hidden } of command.options) {
        expect(text.includes(`.B ${flags.replaceAll('-', String.raw`\-`)}`)).toBe(!hidden);
      }
    }
  });

  it.each(pages.map(({ file, text }) => [file, text] as const))(
    '%s gives a formatter nothing to run',
    (_, text) => {
      const macros = text.match(/^[.'].*$/gm) ?? [];
      for (const line of macros) expect(line).toMatch(/^\.(?:\\"|TH|nh|ad|SH|B|I|RI|BR|TP|PP)(?: |$)/);
      expect(text).toMatch(/^[\n -~]*$/);
    },
  );

  it.skipIf(!hasCommand('mandoc')).each(pages.map(({ file, text }) => [file, text] as const))(
    '%s pleases mandoc, but for the date that it does not have (needs mandoc)',
    (_, text) => {
      const { stdout } = spawnSync('mandoc', ['-Tlint', '-W', 'warning'], { input: text, encoding: 'utf8' });
      expect(stdout.split('\n').filter((line) => line !== '' && !line.includes('missing date'))).toEqual([]);
    },
  );

  it.skipIf(!hasCommand('mandoc'))('shows texts as they are (needs mandoc)', () => {
    const [, scan] = pages;
    const { stdout } = spawnSync('mandoc', ['-Tascii', '-O', 'width=200'], {
      input: scan?.text,
      encoding: 'utf8',
    });
    // oxlint-disable-next-line no-control-regex -- bold, as on a typewriter
    const shown = stdout.replaceAll(/.\u0008/g, '');
    expect(shown).toContain('-f, --format <format[=file]>');
    expect(shown).toContain('$ docker save app | rootaudit scan -');
    expect(shown).toContain('Environment: ROOTAUDIT_FAIL_ON.');
  });

  it('is what package.json names for npm', () => {
    const manifest: unknown = JSON.parse(readFileSync(join(PROJECT, 'package.json'), 'utf8'));
    expect(manifest).toMatchObject({ man: pages.map(({ file }) => `./docs/man/${file}`).toSorted() });
  });
});
