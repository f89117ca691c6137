/** How a certificate leaves a store: each command for itself, exactly as it is to be typed, and what puts it back. */

import { count } from '../../core/text.ts';
import type { StoreRemediation } from '../../report/report.ts';
import { markup, shown, type Html } from './markup.ts';
import { code, fit, heading, name, restText, type Context } from './pieces.ts';

const DISPOSITION_WORDS = { safe: 'Remove', unsafe: 'Remove, with care', manual: 'By hand' } as const;

/** The commands of one shell of Windows mean nothing, or something else, in the other. */
const SHELL_WORDS = { sh: undefined, cmd: 'in cmd.exe', powershell: 'in PowerShell' } as const;

const ORDER = markup`<p class="soft">One after the other. Stop where one fails: most of them begin with a check that nothing has changed since the scan.</p>
`;

const MAX_STORES = 100;
const MAX_COMMANDS = 100;
const MAX_COMMAND = 100_000;
const MAX_LENGTH = 1_000_000;

export function removalBlocks(remediations: readonly StoreRemediation[], context: Context): Html | undefined {
  const { shown: blocks, rest } = fit(
    remediations,
    { items: MAX_STORES, length: MAX_LENGTH },
    (remediation) => removalBlock(remediation, context),
  );
  return markup`${blocks}${restText(rest, 'store to remove it from', 'stores to remove it from')}`;
}

function removalBlock(remediation: StoreRemediation, context: Context): Html {
  const { disposition, shell, elevated, note, store: id, dockerfile } = remediation;
  // An image is not changed: another is built from it.
  const commands = dockerfile ?? remediation.commands;
  const undo = dockerfile ? [] : remediation.undo;
  const store = context.stores.get(id);
  const who = shell === 'sh' ? 'root' : 'administrator';
  const how = [
    dockerfile ? 'in a Dockerfile' : undefined,
    elevated && commands.length > 0 ? `as ${who}` : undefined,
    commands.length > 0 ? SHELL_WORDS[shell] : undefined,
  ].filter((word) => word !== undefined);
  const words =
    dockerfile && disposition === 'manual' ? DISPOSITION_WORDS.safe : DISPOSITION_WORDS[disposition];
  const title = [words, ...how].join(', ');
  return markup`<div class="removal ${disposition}">
${heading(context, 2, undefined, markup`${title}${store && markup` <span class="soft">from ${name(store.application)}</span>`}`)}
${
  store &&
  markup`<p class="soft">${code(store.path)}</p>
`
}${
    note === undefined
      ? undefined
      : markup`<p class="note">${shown(note, 10_000)}</p>
`
  }${commands.length > 1 && !dockerfile ? ORDER : undefined}${commands.length > 0 ? commandList(commands) : undefined}${undo.length > 0 ? undoBlock(undo) : undefined}</div>
`;
}

function undoBlock(undo: readonly string[]): Html {
  return markup`<details class="undo"><summary>Undo: ${count(undo.length, 'command')} that ${undo.length === 1 ? 'puts' : 'put'} everything back</summary>
${commandList(undo)}</details>
`;
}

function commandList(commands: readonly string[]): Html {
  const { shown: items, rest } = fit(
    commands,
    { items: MAX_COMMANDS, length: MAX_LENGTH },
    (command) => markup`<li>${commandText(command)}</li>
`,
  );
  return markup`<ol class="commands">
${items}</ol>
${restText(rest, 'command')}`;
}

/** A command that cannot be shown as it is must not be copied from here: it would be another one. */
function commandText(command: string): Html {
  const text = shown(command, MAX_COMMAND);
  return text === command
    ? markup`<pre><code data-copy="command">${command}</code></pre>`
    : markup`<pre><code>${text}</code></pre><p class="soft">This command holds characters that cannot be shown, or is too long: take it from <code>rootaudit scan -f json</code>.</p>`;
}
