/** Stores of systems other than Linux. */

import type { MadeCertificate } from './certificates.ts';
import { byContent, pem, type Plant } from './plant.ts';
import { hive } from './registry.ts';

const MAC = { '/System/Library/CoreServices/': '' };
const WINDOWS = { '/Windows/System32/': '' };
const ROOT_STORE = 'Microsoft\\SystemCertificates\\ROOT';
const SOFTWARE = '/Windows/System32/config/SOFTWARE';
const ANDROID = { '/system/build.prop': 'ro.build.version.sdk=34\n' };
const FREEBSD = { '/bin/freebsd-version': '' };

const mobileconfig = ({ der }: MadeCertificate): string => `<?xml version="1.0" encoding="UTF-8"?>
<plist version="1.0"><dict>
<key>PayloadType</key><string>Configuration</string>
<key>PayloadIdentifier</key><string>selftest</string>
<key>PayloadUUID</key><string>AAAAAAAA-0000-4000-8000-000000000001</string>
<key>PayloadVersion</key><integer>1</integer>
<key>PayloadContent</key><array><dict>
<key>PayloadType</key><string>com.apple.security.root</string>
<key>PayloadIdentifier</key><string>selftest.root</string>
<key>PayloadUUID</key><string>AAAAAAAA-0000-4000-8000-000000000002</string>
<key>PayloadVersion</key><integer>1</integer>
<key>PayloadContent</key><data>${Buffer.from(der).toString('base64')}</data>
</dict></array></dict></plist>
`;

export const OTHER_PLANTS: readonly Plant[] = [
  {
    store: 'windows-machine',
    form: 'registry hive',
    files: byContent(SOFTWARE, ({ der }) => hive(ROOT_STORE, der), WINDOWS),
  },
  {
    store: 'windows-policy',
    form: 'registry hive',
    files: byContent(SOFTWARE, ({ der }) => hive(`Policies\\${ROOT_STORE}`, der), WINDOWS),
  },
  {
    store: 'windows-enterprise',
    form: 'registry hive',
    files: byContent(SOFTWARE, ({ der }) => hive(ROOT_STORE.replace('System', 'Enterprise'), der), WINDOWS),
  },
  {
    store: 'windows-user',
    form: 'registry hive',
    files: byContent('/Users/u/NTUSER.DAT', ({ der }) => hive(`Software\\${ROOT_STORE}`, der), WINDOWS),
  },
  { store: 'android-system', form: 'PEM', files: pem('/system/etc/security/cacerts/01234567.0', ANDROID) },
  { store: 'android-user', form: 'PEM', files: pem('/data/misc/user/0/cacerts-added/01234567.0', ANDROID) },
  {
    store: 'apple-profiles',
    form: '.mobileconfig',
    files: byContent('/private/var/db/ConfigurationProfiles/Store/a.mobileconfig', mobileconfig, MAC),
  },
  { store: 'freebsd', form: 'PEM', files: pem('/usr/share/certs/trusted/a.pem', FREEBSD) },
  {
    store: 'freebsd-bundle',
    form: 'PEM bundle',
    files: pem('/etc/ssl/cert.pem', { ...FREEBSD, '/usr/share/certs/trusted/': '' }),
  },
];
