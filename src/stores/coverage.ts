/** What this version does with each store type; the README's table is made from it, and a test holds it complete. */

export interface Coverage {
  /** Read on the running system. */
  readonly live: boolean;
  /** Read on a mounted or unpacked root, whatever this machine runs. */
  readonly offline: boolean;
  /** The store says more of a certificate than that it holds it, and that is understood. */
  readonly trust: boolean;
  /** commands: printed with their undo; live: so on the running system, by hand offline; hand: in words. */
  readonly removal: 'commands' | 'live' | 'hand' | 'none';
}

const row = (live: boolean, offline: boolean, trust: boolean, removal: Coverage['removal']): Coverage => ({
  live,
  offline,
  trust,
  removal,
});

/** Files that can be edited, whose trust is in settings, directories or attributes. */
const FULL = row(true, true, true, 'commands');
/** Files of certificates: what is in them is trusted. */
const FILES = row(true, true, false, 'commands');
const BY_HAND = row(true, true, true, 'hand');
/** Found and named as a gap, not read. */
const NAMED = row(false, false, false, 'none');
/** The running system's own tool is needed. */
const SYSTEM_TOOL = row(true, true, true, 'live');

export const COVERAGE: Readonly<Record<string, Coverage>> = {
  nixos: row(true, true, false, 'hand'),
  'debian-ca-certificates': FULL,
  'debian-local-anchors': FULL,
  'debian-bundle': FULL,
  'rhel-anchors': FULL,
  'rhel-bundle': FULL,
  suse: FULL,
  'suse-bundle': FULL,
  arch: FULL,
  'arch-bundle': FULL,
  freebsd: BY_HAND,
  'freebsd-bundle': BY_HAND,
  netbsd: BY_HAND,
  'netbsd-bundle': BY_HAND,
  solaris: BY_HAND,
  'solaris-bundle': BY_HAND,
  'clear-linux': BY_HAND,
  'clear-linux-bundle': BY_HAND,
  openbsd: row(true, true, false, 'hand'),
  'p11-kit': FULL,
  'macos-admin': SYSTEM_TOOL,
  'macos-user': SYSTEM_TOOL,
  'macos-system-roots': SYSTEM_TOOL,
  'apple-profiles': BY_HAND,
  'ios-truststore': row(false, true, true, 'hand'),
  'windows-machine': SYSTEM_TOOL,
  'windows-on-demand': BY_HAND,
  'windows-policy': SYSTEM_TOOL,
  'windows-enterprise': SYSTEM_TOOL,
  'windows-service': SYSTEM_TOOL,
  'windows-user': SYSTEM_TOOL,
  homebrew: FILES,
  macports: FILES,
  'java-cacerts': FULL,
  'java-app': FULL,
  'nss-user': FULL,
  'nss-system': FULL,
  'firefox-policy': FULL,
  firefox: FULL,
  'firefox-enterprise-roots': row(true, true, true, 'none'),
  thunderbird: FULL,
  evolution: FULL,
  libreoffice: FULL,
  pidgin: FULL,
  netscape: FULL,
  'chrome-policy': FULL,
  'chrome-user': FULL,
  'chrome-root-store': BY_HAND,
  chromeos: BY_HAND,
  'android-system': BY_HAND,
  'android-user': FULL,
  'openssl-dir': FULL,
  'openssl-env': FULL,
  'system-bundle': FULL,
  python: FILES,
  'python-macos': FILES,
  node: FILES,
  npm: FILES,
  'node-compiled-in': row(true, true, false, 'none'),
  docker: FILES,
  podman: FILES,
  containerd: FILES,
  kubernetes: FILES,
  kubeconfig: FILES,
  dotnet: FULL,
  curl: FILES,
  wget: FILES,
  aws: FILES,
  'cloud-tools': FILES,
  git: FILES,
  ruby: FILES,
  perl: FILES,
  erlang: FILES,
  'r-julia': FILES,
  php: FILES,
  'electron-app': FILES,
  'snap-flatpak': FILES,
  'git-for-windows': FILES,
  'msys2-cygwin': FILES,
  mono: FILES,
  'vpn-wifi-mail-databases': FILES,
  uefi: row(true, true, true, 'hand'),
  wine: FULL,
  wsl: NAMED,
  'opera-presto': NAMED,
  'unreadable-places': NAMED,
};
