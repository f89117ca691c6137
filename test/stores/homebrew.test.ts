import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { stores } from '../../src/stores/homebrew.ts';
import { readWhole } from '../../src/stores/shared/content.ts';
import { makeCertificate } from '../support/certificates.ts';
import { locate, makeRoot, outline, runCommands } from '../support/root.ts';

const one = makeCertificate({ subject: { CN: 'One' } });
const two = makeCertificate({ subject: { CN: 'Two' } });
const bundle = one.pem + two.pem;

describe('bundles of Homebrew and MacPorts', () => {
  it('are found where they are put', () => {
    const { target } = makeRoot({
      '/Library/Keychains/': '',
      '/opt/homebrew/etc/ca-certificates/cert.pem': bundle,
      '/opt/homebrew/etc/openssl@3/cert.pem': { link: '../ca-certificates/cert.pem' },
      '/usr/local/etc/libressl/cert.pem': one.pem,
      '/opt/local/share/curl/curl-ca-bundle.crt': two.pem,
    });
    expect(
      Array.from(locate(stores, target).values(), ([store, location]) => [
        `${store.id} ${location.path}`,
        outline(readWhole(store, target, location, { storePasswords: [] })),
      ]),
    ).toEqual([
      [
        'homebrew /opt/homebrew/etc/ca-certificates/cert.pem',
        ['certificate 1 of 2 = trusted', 'certificate 2 of 2 = trusted'],
      ],
      [
        'homebrew /opt/homebrew/etc/openssl@3/cert.pem',
        ['certificate 1 of 2 = trusted', 'certificate 2 of 2 = trusted'],
      ],
      ['homebrew /usr/local/etc/libressl/cert.pem', ['cert.pem = trusted']],
      ['macports /opt/local/share/curl/curl-ca-bundle.crt', ['curl-ca-bundle.crt = trusted']],
    ]);
  });

  it.each(['darwin', 'linux'])(
    'lose a certificate with commands that %s has, and get it back',
    (platform) => {
      const root = makeRoot({
        ...(platform === 'darwin' ? { '/Library/Keychains/': '' } : {}),
        '/opt/homebrew/etc/ca-certificates/cert.pem': bundle,
      });
      const { target } = root;
      expect(target.platform).toBe(platform);
      const path = root.at('/opt/homebrew/etc/ca-certificates/cert.pem');
      for (const [store, location] of locate(stores, target).values()) {
        const { anchors } = readWhole(store, target, location, { storePasswords: [] });
        const { commands, undo, disposition } = store.planRemoval(target, location, anchors.slice(0, 1));
        expect(disposition).toBe('unsafe');
        runCommands(commands);
        expect(readFileSync(path, 'utf8')).toBe(two.pem);
        runCommands(undo);
        expect(readFileSync(path, 'utf8')).toBe(bundle);
      }
    },
  );
});
