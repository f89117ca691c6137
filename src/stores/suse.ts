/** SUSE and openSUSE: /etc/pki/trust and what update-ca-certificates(8) makes of it in /var/lib/ca-certificates. */

import type { StoreType } from '../core/store.ts';
import { bundleStore, P11_KIT_LAYOUTS, sourceStore } from './shared/p11-kit-stores.ts';

const layout = P11_KIT_LAYOUTS.suse;
const GENERATED = '/var/lib/ca-certificates';

export const stores: readonly StoreType[] = [
  sourceStore('suse', 'Trust anchors and block list of SUSE', layout),
  bundleStore({
    id: 'suse-bundle',
    title: 'What update-ca-certificates makes on SUSE, for OpenSSL, GnuTLS, curl, Go …',
    source: 'suse',
    layout,
    // java-cacerts and gcj-cacerts in the same place belong to the Java stores.
    files: [
      {
        path: `${GENERATED}/ca-bundle.pem`,
        application: 'CA bundle for TLS (curl, Python, Go …)',
        format: 'pem',
        purpose: 'serverAuth',
      },
      {
        path: `${GENERATED}/pem`,
        application: 'OpenSSL certificate directory',
        format: 'directory',
        purpose: 'serverAuth',
      },
      {
        path: `${GENERATED}/openssl`,
        application: 'OpenSSL certificate directory (trusted certificates)',
        format: 'directory',
        purpose: 'serverAuth',
      },
    ],
  }),
];
