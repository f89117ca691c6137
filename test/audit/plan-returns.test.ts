/** What is known of a removal before it begins: who would undo it, whose key is near, and what only a person can do. */

import { describe, expect, it } from 'vitest';
import type { PlannedRemoval } from '../../src/audit/plan-removal.ts';
import { openBlocklist } from '../../src/blocklist/load.ts';
import type { Plant } from '../../src/selftest/plant.ts';
import { PLANTS } from '../../src/selftest/plants.ts';
import { advisory, blocked, writeBlocklist } from '../support/blocklist.ts';
import { makeCertificate, makeKey } from '../support/certificates.ts';
import { jks, jksTrusted } from '../support/keystores.ts';
import { planBy } from '../support/removal-plans.ts';
import { makeRoot } from '../support/root.ts';
import { makeTemporaryDirectory, type Node } from '../support/tree.ts';

const key = makeKey();
const bad = makeCertificate({ subject: { CN: 'Planted Root' }, key });
const other = makeCertificate({ subject: { CN: 'Other Root' } });
const third = makeCertificate({ subject: { CN: 'Third Root' } });
const list = openBlocklist(
  writeBlocklist(makeTemporaryDirectory(), {
    advisories: [
      { ...advisory({ id: 'leaked', certificates: [blocked(other)] }), category: 'exposed-private-key' },
    ],
    certificates: [other.der],
  }),
);
const LOCAL = '/usr/local/share/ca-certificates';

function plan(files: Readonly<Record<string, Node>>, ...targets: readonly string[]): PlannedRemoval['plan'] {
  return planBy(list, makeRoot(files).target, { targets }).plan;
}

function plantOf(store: string): ReturnType<Plant['files']> {
  return PLANTS.find((each) => each.store === store)?.files(bad) ?? {};
}

describe('what would bring it back', () => {
  const cron = { '/etc/cron.d/ca': `* * * * * root cp /srv/x ${LOCAL}/planted.crt\n` };

  it.each<readonly [string, Readonly<Record<string, Node>>, readonly (readonly [string, string])[]]>([
    ['nothing', { [`${LOCAL}/planted.crt`]: bad.pem }, []],
    [
      'a scheduled job that names its file',
      { [`${LOCAL}/planted.crt`]: bad.pem, ...cron },
      [['scheduled job', '/etc/cron.d/ca']],
    ],
    [
      'the package that ships its file',
      {
        [`${LOCAL}/planted.crt`]: bad.pem,
        '/var/lib/dpkg/info/vendor.list': `/.\n${LOCAL}/planted.crt\n`,
        '/var/lib/dpkg/status': 'Package: vendor\nVersion: 1.0\n\n',
      },
      [['package', 'vendor 1.0']],
    ],
    [
      'no package whose file stays, because it is only no longer chosen',
      {
        '/usr/share/ca-certificates/v/planted.crt': bad.pem,
        '/etc/ca-certificates.conf': 'v/planted.crt\n',
        '/var/lib/dpkg/info/vendor.list': '/.\n/usr/share/ca-certificates/v/planted.crt\n',
      },
      [],
    ],
    [
      'no job that names a copy that is generated',
      {
        [`${LOCAL}/planted.crt`]: bad.pem,
        '/etc/ca-certificates.conf': '',
        '/etc/ssl/certs/planted-copy.pem': bad.pem,
        '/etc/cron.d/ca': '* * * * * root ls /etc/ssl/certs/planted-copy.pem\n',
      },
      [],
    ],
    ['an enterprise policy of Chrome', plantOf('chrome-policy'), [['policy', '/etc/opt/chrome/policies']]],
    [
      'an enterprise policy of Firefox',
      plantOf('firefox-policy'),
      [['policy', '/etc/firefox/policies/policies.json']],
    ],
    [
      'a group policy',
      plantOf('windows-policy'),
      [['policy', '/Windows/System32/config/SOFTWARE\\Policies\\Microsoft\\SystemCertificates']],
    ],
    [
      'Active Directory',
      plantOf('windows-enterprise'),
      [['policy', '/Windows/System32/config/SOFTWARE\\Microsoft\\EnterpriseCertificates']],
    ],
    [
      'the automatic update of Windows',
      plantOf('windows-on-demand'),
      [
        [
          'automatic update',
          '/Windows/System32/config/SOFTWARE\\Microsoft\\SystemCertificates\\AuthRoot\\AutoUpdate',
        ],
      ],
    ],
    [
      'a configuration profile',
      plantOf('apple-profiles'),
      [['configuration profile', '/private/var/db/ConfigurationProfiles']],
    ],
    [
      'a source that only a person can change',
      { ...plantOf('freebsd'), '/etc/ssl/cert.pem': bad.pem },
      [['source', '/usr/share/certs/trusted']],
    ],
  ])('%s', (_what, files, causes) => {
    const { comesBack, certificates } = plan(files, bad.sha256);
    expect(certificates).toHaveLength(1);
    expect(comesBack.map(({ kind, source }) => [kind, source])).toEqual(causes);
    for (const each of comesBack) {
      expect(each.certificates).toEqual([bad.sha256]);
      expect(each.detail).toMatch(/^[A-Z].*\.$/);
    }
  });
});

describe('whose key is near', () => {
  const pem = key.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  it('is told with the path of the key, and of a key that is public', () => {
    const { certificates } = plan(
      {
        [`${LOCAL}/planted.crt`]: bad.pem,
        [`${LOCAL}/planted-key.pem`]: pem,
        [`${LOCAL}/other.crt`]: other.pem,
      },
      bad.sha256,
      other.sha256,
    );
    const told = certificates.map(({ certificate, privateKey, isKeyPublic }) => [
      certificate.sha256,
      privateKey,
      isKeyPublic,
    ]);
    expect(new Map(told.map(([sha256, ...rest]) => [sha256, rest]))).toEqual(
      new Map([
        [bad.sha256, [`${LOCAL}/planted-key.pem`, false]],
        [other.sha256, [undefined, true]],
      ]),
    );
  });
});

describe('one certificate that only a person can take out', () => {
  const STORE = '/etc/kafka/trust.jks';
  const keystore = jks([
    jksTrusted('planted', bad.der),
    jksTrusted('-Jrun', other.der),
    jksTrusted('third', third.der),
  ]);
  const planned = plan({ [STORE]: keystore }, bad.sha256, other.sha256, third.sha256);

  it('does not keep the others in the same store', () => {
    expect(planned.stores.map(({ method, certificates }) => [method, certificates])).toEqual([
      ['remove', [bad.sha256, third.sha256]],
      ['hand', [other.sha256]],
    ]);
    expect(planned.steps.map(({ certificates }) => certificates)).toEqual([[bad.sha256, third.sha256]]);
  });

  it('has an entry of its own in the plan', () => {
    const [first, second] = planned.stores;
    expect(first?.store).toBe(second?.store);
    expect(first?.id).not.toBe(second?.id);
  });

  it('is named together with others of which the same is to be said', () => {
    const more = plan(
      {
        [STORE]: jks([
          jksTrusted('planted', bad.der),
          jksTrusted('-Jrun', other.der),
          jksTrusted('-Jtoo', third.der),
        ]),
      },
      bad.sha256,
      other.sha256,
      third.sha256,
    );
    expect(more.stores.map(({ method, certificates }) => [method, certificates])).toEqual([
      ['remove', [bad.sha256]],
      ['hand', [other.sha256, third.sha256]],
    ]);
    const onlyByHand = plan(
      { [STORE]: jks([jksTrusted('-Ja', other.der), jksTrusted('-Jb', bad.der)]) },
      bad.sha256,
      other.sha256,
    );
    expect(onlyByHand.stores).toMatchObject([{ method: 'hand', certificates: [other.sha256, bad.sha256] }]);
  });
});
