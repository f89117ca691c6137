/** Android systems as unpacked roots: what the stores of Android tell of them. */

import { expect } from 'vitest';
import { certificateFrom } from '../../src/core/certificate.ts';
import type { Remediation } from '../../src/core/remediation.ts';
import type { StoreContent, StoreType } from '../../src/core/store.ts';
import { trustStatus } from '../../src/core/trust.ts';
import { subjectHashOld } from '../../src/stores/shared/android-directory.ts';
import { readWhole } from '../../src/stores/shared/content.ts';
import { makeCertificate, type TestCertificate } from './certificates.ts';
import type { TestRoot } from './root.ts';

export const one = makeCertificate({ subject: { CN: 'One' } });
export const two = makeCertificate({ subject: { CN: 'Two' } });
export const twin = makeCertificate({ subject: { CN: 'One' } });
export const hashOf = ({ der }: TestCertificate): string => subjectHashOld(certificateFrom(der)) ?? '';
export const SYSTEM = '/system/etc/security/cacerts';
export const APEX = '/apex/com.android.conscrypt/cacerts';
export const USER = '/data/misc/user';

export type Opened = Pick<TestRoot, 'target'>;

export function readAll(store: StoreType, { target }: Opened): StoreContent[] {
  expect(target.platform).toBe('android');
  return store.locate(target).map((location) => readWhole(store, target, location, { storePasswords: [] }));
}

export function lines(store: StoreType, root: Opened): string[] {
  return readAll(store, root).flatMap(({ anchors }) =>
    anchors.map(({ path, trust }) => `${path} = ${trustStatus(trust)}: ${trust.expressed}`),
  );
}

export function plan(store: StoreType, { target }: Opened, { sha256 }: TestCertificate): Remediation {
  for (const location of store.locate(target)) {
    const { anchors } = readWhole(store, target, location, { storePasswords: [] });
    const own = anchors.filter(({ certificate }) => certificate.sha256 === sha256);
    if (own.length > 0) return store.planRemoval(target, location, own);
  }
  throw new Error('not held');
}

export const at = (directory: string, certificate: TestCertificate, n = 0): string =>
  `${directory}/${hashOf(certificate)}.${n}`;
