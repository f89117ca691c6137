/**
 * The plan as a batch file, for what Windows keeps in its registry. Each key is compared with the very bytes of the
 * certificate before anything happens to it. What cmd.exe cannot carry, or do safely, is refused in words.
 */

import { RootauditError } from '../core/errors.ts';
import { visible } from '../core/text.ts';
import { canQuoteCmd, quoteCmd } from '../core/windows-shell.ts';
import { directoryOf, type Script, type ScriptInput, type ScriptStep } from './script.ts';
import { isWindowsStep, keyGuardOf } from './windows-steps.ts';

type Run = Extract<ScriptStep, { kind: 'run' }>;

const INSTEAD = 'Take --script powershell.';

/** A line of cmd.exe has at most 8191 characters. */
const MAX_BYTES = 3500;

export function cmdScript(
  { id, steps, elevated, heading, byHand, inUse }: Script,
  input: ScriptInput,
): string {
  const runs = steps.map((step) => {
    if (step.kind === 'run' && isWindowsStep(step, input.plan) && !step.argv.includes('-addstore'))
      return step;
    throw new RootauditError(`cmd.exe cannot do this safely: ${step.text}`, INSTEAD);
  });
  if (inUse.length > 0)
    throw new RootauditError(`cmd.exe cannot tell whether ${inUse.join(', ')} runs`, INSTEAD);
  const fingerprints = runs.flatMap((run) => keyGuardOf(run, input.plan)?.sha256 ?? []);
  const guards = new Map([...new Set(fingerprints)].map((each, index) => [each, index + 1]));
  const lines = [
    '@echo off',
    'setlocal EnableExtensions DisableDelayedExpansion',
    ...heading.map((line) => `rem ${plain(line)}`),
    'rem',
    'rem   SCRIPT.cmd          does it; a second run changes nothing',
    'rem   SCRIPT.cmd /undo    puts everything back',
    '',
    `set "backup=${elevated ? '%ProgramData%' : '%LOCALAPPDATA%'}\\rootaudit\\script-${id}"`,
    `if defined ROOTAUDIT_BACKUP set "backup=%ROOTAUDIT_BACKUP%\\script-${id}"`,
    'if "%~1"=="/undo" goto undo',
    'if not "%~1"=="" goto usage',
    'if not exist "%backup%" mkdir "%backup%"',
    'if not exist "%backup%" goto failed',
    ...runs.flatMap((run) => ['', ...stepLines(run, input, guards)]),
    '',
    ...byHand.map((line) => `echo By hand: ${plain(line)}`),
    'echo Done.',
    'exit /b 0',
    '',
    ':undo',
    ...runs.toReversed().flatMap(undoLines),
    'echo Everything is back.',
    'exit /b 0',
    ...[...guards].flatMap(([fingerprint, number]) => guardLines(number, input.certificate(fingerprint))),
    ...CMD_END,
  ];
  return lines.map((line) => `${line}\r\n`).join('');
}

const CMD_END = [
  '',
  ':other',
  'echo Stopped: %shown% does not hold the certificate that this script was written for. It was not touched.>&2',
  'exit /b 1',
  '',
  ':failed',
  'echo Stopped: step %step% failed. Is this an elevated prompt? What was done before can be undone with /undo.>&2',
  'exit /b 1',
  '',
  ':usage',
  'echo usage: SCRIPT.cmd [/undo]>&2',
  'exit /b 2',
];

/** Fit to be shown and to stand after rem and echo, which act on much else. */
function plain(text: string): string {
  return text.replaceAll(/[^\w .,:\\/()=+-]/g, '?');
}

/**
 * A routine of 0 when %key% holds this very certificate, 1 when there is no such key, 2 when it holds something else.
 * What %blob% is replaced in are hexadecimal digits and nothing else.
 */
function guardLines(number: number, der: Uint8Array | undefined): string[] {
  if (!der || der.length === 0)
    throw new RootauditError('cmd.exe cannot check a certificate without its bytes', INSTEAD);
  if (der.length > MAX_BYTES)
    throw new RootauditError('the certificate is too long for a line of cmd.exe', INSTEAD);
  const digits = Buffer.from(der).toString('hex').toUpperCase();
  return [
    '',
    `:holds${number}`,
    'set "blob="',
    `for /f "tokens=2,*" %%A in ('%SystemRoot%\\System32\\reg.exe query "%key%" /v Blob 2^>nul') do if "%%A"=="REG_BINARY" set "blob=%%B"`,
    'if not defined blob exit /b 1',
    `set "rest=%blob:*${digits}=found%"`,
    'if "%rest:~0,5%"=="found" exit /b 0',
    'exit /b 2',
  ];
}

function stepLines(step: Run, { plan }: ScriptInput, guards: ReadonlyMap<string, number>): string[] {
  const { number, text } = step;
  const head = [
    `rem ${number}. ${plain(text)}`,
    `set "step=${number}"`,
    `if exist "%backup%\\done-${number}" goto after${number}`,
  ];
  const tail = [`type nul > "%backup%\\done-${number}"`, `echo ${number}. ${plain(text)}`, `:after${number}`];
  const directory = directoryOf(step.argv);
  if (directory !== undefined) {
    const quoted = wordOf(directory);
    return [...head, `if not exist ${quoted} mkdir ${quoted}`, `if not exist ${quoted} goto failed`, ...tail];
  }
  const guard = keyGuardOf(step, plan);
  if (!guard) throw new RootauditError(`cmd.exe cannot check the certificate before this: ${text}`, INSTEAD);
  return [
    ...head,
    `set "key=${unquoted(guard.key)}"`,
    `set "shown=${plain(guard.key)}"`,
    `call :holds${guards.get(guard.sha256) ?? 0}`,
    'if errorlevel 2 goto other',
    `if errorlevel 1 goto after${number}`,
    `${lineOf(step.argv)} >nul`,
    'if errorlevel 1 goto failed',
    ...tail,
  ];
}

function undoLines({ number, undo }: Run): string[] {
  if (undo.length === 0) return [`if exist "%backup%\\done-${number}" del "%backup%\\done-${number}"`];
  return [
    `set "step=${number}"`,
    `if not exist "%backup%\\done-${number}" goto undone${number}`,
    ...undo.flatMap((argv) => [`${lineOf(argv)} >nul`, 'if errorlevel 1 goto failed']),
    `del "%backup%\\done-${number}"`,
    `echo ${number}. undone`,
    `:undone${number}`,
  ];
}

/** Ours, as no name of a key or a file can be. */
const OPTION = /^[-/][a-z]+$/i;
const TOOLS = new Set(['reg', 'certutil']);

function lineOf([tool = '', ...words]: readonly string[]): string {
  if (!TOOLS.has(tool)) throw new RootauditError(`a batch file does not run ${visible(tool)}`, INSTEAD);
  // By its path: cmd.exe would take one in the current directory first.
  return [
    `"%SystemRoot%\\System32\\${tool}.exe"`,
    ...words.map((word) => (OPTION.test(word) ? word : wordOf(word))),
  ].join(' ');
}

function wordOf(word: string): string {
  expectPlain(word);
  return quoteCmd(word);
}

/** For `set "name=…"`. */
function unquoted(word: string): string {
  expectPlain(word);
  return word;
}

/** A batch file is read in the code page of the console, which nobody knows beforehand. */
function expectPlain(word: string): void {
  if (canQuoteCmd(word) && /^[\x20-\x7e]*$/.test(word)) return;
  throw new RootauditError(`cmd.exe cannot carry ${visible(word)}`, INSTEAD);
}
