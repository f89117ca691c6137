/** Arch and Manjaro: /etc/ca-certificates/trust-source and what update-ca-trust(8) makes of it. */

import type { StoreType } from '../core/store.ts';
import { bundleStore, P11_KIT_LAYOUTS, sourceStore } from './shared/p11-kit-stores.ts';

const layout = P11_KIT_LAYOUTS.arch;
const EXTRACTED = '/etc/ca-certificates/extracted';

export const stores: readonly StoreType[] = [
  sourceStore('arch', 'Trust anchors and block list of Arch Linux', layout),
  bundleStore({
    id: 'arch-bundle',
    title: 'What update-ca-trust extracts on Arch Linux, for OpenSSL, GnuTLS, curl, Go …',
    source: 'arch',
    layout,
    // java-cacerts.jks in the same place belongs to the Java stores.
    files: [
      {
        path: `${EXTRACTED}/tls-ca-bundle.pem`,
        application: 'CA bundle for TLS (OpenSSL, curl, Python, Go …)',
        format: 'pem',
        purpose: 'serverAuth',
      },
      {
        path: `${EXTRACTED}/email-ca-bundle.pem`,
        application: 'CA bundle for e-mail',
        format: 'pem',
        purpose: 'emailProtection',
      },
      {
        path: `${EXTRACTED}/objsign-ca-bundle.pem`,
        application: 'CA bundle for code signing',
        format: 'pem',
        purpose: 'codeSigning',
      },
      {
        path: `${EXTRACTED}/cadir`,
        application: 'OpenSSL certificate directory',
        format: 'directory',
        purpose: 'serverAuth',
      },
      {
        path: `${EXTRACTED}/ca-bundle.trust.crt`,
        application: 'OpenSSL (trusted certificates)',
        format: 'trusted',
        purpose: 'serverAuth',
      },
      {
        path: `${EXTRACTED}/edk2-cacerts.bin`,
        application: 'UEFI HTTPS boot (edk2)',
        format: 'efi',
        purpose: 'serverAuth',
      },
    ],
  }),
];
