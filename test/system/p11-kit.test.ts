/**
 * A root laid out like Fedora and RHEL, with the real p11-kit inside. Debian's build of p11-kit has another path
 * compiled in, so the module's configuration names Fedora's; and update-ca-trust, which Debian lacks, is written here
 * as Fedora's ca-certificates package has it: one call of `trust extract` per file. The parsing, the rules of trust and
 * the files are p11-kit's.
 */

import { chmodSync, mkdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { makeCertificate, toPem } from '../support/certificates.ts';
import { scanReport } from '../support/rootaudit.ts';
import { copyRoot, inside, makeChroot, findLibrary } from './support/chroot.ts';
import { blocklistOf, expectRemovalAndUndo } from './support/lifecycle.ts';
import { expectGoneTogether } from './support/together.ts';
import { acceptedInside, fingerprintsIn, isAcceptedWith, trustedByBundle } from './support/openssl.ts';
import { describeWith } from './support/tools.ts';

const SOURCE = '/etc/pki/ca-trust/source';
const PACKAGED = '/usr/share/pki/ca-trust-source';
const EXTRACTED = '/etc/pki/ca-trust/extracted';
const TLS_BUNDLE = `${EXTRACTED}/pem/tls-ca-bundle.pem`;
const DIRECTORY = `${EXTRACTED}/pem/directory-hash`;

const MODULE = `module: p11-kit-trust.so
priority: 1
trust-policy: yes
x-init-reserved: paths='${SOURCE}:${PACKAGED}'
`;

/** https://src.fedoraproject.org/rpms/ca-certificates/blob/rawhide/f/update-ca-trust */
const UPDATE_CA_TRUST = `#!/bin/sh
set -e
DEST=${EXTRACTED}
export P11_KIT_NO_USER_CONFIG=1
trust extract --format=openssl-bundle --filter=certificates --overwrite --comment $DEST/openssl/ca-bundle.trust.crt
trust extract --format=pem-bundle --filter=ca-anchors --overwrite --comment --purpose server-auth $DEST/pem/tls-ca-bundle.pem
trust extract --format=pem-bundle --filter=ca-anchors --overwrite --comment --purpose email $DEST/pem/email-ca-bundle.pem
trust extract --format=pem-bundle --filter=ca-anchors --overwrite --comment --purpose code-signing $DEST/pem/objsign-ca-bundle.pem
trust extract --format=java-cacerts --filter=ca-anchors --overwrite --purpose server-auth $DEST/java/cacerts
trust extract --format=edk2-cacerts --filter=ca-anchors --overwrite --purpose=server-auth $DEST/edk2/cacerts.bin
trust extract --format=pem-directory-hash --filter=ca-anchors --overwrite --purpose server-auth $DEST/pem/directory-hash
`;

const bad = makeCertificate({ subject: { C: 'KZ', O: 'State', CN: 'Planted Root' } });
const neighbours = ['One', 'Two'].map((name) => makeCertificate({ subject: { CN: `Neighbour ${name}` } }));
const [one, two] = neighbours.map(({ pem }) => pem);
const blocklist = blocklistOf(bad);

const library = findLibrary('pkcs11/p11-kit-trust.so');

const p11KitObject = (pem: string, ...fields: readonly string[]): string =>
  ['[p11-kit-object-v1]', 'class: certificate', ...fields, pem].join('\n');

describeWith(
  ['root', 'chroot', 'trust', 'openssl', ...(library === undefined ? ['p11-kit-trust.so'] : [])],
  'p11-kit',
  () => {
    let base = '';
    beforeAll(() => {
      base = makeChroot(['trust', library ?? '']);
      write(base, '/usr/share/p11-kit/modules/p11-kit-trust.module', MODULE);
      write(base, '/usr/bin/update-ca-trust', UPDATE_CA_TRUST);
      chmodSync(join(base, '/usr/bin/update-ca-trust'), 0o755);
      for (const part of ['anchors', 'blocklist']) mkdirSync(join(base, SOURCE, part), { recursive: true });
      for (const part of ['pem', 'openssl', 'java', 'edk2'])
        mkdirSync(join(base, EXTRACTED, part), { recursive: true });
      write(base, `${PACKAGED}/ca-bundle.trust.p11-kit`, p11KitObject(one ?? '', 'trusted: true'));
      write(base, `${SOURCE}/anchors/neighbour.pem`, two ?? '');
    });

    function write(root: string, path: string, content: string | Uint8Array): void {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), content);
      utimesSync(join(root, path), 1_500_000_000, 1_500_000_000);
    }

    function fedora(files: Readonly<Record<string, string | Uint8Array>>): string {
      const root = copyRoot(base);
      for (const [path, content] of Object.entries(files)) write(root, path, content);
      inside(root, 'update-ca-trust');
      return root;
    }

    /** Lines for each of the files that p11-kit extracted. */
    function trusted(root: string): string[] {
      const directory = inside(root, 'sh', '-c', `cat ${DIRECTORY}/*.pem`);
      const edk2 = readFileSync(join(root, EXTRACTED, 'edk2/cacerts.bin'));
      const java = readFileSync(join(root, EXTRACTED, 'java/cacerts'));
      const binary = [...neighbours, bad].flatMap(({ der, sha256 }) => [
        ...(edk2.includes(der) ? [`edk2: ${sha256}`] : []),
        ...(java.includes(der) ? [`java: ${sha256}`] : []),
      ]);
      return [
        ...['tls', 'email', 'objsign'].flatMap((purpose) =>
          trustedByBundle(join(root, EXTRACTED, `pem/${purpose}-ca-bundle.pem`)).map(
            (line) => `${purpose} ${line}`,
          ),
        ),
        ...fingerprintsIn(directory).map((sha256) => `directory: ${sha256}`),
        ...binary,
      ];
    }

    /** `trust list` itself names the anchor. */
    function accepted(root: string): string[] {
      const list = inside(root, 'trust', 'list', '--filter=ca-anchors');
      return [
        ...(list.includes('label: Planted Root') ? ['trust list'] : []),
        ...acceptedInside(root, bad.pem, TLS_BUNDLE, DIRECTORY),
      ];
    }

    function expectPromiseKept(root: string, disposition: 'safe' | 'unsafe' = 'safe'): void {
      expectRemovalAndUndo({
        root,
        blocklist,
        certificate: bad,
        removedFrom: [`rhel-anchors:${SOURCE}`],
        disposition,
        sources: [SOURCE, PACKAGED],
        // The keystore in java/ carries the time at which it was made.
        generated: ['pem', 'openssl', 'edk2'].map((part) => `${EXTRACTED}/${part}`),
        trusted: () => trusted(root),
        acceptedBy: () => accepted(root),
      });
    }

    describe('an anchor of the administrator goes, and comes back', () => {
      it.each([
        ['planted.pem', bad.pem],
        ['no extension at all', bad.pem],
        [`it's $(touch pwned) "ü" a|b&c;d.crt`, bad.pem],
        ['-rf.pem', bad.pem],
        ['planted.der', bad.der],
        ['planted.p11-kit', p11KitObject(bad.pem, 'trusted: true')],
        ['bundle.pem', `${one ?? ''}# comment\n${bad.pem}${two ?? ''}`],
      ])('as %s', (name, content) => {
        expectPromiseKept(fedora({ [`${SOURCE}/anchors/${name}`]: content }));
      });

      it('when it is trusted by its own words, beside the anchors', () => {
        expectPromiseKept(fedora({ [`${SOURCE}/planted.p11-kit`]: p11KitObject(bad.pem, 'trusted: true') }));
      });

      it('in one file with another object', () => {
        const text = `${p11KitObject(bad.pem, 'trusted: true')}\n${p11KitObject(makeCertificate({ subject: { CN: 'Third' } }).pem, 'trusted: true')}`;
        expectPromiseKept(fedora({ [`${SOURCE}/both.p11-kit`]: text }));
      });
    });

    it.each([
      ['in a file of its own', `${PACKAGED}/anchors/planted.pem`, bad.pem],
      ['among others', `${PACKAGED}/more.p11-kit`, p11KitObject(bad.pem, 'trusted: true')],
    ])('a root of a package, %s, is distrusted, and comes back', (_how, path, content) => {
      expectPromiseKept(fedora({ [path]: content }));
    });

    it.each([
      [
        'blocked by the administrator',
        { [`${SOURCE}/blocklist/x.pem`]: bad.pem, [`${PACKAGED}/anchors/x.pem`]: bad.pem },
        'mitigated',
      ],
      [
        'distrusted by its own words',
        { [`${SOURCE}/anchors/x.p11-kit`]: p11KitObject(bad.pem, 'x-distrusted: true') },
        'mitigated',
      ],
      ['held beside the anchors', { [`${SOURCE}/x.pem`]: bad.pem }, 'present'],
      [
        'in a directory that p11-kit does not enter',
        { [`${SOURCE}/anchors/deeper/x.pem`]: bad.pem },
        undefined,
      ],
      [
        'in a block that p11-kit does not read',
        { [`${SOURCE}/anchors/x.pem`]: toPem(bad.der, 'X509 CERTIFICATE') },
        'present',
      ],
    ] as const)('a certificate %s is not trusted, which p11-kit confirms', (_what, files, status) => {
      const root = fedora(files);
      expect(accepted(root)).toEqual([]);
      const report = scanReport(['--root', root, '--blocklist', blocklist, '--mitigated']);
      const trusting = report.findings.flatMap(({ locations }) =>
        locations.filter(({ trust }) => trust === 'trusted'),
      );
      expect({ exitCode: report.exitCode, trusting }).toEqual({ exitCode: 0, trusting: [] });
      expect(report.findings.map((finding) => finding.status)).toEqual(status === undefined ? [] : [status]);
    });

    it('a certificate both trusted and blocked by the administrator stays trusted in the file for OpenSSL', () => {
      // p11-kit writes it there without the purposes that it rejects; `openssl verify` takes it.
      const root = fedora({ [`${SOURCE}/blocklist/x.pem`]: bad.pem, [`${SOURCE}/anchors/x.pem`]: bad.pem });
      const path = `${EXTRACTED}/openssl/ca-bundle.trust.crt`;
      expect(isAcceptedWith(bad.pem, join(root, path))).toBe(true);
      const { findings } = scanReport(['--root', root, '--blocklist', blocklist]);
      expect(
        findings.flatMap(({ locations }) =>
          locations.filter(({ trust }) => trust === 'trusted').map((each) => each.path),
        ),
      ).toEqual([path]);
    });

    it('several roots, of the administrator and of a package, go with one plan, and come back', () => {
      const third = makeCertificate({ subject: { CN: 'Third' } });
      const fourth = makeCertificate({ subject: { CN: 'Fourth' } });
      const root = fedora({
        [`${SOURCE}/anchors/both.pem`]: `# x\n${bad.pem}${two ?? ''}${third.pem}`,
        [`${PACKAGED}/anchors/third.pem`]: third.pem,
        [`${PACKAGED}/anchors/fourth.pem`]: fourth.pem,
      });
      expectGoneTogether({
        root,
        store: `rhel-anchors:${SOURCE}`,
        certificates: [bad, third, fourth],
        trusted,
      });
    });

    it('a certificate that only the extracted files still have goes with new ones', () => {
      const root = fedora({});
      const bundle = readFileSync(join(root, TLS_BUNDLE), 'utf8');
      write(root, TLS_BUNDLE, bundle + bad.pem);
      expectRemovalAndUndo({
        root,
        blocklist,
        certificate: bad,
        removedFrom: [`rhel-bundle:${TLS_BUNDLE}`],
        sources: [SOURCE, PACKAGED, TLS_BUNDLE],
        trusted: () => trusted(root),
        acceptedBy: () => accepted(root),
      });
    });
  },
);
