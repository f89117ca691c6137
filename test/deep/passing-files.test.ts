import { describe, expect, it } from 'vitest';
import type { DeepResult } from '../../src/core/embedded.ts';
import { FsError, type PassingFile } from '../../src/core/target.ts';
import { scanPrograms } from '../../src/deep/deep.ts';
import { openDirectory } from '../../src/targets/directory.ts';
import { makeCertificate } from '../support/certificates.ts';
import { makeTree } from '../support/tree.ts';

const bad = makeCertificate({ subject: { CN: 'Bad' } });
const padding = Buffer.alloc(300_000, 0x90);

/** In pieces of a size at which everything is cut somewhere. */
function inPieces(path: string, bytes: Buffer, size = 1013): PassingFile {
  async function* pieces(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
  }
  return { path, size: bytes.length, content: pieces() };
}

async function deep(...files: readonly PassingFile[]): Promise<DeepResult> {
  async function* eachFile(): AsyncGenerator<PassingFile> {
    yield* files;
  }
  const target = { ...openDirectory(makeTree({})), eachFile };
  return scanPrograms({ target, directories: [], wanted: ({ sha256 }) => sha256 === bad.sha256 });
}

describe('--deep on files that go by once', () => {
  it('finds a certificate wherever the pieces end', async () => {
    const { programs, problems } = await deep(inPieces('/a', Buffer.concat([padding, bad.der, padding])));
    expect(programs).toMatchObject([
      { path: '/a', format: 'file', certificates: 1, held: [{ entry: 'offset 0x493e0' }] },
    ]);
    expect(problems).toEqual([]);
  });

  it('tells that an archive in pieces was searched only as it lies there', async () => {
    const bytes = Buffer.concat([Buffer.from('504b0304', 'hex'), padding, bad.der]);
    const { programs, problems } = await deep(inPieces('/a.jar', bytes));
    expect(programs).toHaveLength(1);
    expect(problems).toMatchObject([{ code: 'too-large', path: '/a.jar' }]);
  });

  it('knows a file of a vendor that carries the certificate in order to refuse it', async () => {
    const text = Buffer.from('x'.repeat(1000) + 'x-distrusted: true');
    const { programs } = await deep(
      inPieces('/bad.p11-kit', Buffer.concat([text, bad.der])),
      inPieces('/other.p11-kit', bad.der),
    );
    expect(programs.map(({ path, carriesOnly }) => [path, carriesOnly])).toEqual([
      ['/bad.p11-kit', 'in a p11-kit file that distrusts it'],
      ['/other.p11-kit', undefined],
    ]);
  });

  it('goes on after a file that cannot be read', async () => {
    const read = (): number => {
      throw new FsError('io', '/a', 'a sparse file');
    };
    const broken: PassingFile = { path: '/a', size: 5, content: { size: 5, read, close: () => undefined } };
    const { programs, problems } = await deep(broken, inPieces('/b', bad.der));
    expect(programs.map(({ path }) => path)).toEqual(['/b']);
    expect(problems).toMatchObject([{ code: 'unreadable', path: '/a', message: 'a sparse file' }]);
  });
});
