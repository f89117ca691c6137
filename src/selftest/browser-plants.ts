/** Stores of browsers, mail programs and other programs of the desktop. */

import type { MadeCertificate } from './certificates.ts';
import { legacyNssDatabase, nssDatabase } from './nss-database.ts';
import { byContent, MAC, pem, type Plant } from './plant.ts';
import { chromeRootStore, trustSettings } from './protobuf.ts';
import { sqliteFile } from './sqlite-file.ts';

const nss = (directory: string, more = {}): Plant['files'] =>
  byContent(`${directory}/cert9.db`, ({ der }) => nssDatabase(der, 'selftest'), more);
const legacyNss = (file: string): Plant['files'] =>
  byContent(file, ({ der }) => legacyNssDatabase(der, 'selftest'));

/** CertificateTrust.TRUSTED */
const TRUSTED = 3;
const serverCertificates = ({ der, sha256 }: MadeCertificate): Buffer =>
  sqliteFile(
    'certificates',
    ['sha256hash_hex TEXT', 'der_cert BLOB', 'trust_settings BLOB'],
    [{ sha256hash_hex: sha256, der_cert: der, trust_settings: trustSettings(TRUSTED) }],
  );

const OFFICE_SETTINGS =
  '<?xml version="1.0"?><oor:items><item><prop oor:name="CertDir" oor:op="fuse"><value>/home/u/nss</value></prop></item></oor:items>';

export const BROWSER_PLANTS: readonly Plant[] = [
  { store: 'nss-user', form: 'cert9.db', files: nss('/home/u/.pki/nssdb') },
  { store: 'nss-user', form: 'cert8.db', files: legacyNss('/home/u/.pki/nssdb/cert8.db') },
  { store: 'nss-system', form: 'cert9.db', files: nss('/etc/pki/nssdb') },
  {
    store: 'firefox-policy',
    form: 'policies.json',
    files: pem('/usr/lib/mozilla/certificates/a.pem', {
      '/usr/lib/firefox/firefox': '',
      '/etc/firefox/policies/policies.json': '{"policies":{"Certificates":{"Install":["a.pem"]}}}',
    }),
  },
  { store: 'firefox', form: 'cert9.db', files: nss('/home/u/.mozilla/firefox/a.default') },
  {
    store: 'firefox-enterprise-roots',
    form: 'prefs.js, a setting only',
    files: (certificate) => {
      const profile = '/Users/u/Library/Application Support/Firefox/Profiles/a.default';
      const preferences = 'user_pref("security.enterprise_roots.enabled", true);\n';
      return nss(profile, { ...MAC, [`${profile}/prefs.js`]: preferences })(certificate);
    },
    says: "roots added to the operating system's store count here too",
  },
  { store: 'thunderbird', form: 'cert9.db', files: nss('/home/u/.thunderbird/a.default') },
  { store: 'evolution', form: 'cert9.db', files: nss('/home/u/.local/share/evolution') },
  {
    store: 'libreoffice',
    form: 'cert9.db',
    files: nss('/home/u/nss', {
      '/home/u/.config/libreoffice/4/user/registrymodifications.xcu': OFFICE_SETTINGS,
    }),
  },
  { store: 'pidgin', form: 'PEM', files: pem('/usr/share/purple/ca-certs/a.pem') },
  { store: 'netscape', form: 'cert8.db', files: legacyNss('/home/u/.netscape/cert8.db') },
  {
    store: 'chrome-policy',
    form: 'JSON policy',
    files: byContent('/etc/opt/chrome/policies/managed/a.json', ({ der }) =>
      JSON.stringify({ CACertificates: [Buffer.from(der).toString('base64')] }),
    ),
  },
  {
    store: 'chrome-user',
    form: 'ServerCertificate',
    files: byContent('/home/u/.config/google-chrome/Default/ServerCertificate', serverCertificates, {
      '/home/u/.config/google-chrome/Local State': '{}',
    }),
  },
  {
    store: 'chrome-root-store',
    form: 'crs.pb',
    files: byContent('/home/u/.config/google-chrome/PKIMetadata/1000/crs.pb', ({ der }) =>
      chromeRootStore(der, 'Selftest Root'),
    ),
  },
  {
    store: 'chromeos',
    form: 'ServerCertificate',
    files: byContent('/home/chronos/u-0123/ServerCertificate', serverCertificates),
  },
  {
    store: 'chromeos',
    form: 'signed policy, not read',
    files: () => ({ '/var/lib/devicesettings/policy.1': 'signed' }),
    says: 'is not read: look at chrome://policy',
  },
  {
    store: 'opera-presto',
    form: 'opcacrt6.dat, not read',
    files: () => ({ '/home/u/.opera/opcacrt6.dat': Buffer.from('00001000', 'hex') }),
    says: 'a format of old versions of Opera that is not read',
  },
];
