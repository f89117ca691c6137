import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync, readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { stores } from '../../src/stores/kubernetes.ts';
import { makeCertificate, type TestCertificate } from '../support/certificates.ts';
import { foundIn, planFor, removeAndUndo } from '../support/certificate-files.ts';
import { makeRoot } from '../support/root.ts';

let a: TestCertificate;
let b: TestCertificate;
beforeAll(() => {
  a = makeCertificate({ subject: { CN: 'A' } });
  b = makeCertificate({ subject: { CN: 'B' } });
});

const CONFIG = '/home/ann/.kube/config';
const DATA = `kubeconfig ${CONFIG}: certificate-authority-data, for one cluster only (trusted)`;
const data = ({ pem }: TestCertificate): string => Buffer.from(pem).toString('base64');

describe('Kubernetes', () => {
  it.each([
    '/etc/kubernetes/pki/ca.crt',
    '/etc/kubernetes/pki/etcd/ca.crt',
    '/var/lib/rancher/k3s/server/tls/server-ca.crt',
    '/var/run/secrets/kubernetes.io/serviceaccount/ca.crt',
    '/home/ann/.minikube/ca.crt',
  ])('has the authority of a cluster at %s', (path) => {
    expect(foundIn(stores, makeRoot({ [path]: a.pem }))).toEqual([
      `kubernetes ${path}: authority of a cluster, for it only (trusted)`,
    ]);
  });

  it('has files that a kubeconfig names, also relative to it', () => {
    const text = `clusters:\n- cluster:\n    certificate-authority: /opt/ca.pem\n- cluster:\n    certificate-authority: two.pem\n`;
    const root = makeRoot({ [CONFIG]: text, '/opt/ca.pem': a.pem, '/home/ann/.kube/two.pem': b.pem });
    const words = 'certificate-authority, for one cluster only (trusted)';
    expect(foundIn(stores, root)).toEqual([
      `kubernetes /opt/ca.pem: ${words}`,
      `kubernetes /home/ann/.kube/two.pem: ${words}`,
    ]);
  });

  it('has certificates in kubeconfig, and loses exactly that line', () => {
    const text = `clusters:\n- cluster:\n    certificate-authority-data: ${data(a)}\n    server: https://x\n- cluster:\n    certificate-authority-data: ${data(b)}\nusers:\n- user:\n    client-certificate-data: ${data(b)}\n`;
    const root = makeRoot({ [CONFIG]: text });
    expect(foundIn(stores, root)).toEqual([DATA, DATA]);
    const outcome = removeAndUndo(stores, root, a, CONFIG);
    expect(outcome).toMatchObject({
      disposition: 'unsafe',
      after: text.replace(`    certificate-authority-data: ${data(a)}\n`, ''),
      restored: true,
    });
  });

  it('as the first key of a list is for a person to change', () => {
    const root = makeRoot({ [CONFIG]: `- certificate-authority-data: ${data(a)}\n  server: x\n` });
    expect(foundIn(stores, root)).toEqual([DATA]);
    expect(planFor(stores, root, a).disposition).toBe('manual');
  });

  it.each([
    ['no base64', 'certificate-authority-data: "&&&"', []],
    ['no certificate', 'certificate-authority-data: aGVsbG8gd29ybGQ=', [`kubeconfig ${CONFIG} ! malformed`]],
  ])('with %s: %s', (_, text, expected) => {
    expect(foundIn(stores, makeRoot({ [CONFIG]: text }))).toEqual(expected);
  });

  const kubectl = spawnSync('kubectl', ['version', '--client']).status === 0;
  it.skipIf(!kubectl)('reads what the real kubectl writes (skipped where there is none)', () => {
    const root = makeRoot({ '/home/ann/.kube/ca.pem': a.pem });
    mkdirSync(root.at('/opt'));
    writeFileSync(root.at('/opt/b.pem'), b.pem);
    const set = (name: string, file: string, embed: boolean): void => {
      const { status } = spawnSync('kubectl', [
        'config',
        `--kubeconfig=${root.at(CONFIG)}`,
        'set-cluster',
        name,
        '--server=https://127.0.0.1:6443',
        `--certificate-authority=${root.at(file)}`,
        `--embed-certs=${embed}`,
      ]);
      expect(status).toBe(0);
    };
    set('one', '/home/ann/.kube/ca.pem', false);
    set('two', '/opt/b.pem', true);
    expect(readFileSync(root.at(CONFIG), 'utf8')).toContain('certificate-authority: ca.pem');
    expect(foundIn(stores, root)).toEqual([
      'kubernetes /home/ann/.kube/ca.pem: certificate-authority, for one cluster only (trusted)',
      DATA,
    ]);
    const { commands } = planFor(stores, root, b);
    for (const command of commands) expect(spawnSync('sh', ['-euc', command]).status).toBe(0);
    const view = spawnSync('kubectl', ['config', `--kubeconfig=${root.at(CONFIG)}`, 'view', '--raw'], {
      encoding: 'utf8',
    });
    expect(view.stdout).toContain('name: two');
    expect(view.stdout).not.toContain('certificate-authority-data');
  });
});
