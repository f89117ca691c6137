import { writeFileSync, readFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { it, expect } from 'vitest';
import { certificateFrom, sha1Of } from '../../src/core/certificate.ts';
import { makeCertificate } from '../support/certificates.ts';
import { certificateBlob, blobProperty } from '../support/windows.ts';
import { scriptFor, windowsMachine } from '../support/scripts.ts';
import { Wine, toWine } from '../system/support/wine.ts';
it('x', async () => {
  const bad = makeCertificate({ subject: { CN: 'Bad' } });
  const other = makeCertificate({ subject: { CN: 'Other' } });
  const sha1 = sha1Of(certificateFrom(bad.der)).toUpperCase();
  const M = String.raw`HKLM\SOFTWARE\Microsoft\SystemCertificates\ROOT\Certificates`;
  const U = String.raw`HKCU\Software\Microsoft\SystemCertificates\Root\Certificates`;
  const keys = { [`${M}\\${sha1}`]: { Blob: Buffer.concat([blobProperty(11, Buffer.from('ü\0', 'utf16le')), certificateBlob(bad.der)]) }, [`${U}\\${sha1}`]: { Blob: certificateBlob(bad.der) }};
  const target = windowsMachine({ keys });
  writeFileSync('/tmp/show/x.ps1', await scriptFor('powershell', target, [bad.sha256]));
  const onlyM = windowsMachine({ keys: { [`${M}\\${sha1}`]: keys[`${M}\\${sha1}`] } });
  const cmd = await scriptFor('cmd', onlyM, [bad.sha256]);
  writeFileSync('/tmp/show/x.cmd', cmd);
  console.log(cmd);
  const wine = new Wine();
  try {
    const key = `${M}\\${sha1}`;
    wine.must('reg', 'add', key, '/v', 'Blob', '/t', 'REG_BINARY', '/d', keys[key]!.Blob.toString('hex'), '/f');
    const query = () => wine.run('reg', 'query', key, '/v', 'Blob');
    writeFileSync(join(wine.prefix, 'drive_c', 'clean.cmd'), cmd);
    const before = query();
    console.log(wine.run('cmd', '/c', 'C:\\clean.cmd'), query().status);
    console.log(wine.run('cmd', '/c', 'C:\\clean.cmd'), query().status);
    console.log(wine.run('cmd', '/c', 'C:\\clean.cmd', '/undo'), query().output === before.output);
    wine.must('reg', 'add', key, '/v', 'Blob', '/t', 'REG_BINARY', '/d', certificateBlob(other.der).toString('hex'), '/f');
    console.log(wine.run('cmd', '/c', 'C:\\clean.cmd'), query().status);
  } finally { wine.remove(); }
});
