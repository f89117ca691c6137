/** Fedora, RHEL, CentOS, Rocky, Alma, Amazon, Photon: /etc/pki/ca-trust and what update-ca-trust(8) makes of it. */

import type { StoreType } from '../core/store.ts';
import { bundleStore, P11_KIT_LAYOUTS, sourceStore } from './shared/p11-kit-stores.ts';

const layout = P11_KIT_LAYOUTS.rhel;
const EXTRACTED = '/etc/pki/ca-trust/extracted';

export const stores: readonly StoreType[] = [
  sourceStore('rhel-anchors', 'Trust anchors and block list of Fedora and RHEL', layout),
  bundleStore({
    id: 'rhel-bundle',
    title: 'What update-ca-trust extracts on Fedora and RHEL, for OpenSSL, GnuTLS, curl, Go …',
    source: 'rhel-anchors',
    layout,
    // java/cacerts in the same place belongs to the Java stores.
    files: [
      {
        path: `${EXTRACTED}/pem/tls-ca-bundle.pem`,
        application: 'CA bundle for TLS (OpenSSL, curl, Python, Go …)',
        format: 'pem',
        purpose: 'serverAuth',
      },
      {
        path: `${EXTRACTED}/pem/email-ca-bundle.pem`,
        application: 'CA bundle for e-mail',
        format: 'pem',
        purpose: 'emailProtection',
      },
      {
        path: `${EXTRACTED}/pem/objsign-ca-bundle.pem`,
        application: 'CA bundle for code signing',
        format: 'pem',
        purpose: 'codeSigning',
      },
      {
        path: `${EXTRACTED}/pem/directory-hash`,
        application: 'OpenSSL certificate directory',
        format: 'directory',
        purpose: 'serverAuth',
      },
      {
        path: `${EXTRACTED}/openssl/ca-bundle.trust.crt`,
        application: 'OpenSSL (trusted certificates)',
        format: 'trusted',
        purpose: 'serverAuth',
      },
      {
        path: `${EXTRACTED}/edk2/cacerts.bin`,
        application: 'UEFI HTTPS boot (edk2)',
        format: 'efi',
        purpose: 'serverAuth',
      },
    ],
  }),
];
