/** What `rootaudit remove` does: plan, show, ask, do, and look again. */

import { matcherFor } from '../api/blocklist.ts';
import { planRemoval } from '../audit/plan-removal.ts';
import { untilFetched } from '../audit/until-fetched.ts';
import { RootauditError } from '../core/errors.ts';
import { count } from '../core/text.ts';
import { isRunnable, RemovalInterrupted } from '../removal/apply.ts';
import { defaultJournalBase, prepareBase } from '../removal/journal.ts';
import { cleanUpAfterOthers } from '../removal/leftovers.ts';
import { withLock } from '../removal/lock.ts';
import { resultText } from '../render/removal-result.ts';
import { planText, removalJson } from '../render/removal.ts';
import type { RemovalPlan, RemovalResult } from '../report/removal-plan.ts';
import { STORE_TYPES } from '../stores/index.ts';
import { applyPlan, rootOf, type Planned } from './apply-plan.ts';
import { EXIT, worstOf } from './exit-code.ts';
import { openChosenBlocklist, openTarget, TOOL, type Surroundings } from './options.ts';
import { outputStyle } from './outputs.ts';
import { storeProgress } from './progress-words.ts';
import { confirm, isAnsweredByPerson } from './question.ts';
import {
  hintFor,
  refuseImage,
  refuseWhileInUse,
  refuseWithoutRoot,
  SUDO,
  withSudo,
  words,
} from './remove-refusals.ts';
import type { RemoveOptions } from './remove.ts';
import { eachImage, putScripts, scriptOf } from './remove-script.ts';
import { passwordsOf } from './store-passwords.ts';
import { possibleSteps } from './who-may.ts';

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
  if (options.script === undefined) await show(planned, context);
  else {
    putScripts([await scriptOf(options.script, planned)], options, surroundings);
    if (planned.plan.steps.length === 0) {
      process.stderr.write('Nothing can be done on this target from here: the script changes nothing.\n');
    }
  }
  return exitCodeFor(planned.plan);
}

async function planImages(context: Context, reference: string): Promise<number> {
  const { options, targets, surroundings } = context;
  if (options.apply) refuseImage('image');
  const { script } = options;
  const plans = await eachImage(reference, options, async (target) => {
    const planned = await untilFetched(target, () => planOn(target, context, targets));
    if (script === undefined) await show(planned, context);
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
  const tell = storeProgress(surroundings.terminal);
  const planned = planRemoval({
    target,
    stores: STORE_TYPES,
    matcher: matcherFor(blocklist, false),
    blocklist: { version, digest },
    advisoryIds: blocklist.advisoryIds(),
    hint: (word) => hintFor(word, blocklist),
    tool: TOOL,
    read: { storePasswords: passwordsOf(options) },
    choice: { ...options, targets },
    distrust: options.distrust,
    ...(tell && { progress: tell }),
  });
  progress?.clear();
  return { ...planned, target };
}

async function show(planned: Planned, { options, surroundings }: Context): Promise<void> {
  const { stdout, terminal } = surroundings;
  const { plan, target } = planned;
  if (options.format === 'json') {
    stdout.write(removalJson(plan));
    return;
  }
  const style = await outputStyle(surroundings);
  stdout.write(planText(plan, style, (argv) => isRunnable(argv, rootOf(target))));
  if (plan.steps.length === 0 || terminal.quiet) return;
  if (plan.target.kind === 'image') {
    stdout.write('\nAn image is not changed. --script dockerfile writes what builds one without them.\n');
    return;
  }
  const command = ['rootaudit', ...process.argv.slice(2), '--apply'];
  const possible = possibleSteps(planned).length;
  const isAll = possible === plan.steps.length;
  stdout.write(`\nNothing has been changed. To do it: ${isAll ? '' : SUDO}${words(command)}\n`);
  if (!isAll) {
    const number = possible === 0 ? 'none' : String(possible);
    stdout.write(
      `Without root or administrator, ${number} of ${count(plan.steps.length, 'step')} can be done.\n`,
    );
  }
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
  refuseWithoutRoot(planned);
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
  return {
    done: [],
    skipped: [],
    failed: [],
    needRoot: [],
    verified,
    left,
    alsoLost: [],
    problems,
    journal: null,
  };
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
    if (error instanceof RemovalInterrupted) throw interrupted(error);
    throw error instanceof RootauditError ? refused(error) : error;
  } finally {
    release();
  }
}

function refused(error: RootauditError): RootauditError {
  const { message, hint, details } = error;
  const more = hint === undefined ? '' : ` ${hint}`;
  return new RootauditError(message, `Nothing was changed.${more}`, { details, cause: error });
}

function interrupted({ message, hint, journal, done }: RemovalInterrupted): RootauditError {
  const details = [
    done.length === 0 ? 'No step had been completed.' : 'This had been done:',
    ...done.map((each) => `  ${each}`),
    `Go back with: rootaudit undo ${words([journal])}`,
  ];
  return new RootauditError(message, hint, { details });
}
