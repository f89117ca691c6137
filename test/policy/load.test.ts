import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { RootauditError } from '../../src/core/errors.ts';
import { findPolicy, readPolicy } from '../../src/policy/load.ts';
import type { Policy } from '../../src/policy/policy.ts';
import { readCertificates } from '../../src/stores/shared/any-file.ts';
import { makeCertificate } from '../support/certificates.ts';
import { makeTree, type Node } from '../support/tree.ts';

const POLICY = 'version: 1\n';

describe('the policy of a directory', () => {
  const found = (tree: Readonly<Record<string, Node>>, from: string): string | undefined => {
    const top = makeTree({ '/top/.git/HEAD': '', ...tree });
    mkdirSync(join(top, from), { recursive: true });
    return findPolicy(join(top, from), undefined)?.slice(top.length);
  };

  it.each([
    ['is in it', { '/top/rootaudit.yaml': POLICY }, '/top', '/top/rootaudit.yaml'],
    [
      'is the nearest above it',
      { '/top/rootaudit.yaml': POLICY, '/top/a/rootaudit.yaml': POLICY },
      '/top/a/b/c',
      '/top/a/rootaudit.yaml',
    ],
    [
      'is at the root of the repository',
      { '/top/rootaudit.yaml': POLICY },
      '/top/a/b',
      '/top/rootaudit.yaml',
    ],
    ['is not above the repository', { '/rootaudit.yaml': POLICY }, '/top/a', undefined],
    [
      'is not above a work tree',
      { '/rootaudit.yaml': POLICY, '/top/tree/.git': 'gitdir: x' },
      '/top/tree/a',
      undefined,
    ],
  ])('%s', (_what, tree, from, expected) => {
    expect(found(tree, from)).toBe(expected);
  });

  it('is refused when its name is nearly right, because it would silently not count', () => {
    expect(() => found({ '/top/rootaudit.yml': POLICY }, '/top')).toThrow('a policy is named rootaudit.yaml');
  });

  it('is refused when it belongs to somebody else', () => {
    const top = makeTree({ '/rootaudit.yaml': POLICY });
    const uid = process.getuid?.() ?? 0;
    expect(findPolicy(top, new Set([uid]))).toBe(join(top, 'rootaudit.yaml'));
    expect(() => findPolicy(top, new Set([uid + 1]))).toThrow('belongs to another user');
  });
});

async function read(tree: Readonly<Record<string, Node>>): Promise<Policy> {
  const top = makeTree(tree);
  return readPolicy(join(top, 'p/rootaudit.yaml'), {
    shownAs: 'rootaudit.yaml',
    storeTypes: ['java-cacerts'],
    readCertificates,
  });
}

async function failure(tree: Readonly<Record<string, Node>>): Promise<readonly string[]> {
  try {
    await read(tree);
  } catch (error) {
    if (error instanceof RootauditError) return [error.message, ...error.details];
    throw error;
  }
  return [];
}

describe('a policy file', () => {
  it.each([
    ['that is missing', {}, ['rootaudit.yaml does not exist']],
    ['that is a directory', { '/p/rootaudit.yaml/x': '' }, ['rootaudit.yaml is not a file']],
    [
      'that is no text',
      { '/p/rootaudit.yaml': Buffer.from('ff00ff', 'hex') },
      ['rootaudit.yaml is not UTF-8 text'],
    ],
    ['that is huge', { '/p/rootaudit.yaml': '#'.repeat(300_000) }, ['rootaudit.yaml is larger than 256 KiB']],
    [
      'with mistakes, in the order of the file',
      { '/p/rootaudit.yaml': 'version: 1\nwaivers:\n  - {}\nallow: 3' },
      [
        '5 mistakes in rootaudit.yaml',
        'rootaudit.yaml:3:5: a waiver needs "reason"',
        'rootaudit.yaml:3:5: a waiver needs "owner"',
        'rootaudit.yaml:3:5: a waiver needs "expires"',
        'rootaudit.yaml:3:5: a waiver needs advisory, sha256 or spki: a name is not enough, anybody can use it',
        'rootaudit.yaml:4:8: allow must be a list, and is a single value',
      ],
    ],
  ])('%s is refused', async (_what, tree, messages) => {
    expect(await failure(tree)).toEqual(messages);
  });

  it.skipIf(process.getuid?.() === 0)('without permission is refused', async () => {
    const top = makeTree({ '/rootaudit.yaml': POLICY });
    const file = join(top, 'rootaudit.yaml');
    chmodSync(file, 0);
    const options = { shownAs: 'rootaudit.yaml', storeTypes: [], readCertificates };
    await expect(readPolicy(file, options)).rejects.toThrow('cannot be read');
  });

  it('that is a pipe is not waited for', async () => {
    const top = makeTree({ '/x': '' });
    const file = join(top, 'rootaudit.yaml');
    execFileSync('mkfifo', [file]);
    const options = { shownAs: 'pipe', storeTypes: [], readCertificates };
    await expect(readPolicy(file, options)).rejects.toThrow('pipe is not a file');
  });
});

describe('a file of roots', () => {
  const one = makeCertificate({ subject: { CN: 'One' } });
  const two = makeCertificate({ subject: { CN: 'Two' } });
  const colons = two.sha256.toUpperCase().replaceAll(/..(?=.)/g, '$&:');

  const only = (roots: string | Uint8Array, name = 'roots.txt'): Readonly<Record<string, Node>> => ({
    '/p/rootaudit.yaml': `version: 1\nonly:\n  - file: ${name}`,
    '/p/roots.txt': roots,
    '/roots.txt': roots,
  });

  it.each([
    ['certificates in PEM', one.pem + two.pem, [one.sha256, two.sha256]],
    ['a certificate in DER', one.der, [one.sha256]],
    [
      'fingerprints, a line each',
      `# ours\r\n${one.sha256}\r\n\r\n${colons} # two\r\n`,
      [one.sha256, two.sha256],
    ],
    ['what sha256sum prints', `${one.sha256}  one.der\n`, [one.sha256]],
    ['what openssl prints', `sha256 Fingerprint=${colons}\n`, [two.sha256]],
  ])('can hold %s', async (_what, roots, expected) => {
    const policy = await read(only(roots));
    expect([...(policy.only?.[0]?.sha256 ?? [])]).toEqual(expected);
  });

  it('lies relative to the policy', async () => {
    expect((await read(only(one.pem, '../roots.txt'))).only?.[0]?.sha256?.size).toBe(1);
  });

  it.each([
    ['nothing', '', 'roots.txt names no root'],
    ['comments alone', '# nothing\n', 'roots.txt names no root'],
    [
      'a line of another kind',
      `${one.sha256}\nsecret line\n`,
      'roots.txt:2: neither a certificate nor a SHA-256 fingerprint',
    ],
    ['a SHA-1 fingerprint', 'ab'.repeat(20), 'roots.txt:1: neither a certificate nor a SHA-256 fingerprint'],
    [
      'a fingerprint with too many digits',
      'ab'.repeat(33),
      'roots.txt:1: neither a certificate nor a SHA-256 fingerprint',
    ],
  ])('is refused with %s', async (_what, roots, message) => {
    expect(await failure(only(roots))).toEqual([
      '1 mistake in rootaudit.yaml',
      `rootaudit.yaml:3:11: ${message}`,
    ]);
  });

  it('is refused when it is not there', async () => {
    const messages = await failure({ '/p/rootaudit.yaml': 'version: 1\nonly:\n  - file: gone.pem' });
    expect(messages).toContain('rootaudit.yaml:3:11: gone.pem does not exist');
  });

  it('is refused when it is huge', async () => {
    const tree = only('');
    const top = makeTree(tree);
    writeFileSync(join(top, 'p/roots.txt'), Buffer.alloc((16 << 20) + 1, '#'));
    const options = { shownAs: 'rootaudit.yaml', storeTypes: [], readCertificates };
    await expect(readPolicy(join(top, 'p/rootaudit.yaml'), options)).rejects.toMatchObject({
      details: ['rootaudit.yaml:3:11: roots.txt is larger than 16384 KiB'],
    });
  });
});
