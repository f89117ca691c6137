import { describe, expect, it } from 'vitest';
import { readStores, type StoreProgress } from '../../src/audit/read-stores.ts';
import { STORE_TYPES } from '../../src/stores/index.ts';
import { openDirectory } from '../../src/targets/directory.ts';
import { makeCertificate } from '../support/certificates.ts';
import { makeTree } from '../support/tree.ts';

describe('the progress of reading stores', () => {
  it('tells each store before it is read, and how many there are', () => {
    const { pem } = makeCertificate({ subject: { CN: 'A root' } });
    const target = openDirectory(
      makeTree({
        '/etc/ca-certificates.conf': '',
        '/etc/ssl/certs/ca-certificates.crt': pem,
        '/usr/local/share/ca-certificates/a.crt': pem,
      }),
    );
    const states: StoreProgress[] = [];
    const { stores } = readStores(
      target,
      STORE_TYPES,
      { storePasswords: [] },
      () => {},
      (state) => states.push(state),
    );
    expect(stores.length).toBeGreaterThan(2);
    expect(new Set(states.map(({ total }) => total))).toEqual(new Set([stores.length]));
    expect(new Set(states.map(({ done }) => done)).size).toBe(stores.length);
    expect([...new Set(states.map(({ path }) => path))]).toEqual(stores.map(({ path }) => path));
  });
});
