/** Stores of Android and of the BSDs, Solaris and Clear Linux. */

import type { MadeCertificate } from './certificates.ts';
import { ext4Image } from './ext4-image.ts';
import { byContent, pem, type Files, type Plant } from './plant.ts';
import { zip } from './zip-file.ts';

const ANDROID: Files = { '/system/build.prop': 'ro.build.version.sdk=34\n' };
const FREEBSD: Files = { '/bin/freebsd-version': '' };
const NETBSD: Files = { '/netbsd': '' };
const SOLARIS: Files = { '/usr/sbin/svcadm': '' };

const androidModule = ({ pem: text }: MadeCertificate): Buffer =>
  zip({ 'apex_payload.img': ext4Image({ 'cacerts/01234567.0': Buffer.from(text) }) }, { stored: true });

export const OTHER_PLANTS: readonly Plant[] = [
  { store: 'android-system', form: 'PEM', files: pem('/system/etc/security/cacerts/01234567.0', ANDROID) },
  {
    store: 'android-system',
    form: 'module (APEX)',
    files: byContent('/system/apex/com.android.conscrypt.apex', androidModule, ANDROID),
  },
  {
    store: 'android-system',
    form: 'packed module (CAPEX)',
    files: byContent(
      '/system/apex/com.android.conscrypt.capex',
      (certificate) => zip({ original_apex: androidModule(certificate) }),
      ANDROID,
    ),
  },
  { store: 'android-user', form: 'PEM', files: pem('/data/misc/user/0/cacerts-added/01234567.0', ANDROID) },
  { store: 'freebsd', form: 'PEM', files: pem('/usr/share/certs/trusted/a.pem', FREEBSD) },
  {
    store: 'freebsd-bundle',
    form: 'PEM bundle',
    files: pem('/etc/ssl/cert.pem', { ...FREEBSD, '/usr/share/certs/trusted/': '' }),
  },
  { store: 'netbsd', form: 'PEM', files: pem('/usr/share/certs/mozilla/server/a.pem', NETBSD) },
  {
    store: 'netbsd-bundle',
    form: 'PEM',
    files: pem('/etc/openssl/certs/a.pem', { ...NETBSD, '/usr/share/certs/mozilla/server/': '' }),
  },
  { store: 'openbsd', form: 'PEM bundle', files: pem('/etc/ssl/cert.pem', { '/bsd': '' }) },
  { store: 'solaris', form: 'PEM', files: pem('/etc/certs/CA/a.pem', SOLARIS) },
  {
    store: 'solaris-bundle',
    form: 'PEM',
    files: pem('/etc/openssl/certs/a.pem', { ...SOLARIS, '/etc/certs/CA/': '' }),
  },
  { store: 'clear-linux', form: 'PEM', files: pem('/usr/share/ca-certs/trusted/a.pem') },
  {
    store: 'clear-linux-bundle',
    form: 'PEM bundle',
    files: pem('/var/cache/ca-certs/compat/ca-roots.pem', { '/usr/share/ca-certs/trusted/': '' }),
  },
];
