import { readFileSync, writeFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Remediation } from '../../src/core/remediation.ts';
import type { StoreLocation } from '../../src/core/store.ts';
import type { Target } from '../../src/core/target.ts';
import { trustedForAll } from '../../src/core/trust.ts';
import { readPemFile } from '../../src/stores/shared/content.ts';
import { removeFromPemFiles } from '../../src/stores/shared/pem-removal.ts';
import { performActions } from '../support/actions.ts';
import { makeCertificate, tlv, toPem, type TestCertificate } from '../support/certificates.ts';
import { makeRoot, runCommands, type TestRoot } from '../support/root.ts';

const first = makeCertificate({ subject: { CN: 'First' } });
const second = makeCertificate({ subject: { CN: 'Second' } });
const certificates = [
  first,
  second,
  ...['Third', 'Fourth'].map((CN) => makeCertificate({ subject: { CN } })),
];
const [one, two, three] = certificates.map(({ pem }) => pem);
const FILE = '/etc/bundle.pem';
const LOCATION: StoreLocation = { path: FILE, application: 'x', scope: 'system', format: 'PEM' };
const KEY = '-----BEGIN PRIVATE KEY-----\nMC4=\n-----END PRIVATE KEY-----\n';

function planFor(target: Target, going: readonly TestCertificate[], path = FILE): Remediation {
  const wanted = new Set<string>(going.map(({ sha256 }) => sha256));
  const { anchors } = readPemFile(target, path, 'x', () => trustedForAll('listed'));
  const held = anchors.filter(({ certificate }) => wanted.has(certificate.sha256));
  return removeFromPemFiles(target, LOCATION, held);
}

/** What is left of the file by commands and by actions, which has to be the same; undefined where it is gone. */
function leftOf(content: string | Uint8Array, going: readonly TestCertificate[]): Buffer | undefined {
  const root = makeRoot({ [FILE]: content });
  const { commands, actions, undo } = planFor(root.target, going);
  expect(commands).not.toEqual([]);
  runCommands(commands);
  const left = contentOf(root);
  runCommands(undo);
  expect(contentOf(root)?.equals(Buffer.from(content))).toBe(true);
  performActions(root, actions ?? []);
  expect(contentOf(root)).toEqual(left);
  return left;
}

function contentOf(root: TestRoot): Buffer | undefined {
  try {
    return readFileSync(root.at(FILE));
  } catch {
    return undefined;
  }
}

describe('certificates of a PEM file', () => {
  const utf16 = (text: string): Buffer => Buffer.from(`\ufeff${text}`, 'utf16le');

  it.each<[string, string | Buffer, string | Buffer]>([
    ['among others', `# 1\n${one}# 2\n${two}# 3\n${three}`, `# 1\n# 2\n# 3\n${three}`],
    ['at the end, where the last line has no end', `${three}${one}${two?.trimEnd()}`, `${three}`],
    [
      'that begin where another one ends',
      `${three?.trimEnd()}${one?.trimEnd()}${two}`,
      `${three?.trimEnd()}\n`,
    ],
    ['that another one begins right after', `${one?.trimEnd()}${three}`, `${three}`],
    ['with DOS line ends', `${one}${three}`.replaceAll('\n', '\r\n'), `${three}`.replaceAll('\n', '\r\n')],
    [
      'with the line ends of old Macs',
      `# x\r${one}${three}`.replaceAll('\n', '\r'),
      `# x\r${three}`.replaceAll('\n', '\r'),
    ],
    ['with mixed line ends', `# x\r${one}# y\r\n${three}`, `# x\r# y\r\n${three}`],
    ['after a byte order mark', `\ufeff${one}${three}`, `\ufeff${three}`],
    ['in UTF-16', utf16(`# x\n${one}# y\n${three}`), utf16(`# x\n# y\n${three}`)],
    ['with blanks around them', `  ${one?.trimEnd()}\t\n${three}`, `${three}`],
    ['beside a private key, which stays', `${one}${KEY}`, KEY],
    ['with text on their lines', `x ${one?.trimEnd()} y\n${three}`, `x  y\n${three}`],
    ['with a NUL in a comment', `# \0\n${one}${three}`, `# \0\n${three}`],
    ['twice', `${one}${three}${one}`, `${three}`],
  ])('go %s', (_, content, left) => {
    expect(leftOf(content, [first, second])).toEqual(Buffer.from(left));
  });

  it('go with the file where it holds nothing else', () => {
    expect(leftOf(`# both\n${one}${two}`, [first, second])).toBeUndefined();
    expect(leftOf(first.der, [first])).toBeUndefined();
  });

  it('are left to a person where one block holds others too', () => {
    const signed = (...held: readonly TestCertificate[]): Buffer => {
      const all = tlv(0xa0, Buffer.concat(held.map(({ der }) => der)));
      const data = tlv(0x30, Buffer.from('06092a864886f70d010701', 'hex'));
      const version = Buffer.from('020101', 'hex');
      const body = tlv(
        0x30,
        Buffer.concat([version, tlv(0x31, Buffer.alloc(0)), data, all, tlv(0x31, Buffer.alloc(0))]),
      );
      return tlv(0x30, Buffer.concat([Buffer.from('06092a864886f70d010702', 'hex'), tlv(0xa0, body)]));
    };
    const content = `${three}${toPem(signed(first, second), 'PKCS7')}`;
    const plan = planFor(makeRoot({ [FILE]: content }).target, [first]);
    expect(plan).toMatchObject({ disposition: 'manual', commands: [] });
    expect(plan.actions).toBeUndefined();
    expect(leftOf(content, [first, second])?.toString()).toBe(three);
  });

  it.each(['a\n', `it's $(x) "y"`, 'a\u202eb', '-rf'])('go from a file named %j', (name) => {
    const path = `/etc/${name}`;
    const root = makeRoot({ [path]: `${one}${three}` });
    const { commands, actions = [], note } = planFor(root.target, [first], path);
    expect(actions).toHaveLength(1);
    if (name.endsWith('\n')) expect([commands, note]).toEqual([[], expect.stringContaining('by hand')]);
    else runCommands(commands);
    if (commands.length === 0) performActions(root, actions);
    expect(readFileSync(root.at(path), 'utf8')).toBe(three);
  });

  it('are not touched where the file is another by now', () => {
    const root = makeRoot({ [FILE]: `${one}${three}` });
    const { commands, actions = [] } = planFor(root.target, [first]);
    writeFileSync(root.at(FILE), `${three}${one}`);
    expect(() => runCommands(commands)).toThrow(/test/);
    expect(() => performActions(root, actions)).toThrow(/not the file/);
  });

  it('go and nothing else, whatever the file is made of', () => {
    const ends = fc.constantFrom('\n', '\r\n', '\r', '');
    const comment = fc.constantFrom('# note', 'text: x', '', ' ', '-----', KEY.trimEnd());
    const part = fc.record({ index: fc.nat(3), comment, before: ends, after: ends, fold: ends });
    fc.assert(
      fc.property(
        fc.array(part, { minLength: 1, maxLength: 6 }),
        fc.subarray([0, 1, 2, 3], { minLength: 1 }),
        (parts, going) => {
          const content = parts
            .map(({ index, comment: text, before, after, fold }) => {
              const pem = certificates[index]?.pem.trimEnd().replaceAll('\n', fold || '\n') ?? '';
              return `${text}${before}${pem}${after}`;
            })
            .join('');
          const root = makeRoot({ [FILE]: content });
          const outline = (): string[] =>
            readPemFile(root.target, FILE, 'x', () => trustedForAll('')).anchors.map(
              ({ certificate }) => certificate.sha256,
            );
          const wanted = going.flatMap((index) => certificates[index] ?? []);
          const before = outline();
          const staying = before.filter((sha256) => !wanted.some((each) => each.sha256 === sha256));
          if (staying.length === before.length) return;
          const { commands, actions = [], undo } = planFor(root.target, wanted);
          if (actions.length === 0) return;
          performActions(root, actions);
          const left = contentOf(root);
          expect(left === undefined ? [] : outline()).toEqual(staying);
          expect(left?.includes('PRIVATE KEY') ?? false).toBe(content.includes('PRIVATE KEY'));
          writeFileSync(root.at(FILE), content);
          runCommands(commands);
          expect(contentOf(root)).toEqual(left);
          runCommands(undo);
          expect(contentOf(root)?.toString()).toBe(content);
        },
      ),
      { numRuns: 60 },
    );
  });
});
