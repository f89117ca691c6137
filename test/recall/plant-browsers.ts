/** The recipes for browsers and their relatives: policies, databases of Chrome, the Chrome Root Store, cert8.db. */

import { certificateFrom } from '../../src/core/certificate.ts';
import { element } from '../../src/core/der.ts';
import { certificateRecord, hashFile, pairsPage } from '../support/berkeley-hash.ts';
import { serverCertificateDatabase } from '../support/chrome.ts';
import { bytesField, numberField, trustSettings } from '../support/protobuf.ts';
import { filesOf, fingerprints, USERS, write, type Certificates, type Recipe } from './recipe.ts';

const POLICY_CERTIFICATES = '/usr/lib/mozilla/certificates';
const TRUSTED = 3;
/** Each page of cert8.db has one certificate. */
const PAGE = { pageSize: 16_384 };

const database = (certificates: Certificates): Buffer =>
  serverCertificateDatabase(
    certificates.map(({ der, sha256 }) => ({
      certificate: der,
      key: sha256,
      settings: trustSettings(TRUSTED),
    })),
  );

const base64 = (certificates: Certificates): string[] =>
  certificates.map(({ der }) => Buffer.from(der).toString('base64'));

export const BROWSER_RECIPES: readonly Recipe[] = [
  {
    store: 'firefox-policy',
    how: 'a file each',
    plant: filesOf((certificates) => {
      const names = certificates.map(({ sha256 }) => `${sha256}.pem`);
      return {
        '/usr/lib/firefox/firefox': '',
        '/etc/firefox/policies/policies.json': JSON.stringify({
          policies: { Certificates: { Install: names } },
        }),
        ...Object.fromEntries(
          certificates.map(({ sha256, pem }) => [`${POLICY_CERTIFICATES}/${sha256}.pem`, pem]),
        ),
      };
    }),
  },
  {
    store: 'chrome-policy',
    how: 'one JSON file',
    plant: filesOf((certificates) => ({
      '/etc/opt/chrome/policies/managed/roots.json': JSON.stringify({ CACertificates: base64(certificates) }),
    })),
  },
  {
    store: 'chrome-user',
    how: 'ten users',
    needs: ['python3'],
    stores: USERS.length,
    plant: filesOf((certificates) => {
      const file = database(certificates);
      return Object.fromEntries(
        USERS.map((user) => [`/home/${user}/.config/google-chrome/Default/ServerCertificate`, file]),
      );
    }),
  },
  {
    store: 'chromeos',
    how: 'one user',
    needs: ['python3'],
    plant: filesOf((certificates) => ({ '/home/chronos/u-0123/ServerCertificate': database(certificates) })),
  },
  {
    store: 'chrome-root-store',
    how: 'crs.pb',
    plant: filesOf((certificates) => ({
      '/home/u/.config/google-chrome/PKIMetadata/1000/crs.pb': Buffer.concat([
        ...certificates.map(({ der, sha256 }) => bytesField(1, bytesField(1, der), bytesField(5, sha256))),
        numberField(2, 1),
      ]),
    })),
  },
  {
    store: 'netscape',
    how: 'cert8.db',
    plant: (root, certificates) => {
      const pairs = certificates.flatMap(pairOf);
      const last = pairs.length - 1;
      const pages = pairs.map(({ key, record }, index) =>
        pairsPage([[key, record]], PAGE, index < last ? index + 1 : undefined),
      );
      write(root, '/home/u/.netscape/cert8.db', hashFile(pages, { ...PAGE, pairs: pairs.length }));
      return fingerprints(pairs.map(({ certificate }) => certificate));
    },
  },
];

/** NSS cannot write what is no certificate. */
function pairOf(certificate: Certificates[number]) {
  const { layout, der } = certificateFrom(certificate.der);
  if (!layout) return [];
  const serial = der.subarray(layout.serial.contentStart, layout.serial.contentEnd);
  const key = Buffer.concat([Buffer.of(1), serial, element(der, layout.issuer)]);
  return [{ certificate, key, record: certificateRecord(der, certificate.sha256, [0x18, 0x18, 0x18]) }];
}
