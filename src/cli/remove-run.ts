/** What `rootaudit remove` does: plan, show, ask, do, and look again. */

import { planRemoval } from '../audit/plan-removal.ts';
import { RootauditError } from '../core/errors.ts';
import { canQuoteSh, quoteSh } from '../core/shell.ts';
import { visible } from '../core/text.ts';
import { createMatcher } from '../match/matcher.ts';
import { isRunnable, RemovalInterrupted } from '../removal/apply.ts';
import { findUsers } from '../removal/in-use.ts';
import { defaultJournalBase, prepareBase } from '../removal/journal.ts';
import { cleanUpAfterOthers } from '../removal/leftovers.ts';
import { withLock } from '../removal/lock.ts';
import type { Root } from '../removal/place.ts';
import { actionText } from '../render/removal-actions.ts';
import { resultText } from '../render/removal-result.ts';
import { planText, removalJson } from '../render/removal.ts';
import type { RemovalPlan, RemovalResult } from '../report/removal-plan.ts';
import { STORE_TYPES } from '../stores/index.ts';
import { applyPlan, possibleSteps, rootOf, stepsForRoot, type Planned } from './apply-plan.ts';
import { EXIT, worstOf } from './exit-code.ts';
import { openChosenBlocklist, openTarget, TOOL, type Surroundings } from './options.ts';
import { outputStyle } from './outputs.ts';
import { storeWords } from './progress-words.ts';
import { confirm, isAnsweredByPerson } from './question.ts';
import type { RemoveOptions } from './remove.ts';
import { eachImage, putScripts, scriptOf } from './remove-script.ts';
import { passwordsOf } from './store-passwords.ts';

interface Context {
  readonly targets: readonly string[];
  readonly options: RemoveOptions;
  readonly surroundings: Surroundings;
}

/** Returns the exit code. */
export async function runRemove(
  targets: readonly string[],
  options: RemoveOptions,
  surroundings: Surroundings,
): Promise<number> {
  const context = { targets, options, surroundings };
  if (options.output !== undefined && options.script === undefined) {
    throw new RootauditError('--output is for --script', 'Without a script, redirect what is printed.');
  }
  if (options.image !== undefined) return planImages(context, options.image);
  if (options.apply) return applyRemoval(context);
  const planned = await planFor(context, targets);
  const { plan, target } = planned;
  if (options.script === undefined) await show(plan, rootOf(target), context);
  else putScripts([await scriptOf(options.script, planned)], options, surroundings);
  return exitCodeFor(plan);
}

async function planImages(context: Context, reference: string): Promise<number> {
  const { options, targets, surroundings } = context;
  if (options.apply) refuseImage('image');
  const { script } = options;
  const plans = await eachImage(reference, options, async (target) => {
    let planned = planOn(target, context, targets);
    // What a stream has let go by is fetched when a store asks for it.
    while (await target.fetchMissing?.()) planned = planOn(target, context, targets);
    if (script === undefined) await show(planned.plan, rootOf(target), context);
    return { plan: planned.plan, text: script && (await scriptOf(script, planned)) };
  });
  if (script !== undefined)
    putScripts(
      plans.map(({ text }) => text ?? ''),
      options,
      surroundings,
    );
  return worstOf(plans.map(({ plan }) => exitCodeFor(plan)));
}

function exitCodeFor(plan: RemovalPlan): number {
  return plan.certificates.length > 0 ? EXIT.findings : plan.complete ? EXIT.clean : EXIT.incomplete;
}

async function planFor(context: Context, targets: readonly string[]): Promise<Planned> {
  return planOn(await openTarget(context.options, context.surroundings), context, targets);
}

function planOn(
  target: Planned['target'],
  { options, surroundings }: Context,
  targets: readonly string[],
): Planned {
  const blocklist = openChosenBlocklist(options, surroundings);
  const { version, digest } = blocklist.compiled;
  const { progress } = surroundings.terminal;
  const planned = planRemoval({
    target,
    stores: STORE_TYPES,
    matcher: createMatcher(blocklist.compiled, {
      unverifiedNames: false,
      blockedCertificate: (fingerprint) => blocklist.certificate(fingerprint),
    }),
    blocklist: { version, digest },
    advisoryIds: blocklist.advisoryIds(),
    tool: TOOL,
    read: { storePasswords: passwordsOf(options) },
    choice: { ...options, targets },
    distrust: options.distrust,
    ...(progress && { progress: (state) => progress.show(() => storeWords(state)) }),
  });
  progress?.clear();
  return { ...planned, target };
}

async function show(plan: RemovalPlan, root: Root, { options, surroundings }: Context): Promise<void> {
  const { stdout, terminal } = surroundings;
  if (options.format === 'json') {
    stdout.write(removalJson(plan));
    return;
  }
  const style = await outputStyle(surroundings);
  stdout.write(planText(plan, style, (argv) => isRunnable(argv, root)));
  if (plan.steps.length === 0 || terminal.quiet) return;
  if (plan.target.kind === 'image') {
    stdout.write('\nAn image is not changed. --script dockerfile writes what builds one without them.\n');
    return;
  }
  const command = ['rootaudit', ...process.argv.slice(2), '--apply'];
  const sudo = stepsForRoot(plan).length > 0 ? 'sudo ' : '';
  stdout.write(`\nNothing has been changed. To do it: ${sudo}${words(command)}\n`);
  if (sudo !== '' && possibleSteps(plan).length > 0) {
    stdout.write('Without sudo, the steps that do not say "as root" are done.\n');
  }
}

/** The command as it could be typed again; a password is not repeated. */
function words(argv: readonly string[]): string {
  return argv
    .map((word, index) =>
      argv[index - 1] === '--store-password' ? '…' : word.replace(/^(--store-password=).*/s, '$1…'),
    )
    .map((word) => (/^--?[A-Za-z-]+$/.test(word) || !canQuoteSh(word) ? visible(word) : quoteSh(word)))
    .join(' ');
}

async function applyRemoval(context: Context): Promise<number> {
  const { options, surroundings } = context;
  if (!options.yes && !isAnsweredByPerson()) {
    throw new RootauditError(
      'there is nobody to ask before something is changed',
      'Run it on a terminal, or with --yes.',
    );
  }
  const base = prepareBase(options.journal ?? defaultJournalBase(surroundings.environment));
  return withLock(base, async () => {
    // What an interrupted run left would be read as part of the stores.
    const target = await openTarget(options, surroundings);
    refuseImage(target.kind);
    cleanUpAfterOthers(base, rootOf(target));
    const planned = await planFor(context, context.targets);
    return askAndApply(planned, base, context);
  });
}

async function askAndApply(planned: Planned, base: string, context: Context): Promise<number> {
  const { options, surroundings } = context;
  const { stdout } = surroundings;
  const { plan } = planned;
  const style = await outputStyle(surroundings);
  const root = rootOf(planned.target);
  if (options.format === 'table') stdout.write(planText(plan, style, (argv) => isRunnable(argv, root)));
  if (plan.steps.length === 0) {
    if (options.format === 'json') stdout.write(removalJson(plan, nothingDone(plan)));
    return plan.certificates.length > 0 ? EXIT.findings : plan.complete ? EXIT.clean : EXIT.incomplete;
  }
  refuseWithoutRoot(plan);
  await refuseWhileInUse(planned, options);
  if (!options.yes && !(await confirm('Do this?'))) {
    process.stderr.write('Nothing was changed.\n');
    return EXIT.findings;
  }
  const result = await perform(planned, base, context);
  stdout.write(
    options.format === 'json' ? removalJson(plan, result) : `\n${resultText(result, style, withSudo())}`,
  );
  if (!result.verified) return result.left.length > 0 ? EXIT.findings : EXIT.incomplete;
  return EXIT.clean;
}

function nothingDone({ complete, problems, certificates }: RemovalPlan): RemovalResult {
  const left = certificates.flatMap(({ certificate, places }) =>
    places.map((place) => ({ sha256: certificate.sha256, ...place })),
  );
  const verified = complete && left.length === 0;
  return { done: [], skipped: [], needRoot: [], verified, left, alsoLost: [], problems, journal: null };
}

/** An image is what its digest says; another one is built from it. */
function refuseImage(kind: Planned['target']['kind']): void {
  if (kind === 'live' || kind === 'directory') return;
  throw new RootauditError(
    'an image is not changed',
    'Leave out --apply. With --script dockerfile, what builds a clean image from it is written.',
  );
}

/** What belongs to the user can go without root; then at least that is done. */
function refuseWithoutRoot(plan: RemovalPlan): void {
  const forRoot = stepsForRoot(plan);
  if (forRoot.length === 0) return;
  const details = forRoot.map(({ action }) => `  ${actionText(action)}`);
  if (possibleSteps(plan).length === 0) {
    throw new RootauditError('root is needed', `Nothing was changed. Run: ${withSudo()}`, { details });
  }
  const number = forRoot.length === 1 ? 'One step is' : `${forRoot.length} steps are`;
  process.stderr.write(
    `${number} left out, because root is needed:\n${details.map((each) => `${visible(each, 10_000)}\n`).join('')}`,
  );
}

function withSudo(): string {
  return `sudo ${words(['rootaudit', ...process.argv.slice(2)])}`;
}

async function refuseWhileInUse({ plan, target }: Planned, { force }: RemoveOptions): Promise<void> {
  if (force || target.kind !== 'live') return;
  const uses = plan.stores
    .filter(({ method }) => method === 'remove' || method === 'distrust')
    .map(({ inUse = [], actions }) => ({
      names: inUse,
      files: actions.flatMap((action) => (action.kind === 'run' ? [] : [action.path])),
    }));
  const users = await findUsers(rootOf(target), uses);
  if (users.length === 0) return;
  throw new RootauditError(
    `running programs have a store open: ${users.join(', ')}`,
    'Nothing was changed. End them first; with --force they are not minded, and may write back what they remember.',
  );
}

/** Ctrl-C lets the step that is being taken come to its end. */
function stopSignal(): { readonly signal: AbortSignal; readonly release: () => void } {
  const controller = new AbortController();
  const stop = (): void => controller.abort();
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const each of signals) process.on(each, stop);
  return {
    signal: controller.signal,
    release: () => {
      for (const each of signals) process.off(each, stop);
    },
  };
}

async function perform(first: Planned, base: string, context: Context): Promise<RemovalResult> {
  const { options, surroundings } = context;
  const { signal, release } = stopSignal();
  try {
    return await applyPlan(first, {
      base,
      stores: STORE_TYPES,
      read: { storePasswords: passwordsOf(options) },
      tool: `${TOOL.name} ${TOOL.version}`,
      now: new Date(),
      open: () => openTarget(options, surroundings),
      planFor: (certificates) => planFor(context, certificates),
      signal,
    });
  } catch (error) {
    throw error instanceof RemovalInterrupted ? interrupted(error) : error;
  } finally {
    release();
  }
}

function interrupted({ message, hint, journal, done }: RemovalInterrupted): RootauditError {
  const details = [
    done.length === 0 ? 'No step had been completed.' : 'This had been done:',
    ...done.map((each) => `  ${each}`),
    `Go back with: rootaudit undo ${words([journal])}`,
  ];
  return new RootauditError(message, hint, { details });
}
