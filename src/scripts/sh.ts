/** The plan as a script for the POSIX shell: strict, checked, logged, to be run again at any time, with its own undo. */

import type { RemovalPlan } from '../report/removal-plan.ts';
import { toolOf, type Script, type ScriptFile, type ScriptInput, type ScriptStep } from './script.ts';
import { SH_BASE, SH_CUT, SH_DELETE, SH_FILES, SH_WRITE } from './sh-library.ts';
import {
  SH_CHROOT,
  SH_EDIT,
  SH_RUN,
  SH_TOOLS,
  SH_UNDO_FILES,
  SH_UNDO_MADE,
  SH_UNDO_RUN,
} from './sh-library-tools.ts';
import { shContent, shWord, shWords, shWordWith } from './sh-words.ts';

type Edit = Extract<ScriptStep, { kind: 'edit' }>;
type Run = Extract<ScriptStep, { kind: 'run' }>;

const NONE = 'none';

export function shScript(
  { id, files, steps, elevated, heading, byHand, inUse }: Script,
  input: ScriptInput,
): string {
  const has = (kind: ScriptStep['kind']): boolean => steps.some((step) => step.kind === kind);
  const hasFiles = files.length > 0;
  const runs = steps.filter((step) => step.kind === 'run');
  const head = [
    '#!/bin/sh',
    ...heading.map((line) => `# ${line}`),
    '#',
    '#   sh SCRIPT         does it; a second run changes nothing',
    '#   sh SCRIPT undo    puts everything back',
    '#',
    '# Copies and a log are kept in /var/backups/rootaudit (without root in ~/.local/state/rootaudit), or in the',
    '# directory that ROOTAUDIT_BACKUP names.',
    // Words that look as if they were to be expanded are names.
    ...(steps.some(looksExpanded) ? ['# shellcheck disable=SC2016'] : []),
    'set -eu',
    '',
    `script_id=${id}`,
    ...(hasFiles || has('run') ? [`root=${shWord(input.root)}`] : []),
  ];
  const parts = [
    head.join('\n'),
    SH_BASE,
    ...(hasFiles ? [SH_FILES] : []),
    ...(has('delete') ? [SH_DELETE] : []),
    ...(has('cut') ? [SH_CUT] : []),
    ...(has('write') ? [SH_WRITE] : []),
    ...(has('edit') || has('run') ? [SH_TOOLS] : []),
    ...(has('edit') ? [SH_EDIT] : []),
    ...(has('run') ? [SH_RUN] : []),
    ...(runs.some(isChroot) ? [SH_CHROOT] : []),
    ...(hasFiles ? [SH_UNDO_FILES] : []),
    ...(has('write') ? [SH_UNDO_MADE] : []),
    ...(runs.some(({ changes }) => changes.length > 0) ? [SH_UNDO_RUN] : []),
    body('check', checks(files, steps, elevated, inUse)),
    body('apply', [
      'changed=0',
      ...(runs.some(isChroot) ? ['left=0'] : []),
      ...steps.flatMap(stepLines),
      '',
      ...byHand.map((line) => `say ${shWord(`By hand: ${line}`)}`),
      ...(runs.some(isChroot) ? ['[ "$left" -eq 0 ] || exit 1'] : []),
      'if [ "$changed" -eq 0 ]; then say \'Nothing was left to do.\'',
      "else say 'Done.'",
      'fi',
    ]),
    body('undo', undoLines(files, steps, elevated)),
    MAIN,
  ];
  const script = `${parts.map((part) => part.trim()).join('\n\n')}\n`;
  return script.includes('"$newline"')
    ? script.replace('\numask 077\n', "\numask 077\nnewline='\n'\n")
    : script;
}

const MAIN = `
case \${1:-apply} in
  apply)
    check
    work=$(mktemp -d) || stop 'no temporary directory can be made'
    apply
    ;;
  undo)
    undo
    ;;
  *)
    printf 'usage: sh %s [undo]\\n' "$0" >&2
    exit 2
    ;;
esac
`;

function body(name: string, lines: readonly string[]): string {
  // A here-document and its end stand where they stand.
  return `${name}() {\n${lines.map(indented).join('\n')}\n}`;
}

function indented(line: string): string {
  const at = line.indexOf('\n');
  const [first, rest] = at < 0 ? [line, ''] : [line.slice(0, at), line.slice(at)];
  return `${first === '' ? '' : '  '}${first}${rest}`;
}

function looksExpanded(step: ScriptStep): boolean {
  return /[$`]/.test(JSON.stringify(step));
}

function hashOrNone(hash: string | null | undefined): string {
  return hash === undefined ? '-' : (hash ?? NONE);
}

function isChroot({ argv }: Run): boolean {
  return argv[0] === 'chroot';
}

function checks(
  files: readonly ScriptFile[],
  steps: readonly ScriptStep[],
  elevated: boolean,
  inUse: readonly string[],
): string[] {
  const tools = steps.flatMap((step) =>
    step.kind === 'edit'
      ? step.runs.map(toolOf)
      : step.kind === 'run' && !isChroot(step)
        ? [toolOf(step.argv)]
        : [],
  );
  const needed = [...new Set(tools)].filter((tool) => tool !== 'sh');
  const lines = [
    ...(elevated ? [ROOT_CHECK] : []),
    ...needed.map((tool) => `need ${shWord(tool)}`),
    ...inUse.flatMap((name) => [
      `if [ -z "\${ROOTAUDIT_FORCE:-}" ] && command -v pgrep > /dev/null 2>&1 && pgrep -x ${shWord(name.slice(0, 15))} > /dev/null; then`,
      `  stop ${shWord(`${name} runs and may write back what it remembers: end it first (or set ROOTAUDIT_FORCE=1)`)}`,
      'fi',
    ]),
    ...files.map(
      ({ number, path, before, after }) =>
        `expect_file ${number} ${shWord(path)} ${hashOrNone(before)} ${hashOrNone(after)}`,
    ),
  ];
  return lines.length > 0 ? lines : [':'];
}

const ROOT_CHECK = `[ "$(id -u)" -eq 0 ] || stop 'root is needed'`;

function stepLines(step: ScriptStep): string[] {
  return ['', `# ${step.number}. ${step.text}`, ...commandsOf(step)];
}

function commandsOf(step: ScriptStep): string[] {
  switch (step.kind) {
    case 'delete':
      return [`delete_file ${placeOf(step)} ${step.before ?? NONE}`];
    case 'cut': {
      const kept = step.kept.map(
        ({ start, end }) => `${start + 1} ${end === undefined ? 'all' : end - start}`,
      );
      return [
        `cut_file ${placeOf(step)} ${hashOrNone(step.before)} ${hashOrNone(step.after)} ${kept.join(' ')}`,
      ];
    }
    case 'write':
      return writeLines(step);
    case 'edit':
      return editLines(step);
    case 'run':
      return runLines(step);
  }
}

function placeOf({ number, file }: { readonly number: number; readonly file: ScriptFile }): string {
  return `${number} ${file.number} ${shWord(file.path)}`;
}

function writeLines(step: Extract<ScriptStep, { kind: 'write' }>): string[] {
  const command = `write_file ${placeOf(step)} ${hashOrNone(step.before)} ${hashOrNone(step.after)} ${step.mode.toString(8)}`;
  const content = shContent(step.content);
  if ('hereDocument' in content) {
    // The mark has the hash of the content in it: no line of the content can be it.
    const mark = `END_${(step.after ?? '').slice(0, 16)}`;
    return [`${command} << '${mark}'\n${content.hereDocument}${mark}`];
  }
  return [
    `print_${step.number}() {`,
    ...(content.printf === '' ? ['  :'] : content.printf.split('\n').map((line) => `  ${line}`)),
    '}',
    `print_${step.number} > "$work/content"`,
    `${command} < "$work/content"`,
  ];
}

function editLines({ number, path, directory, files, runs, placeholder }: Edit): string[] {
  const single = files.find(({ file }) => file.path === path)?.name;
  const copy = directory || single === undefined ? '$copies' : `$copies/${single}`;
  return [
    `begin_edit ${number}`,
    ...files.map(
      ({ file, before, name }) =>
        `copy_edited ${number} ${file.number} ${shWord(file.path)} ${before} ${name}`,
    ),
    'if edit_is_due ' + String(number) + '; then',
    `  if [ ! -d "$backup/edits/${number}" ]; then`,
    ...runs.map(
      (argv) => `    tool ${number} ${argv.map((word) => shWordWith(word, placeholder, copy)).join(' ')}`,
    ),
    `    keep_edit ${number}`,
    '  fi',
    ...files.map(({ file, name }) => `  put_edited ${number} ${file.number} ${shWord(file.path)} ${name}`),
    `  end_edit ${number} ${shWord(path)}`,
    'fi',
  ];
}

function runLines(step: Run): string[] {
  const { number, argv, changes, regenerates, text } = step;
  const [, root = '', inside = ''] = argv;
  const enter = isChroot(step) ? ` && can_enter ${number} ${shWord(root)} ${shWord(inside)}` : '';
  return [
    `if run_is_due ${number} ${regenerates ? 1 : 0}${enter}; then`,
    ...changes.map((path, index) => `  save_tree ${number}-${index + 1} ${shWord(path)}`),
    `  run_command ${number} ${shWords(argv)}`,
    ...changes.map((path, index) => `  mark_tree ${number}-${index + 1} ${shWord(path)}`),
    `  end_run ${number} ${shWord(text)}`,
    'fi',
  ];
}

/** What no copy brings back comes first, while the files that it may need are there; what is made anew comes last. */
function undoLines(files: readonly ScriptFile[], steps: readonly ScriptStep[], elevated: boolean): string[] {
  const runs = steps.filter((step) => step.kind === 'run');
  const written = new Set(
    steps.flatMap((step) => (step.kind === 'write' && step.before === null ? [step.file.number] : [])),
  );
  const back = files.toReversed();
  return [
    ...(elevated ? [ROOT_CHECK] : []),
    '[ -f "$backup/state" ] || {',
    "  say 'There is nothing to undo.'",
    '  return 0',
    '}',
    "work=$(mktemp -d) || stop 'no temporary directory can be made'",
    ...files.map(
      ({ number, path, before, after }) =>
        `expect_file ${number} ${shWord(path)} ${hashOrNone(before)} ${hashOrNone(after)}`,
    ),
    ...runs.toReversed().flatMap(undoRunLines),
    ...back.flatMap(({ number, path, before }) => [
      `restore_file ${number} ${shWord(path)} ${hashOrNone(before)}`,
      ...(written.has(number) ? [`remove_made ${number} ${shWord(path)}`] : []),
    ]),
    ...runs.flatMap(restoreTreeLines),
    ...back.map(({ number, path }) => `restore_time ${number} ${shWord(path)}`),
    'rm -rf -- "$backup/files" "$backup/trees" "$backup/edits" "$backup/state"',
    "say 'Everything is back.'",
  ];
}

function undoRunLines({ number, undo }: Run): string[] {
  if (undo.length === 0) return [];
  return [
    `if is_known "begun ${number}" && ! is_known "undone ${number}"; then`,
    ...undo.map(
      (argv) => `  of_system ${shWords(argv)} || stop ${shWord(`step ${number} cannot be undone`)}`,
    ),
    `  record "undone ${number}"`,
    'fi',
  ];
}

function restoreTreeLines(step: Run): string[] {
  const { number, changes, regenerates, argv } = step;
  if (changes.length === 0) return [];
  const restore = changes.map((path, index) => `restore_tree ${number}-${index + 1} ${shWord(path)}`);
  if (!regenerates) return restore.map((line) => `${line} || true`);
  return [
    `if is_known "begun ${number}"; then`,
    '  again=0',
    ...restore.map((line) => `  ${line} || again=1`),
    '  if [ "$again" -eq 1 ]; then',
    `    of_system ${shWords(argv)} || stop ${shWord(`step ${number} cannot be run again`)}`,
    `    say ${shWord(`${number}. run again`)}`,
    '  fi',
    'fi',
  ];
}

export function refuseSh({ target }: RemovalPlan): string | undefined {
  if (target.kind === 'image') return 'An image is changed by a Dockerfile: --script dockerfile.';
  if (target.kind === 'live' && target.platform === 'win32')
    return 'Windows has no sh: --script powershell or cmd.';
  return undefined;
}
