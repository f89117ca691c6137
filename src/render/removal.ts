/** A removal and its outcome, for people and for programs. */

import { groupBy } from '../core/collections.ts';
import type { Action } from '../core/remediation.ts';
import { visible } from '../core/text.ts';
import type {
  PlannedCertificate,
  PlannedPlace,
  PlannedStep,
  RemovalPlan,
  RemovalResult,
  StoreRemoval,
} from '../report/removal-plan.ts';
import { SCHEMA_VERSION } from '../report/report.ts';
import { SEVERITIES, type Severity } from '../blocklist/advisory.ts';
import { grid, type Row } from './grid.ts';
import { actionText } from './removal-actions.ts';
import { joinBlocks, problemsText } from './removal-result.ts';
import { jsonText } from './shared/json-text.ts';
import { MATCH_WORDS } from './shared/words.ts';
import { paletteFor, paragraph, type Palette, type Style } from './style.ts';

/** The plan as data, or with what came of it. */
export function removalJson(plan: RemovalPlan, result?: RemovalResult): string {
  const steps = plan.steps.map((step) => ({ ...step, action: plainAction(step.action) }));
  const stores = plan.stores.map((each) => ({ ...each, actions: each.actions.map(plainAction) }));
  const plain = { ...plan, stores, steps };
  return jsonText(result ? { schemaVersion: SCHEMA_VERSION, plan: plain, result } : plain);
}

/** JSON has no bytes. */
function plainAction(action: Action): object {
  if (action.kind !== 'write') return action;
  const { content, ...rest } = action;
  return { ...rest, contentBase64: Buffer.from(content).toString('base64') };
}

/** `isRunnable` tells whether a command of the system can be run from here. */
export function planText(
  plan: RemovalPlan,
  style: Style,
  isRunnable: (argv: readonly string[]) => boolean,
): string {
  const paint = paletteFor(style);
  const { tool, blocklist, target } = plan;
  const what = target.kind === 'live' ? 'this machine' : visible(target.reference);
  const told = (text: string): string => (style.quiet ? '' : text);
  return joinBlocks([
    told(paint.faint(`${tool.name} ${tool.version}, blocklist ${visible(blocklist.version)}, ${what}`)),
    ...plan.certificates.map((each) => certificateText(each, plan, paint, style)),
    returnsText(plan, paint, style),
    stepsText(plan, paint, style, isRunnable),
    remarksText(plan, paint, style),
    laterText(plan, paint),
    byHandText(plan, paint, style),
    told(leftOutText(plan, paint, style)),
    problemsText(plan.problems, paint, style),
    told(plan.notes.map((note) => paragraph(note, style.width, '')).join('\n')),
    told(plan.certificates.length === 0 ? nothingText(plan, paint) : ''),
  ]);
}

function worstOf({ reasons }: PlannedCertificate): Severity | undefined {
  return SEVERITIES.findLast((severity) => reasons.some((reason) => reason.severity === severity));
}

function certificateText(
  planned: PlannedCertificate,
  plan: RemovalPlan,
  paint: Palette,
  style: Style,
): string {
  const { certificate, reasons, stillShippedBy, places, privateKey, isKeyPublic } = planned;
  const worst = worstOf(planned);
  const badge = worst === undefined ? '' : `${paint.severity(worst, ` ${worst.toUpperCase()} `)} `;
  const shipped =
    stillShippedBy.length > 0 ? [`Clean systems ship this root (${stillShippedBy.join(', ')}).`] : [];
  const why =
    reasons.length === 0
      ? ['It is on no blocklist; you named it.']
      : reasons.map(({ title, advisory, match }) => `${title} (${advisory}): ${MATCH_WORDS[match]}.`);
  return [
    `${badge}${paint.strong(visible(certificate.subject || '(no readable name)'))}`,
    paint.faint(`  SHA-256 ${certificate.sha256}`),
    ...[...why, ...shipped].map((text) => paragraph(text, style.width)),
    ...(isKeyPublic
      ? [paint.bad(paragraph('Its private key is public: anybody can use it.', style.width))]
      : []),
    ...(privateKey === undefined
      ? []
      : [paint.bad(paragraph(`Its private key lies on the same disk: ${privateKey}`, style.width))]),
    grid(
      places.map((place) => placeRow(place, certificate.sha256, plan, paint)),
      style,
    ),
  ].join('\n');
}

function placeRow(
  { store, application, path, entry, generatedFrom }: PlannedPlace,
  sha256: string,
  plan: RemovalPlan,
  paint: Palette,
): Row {
  const held = path.endsWith(`/${entry}`) ? path : `${path} (${entry})`;
  const removal = plan.stores.find((each) => each.store === store && each.certificates.includes(sha256));
  const what =
    generatedFrom.length > 0 ? 'goes with its source' : removal ? METHOD_WORDS[removal.method] : '';
  const tint = removal?.method === 'hand' ? paint.warn : paint.faint;
  return [tint(what), visible(held), visible(application)];
}

const METHOD_WORDS = {
  remove: 'is removed',
  distrust: 'is distrusted',
  hand: 'by hand',
  later: 'is removed after that',
} as const;

function returnsText({ comesBack, certificates }: RemovalPlan, paint: Palette, style: Style): string {
  if (comesBack.length === 0) return '';
  const lines = comesBack.map(({ detail, path, source, certificates: those }) => {
    const what = certificates.length > 1 ? ` (${namesOf(those, certificates)})` : '';
    const where = [path, source].filter((each) => !detail.includes(each));
    return hanging('- ', `${where.length > 0 ? `${where[0]}: ` : ''}${detail}${what}`, style);
  });
  return [paint.warn('What would bring it back'), ...lines].join('\n');
}

const MAX_NAMES = 3;

function namesOf(fingerprints: readonly string[], certificates: RemovalPlan['certificates']): string {
  const names = certificates
    .filter(({ certificate }) => fingerprints.includes(certificate.sha256))
    .map(({ certificate: { subject, sha256 } }) => (subject === '' ? sha256.slice(0, 16) : subject));
  const more = names.length > MAX_NAMES ? ` and ${names.length - MAX_NAMES} more` : '';
  return `${names.slice(0, MAX_NAMES).join('; ')}${more}`;
}

function stepsText(
  { steps, target, certificates, stores }: RemovalPlan,
  paint: Palette,
  style: Style,
  isRunnable: (argv: readonly string[]) => boolean,
): string {
  if (steps.length === 0) return '';
  const who = target.platform === 'win32' ? 'as administrator: ' : 'as root: ';
  const lines = steps.map((step, index) => {
    const { action, elevated } = step;
    const impossible = action.kind === 'run' && !isRunnable(action.argv);
    const text = `${elevated ? who : ''}${actionText(action)}${impossible ? ' (cannot be run from here)' : ''}`;
    const made = regeneratedBy(step, certificates, stores);
    const more = made.length > 0 ? [`This makes anew: ${made.join(', ')}.`] : [];
    return [
      hanging(`${index + 1}. `, text, style),
      ...more.map((each) => paint.faint(paragraph(each, style.width, '     '))),
    ].join('\n');
  });
  return [paint.strong('What will be done, in this order'), ...lines].join('\n');
}

function hanging(mark: string, text: string, { width }: Style): string {
  return `  ${mark}${paragraph(text, width, ' '.repeat(mark.length + 2)).trimStart()}`;
}

/** The copies that a command makes anew and that hold one of the certificates. */
function regeneratedBy(
  { action, stores }: PlannedStep,
  certificates: RemovalPlan['certificates'],
  removals: readonly StoreRemoval[],
): readonly string[] {
  if (action.kind !== 'run') return [];
  const own = new Set(removals.filter(({ store }) => stores.includes(store)).map(({ store }) => store));
  const copies = certificates
    .flatMap(({ places }) => places)
    .filter(({ generatedFrom }) => generatedFrom.some((source) => own.has(source)))
    .map(({ path }) => path);
  const inside = copies.filter((path) =>
    action.changes.some((change) => path === change || path.startsWith(`${change}/`)),
  );
  return [...new Set(inside)];
}

/** What a person must know of what is done; said once where it is the same for many. */
function remarksText({ stores }: RemovalPlan, paint: Palette, style: Style): string {
  const performed = stores.filter(({ method, note }) => method !== 'hand' && note !== undefined);
  const groups = groupBy(performed, ({ disposition, note = '' }) =>
    disposition === 'unsafe' ? `With care: ${note}` : note,
  );
  if (groups.size === 0) return '';
  const remarks = Array.from(groups, ([note, group]) =>
    [paragraph(note, style.width), ...group.map(({ path }) => paint.faint(`    ${visible(path)}`))].join(
      '\n',
    ),
  );
  return [paint.strong('To know'), ...remarks].join('\n');
}

function laterText({ stores }: RemovalPlan, paint: Palette): string {
  const later = stores.filter(({ method }) => method === 'later');
  if (later.length === 0) return '';
  const names = later.map(({ application, path }) => `  ${visible(application)} (${visible(path)})`);
  return [
    paint.strong('Planned for when that is done, because they share files with it'),
    ...new Set(names),
  ].join('\n');
}

function byHandText({ stores, certificates }: RemovalPlan, paint: Palette, style: Style): string {
  const manual = stores.filter(({ method }) => method === 'hand');
  if (manual.length === 0) return '';
  return [
    paint.warn('What a person has to do'),
    ...manual.map(({ application, path, note, commands, certificates: those }) =>
      [
        paragraph(
          `${application} (${path})${certificates.length > 1 ? `, ${namesOf(those, certificates)}` : ''}${note === undefined ? '' : `: ${note}`}`,
          style.width,
        ),
        ...commands.map((command) => `    ${visible(command, 100_000)}`),
      ].join('\n'),
    ),
  ].join('\n');
}

const LEFT_OUT_WORDS = {
  shipped: 'clean systems ship it (--remove-shipped)',
  suspected: 'suspected by its name alone (--suspected)',
} as const;

function leftOutText({ leftOut }: RemovalPlan, paint: Palette, style: Style): string {
  if (leftOut.length === 0) return '';
  const rows = leftOut.map(({ certificate, severity, reason }): Row => [
    paint.severity(severity, severity),
    certificate.sha256,
    LEFT_OUT_WORDS[reason],
  ]);
  return ['Not chosen; name the SHA-256 of one that has to go', grid(rows, style)].join('\n');
}

function nothingText({ complete }: RemovalPlan, paint: Palette): string {
  return complete
    ? paint.good('Nothing has to go.')
    : paint.warn('Nothing has to go in what could be read, but that is not everything.');
}
