/**
 * Authorities that connections are configured with: OpenVPN (`ca`, `<ca>`), NetworkManager, wpa_supplicant, strongSwan,
 * Postfix, LDAP, PostgreSQL, MySQL, FreeRADIUS. Each is trusted for its own connection only.
 */

import { asBuffer } from '../core/bytes.ts';
import type { Target } from '../core/target.ts';
import { trustFor, type Trust } from '../core/trust.ts';
import { certificateFileStore, DESKTOPS, type CertificateFile } from './shared/certificate-files.ts';
import { readFile } from './shared/content.ts';
import { expandInHome, expandPaths } from './shared/directories.ts';
import { systemDrive } from './shared/drive.ts';
import {
  expandFilesInHome,
  filesOfSettings,
  filesOfVariables,
  type SettingsRule,
} from './shared/named-files.ts';

const OPENVPN = [
  '/etc/openvpn/*.conf',
  '/etc/openvpn/*.ovpn',
  '/etc/openvpn/client/*.conf',
  '/etc/openvpn/client/*.ovpn',
  '/etc/openvpn/server/*.conf',
  '/usr/local/etc/openvpn/*.conf',
  '/Program Files/OpenVPN/config/*.ovpn',
];
const USER_OPENVPN = [
  '*.ovpn',
  'Downloads/*.ovpn',
  '.config/openvpn/*.conf',
  'OpenVPN/config/*.ovpn',
  'Library/Application Support/Tunnelblick/Configurations/*.ovpn',
];

function limited(where: string): Trust {
  return trustFor({ serverAuth: 'trusted', clientAuth: 'trusted' }, `${where}, for its own connections only`);
}

const MAX_PROFILE_BYTES = 4 << 20;

/** Profiles that hold their authority themselves, between `<ca>` and `</ca>`. */
function* profiles(target: Target): Generator<CertificateFile> {
  const paths = [
    ...OPENVPN.flatMap((pattern) => expandPaths(target, systemDrive(target) + pattern)),
    ...target.homes.flatMap((home) => expandFilesInHome(target, home, USER_OPENVPN)),
  ];
  for (const path of new Set(paths)) {
    const file = readFile(target, path, MAX_PROFILE_BYTES);
    const within = 'failed' in file ? [] : authorityLines(asBuffer(file.bytes).toString('latin1'));
    // One that cannot be read is kept, so that reading it says why.
    const isRefused = 'failed' in file && file.failed.problems.length > 0;
    if (within.length === 0 && !isRefused) continue;
    yield { path, application: `OpenVPN (${path})`, trust: limited('<ca> of OpenVPN'), within };
  }
}

function authorityLines(text: string): { first: number; last: number }[] {
  const ranges: { first: number; last: number }[] = [];
  let first: number | undefined;
  for (const [index, line] of text.split('\n').entries()) {
    const mark = line.trim();
    if (mark === '<ca>' || mark === '<extra-certs>') first = index + 1;
    else if (/^<\/(?:ca|extra-certs)>$/.test(mark) && first !== undefined) {
      ranges.push({ first, last: index + 1 });
      first = undefined;
    }
  }
  return ranges;
}

/** Those of the system hold keys and passwords. */
const rule = (settings: Omit<SettingsRule, 'trust' | 'private'>): SettingsRule => ({
  ...settings,
  private: true,
  trust: ({ key }) => limited(`${key} of ${settings.program}`),
});

const SETTINGS: readonly SettingsRule[] = [
  rule({
    program: 'OpenVPN',
    keys: ['ca', 'capath', 'extra-certs'],
    system: OPENVPN,
    user: USER_OPENVPN,
    relative: true,
  }),
  rule({
    program: 'NetworkManager',
    keys: ['ca-cert', 'phase2-ca-cert', 'ca', 'ca-path'],
    system: ['/etc/NetworkManager/system-connections/*', '/run/NetworkManager/system-connections/*'],
  }),
  rule({
    program: 'wpa_supplicant',
    keys: ['ca_cert', 'ca_cert2', 'ca_path'],
    system: ['/etc/wpa_supplicant/*.conf', '/etc/wpa_supplicant.conf'],
  }),
  rule({
    program: 'iwd',
    keys: ['EAP-TLS-CACert', 'EAP-PEAP-CACert', 'EAP-TTLS-CACert'],
    system: ['/var/lib/iwd/*.8021x'],
  }),
  rule({
    program: 'Postfix',
    keys: [
      'smtp_tls_CAfile',
      'smtp_tls_CApath',
      'smtpd_tls_CAfile',
      'smtpd_tls_CApath',
      'tlsproxy_tls_CAfile',
    ],
    system: ['/etc/postfix/main.cf'],
    replaces: 'no roots',
  }),
  rule({
    program: 'LDAP',
    keys: [
      'TLS_CACERT',
      'TLS_CACERTDIR',
      'ldap_tls_cacert',
      'ldap_tls_cacertdir',
      'tls_cacertfile',
      'tls_cacertdir',
    ],
    system: [
      '/etc/ldap/ldap.conf',
      '/etc/openldap/ldap.conf',
      '/etc/ldap.conf',
      '/etc/nslcd.conf',
      '/etc/sssd/sssd.conf',
    ],
    user: ['.ldaprc', 'ldaprc'],
    replaces: 'its usual roots',
  }),
  rule({
    program: 'MySQL',
    keys: ['ssl-ca', 'ssl_ca', 'ssl-capath', 'ssl_capath'],
    system: ['/etc/my.cnf', '/etc/my.cnf.d/*.cnf', '/etc/mysql/*.cnf', '/etc/mysql/*/*.cnf'],
    user: ['.my.cnf'],
  }),
  rule({
    program: 'PostgreSQL',
    keys: ['ssl_ca_file'],
    system: ['/etc/postgresql/*/*/postgresql.conf', '/var/lib/pgsql/data/postgresql.conf'],
    relative: true,
  }),
  rule({
    program: 'mail programs',
    keys: ['tls_trust_file', 'sslcacertfile', 'CACertificateFile', 'ssl_ca', 'certificate_file'],
    system: ['/etc/msmtprc', '/etc/mbsyncrc', '/etc/dovecot/conf.d/*.conf', '/etc/offlineimaprc'],
    user: ['.msmtprc', '.config/msmtp/config', '.mbsyncrc', '.config/isyncrc', '.offlineimaprc', '.muttrc'],
    replaces: 'its usual roots',
  }),
];

/** Directories and files that a service reads by their place. */
const PLACES: readonly (readonly [string, string])[] = [
  ['strongSwan', '/etc/ipsec.d/cacerts'],
  ['strongSwan', '/etc/ipsec.d/aacerts'],
  ['strongSwan', '/etc/swanctl/x509ca'],
  ['strongSwan', '/etc/strongswan/swanctl/x509ca'],
  ['strongSwan', '/etc/strongswan/ipsec.d/cacerts'],
  ['FreeRADIUS', '/etc/freeradius/*/certs/ca.pem'],
  ['FreeRADIUS', '/etc/raddb/certs/ca.pem'],
];
const USER_PLACES: readonly (readonly [string, string])[] = [
  ['PostgreSQL', '.postgresql/root.crt'],
  ['PostgreSQL', 'AppData/Roaming/postgresql/root.crt'],
];

const isCertificate = (name: string): boolean => /\.(?:pem|crt|cer|der)$/.test(name);

function* find(target: Target): Generator<CertificateFile> {
  yield* profiles(target);
  yield* filesOfSettings(target, SETTINGS);
  yield* filesOfVariables(target, [
    { program: 'PostgreSQL', names: ['PGSSLROOTCERT'] },
    { program: 'LDAP', names: ['LDAPTLS_CACERT', 'LDAPTLS_CACERTDIR'] },
  ]);
  for (const [application, pattern] of PLACES) {
    for (const path of expandPaths(target, pattern)) {
      yield { path, application, wanted: isCertificate, trust: limited(application) };
    }
  }
  for (const { path: home, user } of target.homes) {
    for (const [application, pattern] of USER_PLACES) {
      for (const path of expandInHome(target, home, [pattern])) {
        yield {
          path,
          application: `${application} (${user})`,
          wanted: isCertificate,
          trust: limited(application),
        };
      }
    }
  }
}

export const store = certificateFileStore({
  id: 'vpn-wifi-mail-databases',
  title:
    'Authorities of OpenVPN, Wi-Fi, strongSwan, mail programs, LDAP and databases, each for its connections',
  platforms: DESKTOPS,
  find,
});
