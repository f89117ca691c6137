import { beforeAll, describe, expect, it } from 'vitest';
import { readWhole } from '../../src/stores/shared/content.ts';
import { store } from '../../src/stores/wine.ts';
import { makeCertificate, type TestCertificate } from '../support/certificates.ts';
import { hasSample, makeRoot, outline, sample, type TestRoot } from '../support/root.ts';
import { certificateBlob, sha1 } from '../support/windows.ts';

const OPTIONS = { storePasswords: [] };
const PREFIX = '/home/ann/.wine';
const HEAD = 'WINE REGISTRY Version 2\n;; All keys relative to \\\\Machine\n\n#arch=win64\n\n';

let a: TestCertificate;
beforeAll(() => {
  a = makeCertificate({ subject: { CN: 'A' } });
});

function section(store: string, base = 'Software\\Microsoft\\SystemCertificates'): string {
  const key = `${base}\\${store}\\Certificates\\${sha1(a.der)}`.replaceAll('\\', '\\\\');
  const octets = Array.from(certificateBlob(a.der), (octet) => octet.toString(16).padStart(2, '0'));
  return `[${key}] 1700000000\n#time=1da1a2b3c4d5e6f\n"Blob"=hex:${octets.join(',')}\n\n`;
}

function contentOf({ target }: TestRoot): ReturnType<typeof readWhole> {
  const [location] = store.locate(target);
  if (!location) throw new Error('no prefix');
  return readWhole(store, target, location, OPTIONS);
}

describe('Wine prefixes', () => {
  it('are found in every home, whoever manages them', () => {
    const { target } = makeRoot({
      '/home/ann/.wine/system.reg': HEAD,
      '/home/ann/.local/share/wineprefixes/other/system.reg': HEAD,
      '/home/bob/.steam/steam/steamapps/compatdata/220/pfx/system.reg': HEAD,
      '/home/bob/.local/share/bottles/bottles/Games/system.reg': HEAD,
      '/home/bob/Games/x/readme': '',
    });
    expect(store.locate(target).map(({ path, application }) => `${path} ${application}`)).toEqual([
      '/home/ann/.wine Wine (ann)',
      '/home/ann/.local/share/wineprefixes/other Wine (ann)',
      '/home/bob/.steam/steam/steamapps/compatdata/220/pfx Steam (bob)',
      '/home/bob/.local/share/bottles/bottles/Games Bottles (bob)',
    ]);
  });

  it('are none without the registry', () => {
    expect(store.locate(makeRoot({ '/home/ann/.wine/drive_c/x': '' }).target)).toEqual([]);
  });

  it('trust what lies in Root, for the machine, the user, or by policy', () => {
    const root = makeRoot({
      [`${PREFIX}/system.reg`]:
        HEAD +
        ['Root', 'AuthRoot', 'CA', 'Disallowed'].map((name) => section(name)).join('') +
        section('Root', 'Software\\Policies\\Microsoft\\SystemCertificates') +
        section('Root', 'Software\\Wow6432Node\\Microsoft\\SystemCertificates'),
      [`${PREFIX}/user.reg`]: HEAD + section('Root'),
    });
    const content = contentOf(root);
    expect(outline(content).map((line) => line.replace(/\\\w+/, ''))).toEqual([
      'Root = trusted',
      'AuthRoot = present',
      'CA = present',
      'Disallowed = mitigated',
      'Root = trusted',
      'Root = trusted',
    ]);
    expect(content.problems).toEqual([]);
    expect(content.anchors.at(-1)?.path).toBe(
      `${PREFIX}/user.reg\\Software\\Microsoft\\SystemCertificates\\Root\\Certificates\\${sha1(a.der)}`,
    );
  });

  it('with a damaged registry are a problem', () => {
    const root = makeRoot({ [`${PREFIX}/system.reg`]: 'no registry', [`${PREFIX}/user.reg`]: HEAD });
    expect(contentOf(root).problems.map(({ code, path, line }) => `${code} ${path}:${line}`)).toEqual([
      `malformed ${PREFIX}/system.reg:1`,
    ]);
  });

  it('of another system are changed by a person', () => {
    const { target } = makeRoot({ [`${PREFIX}/system.reg`]: HEAD + section('Root') });
    const [location] = store.locate(target);
    if (!location) throw new Error('no prefix');
    const { anchors } = readWhole(store, target, location, OPTIONS);
    const { disposition, commands, note } = store.planRemoval(target, location, anchors);
    expect([disposition, commands]).toEqual(['manual', []]);
    expect(note).toContain('reg delete "HKLM\\Software\\Microsoft\\SystemCertificates\\Root\\Certificates\\');
  });

  it('of this machine are changed with the reg.exe of Wine', () => {
    const { target } = makeRoot({
      [`${PREFIX}/user.reg`]: HEAD + section('Root'),
      [`${PREFIX}/system.reg`]: HEAD,
    });
    const [location] = store.locate(target);
    if (!location) throw new Error('no prefix');
    const live = { ...target, kind: 'live' as const, hostPath: (path: string): string => path };
    const { anchors } = readWhole(store, live, location, OPTIONS);
    const key = String.raw`HKCU\Software\Microsoft\SystemCertificates\Root\Certificates` + `\\${sha1(a.der)}`;
    const wine = `WINEDEBUG=-all WINEPREFIX=${PREFIX} wine reg`;
    const { commands, undo } = store.planRemoval(live, location, anchors);
    expect(commands[2]).toBe(`${wine} delete '${key}' /f`);
    expect(commands[1]).toMatch(/ wine reg export 'HKCU.*' 'C:\\rootaudit\\[0-9a-f]{16}\.reg' \/y$/);
    expect(undo).toEqual([expect.stringMatching(/ wine reg import 'C:\\rootaudit\\[0-9a-f]{16}\.reg'$/)]);
  });

  it.skipIf(!hasSample('windows/text-registry'))('are read as Wine writes them', () => {
    const content = contentOf(
      makeRoot({ [`${PREFIX}/system.reg`]: sample('windows/text-registry/system.reg') }),
    );
    expect(outline(content).map((line) => line.replace(/\\\w+/, ''))).toEqual([
      'Root = trusted',
      'Disallowed = mitigated',
      'AuthRoot = present',
    ]);
  });
});
