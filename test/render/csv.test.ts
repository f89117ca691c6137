import { describe, expect, it } from 'vitest';
import { diskReport, hostileInventory, HOSTILE_NAMES, hostileReport, inventory } from '../support/reports.ts';
import { renderInventory, renderReports } from '../support/render.ts';

/** RFC 4180, and nothing it does not allow. */
function parse(text: string): readonly (readonly string[])[] {
  const rows: string[][] = [];
  let row: string[] = [];
  const cell = /"((?:[^"]|"")*)"(,|\r\n)/y;
  while (cell.lastIndex < text.length) {
    const at = cell.lastIndex;
    const match = cell.exec(text);
    if (!match) throw new Error(`no cell at ${at}`);
    row.push((match[1] ?? '').replaceAll('""', '"'));
    if (match[2] === ',') continue;
    rows.push(row);
    row = [];
  }
  return rows;
}

/** Rows as objects, by the names of the first one. */
function records(text: string): readonly Readonly<Record<string, string>>[] {
  const [names = [], ...rows] = parse(text);
  for (const row of rows) expect(row).toHaveLength(names.length);
  return rows.map((row) => Object.fromEntries(row.map((value, index) => [names[index] ?? '', value])));
}

describe('csv', () => {
  it('has a row for each place and each problem', async () => {
    const rows = records(await renderReports('csv', [diskReport]));
    expect(rows.map(({ record, advisory, path }) => [record, advisory, path])).toEqual([
      ['finding', 'kazakhstan', '/home/aigerim/.mozilla/firefox/a1b2.default/cert9.db'],
      ['finding', 'trustcor', '/usr/share/ca-certificates/mozilla/TrustCor_ECA-1.crt'],
      ['finding', 'trustcor', '/etc/ssl/certs/ca-certificates.crt'],
      ['finding', 'retired-roots', '/opt/jdk-17/lib/security/cacerts'],
      ['finding', 'superfish', '/home/aigerim/.mozilla/firefox/a1b2.default/cert9.db'],
      ['problem', '', '/opt/jdk-17/lib/security/cacerts'],
    ]);
    expect(rows[1]?.['commands']).toContain(' && chroot /mnt/disk update-ca-certificates --fresh');
  });

  it('has a row for each certificate of a list', async () => {
    const rows = records(await renderInventory('csv', inventory));
    expect(rows.map(({ record, trust }) => [record, trust])).toEqual([
      ['anchor', 'trusted'],
      ['anchor', 'present'],
      ['anchor', 'trusted'],
      ['anchor', 'mitigated'],
      ['problem', ''],
    ]);
  });

  it.each(HOSTILE_NAMES)('gives a spreadsheet nothing to run for %s', async (_what, name) => {
    const texts = [
      await renderReports('csv', [hostileReport(name)]),
      await renderInventory('csv', hostileInventory(name)),
    ];
    for (const text of texts) {
      for (const cell of parse(text).flat()) {
        expect(cell).not.toMatch(/^\s*[=+\-@＝＋－＠]/);
        expect(cell).not.toMatch(/[\p{Cc}\p{Bidi_C}]/u);
        expect(cell.length).toBeLessThan(32_767);
      }
    }
  });

  it('marks a formula and changes nothing else of it', async () => {
    const [row] = records(await renderReports('csv', [hostileReport('=1+1')]));
    expect(row).toMatchObject({ path: "'=1+1", subject: "'=1+1" });
  });
});
