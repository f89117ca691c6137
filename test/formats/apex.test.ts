import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readApexDirectory } from '../../src/formats/apex.ts';
import { ext4Image } from '../../src/selftest/ext4-image.ts';
import { zip } from '../../src/selftest/zip-file.ts';
import { unless } from '../support/nss.ts';
import { makeTemporaryDirectory } from '../support/tree.ts';

const LIMITS = { maxFileBytes: 1 << 20, maxFiles: 1000, maxTotalBytes: 4 << 20 };
const PAYLOAD = 'apex_payload.img';
const image = ext4Image({ 'cacerts/01234567.0': Buffer.from('one'), 'lib/x': Buffer.from('x') });
const manifest = { 'apex_manifest.pb': Buffer.from('manifest') };
const apex = (payload: Uint8Array = image): Buffer =>
  zip({ ...manifest, [PAYLOAD]: payload }, { stored: true });
const capex = (original: Uint8Array, stored = false): Buffer =>
  zip({ ...manifest, original_apex: original }, { stored });

function outline(bytes: Uint8Array): string[] {
  const { entries, diagnostics } = readApexDirectory(bytes, 'cacerts', LIMITS);
  return [
    ...entries.map(
      ({ place, name, bytes: content }) => `${place} ${name}: ${Buffer.from(content).toString()}`,
    ),
    ...diagnostics.map(({ level, code, message }) => `${level} ${code}: ${message}`),
  ];
}

const FOUND = `${PAYLOAD}!cacerts/01234567.0 01234567.0: one`;
const mark = (value: number): Buffer => {
  const bytes = Buffer.alloc(4096);
  bytes.writeUInt32LE(value, 1024);
  return bytes;
};

describe('a module of Android', () => {
  it.each<[string, Buffer, string]>([
    ['as it is', apex(), FOUND],
    ['with an image that is packed', zip({ [PAYLOAD]: image }), FOUND],
    ['that is packed', capex(apex()), `original_apex!${FOUND}`],
    ['that is in another, not packed', capex(apex(), true), `original_apex!${FOUND}`],
  ])('%s gives the files of the directory', (_what, bytes, expected) => {
    expect(outline(bytes)).toEqual([expected]);
  });

  it.each<[string, Uint8Array, string]>([
    ['of no bytes', Buffer.alloc(0), 'malformed: no ZIP archive, as every module is'],
    ['that is no archive', Buffer.alloc(9000, 'x'), 'malformed: no ZIP archive, as every module is'],
    ['cut off', apex().subarray(0, 9000), 'malformed: no ZIP archive, as every module is'],
    ['without an image', zip(manifest), `malformed: no ${PAYLOAD} in it`],
    ['without an image in it', capex(zip(manifest)), `malformed: original_apex: no ${PAYLOAD} in it`],
    ['in it of another kind', capex(image), 'malformed: original_apex: no ZIP archive, as every module is'],
    ['in a module in a module', capex(capex(apex())), `malformed: original_apex: no ${PAYLOAD} in it`],
    [
      'with an encrypted image',
      zip({ [PAYLOAD]: image }, { stored: true, flags: 1 }),
      `unsupported: ${PAYLOAD} is encrypted or packed in a way that is not read here`,
    ],
    [
      'with EROFS',
      apex(mark(0xe0f5_e1e2)),
      `unsupported: ${PAYLOAD}: EROFS, a file system that is not read here`,
    ],
    [
      'with F2FS',
      apex(mark(0xf2f5_2010)),
      `unsupported: ${PAYLOAD}: F2FS, a file system that is not read here`,
    ],
    ['with something else', apex(mark(0)), `malformed: ${PAYLOAD}: no file system that is known here`],
    ['with nothing', apex(Buffer.alloc(0)), `malformed: ${PAYLOAD}: no file system that is known here`],
    [
      'with half of an image',
      apex(image.subarray(0, 4096)),
      `truncated: ${PAYLOAD}: descriptor of group 0 lies outside of the image`,
    ],
    [
      'that unpacks to more than it may',
      zip({ [PAYLOAD]: Buffer.alloc((64 << 20) + 1) }),
      'limit: unpacks to more than it may',
    ],
  ])('%s is one problem', (_what, bytes, expected) => {
    expect(outline(bytes)).toEqual([`error ${expected}`]);
  });

  it('never makes anything throw or hang, whatever its bytes', () => {
    for (const whole of [apex(), capex(apex())]) {
      const change = fc.tuple(fc.nat(whole.length - 1), fc.nat(255), fc.boolean());
      fc.assert(
        fc.property(fc.array(change, { maxLength: 12 }), fc.nat(whole.length), (changes, cut) => {
          const bytes = Buffer.from(whole);
          for (const [at, octet, atEnd] of changes) bytes[atEnd ? whole.length - 1 - (at % 250) : at] = octet;
          const { entries, diagnostics } = readApexDirectory(
            bytes.subarray(cut % 5 === 0 ? cut : 0),
            'cacerts',
            LIMITS,
          );
          expect(entries.length).toBeLessThanOrEqual(2);
          expect(diagnostics.length).toBeLessThanOrEqual(101);
        }),
        { numRuns: 500 },
      );
    }
  });
});

const hasZip = spawnSync('zip', ['-v'], { stdio: 'ignore' }).status === 0;

describe.skipIf(!hasZip)(`a module made by zip${unless(hasZip, 'zip')}`, () => {
  it('reads as one of ours', () => {
    const directory = makeTemporaryDirectory();
    const pack = (level: string, to: string, from: string): void => {
      execFileSync('zip', ['-q', level, to, from], { cwd: directory });
    };
    writeFileSync(join(directory, PAYLOAD), image);
    pack('-0', 'module.apex', PAYLOAD);
    copyFileSync(join(directory, 'module.apex'), join(directory, 'original_apex'));
    pack('-9', 'module.capex', 'original_apex');
    expect(outline(readFileSync(join(directory, 'module.apex')))).toEqual([FOUND]);
    expect(outline(readFileSync(join(directory, 'module.capex')))).toEqual([`original_apex!${FOUND}`]);
  });
});
