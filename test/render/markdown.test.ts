import { marked } from 'marked';
import { describe, expect, it } from 'vitest';
import { plain } from '../../src/render/shared/markdown-text.ts';
import { cleanReport, diskReport, HOSTILE_NAMES, hostileReport, imageReport } from '../support/reports.ts';
import { renderReports } from '../support/render.ts';

function page(markdown: string): string {
  const html = marked.parse(markdown, { gfm: true });
  if (typeof html !== 'string') throw new Error('text expected');
  return html;
}

const ELEMENTS = /<\/?([a-z0-9]+)/gi;

/** How often each element is in the page. */
function elements(html: string): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const [, name = ''] of html.matchAll(ELEMENTS)) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

/** What of a page a reader sees, without code: there GitHub looks for mentions and issues. */
const prose = (html: string): string =>
  html
    .replaceAll(/<code[^>]*>[^]*?<\/code>/g, '')
    .replaceAll(/<[^>]*>/g, '')
    .replaceAll('&#39;', "'");

describe('markdown', () => {
  it.each([
    ['roots that are trusted', diskReport, 'rootaudit: 3 listed roots trusted (1 critical, 1 high, 1 info)'],
    ['what the policy does not accept', imageReport, 'rootaudit: 2 violations of the policy'],
    ['a clean machine', cleanReport, 'rootaudit: no listed root is trusted'],
    ['no stores', { ...cleanReport, stores: [] }, 'rootaudit: no trust store was found'],
    [
      'what could not be read',
      { ...cleanReport, complete: false },
      'rootaudit: no listed root is trusted in what could be read, which is not everything',
    ],
  ])('begins with %s', async (_what, report, heading) => {
    expect((await renderReports('markdown', [report])).split('\n')[0]).toBe(`## ${heading}`);
  });

  it('has the commands as they are to be typed', async () => {
    const html = page(await renderReports('markdown', [diskReport]));
    expect(html).toContain('<code class="language-sh">certutil -D -d sql:/mnt/disk');
  });

  it('fits into a comment whatever is found', async () => {
    const [finding] = diskReport.findings;
    if (!finding) throw new Error('expected');
    const locations = finding.locations.flatMap((location) => Array.from({ length: 500 }, () => location));
    const findings = Array.from({ length: 500 }, () => ({ ...finding, locations }));
    const problems = diskReport.problems.flatMap((problem) => Array.from({ length: 500 }, () => problem));
    const text = await renderReports('markdown', [{ ...diskReport, findings, problems }]);
    expect(text.length).toBeLessThan(65_536);
    expect(text).toContain('… and 460 more');
    expect(text).toContain('There is more than fits here');
  });

  const ordinary = renderReports('markdown', [hostileReport('name')]);

  it.each(HOSTILE_NAMES)('makes nothing of %s', async (_what, name) => {
    const html = page(await renderReports('markdown', [hostileReport(name)]));
    const expected = elements(page(await ordinary));
    const found = elements(html);
    for (const forbidden of ['a', 'img', 'script', 'del', 'failure', 'em', 'hr', 'blockquote'])
      expect(found[forbidden], forbidden).toBeUndefined();
    expect(prose(html)).not.toMatch(/@|#\d/);
    // What is too long is left out, and the rest is no longer the same.
    if (name.length > 1000) return;
    const structure = ['table', 'tr', 'td', 'details', 'summary', 'h2', 'pre', 'ul', 'ol', 'strong'];
    for (const same of structure) expect(found[same], same).toBe(expected[same]);
    // A note of nothing makes no item.
    if (name.trim() !== '') expect(found['li']).toBe(expected['li']);
  });

  it.each([
    ['version 0.1.0 (of 3)', 'version 0.1.0 (of 3)'],
    ['Firefox (aigerim)', 'Firefox (aigerim)'],
    ['a_b*c', String.raw`a\_b\*c`],
    ['https://x.example', String.raw`https\://x.example`],
    ['www.x.example', String.raw`www\.x.example`],
    ['- x', String.raw`\- x`],
    ['12. x', String.raw`12\. x`],
    ['# x', String.raw`\# x`],
    ['@octocat #12', '＠octocat ＃12'],
  ])('writes %s as %s', (text, expected) => {
    expect(plain(text)).toBe(expected);
  });
});
