/** GitHub Flavored Markdown, for the summary of a job or a comment on a pull request: short, the details folded. */

import type { Problem } from '../core/errors.ts';
import { count, visible } from '../core/text.ts';
import { isAccepted, isAlarm, isUrgent } from '../report/acceptance.ts';
import type {
  Finding,
  Location,
  PolicySummary,
  Report,
  StoreRemediation,
  StoreSummary,
} from '../report/report.ts';
import type { Renderer } from './renderer.ts';
import { commandLines } from './shared/commands.ts';
import { code, fence, link, plain } from './shared/markdown-text.ts';
import { acceptance, MATCH_WORDS, severityCounts, shortName, STATUS_WORDS } from './shared/words.ts';

/** GitHub refuses a comment of more than 65,536 characters. */
const MAX_LENGTH = 60_000;

/** A list nobody reads helps nobody. */
const MAX_FINDINGS = 40;
const MAX_PLACES = 10;
const MAX_PROBLEMS = 20;

export const renderer: Renderer<'reports'> = {
  *reports(reports) {
    let before = '';
    for (const report of reports) {
      yield before + reportText(report, MAX_LENGTH / reports.length);
      before = '\n\n';
    }
    yield '\n';
  },
};

function reportText(report: Report, maxLength: number): string {
  const alarms = report.findings.filter(isUrgent);
  const others = report.findings.filter((finding) => !isUrgent(finding));
  const blocks = [
    `## rootaudit: ${verdict(report)}`,
    outline(report),
    findingsTable(alarms),
    violationsText(report.policy),
    problemsText(report.problems),
    ...alarms.slice(0, MAX_FINDINGS).map((finding) => details(finding, report.stores)),
    folded(`Also on the blocklist, but no alarm: ${others.length}`, findingsTable(others)),
    folded('Notes', notesText(report)),
  ].filter((block) => block !== '');
  return withinLength(blocks, maxLength).join('\n\n');
}

/** As many as there is room for, in their order: what comes first matters most. */
function withinLength(blocks: readonly string[], maxLength: number): readonly string[] {
  const kept: string[] = [];
  let length = 0;
  for (const block of blocks) {
    if (length + block.length > maxLength) {
      const more =
        'There is more than fits here: `rootaudit scan` prints it all, as does every other format.';
      return [...kept, more];
    }
    kept.push(block);
    length += block.length + 2;
  }
  return kept;
}

function verdict({ findings, stores, complete, policy }: Report): string {
  const alarming = findings.filter(isAlarm);
  const trusted = alarming.filter(({ status }) => status === 'trusted');
  const violations = (policy?.violations ?? []).filter((violation) => !isAccepted(violation)).length;
  const broken = violations > 0 ? `${count(violations, 'violation')} of the policy` : '';
  if (trusted.length > 0) {
    const severities = severityCounts(trusted.map(({ severity }) => severity));
    const roots = `${count(trusted.length, 'listed root')} trusted (${severities})`;
    return broken === '' ? roots : `${roots}, ${broken}`;
  }
  if (broken !== '') return broken;
  const embedded = alarming.length;
  if (embedded > 0) return `${count(embedded, 'listed root')} built into programs`;
  if (stores.length === 0) return 'no trust store was found';
  return complete
    ? 'no listed root is trusted'
    : 'no listed root is trusted in what could be read, which is not everything';
}

function outline({ target, stores, blocklist, tool }: Report): string {
  const anchors = stores.reduce((sum, store) => sum + store.anchors, 0);
  const what = target.kind === 'live' ? 'This machine' : code(target.image?.name ?? target.reference);
  const read = `${count(stores.length, 'store')} read, ${count(anchors, 'certificate')} in them`;
  return `${what}: ${read}. rootaudit ${plain(tool.version)}, blocklist ${plain(blocklist.version)}.`;
}

function findingsTable(findings: readonly Finding[]): string {
  if (findings.length === 0) return '';
  const rows = findings.slice(0, MAX_FINDINGS).map(tableRow);
  const rest = findings.length - rows.length;
  return [
    '| severity | root | why | where |',
    '| --- | --- | --- | --- |',
    ...rows,
    ...(rest > 0 ? ['', `… and ${rest} more.`] : []),
  ].join('\n');
}

function tableRow(finding: Finding): string {
  const { severity, status, certificate, title, advisory, locations } = finding;
  const [first] = locations;
  const more = locations.length > 1 ? ` and ${locations.length - 1} more` : '';
  const held = status === 'trusted' ? '' : ` (${STATUS_WORDS[status]})`;
  const accepted = acceptance(finding);
  const cells = [
    severity,
    `${code(shortName(certificate.subject), 100)} ${code(certificate.sha256.slice(0, 16))}${held}${accepted === undefined ? '' : `: ${plain(accepted)}`}`,
    `${plain(title)} (${code(advisory)})`,
    first ? `${code(first.path)}${more}` : '',
  ];
  return `| ${cells.join(' | ')} |`;
}

function details(finding: Finding, stores: readonly StoreSummary[]): string {
  const { certificate, summary, references, match, confidence, locations, remediations } = finding;
  const places = locations.slice(0, MAX_PLACES).map((location) => placeText(location, stores));
  const rest = locations.length - places.length;
  const [reference] = references;
  const sure = confidence ? `, confidence ${confidence}` : '';
  return foldedBlocks(`${finding.severity}: <code>${html(shortName(certificate.subject))}</code>`, [
    `${plain(summary)}${reference === undefined ? '' : ` ${link(reference)}`}`,
    `Certificate ${code(certificate.subject || '(no readable name)')}, SHA-256 ${code(certificate.sha256)}; ${MATCH_WORDS[match]}${sure}.`,
    [...places, ...(rest > 0 ? [`- … and ${rest} more`] : [])].join('\n'),
    ...removalBlocks(finding, remediations),
  ]);
}

function placeText(
  { path, entry, trust, expressed, store, generatedFrom }: Location,
  stores: readonly StoreSummary[],
): string {
  const application = stores.find(({ id }) => id === store)?.application ?? '';
  const held = path.endsWith(`/${entry}`) ? code(path) : `${code(path)} ${code(entry)}`;
  const origin = generatedFrom.length > 0 ? 'generated' : code(expressed);
  return `- ${held}: ${trust}, ${origin}${application === '' ? '' : `, ${plain(application)}`}`;
}

function removalBlocks(
  { stillShippedBy }: Finding,
  remediations: readonly StoreRemediation[],
): readonly string[] {
  if (remediations.length === 0) {
    return stillShippedBy.length === 0
      ? []
      : [`Clean systems ship this root (${plain(stillShippedBy.join(', '))}), so no removal is suggested.`];
  }
  return remediations.flatMap(removal);
}

const DISPOSITION_WORDS = { safe: 'Remove', unsafe: 'Remove (with care)', manual: 'By hand' } as const;
const LANGUAGES = { sh: 'sh', cmd: 'bat', powershell: 'powershell' } as const;

function removal({
  disposition,
  shell,
  commands,
  undo,
  elevated,
  note,
  dockerfile,
}: StoreRemediation): readonly string[] {
  if (dockerfile) {
    // An image is not changed: another is built from it.
    const words = disposition === 'unsafe' ? DISPOSITION_WORDS.unsafe : DISPOSITION_WORDS.safe;
    return [
      `${words}, in a Dockerfile, as root:${note === undefined ? '' : ` ${plain(note)}`}`,
      fence('dockerfile', dockerfile),
    ];
  }
  const who = shell === 'sh' ? 'root' : 'administrator';
  const asWhom = elevated && commands.length > 0 ? `, as ${who}` : '';
  return [
    `${DISPOSITION_WORDS[disposition]}${asWhom}:${note === undefined ? '' : ` ${plain(note)}`}`,
    ...(commands.length > 0 ? [fence(LANGUAGES[shell], commandLines({ shell, commands }))] : []),
    ...(undo.length > 0 ? ['Undo:', fence(LANGUAGES[shell], undo)] : []),
  ];
}

function violationsText(policy: PolicySummary | undefined): string {
  const violations = (policy?.violations ?? []).filter((violation) => !isAccepted(violation));
  if (violations.length === 0) return '';
  const shown = violations.slice(0, MAX_FINDINGS).map(({ message, locations: [first, ...others] }) => {
    const more = others.length > 0 ? ` and ${others.length} more` : '';
    return `- ${plain(message)}${first ? ` ${code(first.path)}${more}` : ''}`;
  });
  const rest = violations.length - shown.length;
  return ['**Not accepted by the policy**', '', ...shown, ...(rest > 0 ? [`- … and ${rest} more`] : [])].join(
    '\n',
  );
}

function problemsText(problems: readonly Problem[]): string {
  if (problems.length === 0) return '';
  const shown = problems.slice(0, MAX_PROBLEMS).map(({ path, message, line, offset }) => {
    const place = line === undefined ? (offset === undefined ? '' : ` at byte ${offset}`) : `:${line}`;
    return `- ${code(`${path}${place}`)}: ${plain(message)}`;
  });
  const rest = problems.length - shown.length;
  return [
    `**${count(problems.length, 'problem')}: not everything could be read**`,
    '',
    ...shown,
    ...(rest > 0 ? [`- … and ${rest} more`] : []),
  ].join('\n');
}

function notesText({ notes, stores, policy }: Report): string {
  const ofStores = stores.flatMap((store) => store.notes.map((note) => `${store.application}: ${note}`));
  const all = [...notes, ...(policy?.notes ?? []), ...ofStores];
  const shown = all.slice(0, MAX_PROBLEMS).map((note) => `- ${plain(note)}`);
  const rest = all.length - shown.length;
  return [...shown, ...(rest > 0 ? [`- … and ${rest} more`] : [])].join('\n');
}

function folded(summary: string, body: string): string {
  return body === '' ? '' : foldedBlocks(summary, [body]);
}

/** `summary` is HTML. */
function foldedBlocks(summary: string, blocks: readonly string[]): string {
  return ['<details>', `<summary>${summary}</summary>`, '', blocks.join('\n\n'), '', '</details>'].join('\n');
}

/** Inside of our own HTML nothing is Markdown. */
function html(text: string): string {
  return visible(text, 200)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
