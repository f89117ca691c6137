/** Files and directories with hostile names, and comments that want to be more: the right ones go, and nothing runs. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { describe, expect, it } from 'vitest';
import { encodePath } from '../../src/core/shell.ts';
import { HOSTILE_NAMES } from '../support/hostile-names.ts';
import { certificatesNamed, expectNoInjection, fileNames, type Named } from '../support/injection.ts';
import { fastDirectory } from '../support/removal.ts';

function write(root: string, path: string, content: string): void {
  const full = encodePath(root + path);
  mkdirSync(encodePath(dirname(root + path)), { recursive: true });
  writeFileSync(full, content);
}

interface Layout {
  /** What stands around. */
  readonly files?: Readonly<Record<string, string>>;
  readonly names: readonly string[];
  readonly pathOf: (name: string) => string;
  readonly distrust?: true;
}

const LOCAL = '/usr/local/share/ca-certificates';
const PACKAGED = '/usr/share/ca-certificates';
const ANCHORS = '/etc/pki/ca-trust/source/anchors';
/** Names as lines of text: the script of Debian takes a backslash away. */
const inLines = fileNames('.crt').filter((name) => !/[\r\n\\\p{Cs}\ufffd]|^[#!\s]|\s$/u.test(name));

const layouts: Readonly<Record<string, Layout>> = {
  'files of Debian': {
    names: fileNames('.crt'),
    pathOf: (name) => `${LOCAL}/${name}.crt`,
  },
  'packaged files of Debian': {
    files: { '/etc/ca-certificates.conf': inLines.map((name) => `${name}.crt\n`).join('') },
    names: inLines,
    pathOf: (name) => `${PACKAGED}/${name}.crt`,
  },
  'anchors of p11-kit': { names: fileNames(), pathOf: (name) => `${ANCHORS}/${name}` },
  'anchors of p11-kit, to be refused': {
    names: fileNames(),
    pathOf: (name) => `${ANCHORS}/${name}`,
    distrust: true,
  },
  'hosts of Docker': { names: fileNames(), pathOf: (name) => `/etc/docker/certs.d/${name}/ca.crt` },
};

describe.skipIf(process.platform !== 'linux')('hostile names of', () => {
  it.each(Object.entries(layouts))('%s', async (_of, { files = {}, names, pathOf, distrust = false }) => {
    expect(names.length).toBeGreaterThan(200);
    const root = fastDirectory();
    const named = certificatesNamed(names);
    for (const [path, content] of Object.entries(files)) write(root, path, content);
    for (const { name, certificate } of named) write(root, pathOf(name), certificate.pem);
    const { plan, result } = await expectNoInjection(root, named, { distrust });
    expect(plan.stores.map(({ method }) => method)).not.toContain('hand');
    expect(result).toMatchObject({ left: [], alsoLost: [] });
  });

  it('comments in a bundle, which stays the same in all but the certificates', async () => {
    const root = fastDirectory();
    const named = certificatesNamed(HOSTILE_NAMES);
    const block = ({ name, certificate }: Named): string => `# ${name}\n${certificate.pem}`;
    write(root, '/etc/ssl/cert.pem', named.map(block).join(''));
    const { result } = await expectNoInjection(root, named);
    expect(result).toMatchObject({ verified: true, alsoLost: [] });
  });
});
