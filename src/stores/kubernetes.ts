/**
 * Kubernetes: the authorities of clusters (https://kubernetes.io/docs/setup/best-practices/certificates) and those that
 * kubeconfig files name or hold. A cluster's own authority is meant to be there.
 */

import { asBuffer } from '../core/bytes.ts';
import type { StoreLocation, StoreType } from '../core/store.ts';
import type { Target } from '../core/target.ts';
import { trustFor } from '../core/trust.ts';
import { certificateFileStore, DESKTOPS, scopeOf, type CertificateFile } from './shared/certificate-files.ts';
import { readFile } from './shared/content.ts';
import { expandDirectories, expandInHome, expandPaths } from './shared/directories.ts';
import { environmentSettings } from './shared/environment-settings.ts';
import { readInline, removeInline, type InlineRule } from './shared/inline-pem.ts';
import { expandFilesInHome, filesNamedIn, resolvePath, type SettingsRule } from './shared/named-files.ts';

const AUTHORITIES: readonly string[] = [
  '/etc/kubernetes/pki/ca.crt',
  '/etc/kubernetes/pki/front-proxy-ca.crt',
  '/etc/kubernetes/pki/etcd/ca.crt',
  '/etc/kubernetes/ssl/ca.pem',
  '/etc/kubernetes/ssl/ca.crt',
  '/etc/kubernetes/ca.crt',
  '/var/lib/kubernetes/ca.crt',
  '/var/lib/kubelet/ca.crt',
  '/var/lib/kubelet/pki/ca.crt',
  '/var/lib/minikube/certs/ca.crt',
  '/var/lib/minikube/certs/front-proxy-ca.crt',
  '/var/lib/rancher/k3s/server/tls/server-ca.crt',
  '/var/lib/rancher/k3s/server/tls/client-ca.crt',
  '/var/lib/rancher/k3s/server/tls/request-header-ca.crt',
  '/var/lib/rancher/k3s/agent/server-ca.crt',
  '/var/lib/rancher/k3s/agent/client-ca.crt',
  '/var/lib/rancher/rke2/server/tls/server-ca.crt',
  '/var/lib/rancher/rke2/server/tls/client-ca.crt',
  '/var/lib/rancher/rke2/agent/server-ca.crt',
  '/var/lib/rancher/rke2/agent/client-ca.crt',
  '/var/snap/microk8s/current/certs/ca.crt',
  '/var/snap/microk8s/current/certs/front-proxy-ca.crt',
  '/var/lib/k0s/pki/ca.crt',
  '/var/run/secrets/kubernetes.io/serviceaccount/ca.crt',
  '/run/secrets/kubernetes.io/serviceaccount/ca.crt',
];
const USER_AUTHORITIES = ['.minikube/ca.crt', '.minikube/profiles/*/ca.crt', '.k0s/pki/ca.crt'];

const CONFIGS = [
  '/etc/kubernetes/*.conf',
  '/etc/rancher/k3s/k3s.yaml',
  '/etc/rancher/rke2/rke2.yaml',
  '/var/lib/kubelet/kubeconfig',
  '/var/snap/microk8s/current/credentials/*.config',
  '/var/lib/k0s/pki/*.conf',
];
const USER_CONFIGS = [
  '.kube/config',
  '.kube/*.yaml',
  '.kube/*.yml',
  '.kube/*.conf',
  '.kube/config.d/*',
  '.kube/configs/*',
];

const CLUSTER = trustFor(
  { serverAuth: 'trusted', clientAuth: 'trusted' },
  'authority of a cluster, for it only',
);
const SERVER = trustFor({ serverAuth: 'trusted' }, 'certificate-authority, for one cluster only');

const NAMED: SettingsRule = {
  program: 'kubeconfig',
  keys: ['certificate-authority'],
  relative: true,
  replaces: 'the roots of the system',
  trust: () => SERVER,
};

function* find(target: Target): Generator<CertificateFile> {
  const users = target.homes.flatMap(({ path }) => expandInHome(target, path, USER_AUTHORITIES));
  for (const path of [...AUTHORITIES.flatMap((pattern) => expandDirectories(target, pattern)), ...users]) {
    yield { path, application: 'Kubernetes (authority of a cluster)', trust: CLUSTER };
  }
  for (const path of configsOf(target)) {
    const home = target.homes.find((each) => path.startsWith(`${each.path}/`));
    yield* filesNamedIn(target, path, NAMED, home);
  }
}

function configsOf(target: Target): string[] {
  const variable = environmentSettings(target, ['KUBECONFIG']).flatMap(({ value, user }) => {
    const home = target.homes.find((each) => each.user === user)?.path;
    const paths = value.split(target.platform === 'win32' ? ';' : ':');
    return paths.flatMap((path) => resolvePath(path, home) ?? []);
  });
  const paths = [
    ...CONFIGS.flatMap((pattern) => expandPaths(target, pattern)),
    ...target.homes.flatMap((home) => expandFilesInHome(target, home, USER_CONFIGS)),
    ...variable,
  ];
  return [...new Set(paths)];
}

const DATA: InlineRule = {
  line: /^\s*(?:-\s+)?"?certificate-authority-data"?:\s*(\S+)/,
  decode: (value) => decodeBase64(value.replaceAll(/^["']|["']?,?$/g, '')),
  trust: trustFor({ serverAuth: 'trusted' }, 'certificate-authority-data, for one cluster only'),
  entry: 'certificate-authority-data',
};

/** What is no base64 is told as an empty file would be. */
function decodeBase64(text: string): Uint8Array {
  return /^[A-Za-z0-9+/]*={0,2}$/.test(text) ? Buffer.from(text, 'base64') : new Uint8Array();
}

const MAX_CONFIG_BYTES = 16 << 20;

const inline: StoreType = {
  id: 'kubeconfig',
  title: 'Authorities written into kubeconfig files',
  platforms: DESKTOPS,
  locate: (target) =>
    configsOf(target)
      .filter((path) => holdsData(target, path))
      .map((path): StoreLocation => ({
        path,
        application: `kubectl (${path})`,
        format: 'kubeconfig',
        ...scopeOf(target, path),
      })),
  read: (target, { path }) => [readInline(target, path, DATA)],
  planRemoval: (target, location, anchors) =>
    removeInline(
      target,
      location,
      anchors,
      DATA,
      'Without this line kubectl trusts the roots of the system for that cluster.',
    ),
};

/** A file that may not be read is a store whose reading says so. */
function holdsData(target: Target, path: string): boolean {
  const file = readFile(target, path, MAX_CONFIG_BYTES);
  if ('failed' in file) return file.failed.problems.length > 0;
  return asBuffer(file.bytes).includes('certificate-authority-data');
}

export const stores: readonly StoreType[] = [
  certificateFileStore({
    id: 'kubernetes',
    title: 'Kubernetes: authorities of clusters, and files that kubeconfig names',
    find,
  }),
  inline,
];
