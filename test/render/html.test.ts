import { createHash } from 'node:crypto';
import { Script } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { visible } from '../../src/core/text.ts';
import type { Finding, Report } from '../../src/report/report.ts';
import { certificate, finding, place, reportOf, store } from '../support/report.ts';
import { cleanReport, diskReport, HOSTILE_NAMES, hostileReport, imageReport } from '../support/reports.ts';
import { renderReports } from '../support/render.ts';

const VOID = new Set(['meta', 'input', 'br', 'rect', 'circle', 'line']);
const TAG = /<(\/?)([a-z][a-z0-9]*)((?:\s[^<>]*)?)>/g;

interface Page {
  readonly text: string;
  /** Opening tags. */
  readonly tags: readonly { readonly name: string; readonly attributes: string }[];
}

/** Throws where a tag is not closed, or closed twice: then something has broken out of its place. */
function parse(text: string): Page {
  const body = text.replace(/(<style>|<script>)[^]*?(?=<\/)/g, '$1');
  const open: string[] = [];
  const tags: { name: string; attributes: string }[] = [];
  for (const [, slash, name = '', attributes = ''] of body.matchAll(TAG)) {
    if (slash === '') {
      tags.push({ name, attributes });
      if (!VOID.has(name)) open.push(name);
    } else if (open.pop() !== name) throw new Error(`</${name}> closes something else`);
  }
  if (open.length > 0) throw new Error(`not closed: ${open.join(' ')}`);
  expect(body.replaceAll(TAG, '').replace('<!doctype html>', '')).not.toMatch(/[<>]/);
  return { text, tags };
}

async function render(...reports: readonly Report[]): Promise<Page> {
  return parse(await renderReports('html', reports));
}

const values = ({ tags }: Page, attribute: string): readonly string[] =>
  tags.flatMap(({ attributes }) =>
    Array.from(attributes.matchAll(new RegExp(`\\s${attribute}="([^"]*)"`, 'g')), ([, value = '']) => value),
  );

const howMany = ({ tags }: Page, ...names: readonly string[]): number =>
  tags.filter(({ name }) => names.includes(name)).length;

/** What a reader sees. */
const textOf = (markup: string): string =>
  markup
    .replace(/<style>[^]*?<\/style>/, '')
    .replace(/<script>[^]*?<\/script>/, '')
    .replaceAll(/<\/?(?:br|li|td|th|dt|dd|div|p|span class="trust)\b/g, ' $&')
    .replaceAll(TAG, '')
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/&(?:lt|gt|quot|#39|amp);/g, (entity) => ENTITIES[entity] ?? '')
    .trim();
const ENTITIES: Readonly<Record<string, string>> = {
  '&lt;': '<',
  '&gt;': '>',
  '&quot;': '"',
  '&#39;': "'",
  '&amp;': '&',
};

function withDistrust(distrustedBy: Finding['distrustedBy']): Report {
  const [first, ...others] = diskReport.findings;
  if (!first || !distrustedBy) throw new Error('expected');
  return { ...diskReport, findings: [{ ...first, distrustedBy }, ...others] };
}

describe('the page', () => {
  it.each([
    ['a disk', [diskReport]],
    ['an image with a policy', [imageReport]],
    ['a clean machine', [cleanReport]],
    ['several targets', [diskReport, imageReport, cleanReport]],
    ['the same target twice', [diskReport, diskReport]],
  ])(
    'has one heading of its own, ids that are unique and links that lead somewhere, for %s',
    async (_what, reports) => {
      const page = await render(...reports);
      expect(howMany(page, 'h1')).toBe(1);
      expect(howMany(page, 'main')).toBe(1);
      const ids = values(page, 'id');
      expect(new Set(ids).size).toBe(ids.length);
      for (const target of [
        ...values(page, 'href'),
        ...values(page, 'aria-labelledby').map((id) => `#${id}`),
      ])
        if (target.startsWith('#')) expect(ids).toContain(target.slice(1));
      const levels = page.tags.flatMap(({ name }) => (/^h\d$/.test(name) ? [Number(name.slice(1))] : []));
      levels.forEach((level, i) => expect(level).toBeLessThanOrEqual((levels[i - 1] ?? 0) + 1));
    },
  );

  it('is the same for the same data', async () => {
    expect(await renderReports('html', [diskReport, imageReport])).toBe(
      await renderReports('html', [diskReport, imageReport]),
    );
  });

  it('says when it was written, where that is known', async () => {
    expect(await renderReports('html', [cleanReport])).toContain('2026-11-23 12:00 UTC');
    const { now: _, ...rest } = { now: undefined };
    expect(await renderReports('html', [cleanReport], rest)).toContain('rootaudit 0.1.0');
  });
});

describe('what the page may do', () => {
  const page = render(diskReport, imageReport);
  const hash = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

  it('is to use its own style and script, by their hashes, and nothing else', async () => {
    const { text } = await page;
    const [, policy = ''] = /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(text) ?? [];
    const [, style = ''] = /<style>([^]*?)<\/style>/.exec(text) ?? [];
    const [, script = ''] = /<script>([^]*?)<\/script>/.exec(text) ?? [];
    expect(style.length).toBeGreaterThan(1000);
    expect(policy.split('; ')).toEqual([
      "default-src 'none'",
      `style-src ${hash(style)}`,
      `script-src ${hash(script)}`,
      "base-uri 'none'",
      "form-action 'none'",
      "require-trusted-types-for 'script'",
      "trusted-types 'none'",
    ]);
    expect(() => new Script(script)).not.toThrow();
    expect(script).not.toMatch(/innerHTML|insertAdjacentHTML|eval|fetch|XMLHttp|import\(|localStorage/);
    expect(style).not.toMatch(/url\(|@import/);
  });

  it('comes before anything that it is about', async () => {
    const { text } = await page;
    expect(text.indexOf('Content-Security-Policy')).toBeLessThan(text.indexOf('<style>'));
  });

  it('loads nothing, and no attribute has style or script in it', async () => {
    const { tags } = await page;
    for (const { name, attributes } of tags) {
      expect(name).not.toMatch(/^(?:img|iframe|object|embed|link|base|form|audio|video|use|image)$/);
      expect(attributes).not.toMatch(/\s(?:style|on\w+|src|srcset|action|formaction|xlink:href|ping)=/);
    }
    for (const address of values(await page, 'href')) expect(address).toMatch(/^(?:#|https:\/\/)/);
  });
});

describe('the verdict', () => {
  const [qaznet, trustcor] = diskReport.findings;
  if (!qaznet || !trustcor) throw new Error('expected');
  const live = { ...cleanReport };
  it.each<readonly [string, Report, readonly string[]]>([
    [
      'a critical root',
      diskReport,
      [
        'Act now',
        'Somebody else can read the encrypted traffic of this system.',
        'A state: Qaznet Trust Network',
        'Remove Qaznet Trust Network from Firefox (aigerim)',
        'Not complete:',
      ],
    ],
    [
      'a root of high severity',
      { ...live, findings: [trustcor] },
      [
        'Somebody else could read the encrypted traffic of this machine.',
        'An authority that root programmes threw out: TrustCor ECA-1',
      ],
    ],
    [
      'a root of medium severity',
      { ...live, findings: [{ ...trustcor, severity: 'medium' }] },
      ['Roots are trusted on this machine that others have stopped trusting.'],
    ],
    [
      'a violated policy',
      imageReport,
      ['The policy is not met: 2 violations.', 'Begin with the first violation: No store trusts'],
    ],
    [
      'a root in a program',
      { ...live, findings: [{ ...qaznet, status: 'embedded' }] },
      ['1 listed root built into programs.'],
    ],
    [
      'nothing found, but not everything read',
      { ...live, complete: false, problems: diskReport.problems },
      ['Nothing bad was found, but not everything could be read.', 'See what could not be read'],
    ],
    ['no stores', { ...live, stores: [] }, ['No trust store was found.']],
    ['a clean machine', live, ['No root on the blocklist is trusted on this machine.', '2 stores read']],
    [
      'what was accepted',
      { ...live, findings: [{ ...qaznet, known: true }] },
      ['Nothing on this machine that was not accepted.'],
    ],
    [
      'roots of little weight',
      { ...live, findings: [{ ...trustcor, severity: 'low' }] },
      ['Nothing has to go'],
    ],
  ])('of %s is in plain words', async (_what, report, words) => {
    const text = textOf((await render(report)).text);
    for (const each of words) expect(text).toContain(each);
  });

  it('counts the targets that need something done', async () => {
    const page = await render(diskReport, imageReport, cleanReport);
    expect(page.text).toContain('<h1>2 of 3 targets need something done.</h1>');
    expect(textOf(page.text)).toContain('/mnt/disk Act now');
  });
});

describe('the content', () => {
  it('has each command as it is to be typed, and the undo too', async () => {
    const { text } = await render(diskReport);
    const copied = Array.from(text.matchAll(/<code data-copy="command">([^<]*)<\/code>/g), ([, each = '']) =>
      textOf(each),
    );
    expect(copied).toEqual(
      diskReport.findings
        .flatMap(({ remediations }) => remediations)
        .flatMap(({ commands, undo }) => [...commands, ...undo]),
    );
  });

  it('lets nobody copy a command that cannot be shown as it is', async () => {
    const { text } = await render(hostileReport('rm \u202e-rf'));
    expect(text).not.toContain('data-copy="command"');
    expect(textOf(text)).toContain('This command holds characters that cannot be shown');
  });

  it('tells the layer that a file comes from', async () => {
    const text = textOf((await render(imageReport)).text);
    expect(text).toContain('From layer 2 of 2: COPY trustcor.crt /usr/share/ca-certificates/');
  });

  it('has waivers with reason, owner and end', async () => {
    const text = textOf((await render(imageReport)).text);
    expect(text).toContain('Accepted: waived until 2027-01-31 by platform: goes with the next base image.');
  });

  it('asks who put an unrecognised root there, with what is known', async () => {
    const [, trustcor] = diskReport.findings;
    if (!trustcor) throw new Error('expected');
    const origin = { path: '/usr/local/share/x.crt', modified: '2026-11-20T10:00:00Z', user: 'root' };
    const page = await render({
      ...cleanReport,
      unrecognised: [
        {
          certificate: trustcor.certificate,
          locations: trustcor.locations,
          origins: [origin, { ...origin, path: '/opt/y.crt', package: 'corp-ca 1.2' }],
          privateKey: '/root/ca.key',
        },
      ],
    });
    const text = textOf(page.text);
    expect(text).toContain('Who put this here? 1 root');
    expect(text).toContain('/usr/local/share/x.crt changed 2026-11-20, owned by root; no package knows it');
    expect(text).toContain('of the package corp-ca 1.2');
    expect(text).toContain('Its private key lies on the same disk: /root/ca.key');
  });

  it('draws what was distrusted when, and says it in words', async () => {
    const page = await render(
      withDistrust([
        { program: 'apple', action: 'blocked', date: null },
        { program: 'chrome', action: 'date-limited', date: '2019-08-21' },
        { program: 'mozilla', action: 'known-interception', date: '2020-12-18' },
      ]),
    );
    const steps = /<ol class="timeline">[^]*?<ul class="steps">([^]*?)<\/ul>/.exec(page.text)?.[1] ?? '';
    expect(textOf(steps.replaceAll('</li>', '; '))).toBe(
      'Chrome: limited by date 2019-08-21; Mozilla: marked as interception 2020-12-18; Apple: blocked (day unknown);',
    );
    expect(page.text.match(/<circle class="(?:gone|partial)"/g)).toEqual([
      '<circle class="partial"',
      '<circle class="gone"',
    ]);
    expect(textOf(page.text)).toContain('For 3 of 4 roots no day is known.');
  });

  it.each(['2019-02-31', 'soon', '0001-01-01', '', '999999-01-01'])(
    'draws nothing for the day %s',
    async (date) => {
      const page = await render(withDistrust([{ program: 'x', action: 'blocked', date }]));
      expect(howMany(page, 'circle')).toBe(0);
    },
  );

  it('says who trusts what per programme', async () => {
    const page = await render(withDistrust([{ program: 'mozilla', action: 'removed', date: '2020-01-01' }]));
    const table = /<table class="grid programmes">[^]*?<\/table>/.exec(page.text)?.[0] ?? '';
    const rows = table
      .split('</tr>')
      .slice(0, -1)
      .map((row) => textOf(row.replaceAll(/<\/t[hd]>/g, '|')).trim());
    expect(rows).toEqual([
      'Root| Here| Mozilla| Microsoft| Java|',
      'critical Qaznet Trust Network| trusted| removed 2020-01-01| –not known| –not known|',
      'high TrustCor ECA-1| trusted| –not known| –not known| –not known|',
      'info Baltimore CyberTrust Root| trusted| –not known| ships it| ships it|',
      'critical Superfish, Inc.| held, not trusted| –not known| –not known| –not known|',
    ]);
  });

  it('has a matrix of stores and roots', async () => {
    const page = await render(diskReport);
    const table = /<table class="grid matrix">[^]*?<\/table>/.exec(page.text)?.[0] ?? '';
    expect(table.match(/<td class="trusted">/g)).toHaveLength(4);
    expect(table.match(/<td class="present">/g)).toHaveLength(1);
    expect(table.match(/<td><\/td>/g)).toHaveLength(4 * 4 - 5);
  });
});

describe('of a huge report', () => {
  const letters = 'abcdef0123456789';
  const stores = Array.from({ length: 1500 }, (_, i) => store(`pem:/opt/${i}/ca.pem`, { notes: ['a note'] }));
  const findings = Array.from({ length: 1200 }, (_, i) =>
    finding(
      `advisory-${i}`,
      {
        ...certificate('a', `CN=Root ${i}`),
        sha256:
          Array.from({ length: 64 }, (__, n) => letters[(i * 7 + n * (i % 11)) % 16]).join('') + String(i),
      },
      stores.slice(0, 200).map(({ id, path }) => place(id, path)),
      {
        remediations: stores.slice(0, 20).map(({ id }) => ({
          store: id,
          disposition: 'safe' as const,
          shell: 'sh' as const,
          commands: [`rm ${'x'.repeat(300)}`],
          undo: [],
          elevated: true,
        })),
      },
    ),
  );
  const problems = Array.from({ length: 5000 }, (_, i) => ({
    code: 'unreadable' as const,
    path: `/x/${i}`,
    message: 'no',
  }));
  const huge = reportOf({ stores, findings, problems, complete: false });

  it('the page stays within bounds, and counts what it leaves out', async () => {
    const page = await render(huge);
    expect(page.text.length).toBeLessThan(20e6);
    const text = textOf(page.text);
    expect(text).toMatch(/[\d,]+ more findings are not shown here; rootaudit scan -f json has them all/);
    expect(text).toContain('4,800 more problems are not shown here');
    expect(text).toContain('500 more stores are not shown here');
    expect(text).toContain('Not shown here: 100 more stores and 1,150 more roots');
    expect(values(page, 'class').filter((each) => each === 'upright')).toHaveLength(50);
  });

  it('many of them make no larger page, and are all in the index', async () => {
    const many = Array.from({ length: 150 }, () => huge);
    const text = await renderReports('html', many);
    expect(text.length).toBeLessThan(60e6);
    expect(textOf(text)).toContain('50 more targets are not shown here');
    const index = /<table class="grid index">[^]*?<\/table>/.exec(text)?.[0] ?? '';
    expect(index.match(/<tr data-item>/g)).toHaveLength(150);
  });

  it('no name makes it long', async () => {
    const text = await renderReports('html', [hostileReport('<'.repeat(1_000_000))]);
    expect(text.length).toBeLessThan(4e6);
  });
});

describe('hostile names', () => {
  const ordinary = render(hostileReport('name'));
  const STRUCTURE = [
    'section',
    'details',
    'summary',
    'table',
    'tr',
    'td',
    'ul',
    'ol',
    'pre',
    'h1',
    'h2',
    'h3',
    'nav',
  ];

  it.each(HOSTILE_NAMES)('make nothing of %s', async (_what, name) => {
    const page = await render(hostileReport(name));
    for (const element of ['script', 'style']) expect(howMany(page, element)).toBe(1);
    for (const { attributes } of page.tags) expect(attributes).not.toMatch(/\s(?:on\w+|style|src)=/);
    for (const address of values(page, 'href')) expect(address).toMatch(/^#/);
    expect(page.text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Bidi_C}\p{Cs}]/u);
    if (name.length > 1000) return;
    expect(textOf(page.text)).toContain(visible(name).trim().replaceAll(/\s+/g, ' '));
    for (const element of STRUCTURE)
      expect(howMany(page, element), element).toBe(howMany(await ordinary, element));
  });

  it('do not pile marks up on the lines around them', async () => {
    const { text } = await render(hostileReport(`Z${'\u0335\u0301'.repeat(50)}algo`));
    expect(text).not.toMatch(/\p{M}{5}/u);
  });

  it.each([
    'javascript:alert(1)',
    'http://x.example/',
    'https://x.example/" onclick="x',
    'data:text/html,x',
    'https://u@x.example/',
    '//x.example',
  ])('are no link when they are %s', async (address) => {
    expect(
      values(await render(hostileReport(address)), 'href').filter((each) => !each.startsWith('#')),
    ).toEqual([]);
  });
});
