/**
 * Container tools: the roots of single registries for Docker (https://docs.docker.com/engine/security/certificates),
 * Podman, Buildah and Skopeo (containers-certs.d(5)), containerd, k3s and RKE2 (hosts.toml, registries.yaml), BuildKit.
 */

import { posix } from 'node:path';
import type { Target } from '../core/target.ts';
import { trustFor, type Trust } from '../core/trust.ts';
import { certificateFileStore, UNIX, type CertificateFile } from './shared/certificate-files.ts';
import { expandDirectories, expandInHome, expandPaths } from './shared/directories.ts';
import { filesOfSettings, type NamedValue, type SettingsRule } from './shared/named-files.ts';

const isAuthority = (name: string): boolean => name.endsWith('.crt');

function registryTrust(host: string): Trust {
  return trustFor({ serverAuth: 'trusted' }, `trusted for the registry ${host} only`);
}

/** A directory per registry, named after it. */
function registryDirectories(
  target: Target,
  program: string,
  system: readonly string[],
  user: readonly string[],
): CertificateFile[] {
  const directories = [
    ...system.flatMap((path) => expandDirectories(target, `${path}/*`)),
    ...target.homes.flatMap(({ path }) =>
      expandInHome(
        target,
        path,
        user.map((each) => `${each}/*`),
      ),
    ),
  ];
  return directories.map((path) => {
    const host = posix.basename(path);
    return { path, application: `${program} (${host})`, wanted: isAuthority, trust: registryTrust(host) };
  });
}

function* docker(target: Target): Generator<CertificateFile> {
  yield* registryDirectories(
    target,
    'Docker',
    ['/etc/docker/certs.d', '/ProgramData/docker/certs.d', '/var/snap/docker/current/etc/docker/certs.d'],
    ['.docker/certs.d', '.config/docker/certs.d'],
  );
  const daemon = trustFor({ serverAuth: 'trusted' }, 'ca.pem, for the Docker daemon only');
  for (const { path: home } of target.homes) {
    const patterns = [
      '.docker/ca.pem',
      '.docker/machine/certs/ca.pem',
      '.docker/contexts/tls/*/docker/ca.pem',
    ];
    for (const path of expandInHome(target, home, patterns)) {
      yield { path, application: 'Docker client (connection to the daemon)', trust: daemon };
    }
  }
  const clients = trustFor({ clientAuth: 'trusted' }, 'tlscacert, for clients of the Docker daemon');
  const limit = (): Trust => clients;
  const program = 'Docker daemon';
  yield* filesOfSettings(target, [
    { program, keys: ['tlscacert'], system: ['/etc/docker/daemon.json'], trust: limit },
  ]);
}

function podman(target: Target): CertificateFile[] {
  return registryDirectories(
    target,
    'Podman',
    ['/etc/containers/certs.d', '/usr/share/containers/certs.d'],
    ['.config/containers/certs.d'],
  );
}

const HOSTS = [
  '/etc/containerd/certs.d',
  '/var/lib/rancher/k3s/agent/etc/containerd/certs.d',
  '/var/lib/rancher/rke2/agent/etc/containerd/certs.d',
  '/var/snap/microk8s/current/args/certs.d',
];

/** `ca` of a hosts.toml is for that directory's host, or for the mirror in the heading above. */
function hostOf({ file, section }: NamedValue): Trust {
  const mirror = /^host\."([^"]+)"/.exec(section)?.[1];
  return registryTrust(mirror ?? posix.basename(posix.dirname(file)));
}

/** `[plugins."….cri".registry.configs."host".tls]` of older versions, BuildKit's `[registry."host"]`. */
function configuredHost({ section }: NamedValue): Trust {
  const host = /.*(?:configs|registry)\.(?:"([^"]+)"|([^."]+))/.exec(section);
  const name = host?.[1] ?? host?.[2];
  return name === undefined
    ? trustFor({ serverAuth: 'trusted' }, 'trusted for registries')
    : registryTrust(name);
}

const CONTAINERD: readonly SettingsRule[] = [
  {
    program: 'containerd',
    keys: ['ca'],
    system: HOSTS.map((path) => `${path}/*/hosts.toml`),
    relative: true,
    trust: hostOf,
  },
  {
    program: 'containerd',
    keys: ['ca_file'],
    system: [
      '/etc/containerd/config.toml',
      '/var/lib/rancher/k3s/agent/etc/containerd/config.toml',
      '/var/lib/rancher/rke2/agent/etc/containerd/config.toml',
    ],
    trust: configuredHost,
  },
  {
    program: 'k3s and RKE2',
    keys: ['ca_file'],
    system: ['/etc/rancher/k3s/registries.yaml', '/etc/rancher/rke2/registries.yaml'],
    trust: configuredHost,
  },
  {
    program: 'BuildKit',
    keys: ['ca'],
    system: ['/etc/buildkit/buildkitd.toml'],
    user: ['.config/buildkit/buildkitd.toml'],
    trust: configuredHost,
  },
];

function* containerd(target: Target): Generator<CertificateFile> {
  for (const directory of HOSTS) {
    // Without a hosts.toml containerd takes the directory as Docker does.
    for (const path of expandPaths(target, `${directory}/*`)) {
      const host = posix.basename(path);
      yield { path, application: `containerd (${host})`, wanted: isAuthority, trust: registryTrust(host) };
    }
  }
  yield* filesOfSettings(target, CONTAINERD);
}

const PLATFORMS = [...UNIX, 'win32'] as const;

export const stores = [
  certificateFileStore({
    id: 'docker',
    title: 'Docker: roots of single registries (certs.d) and of connections to the daemon',
    platforms: PLATFORMS,
    find: docker,
  }),
  certificateFileStore({
    id: 'podman',
    title: 'Podman, Buildah, Skopeo: roots of single registries (certs.d)',
    platforms: UNIX,
    find: podman,
  }),
  certificateFileStore({
    id: 'containerd',
    title: 'containerd, k3s, RKE2, BuildKit: roots of single registries',
    platforms: UNIX,
    find: containerd,
  }),
];
