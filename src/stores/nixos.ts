/**
 * Bundles in /nix/store that a NixOS, or Nix on another system, gives to programs. Nothing there can be edited: the
 * configuration decides (NixOS options security.pki).
 */

import { posix } from 'node:path';
import type { StoreLocation, StoreType } from '../core/store.ts';
import type { Target } from '../core/target.ts';
import { trustedForAll } from '../core/trust.ts';
import { exists, readPemFile, realPathOr, withAux } from './shared/content.ts';
import { manualRemediation } from './shared/cut-bytes.ts';
import { uniqueDirectories } from './shared/directories.ts';
import { environmentSettings } from './shared/environment-settings.ts';
import { WELL_KNOWN_BUNDLES } from './shared/well-known-bundles.ts';

const NIX_STORE = '/nix/store';
const BUNDLE = 'etc/ssl/certs/ca-bundle.crt';

const PLACES = [
  ...WELL_KNOWN_BUNDLES,
  '/etc/static/ssl/certs/ca-bundle.crt',
  '/etc/static/ssl/certs/ca-certificates.crt',
  '/etc/static/pki/tls/certs/ca-bundle.crt',
  `/run/current-system/sw/${BUNDLE}`,
  `/nix/var/nix/profiles/default/${BUNDLE}`,
];

function locate(target: Target): readonly StoreLocation[] {
  if (!exists(target, NIX_STORE, 'directory')) return [];
  const set = environmentSettings(target, ['NIX_SSL_CERT_FILE']).map(({ value }) => value);
  const paths = [
    ...PLACES,
    ...target.homes.map(({ path }) => `${path}/.nix-profile/${BUNDLE}`),
    ...set.filter((value) => /^\/[^\0]{0,4000}$/.test(value)),
  ];
  const inNix = [...new Set(paths)].filter(
    (path) => realPathOr(target, path).startsWith(`${NIX_STORE}/`) && exists(target, path, 'file'),
  );
  const application = exists(target, '/etc/NIXOS') ? 'NixOS' : 'Nix';
  return uniqueDirectories(
    target,
    inNix.map((path): StoreLocation => ({ path, application, scope: 'system', format: 'PEM' })),
  );
}

const NIXOS =
  'Nix owns this file. Name the certificate in security.pki.caCertificateBlacklist of configuration.nix and run nixos-rebuild switch.' +
  ' If the configuration adds it itself, take it out of security.pki.certificateFiles or security.pki.certificates.';
const NIX =
  'Nix owns this file. Where nix-darwin or NixOS makes it, name the certificate in security.pki.caCertificateBlacklist and rebuild;' +
  ' else override the package cacert with a blacklist that names it, or install a cacert without it.';

export const store: StoreType = {
  id: 'nixos',
  title: 'Bundles of NixOS, and of Nix on other systems',
  platforms: ['linux', 'darwin'],
  locate,
  read: (target, { path }) => [
    readPemFile(target, path, posix.basename(path), (entry) => withAux(entry, trustedForAll('listed'))),
  ],
  planRemoval: (_target, location) =>
    manualRemediation(location, location.application === 'NixOS' ? NIXOS : NIX),
};
