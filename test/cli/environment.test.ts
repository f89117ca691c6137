import { describe, expect, it } from 'vitest';
import { columnsFor, isAsciiOnly, wantsColour } from '../../src/cli/environment.ts';

describe('the width', () => {
  it.each([
    ['of the terminal', { isTTY: true, columns: 120 }, {}, 120],
    ['of COLUMNS, which somebody set for us', { isTTY: true, columns: 120 }, { COLUMNS: '72' }, 72],
    ['of COLUMNS, also into a pipe', {}, { COLUMNS: '72' }, 72],
    ['of nothing for a pipe', {}, {}, undefined],
    ['of nothing for a terminal that does not know its own', { isTTY: true, columns: 0 }, {}, undefined],
    ['at least 40', { isTTY: true, columns: 3 }, {}, 40],
    ['at most 1000', { isTTY: true, columns: 80 }, { COLUMNS: '999999' }, 1000],
    ['not of a COLUMNS that is 0', { isTTY: true, columns: 80 }, { COLUMNS: '0' }, 80],
    ['not of a COLUMNS that is negative', { isTTY: true, columns: 80 }, { COLUMNS: '-1' }, 80],
    ['not of a COLUMNS that is a word', { isTTY: true, columns: 80 }, { COLUMNS: 'wide' }, 80],
    ['not of a COLUMNS that is empty', { isTTY: true, columns: 80 }, { COLUMNS: '' }, 80],
    ['not of a COLUMNS of many digits', { isTTY: true, columns: 80 }, { COLUMNS: '9'.repeat(400) }, 80],
    ['not of a COLUMNS in another notation', { isTTY: true, columns: 80 }, { COLUMNS: '1e9' }, 80],
    ['not of a COLUMNS with more behind it', { isTTY: true, columns: 80 }, { COLUMNS: '80; ls' }, 80],
  ])('is that %s', (_, screen, environment, expected) => {
    expect(columnsFor(screen, environment)).toBe(expected);
  });
});

describe('colour', () => {
  const TTY = { isTTY: true };
  it.each([
    ['may be on a terminal', TTY, {}, 'auto', 'may'],
    ['is not in a pipe', {}, {}, 'auto', 'no'],
    ['is not with NO_COLOR', TTY, { NO_COLOR: '1' }, 'auto', 'no'],
    ['is not with NO_COLOR, whatever else is set', {}, { NO_COLOR: '1', FORCE_COLOR: '1' }, 'auto', 'no'],
    ['may be with an empty NO_COLOR', TTY, { NO_COLOR: '' }, 'auto', 'may'],
    ['must be with FORCE_COLOR', {}, { FORCE_COLOR: '1' }, 'auto', 'must'],
    ['is not with FORCE_COLOR=0', TTY, { FORCE_COLOR: '0' }, 'auto', 'no'],
    ['must be with CLICOLOR_FORCE', {}, { CLICOLOR_FORCE: '1' }, 'auto', 'must'],
    ['is left to the terminal with CLICOLOR_FORCE=0', TTY, { CLICOLOR_FORCE: '0' }, 'auto', 'may'],
    ['is not with CLICOLOR=0', TTY, { CLICOLOR: '0' }, 'auto', 'no'],
    ['is not on a dumb terminal', TTY, { TERM: 'dumb' }, 'auto', 'no'],
    ['must be with --color always, whatever is set', {}, { NO_COLOR: '1', TERM: 'dumb' }, 'always', 'must'],
    ['is not with --color never, whatever is set', TTY, { FORCE_COLOR: '3' }, 'never', 'no'],
  ] as const)('%s', (_, screen, environment, choice, expected) => {
    expect(wantsColour(screen, environment, choice)).toBe(expected);
  });
});

describe('symbols', () => {
  it.each([
    ['UTF-8 for a terminal whose locale has it', 'linux', true, { LANG: 'en_GB.UTF-8' }, false],
    ['UTF-8 in its other spelling', 'linux', true, { LANG: 'C.utf8' }, false],
    ['ASCII with LANG=C', 'linux', true, { LANG: 'C' }, true],
    ['ASCII with LC_ALL=C, which goes before LANG', 'linux', true, { LC_ALL: 'C', LANG: 'C.UTF-8' }, true],
    ['UTF-8 with an empty LC_ALL', 'linux', true, { LC_ALL: '', LANG: 'C.UTF-8' }, false],
    ['ASCII for a terminal without a locale', 'linux', true, {}, true],
    ['UTF-8 for a pipe without a locale', 'linux', false, {}, false],
    ['ASCII for a pipe with LANG=C', 'linux', false, { LANG: 'C' }, true],
    ['ASCII for a dumb terminal', 'linux', true, { TERM: 'dumb', LANG: 'C.UTF-8' }, true],
    ['ASCII for the old console of Windows', 'win32', true, {}, true],
    ['UTF-8 for Windows Terminal', 'win32', true, { WT_SESSION: '1' }, false],
    ['UTF-8 for a pipe on Windows', 'win32', false, {}, false],
  ] as const)('are %s', (_, platform, isTTY, environment, expected) => {
    expect(isAsciiOnly({ isTTY }, environment, platform)).toBe(expected);
  });
});
