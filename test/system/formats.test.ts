/** What renderers print, held against the programs that read it. */

import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { cleanReport, diskReport, HOSTILE_NAMES, hostileReport, imageReport } from '../support/reports.ts';
import { renderReports } from '../support/render.ts';
import { describeWith, TOOL_ENVIRONMENT } from './support/tools.ts';

function filter(command: string, args: readonly string[], input: string): string {
  const { status, stdout, stderr } = spawnSync(command, args, {
    input,
    env: TOOL_ENVIRONMENT,
    encoding: 'utf8',
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return stdout;
}

describeWith(['promtool'], 'promtool', () => {
  it('finds nothing to say about the metrics', async () => {
    filter(
      'promtool',
      ['check', 'metrics'],
      await renderReports('prometheus', [diskReport, imageReport, cleanReport]),
    );
  });

  it.each(HOSTILE_NAMES)('reads them with %s as the name of a target', async (_what, name) => {
    filter(
      'promtool',
      ['check', 'metrics'],
      await renderReports('prometheus', [hostileReport(name), diskReport]),
    );
  });
});

describeWith(['cmark-gfm'], "GitHub's Markdown", () => {
  const extensions = ['table', 'autolink', 'strikethrough', 'tasklist'].flatMap((name) => ['-e', name]);
  /** The elements of the page in their order. */
  const outline = async (name: string): Promise<readonly string[]> => {
    const markdown = await renderReports('markdown', [hostileReport(name)]);
    return filter('cmark-gfm', ['--unsafe', ...extensions], markdown).match(/<\/?[a-z0-9]+/g) ?? [];
  };

  // What is too long is left out, which makes another page.
  const names = HOSTILE_NAMES.filter(([, name]) => name.length < 1000);

  it.each(names)('makes the same page of %s as of any name', async (_what, name) => {
    const withoutCode = (elements: readonly string[]): readonly string[] =>
      elements.filter((element) => !/code|pre/.test(element));
    expect(withoutCode(await outline(name))).toEqual(withoutCode(await outline('name')));
  });
});
