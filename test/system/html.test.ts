/** The HTML report in a real browser: what hostile names do, what the script does, who can read it, and on what. */

import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Report } from '../../src/report/report.ts';
import { renderReports } from '../support/render.ts';
import { certificate, finding, place, reportOf, store } from '../support/report.ts';
import { cleanReport, diskReport, HOSTILE_NAMES, hostileReport, imageReport } from '../support/reports.ts';
import { makeTemporaryDirectory } from '../support/tree.ts';
import { describeWith, findTool } from './support/tools.ts';

const PHONE = { width: 360, height: 740 };
const DESK = { width: 1280, height: 900 };
const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

/** Something of everything that a page can hold. */
const full: Report = {
  ...diskReport,
  findings: diskReport.findings.map((each, i) => ({
    ...each,
    distrustedBy: [
      { program: 'mozilla', action: 'removed', date: `20${15 + i}-05-01` },
      { program: 'chrome', action: 'date-limited', date: `20${13 + i}-11-01` },
      { program: 'apple', action: 'blocked', date: null },
    ],
    privateKey: '/home/aigerim/.mitm/ca.key',
  })),
  unrecognised: diskReport.findings.map((each) => ({
    certificate: each.certificate,
    locations: each.locations,
    origins: [{ path: '/usr/local/share/x.crt', modified: '2026-11-20T10:00:00Z', user: 'root' }],
  })),
};

/** As many stores and roots as a matrix shows. */
const wide = ((): Report => {
  const stores = Array.from({ length: 100 }, (_, i) =>
    store(`pem:/opt/application-${i}/share/ca-bundle.pem`),
  );
  const letters = '0123456789abcdef';
  const findings = Array.from({ length: 50 }, (_, i) => {
    const letter = letters[i % 16] ?? '0';
    const of = {
      ...certificate(letter, `CN=Root of some authority ${i}`),
      sha256: letter.repeat(60) + String(1000 + i),
    };
    return finding(
      `advisory-${i}`,
      of,
      stores.filter((_store, n) => (n + i) % 3 === 0).map(({ id, path }) => place(id, path)),
    );
  });
  return reportOf({ stores, findings });
})();

describeWith(['chromium'], 'the HTML report in Chromium', () => {
  const directory = makeTemporaryDirectory();
  let browser: Browser;
  let files = 0;

  beforeAll(async () => {
    const executablePath = findTool('chromium');
    if (executablePath === undefined) throw new Error('no chromium');
    browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-dev-shm-usage'] });
  }, 60_000);
  afterAll(() => browser.close());

  interface Opened {
    readonly page: Page;
    /** Dialogs, messages of the console, errors, refused or wanted addresses. */
    readonly trouble: readonly string[];
  }

  async function open(
    reports: readonly Report[],
    options: BrowserContextOptions = {},
    hash = '',
    change = (text: string): string => text,
  ): Promise<Opened> {
    const file = join(directory, `${files++}.html`);
    writeFileSync(file, change(await renderReports('html', reports)));
    const context = await browser.newContext({ viewport: DESK, ...options });
    const page = await context.newPage();
    const trouble: string[] = [];
    page.on('dialog', (dialog) => {
      trouble.push(`dialog ${dialog.message()}`);
      void dialog.dismiss();
    });
    page.on('console', (message) => trouble.push(`console ${message.text()}`));
    page.on('pageerror', (error) => trouble.push(`error ${error.message}`));
    page.on('request', (request) => {
      if (request.url() !== address) trouble.push(`request ${request.url()}`);
    });
    const address = pathToFileURL(file).href;
    await page.goto(address + hash);
    return { page, trouble };
  }

  const sideways = (page: Page): Promise<number> =>
    page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth');

  it('is not moved by any name: nothing runs, nothing is loaded, nothing overflows', async () => {
    const reports = HOSTILE_NAMES.map(([, name]) => hostileReport(name));
    const { page, trouble } = await open(reports, { viewport: PHONE });
    await page.click('#unfold');
    expect(await sideways(page)).toBe(0);
    expect(
      await page.evaluate('document.scripts.length + document.images.length + document.forms.length'),
    ).toBe(1);
    expect(
      await page.evaluate(`document.querySelectorAll('a:not([href^="#"]), [style], iframe').length`),
    ).toBe(0);
    expect(trouble).toEqual([]);
    await page.context().close();
  });

  it('is held to its policy: what got in all the same would not run, and no address would be loaded', async () => {
    const asked: string[] = [];
    const server = createServer((request, response) => {
      asked.push(request.url ?? '');
      response.end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- of a server that listens on TCP
    const { port } = server.address() as AddressInfo;
    const planted = [
      '<script>alert(1)</script>',
      `<img src="http://127.0.0.1:${port}/x.png" onerror="alert(2)">`,
      '<details open ontoggle="alert(3)"></details>',
      `<link rel="stylesheet" href="http://127.0.0.1:${port}/x.css">`,
      `<iframe src="http://127.0.0.1:${port}/frame"></iframe>`,
      '<p id="styled" style="position: fixed">x</p>',
    ].join('');
    const visit = async (
      change: (text: string) => string,
    ): Promise<readonly [unknown, readonly string[]]> => {
      const { page, trouble } = await open([cleanReport], {}, '', (text) =>
        change(text).replace('</main>', `${planted}$&`),
      );
      await page.waitForTimeout(300);
      const position = await page.evaluate(`getComputedStyle(document.getElementById('styled')).position`);
      await page.context().close();
      return [position, trouble.filter((each) => each.startsWith('dialog'))];
    };
    expect(await visit((text) => text)).toEqual(['static', []]);
    expect(asked).toEqual([]);
    // Without the policy all of it happens: the test would see it.
    const [position, dialogs] = await visit((text) => text.replace(/<meta http-equiv[^>]*>/, ''));
    expect(position).toBe('fixed');
    expect(dialogs.length).toBeGreaterThan(0);
    expect(asked).toContain('/x.png');
    server.close();
  });

  it('searches and filters, and says how many are left', async () => {
    const { page, trouble } = await open([full]);
    const shown = (): Promise<readonly string[]> =>
      page.locator('.findings .card:visible h3').allTextContents();
    expect(await shown()).toHaveLength(4);
    await page.fill('#find', 'TRUSTCOR eca');
    await expect.poll(shown).toEqual(['TrustCor ECA-1']);
    expect(await page.textContent('#matches')).toMatch(/^\d+ of \d+ entries match$/);
    await page.fill('#find', 'no such thing');
    await expect.poll(shown).toEqual([]);
    await page.fill('#find', '');
    await expect.poll(shown).toHaveLength(4);
    await page.uncheck('input[value="critical"]');
    expect(await shown()).toEqual(['TrustCor ECA-1', 'Baltimore CyberTrust Root']);
    // A link to what is filtered out brings it back.
    await page.click('.who a');
    await expect.poll(shown).toHaveLength(4);
    expect(trouble).toEqual([]);
    await page.context().close();
  });

  it('copies each command exactly', async () => {
    const { page, trouble } = await open([full], { permissions: ['clipboard-read', 'clipboard-write'] });
    await page.click('#unfold');
    const buttons = page.locator('.commands .copy');
    const commands = full.findings
      .flatMap(({ remediations }) => remediations)
      .flatMap(({ commands: forward, undo }) => [...forward, ...undo]);
    expect(await buttons.count()).toBe(commands.length);
    for (const [i, command] of commands.entries()) {
      await buttons.nth(i).click();
      await expect.poll(() => page.evaluate('navigator.clipboard.readText()')).toBe(command);
    }
    expect(await buttons.last().textContent()).toBe('Copied');
    expect(trouble).toEqual([]);
    await page.context().close();
  });

  it('can be read whole without its script', async () => {
    const { page } = await open([full], { javaScriptEnabled: false }, '#f4');
    expect(await page.locator('#tools').isVisible()).toBe(false);
    // A link opens what is folded.
    expect(await page.locator('#f4').isVisible()).toBe(true);
    await page.locator('.card summary').first().click();
    expect(await page.locator('#f1').isVisible()).toBe(false);
    await page.context().close();
  });

  it('is all open on paper', async () => {
    const { page } = await open([full], { javaScriptEnabled: false });
    await page.emulateMedia({ media: 'print' });
    for (const place of ['#f4', '.undo .commands >> nth=0', '.stores table'])
      expect(await page.locator(place).isVisible(), place).toBe(true);
    await page.context().close();
  });

  it('can be used by keyboard', async () => {
    const { page } = await open([full]);
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.className')).toBe('skip');
    await page.keyboard.press('Enter');
    expect(await page.evaluate('document.activeElement.id')).toBe('main');
    await page.focus('.card summary >> nth=0');
    const isOpen = (): Promise<unknown> => page.evaluate(`document.querySelector('.card').open`);
    const before = await isOpen();
    await page.keyboard.press('Enter');
    expect(await isOpen()).toBe(before !== true);
    await page.context().close();
  });

  it.each([
    ['phone', PHONE],
    ['desk', DESK],
  ] as const)('shows 100 stores and 50 roots on a %s in a region of its own', async (_where, viewport) => {
    const { page, trouble } = await open([wide], { viewport });
    expect(await page.locator('.matrix tbody tr').count()).toBe(100);
    expect(await sideways(page)).toBe(0);
    // Its headers stay where they are while it scrolls.
    const place = async (): Promise<unknown> => {
      const heads = page.locator('.matrix thead th');
      return [(await heads.first().boundingBox())?.x, (await heads.nth(30).boundingBox())?.y];
    };
    const before = await place();
    await page.evaluate(`document.querySelector('.scroll:has(.matrix)').scrollTo(200, 400)`);
    expect(await place()).toEqual(before);
    expect(trouble).toEqual([]);
    await page.context().close();
  });

  const axe = readFileSync(AXE, 'utf8');
  it.each(
    (['light', 'dark'] as const).flatMap((colorScheme) =>
      [PHONE, DESK].map((viewport) => [colorScheme, viewport.width, viewport] as const),
    ),
  )('has no fault that axe knows, %s at %i pixels', async (colorScheme, _width, viewport) => {
    for (const reports of [[full], [cleanReport], [full, imageReport, cleanReport]]) {
      // The policy of the page forbids axe too.
      const { page } = await open(reports, { colorScheme, viewport, bypassCSP: true });
      await page.click('#unfold');
      await page.evaluate(axe);
      const found: unknown = await page.evaluate(`
        axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice'] }).then(({ violations }) =>
          violations.flatMap(({ id, nodes }) => nodes.map(({ html, any }) => id + ': ' + html.slice(0, 120) + ' ' + (any[0]?.message ?? ''))))
      `);
      expect(found).toEqual([]);
      expect(await sideways(page)).toBe(0);
      await page.context().close();
    }
  });
});
