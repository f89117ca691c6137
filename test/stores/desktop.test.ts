import { beforeAll, describe, expect, it } from 'vitest';
import { stores } from '../../src/stores/desktop.ts';
import { readWhole } from '../../src/stores/shared/content.ts';
import { makeCertificate, type TestCertificate } from '../support/certificates.ts';
import { foundIn, removeAndUndo } from '../support/certificate-files.ts';
import { addToNss, hasCertutil, makeNssDatabase, unless } from '../support/nss.ts';
import { hasSample, makeRoot, sample, type TestRoot } from '../support/root.ts';

let a: TestCertificate;
let b: TestCertificate;
beforeAll(() => {
  a = makeCertificate({ subject: { CN: 'A' } });
  b = makeCertificate({ subject: { CN: 'B' } });
});

const places = ({ target }: TestRoot): string[] =>
  stores.flatMap((store) =>
    store.locate(target).map(({ path, application }) => `${store.id} ${path} ${application}`),
  );

const settings = (value: string, name = 'CertDir'): string =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<oor:items xmlns:oor="http://openoffice.org/2001/registry">
<item oor:path="/org.openoffice.Office.Common/Security/Scripting"><prop oor:name="${name}" oor:op="fuse"><value>${value}</value></prop></item>
</oor:items>\n`;
const OFFICE = '/home/ann/.config/libreoffice/4/user/registrymodifications.xcu';

describe('databases of desktop programs', () => {
  it.each([
    ['evolution', '/home/ann/.local/share/evolution', 'Evolution'],
    ['evolution', '/home/ann/.var/app/org.gnome.Evolution/data/evolution', 'Evolution'],
    ['netscape', '/home/ann/.netscape', 'Netscape'],
  ])('%s in %s', (id, directory, program) => {
    const root = makeRoot({ [`${directory}/cert9.db`]: '' });
    expect(places(root)).toEqual([`${id} ${directory} ${program} (ann)`]);
  });

  it.each([
    ['a path', settings('/opt/nss')],
    ['a path with a mark for NSS', settings('sql:/opt/nss/')],
    ['a URL', settings('file:///opt/nss')],
    ['the newer name', settings('/opt/nss', 'ManualCertDir')],
    ['both names', settings('/opt/nss') + settings('/opt/nss', 'ManualCertDir')],
  ])('the directory that LibreOffice is set to, by %s', (_, text) => {
    const root = makeRoot({ [OFFICE]: text, '/opt/nss/cert9.db': '' });
    expect(places(root)).toEqual(['libreoffice /opt/nss LibreOffice (ann)']);
  });

  it('and by its variable', () => {
    const root = makeRoot({
      '/etc/environment': 'MOZILLA_CERTIFICATE_FOLDER=sql:/opt/nss\n',
      '/opt/nss/cert9.db': '',
    });
    expect(places(root)).toEqual(['libreoffice /opt/nss LibreOffice']);
  });

  it.each([
    ['a relative path', settings('nss')],
    ['no value', settings('')],
    ['a directory without a database', settings('/opt/none')],
    ['an endless tag', `<prop oor:name="CertDir"${' '.repeat(500_000)}`],
    ['many tags', '<prop oor:name="CertDir"><value>'.repeat(20_000)],
    ['bytes that are no text', Buffer.alloc(100_000, 0xff)],
  ])('but not with %s', (_, text) => {
    expect(places(makeRoot({ [OFFICE]: text, '/opt/nss/cert9.db': '' }))).toEqual([]);
  });

  it('settings that cannot be read are a problem', () => {
    expect(foundIn(stores, makeRoot({ [OFFICE]: { link: 'registrymodifications.xcu' } }))).toEqual([
      `libreoffice ${OFFICE} ! link-loop`,
    ]);
  });

  it('a damaged one is a problem', () => {
    expect(foundIn(stores, makeRoot({ '/home/ann/.local/share/evolution/cert9.db': 'x' }))).toEqual([
      expect.stringMatching(/^evolution .* ! /),
    ]);
  });

  it.skipIf(!hasCertutil)(`are read with their trust${unless(hasCertutil, 'certutil of NSS')}`, () => {
    const directory = '/home/ann/.local/share/evolution';
    const root = makeRoot({ [`${directory}/camel-cert.db`]: 'x' });
    makeNssDatabase(root.at(directory));
    addToNss(root.at(directory), a, 'A', 'C,,');
    const [evolution] = stores;
    const [location] = evolution?.locate(root.target) ?? [];
    const content =
      evolution && location && readWhole(evolution, root.target, location, { storePasswords: [] });
    expect(content?.anchors.map(({ certificate }) => certificate.sha256)).toEqual([a.sha256]);
    expect(content?.notes).toEqual([expect.stringContaining('names no roots')]);
  });

  it.skipIf(!hasSample('nss-legacy/netscape-cert7.db'))('of Netscape are read', () => {
    const root = makeRoot({ '/home/ann/.netscape/cert7.db': sample('nss-legacy/netscape-cert7.db') });
    expect(foundIn(stores, root)).toHaveLength(34);
  });
});

describe('Pidgin', () => {
  const ROOTS = '/usr/share/purple/ca-certs';
  const USER = '/home/ann/.purple/certificates/x509';

  it('trusts its roots, and only holds what was accepted for one server', () => {
    const root = makeRoot({
      [`${ROOTS}/Root.pem`]: a.pem,
      [`${ROOTS}/Makefile.am`]: 'text',
      [`${USER}/ca/own`]: a.pem,
      [`${USER}/tls_peers/talk.example`]: b.pem,
    });
    expect(foundIn(stores, root)).toEqual([
      `pidgin ${ROOTS}: a root for Pidgin only (trusted)`,
      `pidgin ${USER}/ca: a root for Pidgin only (trusted)`,
      `pidgin ${USER}/tls_peers: the certificate of one server, accepted by name (present)`,
    ]);
  });

  it('loses a root by its file, and gets it back', () => {
    const file = `${ROOTS}/Root.pem`;
    const root = makeRoot({ [file]: a.pem });
    expect(removeAndUndo(stores, root, a, file)).toMatchObject({ after: undefined, restored: true });
  });
});
