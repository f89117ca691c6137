import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type {
  Advisory,
  BlockedCertificate,
  Manifest,
  NameRule,
  RootPrograms,
} from '../../src/blocklist/advisory.ts';

const SCRIPT = fileURLToPath(new URL('../../scripts/blocklist.mjs', import.meta.url));
const BLOCKLISTS = fileURLToPath(new URL('../../blocklists', import.meta.url));
const ADVISORIES = ['superfish', 'camerfirma-still-shipped', 'savitech'];

const folder = mkdtempSync(join(tmpdir(), 'rootaudit-blocklist-'));
const sound = join(folder, 'sound');
const copy = join(folder, 'copy');

beforeAll(makeSoundBlocklist);
beforeEach(() => {
  rmSync(copy, { recursive: true, force: true });
  cpSync(sound, copy, { recursive: true });
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

function runBlocklist(...options: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [SCRIPT, ...options], { encoding: 'utf8' });
  return { status, stdout, problems: stderr.trimEnd().split('\n') };
}

/** A small blocklist: three advisories, their certificates, and everything else. */
function makeSoundBlocklist(): void {
  for (const part of ['schema', 'root-programs.json', 'manifest.json']) {
    cpSync(join(BLOCKLISTS, part), join(sound, part), { recursive: true });
  }
  for (const id of ADVISORIES) {
    cpSync(join(BLOCKLISTS, `advisories/${id}.json`), join(sound, `advisories/${id}.json`));
    for (const { sha256, pem } of readAdvisory(sound, id).certificates) {
      const file = `certificates/${sha256}.pem`;
      if (pem) cpSync(join(BLOCKLISTS, file), join(sound, file));
    }
  }
  runBlocklist(sound);
}

function readJson<T>(file: string, isRight: (value: unknown) => value is T): T {
  const value: unknown = JSON.parse(readFileSync(file, 'utf8'));
  if (!isRight(value)) throw new TypeError(`${file} is something else`);
  return value;
}

const hasField =
  <T>(field: string & keyof T) =>
  (value: unknown): value is T =>
    typeof value === 'object' && value !== null && field in value;

function readAdvisory(root: string, id: string): Advisory {
  return readJson(join(root, `advisories/${id}.json`), hasField<Advisory>('certificates'));
}

function writeJson(root: string, file: string, value: unknown): void {
  writeFileSync(join(root, file), `${JSON.stringify(value, null, 2)}\n`);
}

type Damage = (root: string) => void;

const setAdvisory =
  (changes: object, id = 'superfish'): Damage =>
  (root) =>
    writeJson(root, `advisories/${id}.json`, { ...readAdvisory(root, id), ...changes });

const setCertificate =
  (changes: Partial<Record<keyof BlockedCertificate, unknown>>, id = 'superfish'): Damage =>
  (root) => {
    const [first, ...rest] = readAdvisory(root, id).certificates;
    setAdvisory({ certificates: [{ ...first, ...changes }, ...rest] }, id)(root);
  };

const setName =
  (changes: Partial<NameRule>): Damage =>
  (root) => {
    const [first, ...rest] = readAdvisory(root, 'superfish').names;
    setAdvisory({ names: [{ ...first, ...changes }, ...rest] })(root);
  };

const setManifest =
  (change: (files: Record<string, string>) => void): Damage =>
  (root) => {
    const manifest = readJson(join(root, 'manifest.json'), hasField<Manifest>('files'));
    const files = { ...manifest.files };
    change(files);
    writeJson(root, 'manifest.json', { ...manifest, files });
  };

const SUPERFISH = 'b6fe9151402bad1c06d7e66db67a26aa7356f2e6c644dbcf9f98968ff632e1b7';
const SUPERFISH_ID = 'superfish-inc-b6fe9151';
const SUPERFISH_FILE = 'advisories/superfish.json';
const SUPERFISH_PEM = `certificates/${SUPERFISH}.pem`;
const CAMERFIRMA_FILE = 'advisories/camerfirma-still-shipped.json';
const CAMERFIRMA_ID = 'chambers-of-commerce-root-2008-063e4afa';
const ZEROS = '0'.repeat(64);
const LIMITED = { program: 'chrome', action: 'date-limited', date: null, url: null };

const DAMAGES: [what: string, damage: Damage, problem: string][] = [
  [
    'a file that is not JSON',
    (root) => writeFileSync(join(root, SUPERFISH_FILE), '{'),
    `${SUPERFISH_FILE}: not JSON`,
  ],
  [
    'a file in another form',
    (root) => writeFileSync(join(root, SUPERFISH_FILE), JSON.stringify(readAdvisory(root, 'superfish'))),
    `${SUPERFISH_FILE}: not in the standard form`,
  ],
  ['an unknown field', setAdvisory({ colour: 'red' }), 'must NOT have additional properties (colour)'],
  ['an unknown severity', setAdvisory({ severity: 'dire' }), '/severity must be equal to one of'],
  ['no reference', setAdvisory({ references: [] }), '/references must NOT have fewer than 1 items'],
  [
    'a reference without https',
    setAdvisory({ references: ['http://example.org/'] }),
    '/references/0 must match pattern',
  ],
  ['an advisory that lists nothing', setAdvisory({ certificates: [], names: [] }), 'lists nothing'],
  ['an id that is not the file name', setAdvisory({ id: 'sailfish' }), 'id is "sailfish"'],
  ['a short fingerprint', setCertificate({ sha1: 'c864' }), '/certificates/0/sha1 must match pattern'],
  [
    'an upper-case fingerprint',
    setCertificate({ sha256: SUPERFISH.toUpperCase() }),
    '/certificates/0/sha256 must match pattern',
  ],
  [
    'a certificate that nothing identifies',
    setCertificate({ sha1: undefined }, 'savitech'),
    '/certificates/0 cannot be identified',
  ],
  ['a wrong sha1', setCertificate({ sha1: ZEROS.slice(24) }), `${SUPERFISH_ID}: sha1 of ${SUPERFISH_PEM} is`],
  [
    'a wrong key hash',
    setCertificate({ spkiSha256: ZEROS }),
    `${SUPERFISH_ID}: spkiSha256 of ${SUPERFISH_PEM} is`,
  ],
  [
    'a wrong serial number',
    setCertificate({ serialNumber: '01' }),
    `${SUPERFISH_ID}: serialNumber of ${SUPERFISH_PEM} is`,
  ],
  ['a PEM file denied', setCertificate({ pem: false }), `${SUPERFISH_ID}: pem is false but there is`],
  [
    'a PEM file missing',
    (root) => rmSync(join(root, SUPERFISH_PEM)),
    `${SUPERFISH_ID}: pem is true but there is no ${SUPERFISH_PEM}`,
  ],
  [
    'a PEM file with text around the block',
    (root) =>
      writeFileSync(join(root, SUPERFISH_PEM), `# hello\n${readFileSync(join(root, SUPERFISH_PEM), 'utf8')}`),
    `${SUPERFISH_PEM}: not one plain PEM block`,
  ],
  [
    'a PEM file that holds something else',
    (root) =>
      writeFileSync(
        join(root, SUPERFISH_PEM),
        '-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n',
      ),
    `${SUPERFISH_PEM}: not a certificate`,
  ],
  [
    'a PEM file of no advisory',
    (root) => writeFileSync(join(root, `certificates/${ZEROS}.pem`), ''),
    `certificates/${ZEROS}.pem: belongs to no advisory`,
  ],
  [
    'the same certificate in two advisories',
    (root) => setAdvisory({ certificates: readAdvisory(root, 'superfish').certificates }, 'savitech')(root),
    `sha256 ${SUPERFISH} is already in`,
  ],
  [
    'the same name rule twice',
    (root) => setAdvisory({ names: readAdvisory(root, 'superfish').names }, 'savitech')(root),
    'name rule superfish-name-cn is already in',
  ],
  ['a pattern that does not compile', setName({ attributes: { CN: '(' } }), 'Invalid regular expression'],
  ['a pattern in capitals', setName({ attributes: { CN: 'Superfish' } }), 'pattern is not lower case'],
  ['a nested quantifier', setName({ attributes: { CN: '(a+)+' } }), 'superfish-name-cn: nested quantifier'],
  [
    'a repeated choice',
    setName({ attributes: { CN: '((?:a|aa)b?)*' } }),
    'superfish-name-cn: nested quantifier',
  ],
  ['a pattern that matches an empty value', setName({ attributes: { CN: '.*' } }), 'matches an empty value'],
  ['a look-ahead', setName({ attributes: { CN: '(?=a)a' } }), 'look-around or back-reference'],
  ['an unknown attribute', setName({ attributes: { cn: 'a' } }), '/names/0/attributes'],
  [
    'a still shipped root above low',
    setAdvisory({ severity: 'medium' }, 'camerfirma-still-shipped'),
    `${CAMERFIRMA_FILE}: ${CAMERFIRMA_ID} is still shipped, so low at most`,
  ],
  [
    'a trusted root above low, though the record does not say so',
    (root) => {
      setAdvisory({ severity: 'medium' }, 'camerfirma-still-shipped')(root);
      setCertificate({ stillShippedBy: undefined }, 'camerfirma-still-shipped')(root);
    },
    `${CAMERFIRMA_FILE}: ${CAMERFIRMA_ID} is trusted today, so low at most`,
  ],
  [
    'a root above low that is only limited by date',
    setCertificate({ distrustedBy: [LIMITED] }),
    `${SUPERFISH_FILE}: ${SUPERFISH_ID} has date or purpose limits only, so low at most`,
  ],
  [
    'a root that Windows requires',
    (root) => {
      const programs = readJson(join(root, 'root-programs.json'), hasField<RootPrograms>('roots'));
      writeJson(root, 'root-programs.json', { ...programs, windowsRequired: [SUPERFISH] });
    },
    `${SUPERFISH_FILE}: ${SUPERFISH_ID} is required by Windows`,
  ],
  [
    'a file that was changed',
    setAdvisory({ title: 'Changed' }),
    `manifest.json: wrong digest for ${SUPERFISH_FILE}`,
  ],
  [
    'a file that is not in the manifest',
    setManifest((files) => delete files[SUPERFISH_FILE]),
    `manifest.json: ${SUPERFISH_FILE} is not listed`,
  ],
  [
    'a file of the manifest that is missing',
    setManifest((files) => (files['advisories/gone.json'] = ZEROS)),
    'manifest.json: advisories/gone.json is listed but missing',
  ],
];

describe('blocklist lint', () => {
  it('passes the blocklist of this repository', () => {
    const { status, stdout, problems } = runBlocklist('--check');
    expect(problems).toEqual(['']);
    expect(stdout).toMatch(
      /^blocklist \S+: \d+ advisories, \d+ certificates and keys, \d+ PEM files, \d+ name rules\n$/,
    );
    expect(status).toBe(0);
  });

  it('passes a sound copy', () => {
    const { status, problems } = runBlocklist('--check', copy);
    expect(problems).toEqual(['']);
    expect(status).toBe(0);
  });

  it('repairs digests when asked to write', () => {
    setAdvisory({ title: 'Changed' })(copy);
    expect(runBlocklist('--check', copy).status).toBe(1);
    expect(runBlocklist(copy).status).toBe(0);
    expect(runBlocklist('--check', copy).status).toBe(0);
  });

  it.each(DAMAGES)('finds %s', (_what, damage, problem) => {
    damage(copy);
    const { status, problems } = runBlocklist('--check', copy);
    expect(
      problems.some((line) => line.includes(problem)),
      problems.join('\n'),
    ).toBe(true);
    expect(status).toBe(1);
  });
});
