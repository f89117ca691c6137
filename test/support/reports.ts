/** Reports for the tests of renderers: made by hand, the same at each run. */

import { createHash } from 'node:crypto';
import type {
  CertificateSummary,
  Finding,
  Inventory,
  Location,
  Report,
  StoreSummary,
} from '../../src/report/report.ts';

const digest = (algorithm: 'sha256' | 'sha1', label: string): string =>
  createHash(algorithm).update(label).digest('hex');

function certificate(subject: string, dates: readonly [string | null, string | null]): CertificateSummary {
  return {
    sha256: digest('sha256', subject),
    sha1: digest('sha1', subject),
    spkiSha256: digest('sha256', `key of ${subject}`),
    subject,
    issuer: subject,
    serialNumber: digest('sha1', `serial of ${subject}`).slice(0, 16),
    notBefore: dates[0],
    notAfter: dates[1],
  };
}

const trustcor = certificate(
  'CN=TrustCor ECA-1,OU=TrustCor Certificate Authority,O=TrustCor Systems S. de R.L.,L=Panama City,ST=Panama,C=PA',
  ['2016-02-04T12:32:33Z', '2029-12-31T17:28:07Z'],
);
const qaznet = certificate('CN=Qaznet Trust Network,O=ISCA,C=KZ', [
  '2016-02-02T05:41:00Z',
  '2046-02-02T05:41:00Z',
]);
const retired = certificate('CN=Baltimore CyberTrust Root,OU=CyberTrust,O=Baltimore,C=IE', [
  '2000-05-12T18:46:00Z',
  '2025-05-12T23:59:00Z',
]);
const held = certificate('CN=Superfish\\, Inc.,O=Superfish\\, Inc.,L=SF,ST=CA,C=US', [
  '2014-05-12T16:25:26Z',
  '2034-05-07T16:25:26Z',
]);
const unreadable: CertificateSummary = {
  ...certificate('', [null, null]),
  spkiSha256: null,
  serialNumber: '',
};

const bundle: StoreSummary = {
  id: 'debian-bundle:/etc/ssl/certs/ca-certificates.crt',
  type: 'debian-bundle',
  application: 'CA bundle (curl, Python, Go, GnuTLS …)',
  scope: 'system',
  format: 'PEM',
  path: '/etc/ssl/certs/ca-certificates.crt',
  aliases: ['/usr/lib/ssl/cert.pem'],
  status: 'read',
  anchors: 144,
  trusted: 144,
  notes: [],
};
const chosen: StoreSummary = {
  ...bundle,
  id: 'debian-ca-certificates:/usr/share/ca-certificates',
  type: 'debian-ca-certificates',
  application: 'ca-certificates',
  path: '/usr/share/ca-certificates',
  aliases: [],
  anchors: 145,
};
const firefox: StoreSummary = {
  ...bundle,
  id: 'firefox:/home/aigerim/.mozilla/firefox/a1b2.default',
  type: 'firefox',
  application: 'Firefox (aigerim)',
  scope: 'user',
  user: 'aigerim',
  format: 'NSS cert9.db',
  path: '/home/aigerim/.mozilla/firefox/a1b2.default',
  aliases: [],
  anchors: 2,
  trusted: 1,
};
const java: StoreSummary = {
  ...bundle,
  id: 'java-cacerts:/opt/jdk-17/lib/security/cacerts',
  type: 'java-cacerts',
  application: 'Java in /opt/jdk-17',
  scope: 'application',
  format: 'JKS',
  path: '/opt/jdk-17/lib/security/cacerts',
  aliases: [],
  status: 'malformed',
  anchors: 12,
  trusted: 12,
  notes: ['the store has no password'],
};

const browser: StoreSummary = {
  ...bundle,
  id: 'embedded:/opt/browser/browser',
  type: 'embedded',
  application: 'browser',
  scope: 'application',
  format: 'ELF',
  path: '/opt/browser/browser',
  aliases: [],
  anchors: 3,
  trusted: 0,
};

const trustcorPlaces: readonly Location[] = [
  {
    store: chosen.id,
    path: '/usr/share/ca-certificates/mozilla/TrustCor_ECA-1.crt',
    entry: 'TrustCor_ECA-1.crt',
    lines: { first: 1, last: 22 },
    trust: 'trusted',
    purposes: ['serverAuth', 'clientAuth', 'emailProtection', 'codeSigning', 'timeStamping'],
    expressed: 'selected in ca-certificates.conf',
    generatedFrom: [],
  },
  {
    store: bundle.id,
    path: bundle.path,
    entry: 'certificate 121 of 144',
    lines: { first: 2710, last: 2731 },
    trust: 'trusted',
    purposes: ['serverAuth', 'clientAuth', 'emailProtection', 'codeSigning', 'timeStamping'],
    expressed: 'listed',
    generatedFrom: [chosen.id],
  },
];

const trustcorFinding: Finding = {
  advisory: 'trustcor',
  title: 'TrustCor Systems',
  category: 'misissuance-or-noncompliance',
  severity: 'high',
  match: 'certificate',
  status: 'trusted',
  summary:
    'Roots of TrustCor, distrusted in 2022 and 2023 after research tied its owners to the distribution of spyware.',
  references: ['https://bugzilla.mozilla.org/show_bug.cgi?id=1851049'],
  stillShippedBy: [],
  certificate: trustcor,
  locations: trustcorPlaces,
  remediations: [
    {
      store: chosen.id,
      disposition: 'safe',
      shell: 'sh',
      commands: [
        String.raw`sed -i -e 's|^mozilla/TrustCor_ECA-1\.crt$|!mozilla/TrustCor_ECA-1.crt|' /mnt/disk/etc/ca-certificates.conf`,
        'chroot /mnt/disk update-ca-certificates --fresh',
      ],
      undo: [
        String.raw`sed -i -e 's|^!mozilla/TrustCor_ECA-1\.crt$|mozilla/TrustCor_ECA-1.crt|' /mnt/disk/etc/ca-certificates.conf`,
        'chroot /mnt/disk update-ca-certificates --fresh',
      ],
      elevated: true,
    },
  ],
};

const qaznetFinding: Finding = {
  advisory: 'kazakhstan',
  title: 'Interception by the government of Kazakhstan',
  category: 'state-interception',
  severity: 'critical',
  match: 'key',
  status: 'trusted',
  summary: 'Made to read the encrypted traffic of people in Kazakhstan; blocked by every browser.',
  references: ['https://blog.mozilla.org/security/2019/08/21/protecting-our-users-in-kazakhstan/'],
  stillShippedBy: [],
  certificate: qaznet,
  locations: [
    {
      store: firefox.id,
      path: `${firefox.path}/cert9.db`,
      entry: 'Qaznet',
      trust: 'trusted',
      purposes: ['serverAuth'],
      expressed: 'C,,',
      generatedFrom: [],
    },
  ],
  remediations: [
    {
      store: firefox.id,
      disposition: 'unsafe',
      shell: 'sh',
      commands: ["certutil -D -d sql:/mnt/disk/home/aigerim/.mozilla/firefox/a1b2.default -n 'Qaznet'"],
      undo: ['cp -a /root/backup/cert9.db /mnt/disk/home/aigerim/.mozilla/firefox/a1b2.default/cert9.db'],
      elevated: false,
      note: 'Close Firefox first. A policy may bring it back.',
    },
  ],
};

const tool = { name: 'rootaudit', version: '0.1.0' };
const blocklist = { version: '2026.11.23', digest: digest('sha256', 'blocklist') };

/** A mounted disk with something of everything, not all of which could be read. */
export const diskReport: Report = {
  schemaVersion: 1,
  tool,
  blocklist,
  target: { kind: 'directory', reference: '/mnt/disk', platform: 'linux' },
  complete: false,
  stores: [chosen, bundle, firefox, java],
  findings: [
    qaznetFinding,
    trustcorFinding,
    {
      ...trustcorFinding,
      advisory: 'retired-roots',
      title: 'Roots that were retired',
      category: 'removed-from-programs',
      severity: 'info',
      summary: 'Retired by their owners.',
      references: [],
      stillShippedBy: ['microsoft', 'java'],
      certificate: retired,
      locations: [
        {
          store: java.id,
          path: java.path,
          entry: 'baltimore',
          trust: 'trusted',
          purposes: ['serverAuth', 'clientAuth'],
          expressed: 'trustedCertEntry',
          generatedFrom: [],
        },
      ],
      remediations: [],
    },
    {
      ...qaznetFinding,
      advisory: 'superfish',
      title: 'Superfish',
      category: 'exposed-private-key',
      summary: 'Came with Lenovo laptops; its private key is public.',
      match: 'certificate',
      status: 'present',
      certificate: held,
      locations: [
        {
          store: firefox.id,
          path: `${firefox.path}/cert9.db`,
          entry: 'Superfish, Inc.',
          trust: 'present',
          purposes: [],
          expressed: ',,',
          generatedFrom: [],
        },
      ],
      remediations: [],
    },
  ],
  problems: [
    {
      code: 'malformed',
      path: java.path,
      message: 'entry 13 ends in the middle',
      offset: 16_384,
      store: java.id,
    },
  ],
  notes: ['The home of bolat may not be entered.'],
};

/** A container image, with what `--deep`, a policy and a baseline add. */
export const imageReport: Report = {
  schemaVersion: 1,
  tool,
  blocklist,
  target: {
    kind: 'image',
    reference: 'app.tar',
    platform: 'linux',
    image: {
      name: 'example/app:1.2',
      digest: `sha256:${digest('sha256', 'manifest')}`,
      platform: 'linux/amd64',
      layers: [
        { digest: `sha256:${digest('sha256', 'base')}`, createdBy: '/bin/sh -c #(nop) ADD file:1f3a in / ' },
        {
          digest: `sha256:${digest('sha256', 'top')}`,
          createdBy: 'COPY trustcor.crt /usr/share/ca-certificates/',
        },
      ],
    },
  },
  complete: true,
  stores: [chosen, bundle, browser],
  findings: [
    {
      ...trustcorFinding,
      locations: trustcorPlaces.map((place) => ({ ...place, layer: 1, waived: true as const })),
      waiver: { reason: 'goes with the next base image', owner: 'platform', expires: '2027-01-31' },
    },
    {
      ...qaznetFinding,
      match: 'name',
      confidence: 'high',
      status: 'embedded',
      locations: [
        {
          store: browser.id,
          path: browser.path,
          entry: 'offset 0x1f40',
          layer: 0,
          trust: 'embedded',
          purposes: [],
          expressed: 'built in',
          generatedFrom: [],
          known: true,
        },
      ],
      remediations: [],
      known: true,
    },
  ],
  policy: {
    file: 'rootaudit.yaml',
    violations: [
      {
        kind: 'missing',
        message: 'No store trusts the root "Example Internal CA", which the policy requires.',
        rule: 'subject CN=Example Internal CA',
        line: 12,
        certificate: null,
        locations: [],
        missingFrom: [bundle.id],
        remediations: [],
      },
      {
        kind: 'forbidden',
        message: 'CN=TrustCor ECA-1 is trusted and forbidden by the policy.',
        rule: 'organisation TrustCor Systems S. de R.L.',
        line: 4,
        reason: 'decided by security on 1 March',
        certificate: trustcor,
        locations: trustcorPlaces,
        missingFrom: [],
        remediations: trustcorFinding.remediations,
      },
    ],
    notes: [],
  },
  problems: [],
  notes: [],
};

export const cleanReport: Report = {
  ...diskReport,
  target: { kind: 'live', reference: '/', platform: 'linux' },
  complete: true,
  stores: [chosen, bundle],
  findings: [],
  problems: [],
  notes: [],
};

export const inventory: Inventory = {
  schemaVersion: 1,
  tool,
  target: diskReport.target,
  complete: false,
  stores: [
    {
      ...chosen,
      anchors: 2,
      trusted: 1,
      entries: [
        { ...entryOf(trustcorPlaces[0], trustcor) },
        {
          entry: 'Superfish.crt',
          path: '/usr/share/ca-certificates/mozilla/Superfish.crt',
          trust: 'present',
          purposes: [],
          expressed: 'not selected',
          programs: [],
          certificate: held,
        },
      ],
    },
    {
      ...firefox,
      entries: [
        { ...entryOf(qaznetFinding.locations[0], qaznet) },
        {
          entry: 'by hash',
          path: `${firefox.path}/cert9.db`,
          trust: 'mitigated',
          purposes: [],
          expressed: 'p,p,p',
          programs: ['mozilla'],
          certificate: unreadable,
        },
      ],
    },
  ],
  problems: diskReport.problems,
  notes: [],
};

function entryOf(
  place: Location | undefined,
  summary: CertificateSummary,
): Inventory['stores'][number]['entries'][number] {
  if (!place) throw new RangeError('no place');
  const { entry, path, purposes, expressed } = place;
  return { entry, path, trust: 'trusted', purposes, expressed, programs: [], certificate: summary };
}

/** Names of files and certificates that try to become something else than a name. */
export const HOSTILE_NAMES: readonly (readonly [string, string])[] = [
  ['quotes', `a"b'c`],
  ['lines', 'first\r\nsecond\n\n# third'],
  ['the end of CDATA', ']]><failure/><![CDATA['],
  ['a script', '</summary></details><script>alert(1)</script><img src=x onerror=alert(1)>'],
  ['pipes', 'a | b || c \\| d'],
  ['backticks', '`a` ``` b\n```\nrm -rf /'],
  ['a formula', "=cmd|' /C calc'!A0"],
  ['a formula after a tab', '\t=1+1'],
  ['another formula', '@SUM(1+1)*cmd'],
  ['bidirectional controls', '\u202eevil\u2066\u200bname'],
  ['NUL and other controls', 'a\0b\u001b[2J\u0085\u0007'],
  ['a lone surrogate, as of a file name that is not UTF-8', '/etc/\udcff\udc80.pem'],
  ['noncharacters', 'a\ufffeb\uffff\u{1ffff}'],
  ['a link', '[click](https://evil.example) <https://evil.example> https://evil.example www.evil.example'],
  ['a picture', '![x](https://evil.example/x.png)'],
  ['a mention and an issue', '@octocat #1 evil@example.com'],
  ['entities', '&lt;b&gt; &#64;octocat &amp;'],
  ['placeholders', '{0} {{1}} %s ${HOME} $(id)'],
  ['emphasis and lists', '- *a* _b_ **c** ~~d~~\n1. e'],
  ['a path that leaves its directory', '/../../etc/./passwd'],
  ['a drive', 'C:/Windows/x?y#z%00'],
  ['backslashes at the end', 'a\\\\\\'],
  ['nothing', ''],
  ['only spaces', '   '],
  ['a very long name', 'x"<|`'.repeat(20_000)],
];

/** A report with `name` wherever something on the target, or a list of somebody's own, can put it. */
export function hostileReport(name: string): Report {
  const bad = { ...trustcor, subject: name, issuer: name, notAfter: '2021-02-30T25:61:61Z', notBefore: null };
  const place: Location = {
    store: bundle.id,
    path: name,
    entry: name,
    trust: 'trusted',
    purposes: ['serverAuth'],
    expressed: name,
    generatedFrom: [],
  };
  const finding: Finding = {
    ...trustcorFinding,
    title: name,
    summary: name,
    references: [name],
    stillShippedBy: [name],
    certificate: bad,
    locations: [place, place, { ...place, generatedFrom: [name] }, { ...place, trust: 'present' }],
    remediations: [
      {
        store: bundle.id,
        disposition: 'safe',
        shell: 'sh',
        commands: [name],
        undo: [name],
        elevated: true,
        note: name,
      },
    ],
  };
  return {
    ...diskReport,
    target: {
      kind: 'image',
      reference: name,
      platform: 'linux',
      image: { name, digest: name, platform: name, layers: [{ digest: name, createdBy: name }] },
    },
    stores: [{ ...bundle, application: name, path: name, user: name, notes: [name], format: name }, java],
    findings: [
      finding,
      { ...finding, advisory: 'other', waiver: { reason: name, owner: name, expires: '2027-01-31' } },
      { ...finding, advisory: 'more', severity: 'low' },
    ],
    policy: {
      file: name,
      violations: [
        {
          kind: 'missing',
          message: name,
          rule: name,
          line: 0,
          reason: name,
          certificate: null,
          locations: [],
          missingFrom: [name],
          remediations: [],
        },
        {
          kind: 'forbidden',
          message: name,
          rule: name,
          line: 3,
          certificate: bad,
          locations: [place],
          missingFrom: [],
          remediations: [],
        },
      ],
      notes: [name],
    },
    problems: [{ code: 'malformed', path: name, message: name, line: 3, store: name }],
    notes: [name],
  };
}

export function hostileInventory(name: string): Inventory {
  const { stores, target, problems, findings } = hostileReport(name);
  const [finding] = findings;
  const entry = entryOf(finding?.locations[0], finding?.certificate ?? trustcor);
  return {
    ...inventory,
    target,
    stores: stores.map((store) => ({ ...store, entries: [entry, { ...entry, certificate: unreadable }] })),
    problems,
    notes: [name],
  };
}
