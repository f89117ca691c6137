import { describe, expect, it } from 'vitest';
import { store } from '../../src/stores/ios-truststore.ts';
import { readWhole } from '../../src/stores/shared/content.ts';
import { makeTrustStore, NEVER, plist } from '../support/apple.ts';
import { makeCertificate } from '../support/certificates.ts';
import { hasPython, unless } from '../support/nss.ts';
import { hasSample, makeRoot, outline, sample } from '../support/root.ts';
import type { Node } from '../support/tree.ts';

const VAULT = '/private/var/protected/trustd/private';
const DEVICES = '/Users/alice/Library/Developer/CoreSimulator/Devices';

function scan(files: Readonly<Record<string, Node>>): Record<string, string[]> {
  const { target } = makeRoot(files);
  return Object.fromEntries(
    store.locate(target).map((location) => {
      const content = readWhole(store, target, location, { storePasswords: [] });
      const problems = content.problems.map(({ code, path }) => `${code} ${path}`);
      return [`${location.application} ${location.path}`, [...outline(content), ...problems]];
    }),
  );
}

describe('trust stores of iOS', () => {
  it('that are damaged are problems, wherever they lie', () => {
    const simulator = `${DEVICES}/1/data/Library/Keychains/TrustStore.sqlite3`;
    expect(
      scan({
        [`${VAULT}/TrustStore.sqlite3`]: 'x',
        '/private/var/Keychains/TrustStore.sqlite3': 'x',
        '/Library/Keychains/': '',
        [simulator]: 'x',
        [`${DEVICES}/2/data${VAULT}/TrustStore.sqlite3`]: 'x',
      }),
    ).toEqual({
      [`iOS trust store ${VAULT}/TrustStore.sqlite3`]: [expect.stringContaining('TrustStore.sqlite3')],
      'iOS trust store /private/var/Keychains/TrustStore.sqlite3': [
        expect.stringContaining('TrustStore.sqlite3'),
      ],
      [`iOS simulator ${DEVICES}/2/data${VAULT}/TrustStore.sqlite3`]: [expect.stringContaining('Devices/2')],
      [`iOS simulator ${simulator}`]: [expect.stringContaining('Devices/1')],
    });
  });

  it.skipIf(!hasPython)(`trust and refuse${unless(hasPython, 'python3')}`, () => {
    const on = makeCertificate({ subject: { CN: 'On' } });
    const off = makeCertificate({ subject: { CN: 'Off' } });
    const database = makeTrustStore([
      [on.der, plist([])],
      [off.der, plist(NEVER)],
    ]);
    expect(scan({ '/protected/trustd/private/TrustStore.sqlite3': database })).toEqual({
      'iOS trust store /protected/trustd/private/TrustStore.sqlite3': [
        'CN=On = trusted',
        'CN=Off = mitigated',
      ],
    });
  });

  const samples = hasSample('macos/TrustStore.sqlite3');

  it.skipIf(!samples)(
    `of the samples reads as expected${unless(samples, 'the directory of samples')}`,
    () => {
      const files = { [`${VAULT}/TrustStore.sqlite3`]: sample('macos/TrustStore.sqlite3') };
      expect(Object.values(scan(files))).toEqual([
        ['CN=RA Root 1,O=RootAudit Test = trusted', 'CN=RA Root 2,O=RootAudit Test = mitigated'],
      ]);
    },
  );

  it('are changed on the device only', () => {
    const { target } = makeRoot({ [`${VAULT}/TrustStore.sqlite3`]: 'x' });
    const [location] = store.locate(target);
    expect(location && store.planRemoval(target, location, [])).toMatchObject({
      disposition: 'manual',
      commands: [],
    });
  });
});
