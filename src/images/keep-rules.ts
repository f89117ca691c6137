/**
 * Which files of a stream are worth keeping as they go by, before any store has been asked. Nothing is lost by a wrong
 * guess: what is kept in vain takes room, and what is missed is fetched by going through the layer again.
 */

/** `certificates`: most likely a store. `settings`: may tell where stores are. `sniff`: its first bytes decide. */
export type Worth = 'certificates' | 'settings' | 'sniff' | 'none';

const CERTIFICATE_NAMES = new RegExp(
  [
    // Certificates and keystores by their extension.
    String.raw`\.(?:pem|crt|cer|cert|ca|der|p7b|p7c|p7s|p12|pfx|jks|jceks|ks|bks|bcfks|keystore|truststore|sst|stl)$`,
    String.raw`\.(?:keychain|keychain-db|mobileconfig|p11-kit|ovpn|reg)$`,
    // Links by hash on systems without links, and Android.
    String.raw`^[0-9a-f]{8}\.[0-9]+$`,
    '(?:^|[-_.])(?:ca)?(?:certs?|certificates|roots|truststore|keystore)(?:[-_.](?:txt|bundle|db))?$',
    String.raw`^(?:cert|key)[0-9]+\.db$|^secmod\.db$|^pkcs11\.txt$|^jssecacerts$|^trusted\.[a-z]+$|^blocked\.certs$`,
    // Settings and hives that are stores themselves.
    String.raw`^policies\.json$|^prefs\.js$|^user\.js$|^cert_override\.txt$|^TrustSettings|\.plist$`,
    String.raw`^(?:SOFTWARE|SYSTEM|NTUSER\.DAT|DEFAULT|USRCLASS\.DAT)(?:\.LOG[12])?$`,
    String.raw`^(?:system|user|userdef)\.reg$`,
  ].join('|'),
  'i',
);

/** Of settings by their place. */
const SETTINGS_PLACES =
  /^(?:usr\/|opt\/local\/|private\/)?(?:local\/)?etc\/|^usr\/share\/(?:ca-certificates|pki|p11-kit)\/|^var\/lib\/ca-certificates\/|^(?:root|home\/[^/]+|Users\/[^/]+|var\/lib\/[^/]+)\/\.[^/]+(?:$|\/)|\/(?:etc|conf|config|conf\.d|policies|security)\/[^/]+$|\.service\.d\//;
/** And by their name, wherever they are. */
const SETTINGS_NAMES =
  /^(?:release|os-release|build\.prop|java\.security|php\.ini|openssl\.cnf|gitconfig|npmrc|\.npmrc|yarnrc|\.condarc|pip\.conf|pip\.ini|profiles\.ini|installs\.ini|pyvenv\.cfg|autoconfig\.js|Local State|Preferences|kubeconfig|servers|config)$|\.(?:cnf|conf|cfg|policy|module|mozconfig|service)$/;

const MAX_SETTINGS = 256 << 10;
/** A file of unknown name that is larger is hardly a store. */
const MAX_SNIFFED = 4 << 20;
/** Bytes that {@link isTelling} needs. */
export const SNIFFED = 16;
/** The smallest certificate is larger. */
const MIN_SNIFFED = 100;

/** `path` as the archive has it. */
export function worthOf(path: string, size: number): Worth {
  const clean = path.replace(/^(?:\.?\/)+/, '');
  const name = clean.slice(clean.lastIndexOf('/') + 1);
  if (CERTIFICATE_NAMES.test(name)) return 'certificates';
  if (size <= MAX_SETTINGS && (SETTINGS_PLACES.test(clean) || SETTINGS_NAMES.test(name))) return 'settings';
  return size >= MIN_SNIFFED && size <= MAX_SNIFFED ? 'sniff' : 'none';
}

/** PEM, JKS, JCEKS, SQLite, binary property list, keychain. */
const MAGICS: readonly Buffer[] = [
  Buffer.from('-----BEGIN '),
  Buffer.of(0xfe, 0xed, 0xfe, 0xed),
  Buffer.of(0xce, 0xce, 0xce, 0xce),
  Buffer.from('SQLite format 3'),
  Buffer.from('bplist00'),
  Buffer.from('kych'),
  Buffer.from('regf'),
];

/** The first bytes of a file show that it may hold certificates. */
export function isTelling(head: Buffer, size: number): boolean {
  // DER: a SEQUENCE as long as the file.
  if (head[0] === 0x30 && head[1] === 0x82) return head.length >= 4 && head.readUInt16BE(2) + 4 === size;
  return MAGICS.some((magic) => head.length >= magic.length && magic.equals(head.subarray(0, magic.length)));
}
