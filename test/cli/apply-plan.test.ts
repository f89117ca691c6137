/** Stores that turn out to be impossible to change do not keep the others. */

import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PLANTS } from '../../src/selftest/plants.ts';
import { applyTo, planFor } from '../support/apply.ts';
import { makeCertificate } from '../support/certificates.ts';
import { differences, fastDirectory, treeAt, undoAll } from '../support/removal.ts';

const bad = makeCertificate({ subject: { CN: 'Planted Root' } });
const good = makeCertificate({ subject: { CN: 'Good Root' } });

/** Names of store types whose plants are put together; that of NSS is one that certutil does not open. */
function rootWith(...stores: readonly string[]): string {
  const root = fastDirectory();
  const files = PLANTS.filter(({ store, form }) => stores.includes(store) && form !== 'cert8.db').map(
    (each) => each.files(bad),
  );
  for (const [path, content] of files.flatMap((each) => Object.entries(each))) {
    if (path.endsWith('/')) continue;
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
  return root;
}

describe.skipIf(process.platform === 'win32')('a store that cannot be changed', () => {
  it('is named with the reason, and all others are changed', async () => {
    const root = rootWith('nss-user', 'docker', 'npm');
    const before = treeAt(root);
    const base = fastDirectory();
    const result = await applyTo(root, base, planFor(root, [bad.sha256]));
    expect(result.failed).toMatchObject([
      { store: 'nss-user:/home/u/.pki/nssdb', reason: expect.stringMatching(/certutil/) },
    ]);
    expect(result.left.map(({ store }) => store)).toEqual(['nss-user:/home/u/.pki/nssdb']);
    expect(result).toMatchObject({ verified: false, alsoLost: [] });
    expect(result.done).toHaveLength(2);
    await undoAll(base);
    expect(differences(before, treeAt(root))).toEqual([]);
  });

  it('and is the only one ends it, with nothing changed', async () => {
    const root = rootWith('nss-user');
    const before = treeAt(root);
    const base = fastDirectory();
    await expect(applyTo(root, base, planFor(root, [bad.sha256]))).rejects.toThrow(/certutil/);
    expect(differences(before, treeAt(root))).toEqual([]);
    expect(readdirSync(base)).toEqual([]);
  });

  it('because somebody changes it is left, and all others are changed', async () => {
    const root = rootWith('docker', 'podman');
    const planned = planFor(root, [bad.sha256]);
    writeFileSync(join(root, '/etc/docker/certs.d/reg.example/ca.crt'), good.pem + bad.pem);
    const result = await applyTo(root, fastDirectory(), planned);
    expect(result.failed).toMatchObject([
      {
        path: '/etc/docker/certs.d/reg.example',
        reason: expect.stringMatching(/changed since it was looked at/),
      },
    ]);
    expect(result.done).toHaveLength(1);
  });

  it('names all reasons where there are several and nothing else', async () => {
    const root = rootWith('docker', 'podman');
    const planned = planFor(root, [bad.sha256]);
    for (const each of ['docker', 'containers']) {
      writeFileSync(join(root, `/etc/${each}/certs.d/reg.example/ca.crt`), good.pem);
    }
    await expect(applyTo(root, fastDirectory(), planned)).rejects.toMatchObject({
      message: 'none of the stores can be changed',
      details: [expect.stringContaining('/etc/docker'), expect.stringContaining('/etc/containers')],
    });
  });
});
