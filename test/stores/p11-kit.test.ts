import { existsSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { readWhole } from '../../src/stores/shared/content.ts';
import { stores } from '../../src/stores/p11-kit.ts';
import { makeCertificate, type TestCertificate } from '../support/certificates.ts';
import { locate, makeRoot, outline, runCommands, type TestRoot } from '../support/root.ts';

const OPTIONS = { storePasswords: [] };
const MODULE = '/usr/share/p11-kit/modules/p11-kit-trust.module';
const OVERRIDE = '/etc/pkcs11/modules/p11-kit-trust.module';

let a: TestCertificate;
let b: TestCertificate;
beforeAll(() => {
  a = makeCertificate({ subject: { CN: 'A' } });
  b = makeCertificate({ subject: { CN: 'B' } });
});

const module = (paths: string): string => `module: p11-kit-trust.so\nx-init-reserved: ${paths}\n`;

function read({ target }: TestRoot): Record<string, string[]> {
  return Object.fromEntries(
    [...locate(stores, target)].map(([path, [store, location]]) => {
      const content = readWhole(store, target, location, OPTIONS);
      expect(content.problems).toEqual([]);
      return [path, outline(content)];
    }),
  );
}

describe('paths configured for p11-kit', () => {
  it.each([
    ["paths='/srv/trust:/srv/ca.pem'"],
    ['paths="/srv/trust:/srv/ca.pem"'],
    ['paths=/srv/trust/:/srv/ca.pem'],
    ["verbose=yes paths='/srv//trust : relative : /srv/ca.pem'"],
  ])('are found in %s', (paths) => {
    const root = makeRoot({
      [MODULE]: module(paths),
      '/srv/trust/anchors/a.pem': a.pem,
      '/srv/trust/b.pem': b.pem,
      '/srv/ca.pem': b.pem,
    });
    expect(read(root)).toEqual({
      '/srv/trust': ['b.pem = present', 'a.pem = trusted'],
      '/srv/ca.pem': ['ca.pem = trusted'],
    });
  });

  it('are taken from /etc where a module is configured twice', () => {
    const root = makeRoot({
      [MODULE]: module("paths='/one'"),
      [OVERRIDE]: module("paths='/two'"),
      '/one/anchors/a.pem': a.pem,
      '/two/anchors/b.pem': b.pem,
    });
    expect(read(root)).toEqual({ '/two': ['b.pem = trusted'] });
  });

  it('leave out what the distributions have by default, but hear its distrust', () => {
    const root = makeRoot({
      [MODULE]: module("paths='/etc/pki/ca-trust/source:/srv/ca.pem:/etc/ssl/certs/ca-certificates.crt'"),
      '/etc/pki/ca-trust/source/blocklist/a.pem': a.pem,
      '/srv/ca.pem': `${a.pem}${b.pem}`,
      '/etc/ssl/certs/ca-certificates.crt': a.pem,
    });
    expect(read(root)).toEqual({
      '/srv/ca.pem': ['ca.pem, certificate 1 of 2 = mitigated', 'ca.pem, certificate 2 of 2 = trusted'],
    });
  });

  it.each([[''], ['x-init-reserved:\n'], [module("paths=''")], [module('verbose=yes')], ['\u0000\u00ff']])(
    'are none in a module %j',
    (text) => {
      expect(read(makeRoot({ [MODULE]: text, '/srv/x': '' }))).toEqual({});
    },
  );

  it('lose an anchor file to the backup directory, and get it back', () => {
    const root = makeRoot({ [MODULE]: module("paths='/srv/trust'"), '/srv/trust/anchors/a.pem': a.pem });
    const [store, location] = locate(stores, root.target).get('/srv/trust') ?? [];
    if (!store || !location) throw new Error('no store');
    const plan = store.planRemoval(
      root.target,
      location,
      readWhole(store, root.target, location, OPTIONS).anchors,
    );
    expect(plan.disposition).toBe('safe');
    expect(runCommands(plan.commands)).toEqual([]);
    expect(existsSync(root.at('/srv/trust/anchors/a.pem'))).toBe(false);
    runCommands(plan.undo);
    expect(existsSync(root.at('/srv/trust/anchors/a.pem'))).toBe(true);
  });

  it.each([
    ["paths='/etc/trust:/usr/share/trust'", 'safe'],
    ["paths='/usr/share/trust'", 'unsafe'],
  ])('of a package are distrusted in /etc if that is among %s', (paths, disposition) => {
    const root = makeRoot({
      [MODULE]: module(paths),
      '/etc/trust/': '',
      '/usr/share/trust/anchors/a.pem': a.pem,
    });
    const [store, location] = locate(stores, root.target).get('/usr/share/trust') ?? [];
    if (!store || !location) throw new Error('no store');
    const plan = store.planRemoval(
      root.target,
      location,
      readWhole(store, root.target, location, OPTIONS).anchors,
    );
    expect(plan.disposition).toBe(disposition);
    runCommands(plan.commands);
    expect(read(root)['/usr/share/trust']).toEqual(disposition === 'safe' ? ['a.pem = mitigated'] : []);
  });
});
