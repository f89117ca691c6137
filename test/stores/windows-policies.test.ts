import { describe, expect, it } from 'vitest';
import type { StoreContent, StoreType } from '../../src/core/store.ts';
import type { Registry, Target } from '../../src/core/target.ts';
import { trustStatus } from '../../src/core/trust.ts';
import { store as chrome } from '../../src/stores/chrome-policy.ts';
import { store as firefox } from '../../src/stores/firefox-policy.ts';
import { readWhole } from '../../src/stores/shared/content.ts';
import { makeCertificate, type TestCertificate } from '../support/certificates.ts';
import { makeRoot } from '../support/root.ts';

const one = makeCertificate({ subject: { CN: 'One' } });
const two = makeCertificate({ subject: { CN: 'Two' } });
const base64 = ({ der }: TestCertificate): string => der.toString('base64');
const MACHINE = 'HKEY_LOCAL_MACHINE\\SOFTWARE\\Policies';
const USER = 'HKEY_CURRENT_USER\\SOFTWARE\\Policies';

/** A running Windows whose registry holds these keys with their lines of values. */
function windows(keys: Readonly<Record<string, readonly string[]>>): Target {
  const { target } = makeRoot({ '/Windows/System32/x': '', '/Users/bob/one.pem': one.pem });
  const registry: Registry = {
    list: () => [],
    export: (place) => {
      const [hive = '', ...rest] = place.split('\\');
      const long = [hive === 'HKLM' ? 'HKEY_LOCAL_MACHINE' : 'HKEY_CURRENT_USER', ...rest].join('\\');
      const inside = Object.entries(keys).filter(([key]) => key.startsWith(long));
      if (inside.length === 0) return undefined;
      const parts = inside.map(([key, values]) => `[${key}]\r\n${values.join('\r\n')}\r\n\r\n`);
      return Buffer.from(`\ufeffWindows Registry Editor Version 5.00\r\n\r\n${parts.join('')}`, 'utf16le');
    },
  };
  return { ...target, registry, hostPath: (path) => target.hostPath(path) };
}

function readAll(store: StoreType, target: Target): StoreContent[] {
  return store.locate(target).map((location) => readWhole(store, target, location, { storePasswords: [] }));
}

function lines(store: StoreType, target: Target): string[] {
  return readAll(store, target).flatMap(({ anchors }) =>
    anchors.map(({ path, entry, trust }) => `${path} ${entry} = ${trustStatus(trust)}`),
  );
}

describe('policies in the registry of Windows', () => {
  it('of Chrome and its relatives add and ban roots, for the machine and for users', () => {
    const constraints = JSON.stringify([
      { certificate: base64(two), constraints: { permitted_dns_names: ['a.example'] } },
    ]);
    const target = windows({
      [`${MACHINE}\\Google\\Chrome`]: [
        `"CACertificatesWithConstraints"=${JSON.stringify(constraints)}`,
        '"CAPlatformIntegrationEnabled"=dword:00000000',
      ],
      [`${MACHINE}\\Google\\Chrome\\CACertificates`]: [`"1"="${base64(one)}"`, `"2"="${base64(two)}"`],
      [`${MACHINE}\\Microsoft\\Edge\\CADistrustedCertificates`]: [`"1"="${base64(one)}"`],
      [`${USER}\\BraveSoftware\\Brave\\CACertificates`]: [`"1"="${base64(one)}"`],
    });
    expect(lines(chrome, target)).toEqual([
      'HKLM\\SOFTWARE\\Policies\\Google\\Chrome CACertificates[0] = trusted',
      'HKLM\\SOFTWARE\\Policies\\Google\\Chrome CACertificates[1] = trusted',
      'HKLM\\SOFTWARE\\Policies\\Google\\Chrome CACertificatesWithConstraints[0] = trusted',
      'HKLM\\SOFTWARE\\Policies\\Microsoft\\Edge CADistrustedCertificates[0] = mitigated',
      'HKCU\\SOFTWARE\\Policies\\BraveSoftware\\Brave CACertificates[0] = trusted',
    ]);
    const [content] = readAll(chrome, target);
    expect(content?.notes.join()).toMatch(/CAPlatformIntegrationEnabled is off/);
    const [location] = chrome.locate(target);
    const plan = location && chrome.planRemoval(target, location, content?.anchors.slice(0, 1) ?? []);
    expect(plan).toMatchObject({ disposition: 'manual' });
    expect(plan?.note).toMatch(/CACertificates\[0\] in HKLM\\SOFTWARE\\Policies\\Google\\Chrome/);
  });

  it('of Firefox install roots', () => {
    const target = windows({
      [`${MACHINE}\\Mozilla\\Firefox\\Certificates`]: ['"ImportEnterpriseRoots"=dword:00000001'],
      [`${MACHINE}\\Mozilla\\Firefox\\Certificates\\Install`]: [
        String.raw`"1"="C:\\Users\\bob\\one.pem"`,
        '"2"="gone.pem"',
      ],
    });
    expect(lines(firefox, target)).toEqual(['/Users/bob/one.pem one.pem = trusted']);
    expect(readAll(firefox, target)[0]?.notes.join('\n')).toMatch(
      /gone.pem.*\n.*roots added to the operating system's store count/,
    );
  });

  it('that are none say nothing', () => {
    expect([...readAll(chrome, windows({})), ...readAll(firefox, windows({}))]).toEqual(
      Array.from({ length: 4 }, () => ({ anchors: [], problems: [], notes: [] })),
    );
  });
});
