/** One small store of each type and form. */

import { tlv, type MadeCertificate } from './certificates.ts';
import { APPLE_PLANTS } from './apple-plants.ts';
import { BROWSER_PLANTS } from './browser-plants.ts';
import { LINUX_PLANTS } from './linux-plants.ts';
import { OTHER_PLANTS } from './other-plants.ts';
import { byContent, type Files, type Plant } from './plant.ts';
import { RUNTIME_PLANTS } from './runtime-plants.ts';
import { certificateBlob, sst } from './windows-forms.ts';
import { WINDOWS_PLANTS } from './windows-plants.ts';
import { zip } from './zip-file.ts';

const embedded = (
  form: string,
  path: string,
  content: (certificate: MadeCertificate) => Uint8Array,
): Plant => ({
  store: 'embedded',
  form,
  files: byContent(path, content),
  deep: true,
});
const padding = Buffer.alloc(300_000, 0x90);

const PROGRAMS: readonly Plant[] = [
  embedded('DER in a program', '/opt/browser/browser', ({ der }) => Buffer.concat([padding, der, padding])),
  embedded('PEM in a program', '/opt/browser/libtls.so', ({ pem: text }) =>
    Buffer.concat([padding, Buffer.from(JSON.stringify(text)), padding]),
  ),
  embedded('packed in a ZIP', '/opt/app/app.jar', ({ der }) =>
    zip({ 'res/ca.der': Buffer.concat([der, padding]) }),
  ),
  embedded('a ZIP in a ZIP', '/opt/app/app.war', ({ pem: text }) =>
    zip({ 'lib/a.jar': zip({ 'ca.pem': Buffer.from(text) }) }),
  ),
  embedded('serialized store (.sst)', '/opt/app/roots.sst', ({ der }) => sst(certificateBlob(der))),
  embedded('in PKCS#7', '/opt/app/firmware.bin', ({ der }) =>
    Buffer.concat([padding, tlv(0x30, tlv(0xa0, der))]),
  ),
];

const HOME: Files = { '/etc/passwd': 'u:x:1000:1000::/home/u:/bin/sh\n', '/home/u/': '' };

export const PLANTS: readonly Plant[] = [
  ...LINUX_PLANTS,
  ...BROWSER_PLANTS,
  ...RUNTIME_PLANTS,
  ...APPLE_PLANTS,
  ...WINDOWS_PLANTS,
  ...OTHER_PLANTS,
  ...PROGRAMS,
].map((plant): Plant => ({ ...plant, files: (certificate) => ({ ...HOME, ...plant.files(certificate) }) }));
