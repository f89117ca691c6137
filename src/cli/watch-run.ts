/** A watch from its start to its end: what it reads first, where its events go, which signals it obeys. */

import { readFileSync } from 'node:fs';
import { matcherFor } from '../api/blocklist.ts';
import { readSaved } from '../api/saved.ts';
import { openTarget } from '../api/targets.ts';
import type { Severity } from '../blocklist/advisory.ts';
import { RootauditError } from '../core/errors.ts';
import { severityRank } from '../match/matcher.ts';
import { createPrograms } from '../match/programs.ts';
import { proxyFor } from '../network/proxy.ts';
import { jsonText } from '../render/shared/json-text.ts';
import type { SavedInventory } from '../report/saved.ts';
import { STORE_TYPES } from '../stores/index.ts';
import { Deliveries } from '../watch/deliveries.ts';
import type { Change, WatchEvent } from '../watch/event.ts';
import { runCommand, TOKEN_VARIABLE } from '../watch/run-command.ts';
import { Watch } from '../watch/watch.ts';
import { parseToken, parseWebhookUrl, postEvent } from '../watch/webhook.ts';
import { EXIT } from './exit-code.ts';
import { openChosenBlocklist, TOOL, type Surroundings } from './options.ts';
import { passwordsOf } from './store-passwords.ts';
import type { WatchOptions } from './watch.ts';

/** What is still on its way when the watch ends has so long. */
const FINISH_WITHIN = 2000;
const COMMANDS_AT_ONCE = 4;

interface Delivery {
  readonly event: WatchEvent;
  /** As JSON. */
  readonly line: string;
}

export async function runWatch(
  command: readonly string[],
  options: WatchOptions,
  surroundings: Surroundings,
): Promise<void> {
  const { root, interval, initial, severity, unverifiedNames } = options;
  const { environment, stdout } = surroundings;
  const target = root === undefined ? {} : { root };
  if (root === '') throw new RootauditError('--root needs a directory');
  const outlets = outletsFor(command, options, environment);
  const baseline = options.baseline === undefined ? undefined : await readSnapshot(options.baseline);
  const blocklist = openChosenBlocklist(options, surroundings);
  const { version, digest } = blocklist.compiled;
  const watch = new Watch({
    open: (observer) => openTarget(target, environment, observer),
    rules: {
      stores: STORE_TYPES,
      read: { storePasswords: passwordsOf(options) },
      matcher: matcherFor(blocklist, unverifiedNames),
      programs: createPrograms(blocklist.compiled),
    },
    tool: TOOL,
    blocklist: { version, digest },
    interval,
    initial,
    ...(baseline && { baseline }),
    began: (record) => stdout.write(jsonText(record, 0)),
    happened: (event) => {
      if (!isWanted(event, severity)) return;
      const line = jsonText(event, 0);
      stdout.write(line);
      for (const outlet of outlets) outlet.add({ event, line });
    },
  });
  const letGo = obeySignals(watch);
  try {
    await watch.run();
  } finally {
    await Promise.all(outlets.map((outlet) => outlet.finish(FINISH_WITHIN)));
    letGo();
  }
  process.exitCode = EXIT.clean;
}

function isWanted(change: Change, least: Severity | undefined): boolean {
  if (least === undefined || 'problem' in change) return true;
  if (!('certificate' in change) || change.severity === undefined) return false;
  return severityRank(change.severity) >= severityRank(least);
}

async function readSnapshot(file: string): Promise<SavedInventory> {
  const saved = await readSaved(file);
  if (saved.is === 'inventory') return saved.inventory;
  throw new RootauditError(
    `${file} is a report: it knows roots on the blocklist only`,
    'The baseline of a watch is what `rootaudit snapshot` wrote.',
  );
}

function outletsFor(
  [command, ...args]: readonly string[],
  { webhook, webhookTokenFile, execTimeout }: WatchOptions,
  environment: NodeJS.ProcessEnv,
): readonly Deliveries<Delivery>[] {
  const tell = createTeller();
  const outlets: Deliveries<Delivery>[] = [];
  if (command !== undefined) {
    const options = { command, args, environment, timeout: execTimeout, tell };
    outlets.push(
      new Deliveries<Delivery>({
        atOnce: COMMANDS_AT_ONCE,
        deliver: (delivery, signal) => runCommand(delivery, options, signal),
        lost: () => tell('a command was not run for each event: there were too many'),
      }),
    );
  }
  if (webhook === undefined) {
    if (webhookTokenFile !== undefined)
      throw new RootauditError('--webhook-token-file is of use with --webhook only');
    return outlets;
  }
  const token = tokenFrom(webhookTokenFile, environment);
  const url = parseWebhookUrl(webhook);
  const options = {
    url,
    proxy: proxyFor(url, environment),
    ...(token !== undefined && { token }),
    userAgent: `${TOOL.name}/${TOOL.version}`,
    tell,
  };
  outlets.push(
    new Deliveries<Delivery>({
      // In order.
      atOnce: 1,
      deliver: ({ line }, signal) => postEvent(line, options, signal),
      lost: () => tell('the webhook did not get each event: there were too many'),
    }),
  );
  return outlets;
}

function tokenFrom(file: string | undefined, environment: NodeJS.ProcessEnv): string | undefined {
  if (file === undefined) {
    const token = environment[TOKEN_VARIABLE];
    return token === undefined ? undefined : parseToken(token, TOKEN_VARIABLE);
  }
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new RootauditError(`${file} cannot be read`, 'Check the path and its permissions.', {
      cause: error,
    });
  }
  return parseToken(text, file);
}

const SAY_AGAIN_AFTER = 60_000;

/** On standard error; the same thing once a minute, because what fails for one event fails for a thousand. */
function createTeller(): (message: string) => void {
  const told = new Map<string, number>();
  return (message) => {
    const now = performance.now();
    if (now - (told.get(message) ?? -SAY_AGAIN_AFTER) < SAY_AGAIN_AFTER) return;
    if (told.size > 100) told.clear();
    told.set(message, now);
    process.stderr.write(`rootaudit: ${message}\n`);
  };
}

/** A second SIGINT or SIGTERM ends at once. Returns how to stop obeying. */
function obeySignals(watch: Watch): () => void {
  const stop = (): void => watch.stop();
  // Whoever closes the terminal wants us to end; without one it is how daemons are told to look again.
  const hangUp = process.stdout.isTTY || process.stderr.isTTY ? stop : (): void => watch.rescan();
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  if (process.platform !== 'win32') process.on('SIGHUP', hangUp);
  return () => {
    process.off('SIGINT', stop);
    process.off('SIGTERM', stop);
    process.off('SIGHUP', hangUp);
  };
}
