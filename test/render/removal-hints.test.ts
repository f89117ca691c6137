import { describe, expect, it } from 'vitest';
import type { Finding, Report, StoreRemediation } from '../../src/report/report.ts';
import { renderReports, STYLE } from '../support/render.ts';
import { diskReport } from '../support/reports.ts';

const model = diskReport.findings.find(
  ({ severity, remediations }) => severity !== 'low' && remediations.length > 0,
);
if (model === undefined) throw new Error('the report has no alarm');

const remediation = (k: number): StoreRemediation => ({
  disposition: 'safe',
  shell: 'sh',
  commands: [`remove ${k}`],
  undo: [],
  elevated: false,
  store: 'a-store',
});
const finding = (mark: string, stores: number): Finding => ({
  ...model,
  status: 'trusted',
  certificate: { ...model.certificate, sha256: mark.repeat(64) },
  remediations: Array.from({ length: stores }, (_, k) => remediation(k)),
});
const report = (findings: readonly Finding[], target: Partial<Report['target']> = {}): Report => ({
  ...diskReport,
  findings,
  target: { ...diskReport.target, kind: 'live', ...target },
});

const image = (
  reference: string,
  described: Omit<NonNullable<Report['target']['image']>, 'layers'> = {},
): Partial<Report['target']> => ({ kind: 'image', reference, image: { ...described, layers: [] } });

function printed(made: Report, style = STYLE): Promise<string> {
  return renderReports('table', [made], style);
}

describe('what is printed of a removal', () => {
  it.each([
    [3, 3],
    [4, 3],
    [20, 3],
  ])('of a root in %i stores are the commands of %i', async (stores, shown) => {
    const text = await printed(report([finding('a', stores)]));
    expect(text.match(/^ {4}remove \d/gm)).toHaveLength(shown);
    const rest = stores - shown;
    const hint = /and from (\d+) more stores?: .*\n {4}rootaudit remove aaaaaaaa$/m.exec(text)?.[1];
    expect(hint).toBe(rest === 0 ? undefined : String(rest));
  });

  it('is limited for all roots together, and the rest is told', async () => {
    const text = await printed(report(['a', 'b', 'c', 'd', 'e'].map((mark) => finding(mark, 6))));
    expect(text.match(/^ {4}remove \d/gm)).toHaveLength(12);
    expect(text).toMatch(/It can be removed from 6 stores: .*\n {4}rootaudit remove eeeeeeee$/m);
  });

  it('is everything with --verbose', async () => {
    const text = await printed(report([finding('a', 20)]), { ...STYLE, verbose: true });
    expect(text.match(/^ {4}remove \d/gm)).toHaveLength(20);
    expect(text).not.toContain('more store');
  });

  it.each<[string, Partial<Report['target']>, string | undefined]>([
    ['this machine', { kind: 'live', reference: '/' }, 'rootaudit remove (a plan'],
    [
      'a directory',
      { kind: 'directory', reference: '/mnt/a disk' },
      "rootaudit remove --root '/mnt/a disk' (a plan",
    ],
    ['a disk image', { kind: 'disk-image', reference: 'disk.qcow2' }, undefined],
    ['an image', image('app (1)'), "rootaudit remove --image 'app (1)' --script dockerfile (lines"],
    [
      'an image of an archive',
      image('a b.tar (x/app:1)', { name: 'x/app:1' }),
      "rootaudit remove --image 'a b.tar' --script dockerfile (lines",
    ],
    [
      'an image of several platforms',
      image('registry:x/app:1 (linux/arm64/v8)', { platform: 'linux/arm64/v8' }),
      'rootaudit remove --image registry:x/app:1 --platform linux/arm64/v8 --script dockerfile (lines',
    ],
    ['an image from standard input', image('- (x/app:1)', { name: 'x/app:1' }), undefined],
    ['an image whose name cannot be typed', image('a\u001bb'), undefined],
    ['a directory whose name cannot be typed', { kind: 'directory', reference: '/a\u001bb' }, undefined],
  ])('ends with what to do about %s', async (_, target, command) => {
    const text = await printed(report([finding('a', 1)], target));
    if (command === undefined) expect(text).not.toContain('To remove them');
    else expect(text).toContain(`To remove them: ${command}`);
  });
});
