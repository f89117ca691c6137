/** Plain words for people: findings grouped by certificate, worst first, then a summary. */

import { count, visible } from '../core/text.ts';
import { SEVERITIES } from '../blocklist/advisory.ts';
import type { Problem } from '../core/errors.ts';
import type { Finding, Inventory, Report, StoreSummary } from '../report/report.ts';
import { driftText } from './drift-text.ts';
import { isAccepted, isEffective, isUrgent } from '../report/acceptance.ts';
import { explanationText } from './explanation-text.ts';
import { failuresText } from './failures-text.ts';
import { locationsText, remediationText } from './place-text.ts';
import { acceptedText, policyNotesText, policyVerdict, violationsText } from './policy-text.ts';
import { moreRemovals, nextStep, removalsShown } from './removal-hints.ts';
import type { Renderer, Reports } from './renderer.ts';
import { MATCH_WORDS, shortName, STATUS_WORDS } from './shared/words.ts';
import { paletteFor, paragraph, symbolsFor, type Palette, type Style } from './style.ts';
import { unrecognisedText } from './unrecognised-text.ts';
import { grid, type Row } from './grid.ts';

export const renderer: Renderer = {
  reports: (reports, style) => (style.quiet ? [failuresText(reports, style)] : reportTexts(reports, style)),
  inventory(inventory, style) {
    const paint = paletteFor(style);
    const stores = inventory.stores.map((store) => storeText(store, paint, style));
    if (style.quiet) return stores.length === 0 ? '' : joinBlocks(stores);
    return joinBlocks([
      ...stores,
      problemsText(inventory.problems, paint, style),
      inventorySummary(inventory, paint),
    ]);
  },
  explanations: (explanations, style) =>
    joinBlocks(explanations.map((explanation) => explanationText(explanation, style))),
  drift: (drift, style) => driftText(drift, style),
};

function* reportTexts(reports: Reports, style: Style): Generator<string> {
  let before = '';
  for (const report of reports) {
    yield before + reportText(report, style);
    before = '\n';
  }
}

function reportText(report: Report, style: Style): string {
  const paint = paletteFor(style);
  const inFull = report.findings.filter((finding) => isShownInFull(finding, style));
  const removals = removalsShown(inFull, style);
  return joinBlocks([
    heading(report, paint),
    ...inFull.map((finding) => findingText(finding, removals.get(finding) ?? 0, report, paint, style)),
    ...violationsText(report, paint, style),
    acceptedText(report, paint, style),
    otherFindingsText(report, paint, style),
    unrecognisedText(report, paint, style),
    policyNotesText(report, style),
    problemsText(report.problems, paint, style),
    notesText(report, style),
    verdict(report, paint, style) + policyVerdict(report, paint),
    nextStep(report),
  ]);
}

function joinBlocks(blocks: readonly string[]): string {
  return `${blocks.filter((block) => block !== '').join('\n\n')}\n`;
}

function heading({ tool, blocklist, target, policy }: Report, paint: Palette): string {
  const what = target.kind === 'live' ? 'this machine' : visible(target.reference);
  const by = policy && policy.file !== '' ? `, policy ${visible(policy.file)}` : '';
  return paint.faint(`${tool.name} ${tool.version}, blocklist ${visible(blocklist.version)}${by}, ${what}`);
}

function isShownInFull(finding: Finding, { verbose }: Style): boolean {
  return verbose || isUrgent(finding);
}

function otherFindingsText({ findings }: Report, paint: Palette, style: Style): string {
  const others = findings.filter((finding) => !isShownInFull(finding, style) && !isAccepted(finding));
  if (others.length === 0) return '';
  const rows = others.map(({ severity, status, certificate, advisory }): Row => [
    paint.severity(severity, severity),
    status === 'trusted' ? status : paint.faint(STATUS_WORDS[status]),
    certificate.sha256.slice(0, 8),
    visible(shortName(certificate.subject), 60),
    paint.faint(advisory),
  ]);
  const title = 'Also on the blocklist, but no alarm (--verbose tells more, as does rootaudit explain)';
  return [title, grid(rows, style)].join('\n');
}

function findingText(
  finding: Finding,
  removals: number,
  report: Report,
  paint: Palette,
  style: Style,
): string {
  const { certificate, severity, status } = finding;
  const badge = paint.severity(severity, ` ${severity.toUpperCase()} `);
  const statusText = status === 'trusted' ? paint.bad('trusted') : paint.faint(STATUS_WORDS[status]);
  const confidence = finding.confidence ? `, confidence ${finding.confidence}` : '';
  const lines = [
    `${badge} ${paint.strong(visible(certificate.subject || '(no readable name)'))}  ${statusText}`,
    paragraph(`${finding.title}. ${finding.summary}`, style.width),
    ...finding.references.slice(0, 1).map((link) => `  ${visible(link)}`),
    paint.faint(`  SHA-256 ${certificate.sha256}`),
    ...keyText(finding, style),
    paint.faint(
      `  ${validity(finding)}Why: ${MATCH_WORDS[finding.match]}${confidence} (advisory ${finding.advisory}).`,
    ),
    '',
    locationsText(finding.locations, report, paint, style),
    ...removalText(finding, removals, paint, style),
    ...(isEffective(status) ? moreRemovals(finding, removals, report, paint, style) : []),
  ];
  return lines.join('\n');
}

function keyText({ privateKey }: Finding, style: Style): readonly string[] {
  if (privateKey === undefined) return [];
  return [paragraph(`Its private key lies on the same disk: ${privateKey}`, style.width)];
}

function validity({ certificate: { notBefore, notAfter } }: Finding): string {
  const day = (time: string | null): string => time?.slice(0, 10) ?? '?';
  return notBefore === null && notAfter === null ? '' : `Valid ${day(notBefore)} to ${day(notAfter)}. `;
}

function removalText(finding: Finding, shown: number, paint: Palette, style: Style): string[] {
  if (!isEffective(finding.status)) return [];
  if (finding.remediations.length === 0) {
    const by = finding.stillShippedBy.join(', ');
    const text = `Clean systems ship this root (${by}), so no removal is suggested; --remove-shipped prints the commands.`;
    return ['', paragraph(text, style.width)];
  }
  return finding.remediations
    .slice(0, shown)
    .flatMap((remediation) => ['', remediationText(remediation, paint, style)]);
}

/** Enough to see what is wrong; the JSON has them all. */
const MAX_PROBLEMS_SHOWN = 20;

function problemsText(problems: readonly Problem[], paint: Palette, style: Style): string {
  if (problems.length === 0) return '';
  const shown = problems.slice(0, MAX_PROBLEMS_SHOWN).map(({ path, message, offset, line }) => {
    const where = line === undefined ? (offset === undefined ? '' : ` at byte ${offset}`) : `:${line}`;
    return paragraph(`${path}${where}: ${message}`, style.width);
  });
  const rest = problems.length - shown.length;
  return [
    paint.warn(`${count(problems.length, 'problem')}: not everything could be read`),
    ...shown,
    ...(rest > 0 ? [`  ${symbolsFor(style).dots} and ${rest} more; --format json lists them all`] : []),
  ].join('\n');
}

function notesText({ notes, stores }: Report, style: Style): string {
  const ofStores = stores.flatMap((store) => store.notes.map((note) => `${store.application}: ${note}`));
  const all = [...notes, ...ofStores];
  if (all.length === 0) return '';
  const shown = all.slice(0, MAX_PROBLEMS_SHOWN).map((note) => paragraph(note, style.width));
  const rest = all.length - shown.length;
  return [
    'Notes',
    ...shown,
    ...(rest > 0 ? [`  ${symbolsFor(style).dots} and ${rest} more; --format json lists them all`] : []),
  ].join('\n');
}

function verdict(report: Report, paint: Palette, style: Style): string {
  const { stores, findings, complete } = report;
  const anchors = stores.reduce((sum, store) => sum + store.anchors, 0);
  const read = `${count(stores.length, 'store')} read, ${count(anchors, 'certificate')} in them.`;
  const trusted = findings.filter(({ status }) => status === 'trusted');
  if (trusted.length > 0) {
    const bySeverity = SEVERITIES.toReversed().flatMap((severity) => {
      const n = trusted.filter((finding) => finding.severity === severity).length;
      return n === 0 ? [] : [`${n} ${severity}`];
    });
    const text = `${count(trusted.length, 'listed root')} trusted: ${bySeverity.join(', ')}.`;
    return `${read} ${paint.bad(text + embeddedText(report))}`;
  }
  if (findings.some(({ status }) => status === 'embedded')) {
    const where = complete ? 'None of the stores trusts' : 'No store, in what could be read, trusts';
    return `${read} ${paint.warn(`${where} a root on the blocklist.${embeddedText(report)}`)}`;
  }
  if (stores.length === 0) return paint.warn('No trust store was found, so there is nothing to judge.');
  if (!complete) {
    const text = `${read} No listed root is trusted in what could be read, but that is not everything (see the problems above).`;
    return paint.warn(paragraph(text, style.width, ''));
  }
  return `${read} ${paint.good('None of them trusts a root on the blocklist.')}`;
}

function embeddedText({ findings }: Report): string {
  const embedded = findings.filter(({ status }) => status === 'embedded').length;
  return embedded === 0 ? '' : ` ${count(embedded, 'listed root')} built into programs.`;
}

function storeText(store: Inventory['stores'][number], paint: Palette, style: Style): string {
  const also = store.aliases.length > 0 ? `, also ${store.aliases.join(', ')}` : '';
  const title = `${paint.strong(visible(store.application))}  ${visible(store.path)}${visible(also)}`;
  const facts = `  ${store.type}, ${store.format}, ${store.scope}: ${storeCount(store)}`;
  const rows = store.entries.map(({ entry, trust, certificate, expressed, programs }): Row => {
    const shown = trust === 'trusted' ? paint.good(trust) : paint.faint(trust);
    return [
      shown,
      certificate.sha256.slice(0, 16),
      visible(certificate.subject || entry, 90),
      paint.faint(visible(expressed)),
      trust === 'trusted' && programs.length === 0 ? paint.warn('no root programme ships it') : '',
    ];
  });
  return [title, paint.faint(facts), ...(rows.length > 0 ? [grid(rows, style)] : [])].join('\n');
}

function storeCount({ anchors, trusted, status }: StoreSummary): string {
  const unread = status === 'read' ? '' : `, ${status}`;
  return `${count(anchors, 'certificate')}, ${trusted} trusted${unread}`;
}

function inventorySummary({ stores, complete }: Inventory, paint: Palette): string {
  const anchors = stores.reduce((sum, store) => sum + store.anchors, 0);
  const text = `${count(stores.length, 'store')}, ${count(anchors, 'certificate')}.`;
  return complete ? text : `${text} ${paint.warn('Not everything could be read.')}`;
}
