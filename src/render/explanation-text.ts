/** The story of one root in plain words. */

import type { BlockedCertificate, Distrust } from '../blocklist/advisory.ts';
import { count, visible } from '../core/text.ts';
import type { Explanation } from '../report/explanation.ts';
import { paletteFor, paragraph, symbolsFor, type Style } from './style.ts';

/** An advisory on a whole family can hold hundreds; the JSON has them all. */
const MAX_RECORDS = 12;

export function explanationText(explanation: Explanation, style: Style): string {
  const paint = paletteFor(style);
  const { advisory, certificate, records, blocklist, match } = explanation;
  const subject = certificate
    ? [paint.strong(visible(certificate.subject)), `  SHA-256 ${certificate.sha256}`]
    : [];
  if (!advisory) {
    return [...subject, `  Not on the blocklist (version ${visible(blocklist.version)}).`].join('\n');
  }
  const severity = match?.severity ?? advisory.severity;
  return [
    ...subject,
    `${paint.severity(severity, ` ${severity.toUpperCase()} `)} ${paint.strong(visible(advisory.title))}  ${paint.faint(`${advisory.id}, ${advisory.category}`)}`,
    paragraph(advisory.summary, style.width),
    '',
    ...advisory.details.split('\n').map((line) => (line === '' ? '' : paragraph(line, style.width))),
    '',
    ...timeline(records).map((line) => paragraph(line, style.width)),
    '',
    count(records.length, 'certificate or key', 'certificates and keys'),
    ...records.slice(0, MAX_RECORDS).flatMap((record) => recordText(record, style)),
    ...(records.length > MAX_RECORDS
      ? [`  ${symbolsFor(style).dots} and ${records.length - MAX_RECORDS} more (--format json)`]
      : []),
    '',
    'Read more',
    ...advisory.references.map((link) => `  ${visible(link)}`),
  ].join('\n');
}

function recordText(record: BlockedCertificate, style: Style): string[] {
  const { sha256, spkiSha256, sha1, privateKey, note, notBefore, notAfter, evidence } = record;
  const dates = notBefore && notAfter ? `, ${notBefore.slice(0, 10)} to ${notAfter.slice(0, 10)}` : '';
  return [
    paragraph(`${record.subject ?? record.name} (${record.role}${dates})`, style.width),
    ...(sha256 ? [`    SHA-256      ${sha256}`] : []),
    ...(!sha256 && sha1 ? [`    SHA-1        ${sha1}`] : []),
    ...(spkiSha256 ? [`    key SHA-256  ${spkiSha256}`] : []),
    ...(privateKey ? [`    Its private key is public (${privateKey}).`] : []),
    ...(evidence === 'cited'
      ? ['    Fingerprints as published; the certificate itself was not at hand.']
      : []),
    ...(note === undefined ? [] : [paragraph(note, style.width, '    ')]),
  ];
}

/** Who distrusted it and when, in order of time, each statement once. */
function timeline(records: readonly BlockedCertificate[]): string[] {
  const lines = records.flatMap(({ distrustedBy }) => distrustedBy.map(distrustLine));
  return [...new Set(lines)].toSorted().slice(0, 40);
}

function distrustLine({ program, action, date }: Distrust): string {
  return `${date ?? 'date unknown'}  ${program}: ${action}`;
}
