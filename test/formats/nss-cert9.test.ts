import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { trustStatus } from '../../src/core/trust.ts';
import { parseCert9, type Cert9Files } from '../../src/formats/nss-cert9.ts';
import { makeCertificate, type TestCertificate } from '../support/certificates.ts';
import {
  addToNss,
  certutil,
  hasCertutil,
  hasPython,
  makeNssDatabase,
  python,
  unless,
} from '../support/nss.ts';
import { hasSample, sample } from '../support/root.ts';
import { makeTemporaryDirectory } from '../support/tree.ts';

function filesIn(directory: string): Cert9Files {
  const key4 = join(directory, 'key4.db');
  return {
    main: readFileSync(join(directory, 'cert9.db')),
    ...(existsSync(key4) && { key4: { main: readFileSync(key4) } }),
  };
}

/** One line per certificate: "nickname | expressed | status". */
function lines(files: Cert9Files): string[] {
  return parseCert9(files).entries.map(
    ({ nickname, trust }) => `${nickname} | ${trust.expressed} | ${trustStatus(trust)}`,
  );
}

/** What certutil -L prints, by nickname. */
function listed(directory: string): Map<string, string> {
  const rows = certutil('-L', '-d', `sql:${directory}`).split('\n');
  return new Map(
    rows.flatMap((row): [string, string][] => {
      const match = /^(\S.*?)\s{2,}(\S*,\S*,\S*)\s*$/.exec(row);
      return match ? [[match[1] ?? '', match[2] ?? '']] : [];
    }),
  );
}

describe.skipIf(!hasCertutil)(`trust as certutil writes it${unless(hasCertutil, 'certutil of NSS')}`, () => {
  const flags = [
    'C,,',
    'T,,',
    'CT,C,C',
    'c,,',
    'p,p,p',
    'P,P,P',
    'pc,,',
    'Pc,,',
    'CP,,',
    'cT,,',
    'TP,,',
    'w,,',
  ];
  const more = [
    ',C,',
    ',,C',
    'C,T,T',
    'Tp,,',
    'Cc,,',
    ',T,',
    'cC,p,P',
    'pC,,',
    'Pp,,',
    'c,c,c',
    'TC,P,p',
    ',,',
  ];
  const all = [...flags, ...more];
  let directory = '';
  let shown = new Map<string, string>();
  let read = new Map<string, string>();
  beforeAll(() => {
    directory = makeTemporaryDirectory();
    makeNssDatabase(directory);
    for (const flag of all) {
      addToNss(directory, makeCertificate({ subject: { CN: `Root ${flag}` } }), `n ${flag}`, flag);
    }
    shown = listed(directory);
    read = new Map(
      parseCert9(filesIn(directory)).entries.map(({ nickname, trust }) => [nickname, trust.expressed]),
    );
  });

  it.each(all)('%s is expressed as certutil prints it', (flag) => {
    const expected = shown.get(`n ${flag}`);
    expect(expected).toBeDefined();
    const expressed = read.get(`n ${flag}`) ?? '';
    // What "w" stores, and what is stored for a built-in root that is switched off, prints as nothing.
    if (flag === 'w,,') expect(expressed).toBe(',, (must verify: switches a built-in root off)');
    else if (flag === ',,') expect(expressed).toBe('no trust');
    else expect(expressed).toBe(expected);
  });

  it('knows which certificates have their private key here, as certutil does', () => {
    const own = makeTemporaryDirectory();
    makeNssDatabase(own);
    const noise = join(own, 'noise');
    python(own, `open(${JSON.stringify(noise)}, 'wb').write(os.urandom(64))`);
    const subject = 'CN=Own Root';
    certutil(
      '-S',
      '-d',
      `sql:${own}`,
      '-n',
      'own',
      '-s',
      subject,
      '-x',
      '-t',
      'CT,C,',
      '-z',
      noise,
      '-k',
      'ec',
      '-q',
      'nistp256',
    );
    expect(listed(own).get('own')).toBe('CTu,Cu,u');
    expect(lines(filesIn(own))).toEqual(['own | CTu,Cu,u | trusted']);
  });
});

describe.skipIf(!hasCertutil || !hasPython)(
  `signatures over trust in key4.db${unless(hasCertutil && hasPython, 'certutil or python3')}`,
  () => {
    let directory = '';
    beforeAll(() => {
      directory = makeTemporaryDirectory();
      makeNssDatabase(directory);
      addToNss(directory, makeCertificate({ subject: { CN: 'One' } }), 'one', 'C,,');
      addToNss(directory, makeCertificate({ subject: { CN: 'Two' } }), 'two', 'p,p,p');
      python(
        directory,
        `c = sqlite3.connect('key4.db'); c.execute("delete from metaData where id like 'sig_cert%'"); c.commit()`,
      );
    });

    it('that are missing leave trust standing, with a word about it, but not distrust', () => {
      expect(lines(filesIn(directory))).toEqual([
        'one | C,, (signature missing) | trusted',
        'two | p,p,p (signature missing) | present',
      ]);
      // Both are without effect for NSS itself.
      expect([...listed(directory).values()]).toEqual([',,', ',,']);
    });

    it('are not looked at without key4.db, or with one that cannot be read', () => {
      const { main } = filesIn(directory);
      expect(lines({ main })).toEqual(['one | C,, | trusted', 'two | p,p,p | mitigated']);
      const { diagnostics } = parseCert9({ main, key4: { main: Buffer.alloc(100) } });
      expect(diagnostics.map(({ level, message }) => `${level}: ${message}`).join()).toMatch(
        /^note: key4.db cannot be read/,
      );
    });
  },
);

/** A row of nssPublic: column name to hex. */
type Row = Readonly<Record<string, string>>;

const CERTIFICATE = '00000001';
const NSS_TRUST = 'ce534353';
const PKCS11_TRUST = '0000000b';

function hashOf(algorithm: string, { der }: TestCertificate): string {
  return createHash(algorithm).update(der).digest('hex');
}

function certificateRow(root: TestCertificate, over: Row = {}): Row {
  return {
    a0: CERTIFICATE,
    a11: root.der.toString('hex'),
    a3: '6e',
    a80: '00000000',
    a81: root.name.toString('hex'),
    a82: '020101',
    ...over,
  };
}

/** The older kind of trust record: server, client, code, e-mail. */
function oldTrust(root: TestCertificate, values: readonly string[], over: Row = {}): Row {
  const columns = ['ace536358', 'ace536359', 'ace53635a', 'ace53635b'];
  const levels = Object.fromEntries(values.map((value, index) => [columns[index], `ce5343${value}`]));
  return {
    a0: NSS_TRUST,
    a81: root.name.toString('hex'),
    a82: '020101',
    ace5363b4: hashOf('sha1', root),
    ...levels,
    ...over,
  };
}

function newTrust(root: TestCertificate, values: readonly string[], over: Row = {}): Row {
  const columns = ['a62c', 'a62d', 'a62e', 'a62f'];
  const levels = Object.fromEntries(values.map((value, index) => [columns[index], `0000000${value}`]));
  return {
    a0: PKCS11_TRUST,
    a81: root.name.toString('hex'),
    a82: '020101',
    a635: hashOf('sha256', root),
    a8c: '00000250',
    ...levels,
    ...over,
  };
}

function database(rows: readonly Row[]): Cert9Files {
  const directory = makeTemporaryDirectory();
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))].toSorted();
  python(
    directory,
    `rows = json.loads(${JSON.stringify(JSON.stringify(rows))}); cols = json.loads(${JSON.stringify(JSON.stringify(columns))})
c = sqlite3.connect('cert9.db')
c.execute('create table nssPublic(id PRIMARY KEY UNIQUE ON CONFLICT ABORT, %s)' % ', '.join(cols))
for i, row in enumerate(rows):
    values = [None if k not in row else bytes.fromhex(row[k]) for k in cols]
    c.execute('insert into nssPublic values(?%s)' % (', ?' * len(cols)), [i + 1] + values)
c.commit()`,
  );
  return filesIn(directory);
}

describe.skipIf(!hasPython)(`trust records${unless(hasPython, 'python3 with sqlite3')}`, () => {
  const root = makeCertificate({ subject: { CN: 'Root' }, serial: Buffer.of(1) });
  const other = makeCertificate({ subject: { CN: 'Root' }, serial: Buffer.of(1) });
  const C = ['52', '5b', '53', '53'];
  const P = ['5a', '5a', '5a', '5a'];

  it.each<[string, readonly Row[], string]>([
    ['none at all', [], 'n | no trust | present'],
    ['the older kind', [oldTrust(root, C)], 'n | C,, | trusted'],
    ['the newer kind', [newTrust(root, ['2', '4', '4', '4'])], 'n | C,, | trusted'],
    ['the newer kind, distrusted', [newTrust(root, ['3', '3', '3', '3'])], 'n | p,p,p | mitigated'],
    [
      'both kinds: the newer one wins',
      [oldTrust(root, C), newTrust(root, ['3', '3', '3', '3'])],
      'n | p,p,p | mitigated',
    ],
    ['the hash of another certificate', [oldTrust(other, C)], 'n | no trust | present'],
    ['another serial number', [oldTrust(root, C, { a82: '020102' })], 'n | no trust | present'],
    ['trust without a hash', [oldTrust(root, C, { ace5363b4: 'a5005a' })], 'n | no trust | present'],
    ['distrust without a hash', [oldTrust(root, P, { ace5363b4: 'a5005a' })], 'n | p,p,p | mitigated'],
    [
      'a SHA-1 hash in the newer kind',
      [newTrust(root, ['2'], { a635: hashOf('sha1', root), a8c: '00000220' })],
      'n | C,, | trusted',
    ],
    ['a hash of an unknown kind', [newTrust(root, ['2'], { a8c: '000002ff' })], 'n | C,, | trusted'],
    [
      'must verify for all',
      [oldTrust(root, ['53', '53', '53', '53'])],
      'n | ,, (must verify: switches a built-in root off) | present',
    ],
    ['trust to issue for clients only', [oldTrust(root, ['5b', '52', '53', '53'])], 'n | T,, | trusted'],
    [
      "a value in the machine's own form",
      [newTrust(root, [], { a62c: '0200000000000000' })],
      'n | C,, | trusted',
    ],
    ['a value without meaning', [newTrust(root, ['9'])], 'n | ,, | present'],
    ['two that agree', [oldTrust(root, P), oldTrust(root, P)], 'n | p,p,p | mitigated'],
    [
      'two that disagree',
      [oldTrust(root, P), oldTrust(root, C)],
      'n | p,p,p and C,, (conflicting records) | trusted',
    ],
  ])('%s', (_, records, expected) => {
    expect(lines(database([certificateRow(root), ...records]))).toEqual([expected]);
  });

  it('say for which purposes they count', () => {
    const [entry] = parseCert9(
      database([certificateRow(root), oldTrust(root, ['52', '5a', '51', '53'])]),
    ).entries;
    expect(entry?.trust.purposes).toEqual({
      serverAuth: 'trusted',
      clientAuth: 'distrusted',
      codeSigning: 'trusted',
      emailProtection: 'neutral',
      timeStamping: 'neutral',
    });
    expect(entry?.trustObjects).toEqual(['CKO_NSS_TRUST']);
  });

  it.each<[string, readonly Row[], RegExp]>([
    ['a value without meaning', [newTrust(root, ['9'])], /unknown values for serverAuth/],
    ['the hash of another certificate', [oldTrust(other, C)], /hash of another certificate ignored: C,,/],
    ['no hash', [oldTrust(root, C, { ace5363b4: 'a5005a' })], /without a hash ignored/],
    [
      'two kinds that disagree',
      [oldTrust(root, C), newTrust(root, ['3', '3', '3', '3'])],
      /before 3.114 reads another trust record here: C,,/,
    ],
  ])('leave a note about %s', (_, records, expected) => {
    const [entry] = parseCert9(database([certificateRow(root), ...records])).entries;
    expect(entry?.notes.join()).toMatch(expected);
  });

  it('for certificates that are not stored are notes', () => {
    const { entries, diagnostics } = parseCert9(database([oldTrust(root, P)]));
    expect(entries).toEqual([]);
    const message =
      'trust record "p,p,p" for a certificate that is not stored: issuer CN=Root, serial 020101';
    expect(diagnostics).toEqual([{ level: 'note', code: 'note', message }]);
  });
});

describe.skipIf(!hasPython)(`objects of cert9.db${unless(hasPython, 'python3 with sqlite3')}`, () => {
  const root = makeCertificate({ subject: { CN: 'Root' } });

  it('with an empty or a foreign nickname are kept', () => {
    const files = database([
      certificateRow(root, { a3: 'a5005a' }),
      certificateRow(root, { a3: 'ff' }),
      certificateRow(root, { a3: 'c3a4' }),
    ]);
    const entries = parseCert9(files).entries.map(({ nickname, nicknameExact }) => [nickname, nicknameExact]);
    expect(entries).toEqual([
      ['', true],
      ['\ufffd', false],
      ['ä', true],
    ]);
  });

  it('other than certificates are passed over', () => {
    const files = database([
      certificateRow(root, { a0: 'ce534351' }),
      certificateRow(root, { a0: '00000002' }),
      certificateRow(root, { a80: '00000002' }),
    ]);
    expect(parseCert9(files)).toEqual({ entries: [], diagnostics: [] });
  });

  it('that are certificates without content, or too large, are errors', () => {
    const files = database([
      certificateRow(root, { a11: 'a5005a' }),
      certificateRow(root, { a11: '00'.repeat((1 << 20) + 1) }),
    ]);
    const { entries, diagnostics } = parseCert9(files);
    expect(entries).toEqual([]);
    expect(diagnostics.map(({ level, code }) => `${level} ${code}`)).toEqual([
      'error malformed',
      'error too-large',
    ]);
  });

  it('find their trust record by the names in the certificate when the row lacks them', () => {
    const numbered = makeCertificate({ subject: { CN: 'Root' }, serial: Buffer.of(1) });
    const { a81: _issuer, a82: _serial, ...bare } = certificateRow(numbered);
    expect(lines(database([bare, oldTrust(numbered, ['52'])]))).toEqual(['n | C,, | trusted']);
  });

  it('are missing when there is no table for them: an error', () => {
    const directory = makeTemporaryDirectory();
    python(directory, `c = sqlite3.connect('cert9.db'); c.execute('create table t(a)'); c.commit()`);
    expect(parseCert9(filesIn(directory)).diagnostics.map(({ message }) => message)).toEqual([
      'no NSS database: it has no table nssPublic',
    ]);
  });

  it('in damaged files never make the parser throw', () => {
    const { main } = database([certificateRow(root), oldTrust(root, ['52']), newTrust(root, ['2'])]);
    const edit = fc.tuple(fc.nat(main.length - 1), fc.integer({ min: 0, max: 255 }));
    fc.assert(
      fc.property(fc.nat(main.length), fc.array(edit, { maxLength: 30 }), (length, edits) => {
        const bytes = Buffer.from(main);
        for (const [at, value] of edits) bytes[at] = value;
        parseCert9({ main: bytes, key4: { main: bytes } });
        parseCert9({ main: bytes.subarray(0, length), wal: bytes, journal: bytes });
      }),
      { numRuns: 200, interruptAfterTimeLimit: 20_000 },
    );
  });
});

const hasSamples = hasSample('nss-cert9');

describe.skipIf(!hasSamples)(`sample databases${unless(hasSamples, 'the directory of samples')}`, () => {
  it.each([
    ['builtin-root-deleted', ['ISRG Root X1 | ,, (must verify: switches a built-in root off) | present']],
    ['cko-trust-synthetic', ['RA Root 1 | C,, | trusted', 'RA Root 2 | p,p,p | mitigated']],
    ['trusted-and-distrusted', ['RA Root 1 | C,, | trusted', 'RA Root 2 | p,p,p | mitigated']],
  ])('%s reads as expected', (name, expected) => {
    const key4 = `nss-cert9/${name}/key4.db`;
    const files = {
      main: sample(`nss-cert9/${name}/cert9.db`),
      ...(hasSample(key4) && { key4: { main: sample(key4) } }),
    };
    expect(lines(files)).toEqual(expected);
  });

  it("of NSS's own tests, with the columns of 2010, is read whole", () => {
    const { entries, diagnostics } = parseCert9({ main: sample('nss-cert9/nss-bigdb-cert9.db') });
    expect(diagnostics).toEqual([]);
    expect(entries).toHaveLength(100);
  });
});
