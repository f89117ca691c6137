import { chmodSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { stores } from '../../src/stores/containers.ts';
import { makeCertificate, type TestCertificate } from '../support/certificates.ts';
import { foundIn, removeAndUndo } from '../support/certificate-files.ts';
import { makeRoot } from '../support/root.ts';

let a: TestCertificate;
let b: TestCertificate;
beforeAll(() => {
  a = makeCertificate({ subject: { CN: 'A' } });
  b = makeCertificate({ subject: { CN: 'B' } });
});

const REGISTRY = 'trusted for the registry reg.example:5000 only (trusted)';

describe('roots of single registries', () => {
  it.each([
    ['docker', '/etc/docker/certs.d/reg.example:5000'],
    ['docker', '/home/ann/.docker/certs.d/reg.example:5000'],
    ['podman', '/etc/containers/certs.d/reg.example:5000'],
    ['podman', '/home/ann/.config/containers/certs.d/reg.example:5000'],
    ['containerd', '/etc/containerd/certs.d/reg.example:5000'],
  ])('of %s lie in %s', (id, directory) => {
    const root = makeRoot({
      [`${directory}/ca.crt`]: a.pem,
      [`${directory}/client.cert`]: b.pem,
      [`${directory}/client.key`]: 'secret',
    });
    expect(foundIn(stores, root)).toEqual([`${id} ${directory}: ${REGISTRY}`]);
    expect(removeAndUndo(stores, root, a, `${directory}/ca.crt`)).toMatchObject({
      disposition: 'safe',
      after: undefined,
      restored: true,
    });
  });

  it.each([
    ['/etc/containerd/certs.d/reg.example:5000/hosts.toml', 'server = "https://x"\nca = "/opt/ca.pem"\n'],
    [
      '/etc/containerd/certs.d/_default/hosts.toml',
      '[host."reg.example:5000"]\n  capabilities = ["pull"]\n  ca = ["/opt/ca.pem"]\n',
    ],
    ['/etc/buildkit/buildkitd.toml', '[registry."reg.example:5000"]\n  ca=["/opt/ca.pem"]\n'],
    [
      '/etc/containerd/config.toml',
      '[plugins."io.containerd.grpc.v1.cri".registry.configs."reg.example:5000".tls]\n  ca_file = "/opt/ca.pem"\n',
    ],
  ])('are named in %s', (path, text) => {
    const root = makeRoot({ [path]: text, '/opt/ca.pem': a.pem });
    expect(foundIn(stores, root)).toEqual([`containerd /opt/ca.pem: ${REGISTRY}`]);
  });

  it('are named relative to hosts.toml, several on a line', () => {
    const directory = '/etc/containerd/certs.d/reg.example:5000';
    const root = makeRoot({
      [`${directory}/hosts.toml`]: 'ca = ["one.pem", "/opt/two.pem"]\n',
      [`${directory}/one.pem`]: a.pem,
      '/opt/two.pem': b.pem,
    });
    expect(foundIn(stores, root)).toEqual([
      `containerd ${directory}/one.pem: ${REGISTRY}`,
      `containerd /opt/two.pem: ${REGISTRY}`,
    ]);
    expect(removeAndUndo(stores, root, a, `${directory}/hosts.toml`)).toMatchObject({
      disposition: 'manual',
    });
  });

  it('of k3s are named in registries.yaml', () => {
    const root = makeRoot({
      '/etc/rancher/k3s/registries.yaml': 'configs:\n  "r":\n    tls:\n      ca_file: /opt/ca.pem\n',
      '/opt/ca.pem': a.pem,
    });
    expect(foundIn(stores, root)).toEqual(['containerd /opt/ca.pem: trusted for registries (trusted)']);
  });
});

it('Docker has authorities for its daemon and its clients', () => {
  const root = makeRoot({
    '/home/ann/.docker/ca.pem': a.pem,
    '/etc/docker/daemon.json': '{\n  "tlscacert": "/etc/docker/clients.pem",\n  "debug": true\n}\n',
    '/etc/docker/clients.pem': b.pem,
  });
  expect(foundIn(stores, root)).toEqual([
    'docker /home/ann/.docker/ca.pem: ca.pem, for the Docker daemon only (trusted)',
    'docker /etc/docker/clients.pem: tlscacert, for clients of the Docker daemon (trusted)',
  ]);
});

it.skipIf(process.getuid?.() === 0)(
  'a directory that may not be read is a problem (skipped: as root, everything may)',
  () => {
    const root = makeRoot({ '/etc/docker/certs.d/r/ca.crt': a.pem });
    chmodSync(root.at('/etc/docker/certs.d/r'), 0o000);
    const found = foundIn(stores, root);
    chmodSync(root.at('/etc/docker/certs.d/r'), 0o755);
    expect(found).toEqual(['docker /etc/docker/certs.d/r ! unreadable']);
  },
);
