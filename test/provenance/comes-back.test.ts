import { describe, expect, it } from 'vitest';
import { whatBringsBack } from '../../src/provenance/comes-back.ts';
import { makeRoot } from '../support/root.ts';
import type { Node } from '../support/tree.ts';

const CERTIFICATE = '/usr/local/share/ca-certificates/corp-root.crt';

const CASES: readonly {
  readonly what: string;
  readonly files: Readonly<Record<string, Node>>;
  readonly expected: readonly { readonly kind: string; readonly source: string }[];
}[] = [
  {
    what: 'the package that ships the file',
    files: { '/var/lib/dpkg/info/corp.list': `/.\n${CERTIFICATE}\n` },
    expected: [{ kind: 'package', source: 'corp' }],
  },
  {
    what: 'a cron job that copies a file of its name',
    files: { '/etc/cron.d/corp': '* * * * * root cp /opt/corp-root.crt /usr/local/share/ca-certificates/\n' },
    expected: [{ kind: 'scheduled job', source: '/etc/cron.d/corp' }],
  },
  {
    what: 'a unit of systemd, once for its links',
    files: {
      '/etc/systemd/system/trust.service': `[Service]\nExecStart=/usr/bin/install /opt/x ${CERTIFICATE}\n`,
      '/etc/systemd/system/multi-user.target.wants/trust.service': { link: '../trust.service' },
    },
    expected: [{ kind: 'service', source: '/etc/systemd/system/multi-user.target.wants/trust.service' }],
  },
  {
    what: 'a hook of update-ca-certificates',
    files: { '/etc/ca-certificates/update.d/zz': `#!/bin/sh\ncp /opt/corp-root.crt ${CERTIFICATE}\n` },
    expected: [{ kind: 'hook', source: '/etc/ca-certificates/update.d/zz' }],
  },
  {
    what: 'no job whose line is commented out',
    files: { '/etc/cron.d/corp': `# cp ${CERTIFICATE}\n` },
    expected: [],
  },
  {
    what: 'no job that links to itself for ever',
    files: { '/etc/cron.d/loop': { link: 'loop' }, '/etc/rc.local': 'true\n' },
    expected: [],
  },
];

describe('what would bring a removed certificate back', () => {
  it.each(CASES)('names $what', ({ files, expected }) => {
    const root = makeRoot({ [CERTIFICATE]: 'x', ...files });
    const found = whatBringsBack(root.target, [CERTIFICATE]);
    expect(found.map(({ kind, source }) => ({ kind, source }))).toEqual(expected);
    for (const { path, detail } of found) {
      expect(path).toBe(CERTIFICATE);
      expect(detail).toContain(CERTIFICATE);
    }
  });

  it('does not take the name of a common bundle for a trace', () => {
    const root = makeRoot({ '/etc/cron.d/x': 'cp /srv/ca-certificates.crt /srv/y\n' });
    expect(whatBringsBack(root.target, ['/etc/ssl/certs/ca-certificates.crt'])).toEqual([]);
  });
});
