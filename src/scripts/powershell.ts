/** The plan as a script for PowerShell on Windows: strict, checked, with -WhatIf and its own -Undo. */

import type { RemovalPlan } from '../report/removal-plan.ts';
import {
  POWERSHELL_BASE,
  POWERSHELL_EDIT,
  POWERSHELL_FILES,
  POWERSHELL_MAIN,
  POWERSHELL_RUN,
  POWERSHELL_TOOLS,
} from './powershell-library.ts';
import { asciiText, powerShellBytes, powerShellList, powerShellText } from './powershell-words.ts';
import { directoryOf, type Script, type ScriptFile, type ScriptInput, type ScriptStep } from './script.ts';
import { fileGuardOf, keyGuardOf, windowsPath } from './windows-steps.ts';

export function refuseWindows({ target }: RemovalPlan): string | undefined {
  if (target.kind === 'live' && target.platform === 'win32') return undefined;
  if (target.kind === 'image') return 'An image is changed by a Dockerfile: --script dockerfile.';
  return 'It is for a running Windows: write it there, or take --script sh or ansible.';
}

export function powerShellScript(script: Script, { plan }: ScriptInput): string {
  const { id, files, steps, elevated, heading, byHand, inUse } = script;
  const has = (kind: ScriptStep['kind']): boolean => steps.some((step) => step.kind === kind);
  const parts = [
    [
      '#Requires -Version 5.1',
      ...(elevated ? ['#Requires -RunAsAdministrator'] : []),
      ...heading.map((line) => `# ${asciiText(line)}`),
      '#',
      '#   powershell -ExecutionPolicy Bypass -File SCRIPT.ps1            does it; a second run changes nothing',
      '#   powershell -ExecutionPolicy Bypass -File SCRIPT.ps1 -WhatIf    tells what it would do',
      '#   powershell -ExecutionPolicy Bypass -File SCRIPT.ps1 -Undo      puts everything back',
      '[CmdletBinding(SupportsShouldProcess)]',
      'param([switch]$Undo)',
      '',
      'Set-StrictMode -Version 3',
      "$ErrorActionPreference = 'Stop'",
    ].join('\n'),
    baseOf(id, elevated),
    POWERSHELL_BASE,
    ...(files.length > 0 ? [POWERSHELL_FILES] : []),
    ...(has('edit') || has('run') ? [POWERSHELL_TOOLS] : []),
    ...(has('edit') ? [POWERSHELL_EDIT] : []),
    ...(has('run') ? [POWERSHELL_RUN] : []),
    filesOf(files),
    stepsOf(steps, plan),
    ...(inUse.length > 0 ? [inUseOf(inUse)] : []),
    mainFor(steps, files),
    [
      ...byHand.map((line) => `Write-Log -Message ${powerShellText(asciiText(`By hand: ${line}`))}`),
      "if (-not $WhatIfPreference) { Write-Log -Message 'Done.' }",
    ].join('\n'),
  ];
  return `${parts.map((part) => part.trim()).join('\n\n')}\n`;
}

function baseOf(id: string, elevated: boolean): string {
  const usual = elevated ? '$env:ProgramData' : '$env:LOCALAPPDATA';
  return [
    `$Base = if ($env:ROOTAUDIT_BACKUP) { $env:ROOTAUDIT_BACKUP } else { Join-Path -Path ${usual} -ChildPath 'rootaudit' }`,
    `$Backup = Join-Path -Path $Base -ChildPath 'script-${id}'`,
    "$StateFile = Join-Path -Path $Backup -ChildPath 'state'",
  ].join('\n');
}

function stateOrNone(hash: string | null | undefined): string {
  return `'${hash === undefined ? '-' : (hash ?? 'none')}'`;
}

function filesOf(files: readonly ScriptFile[]): string {
  if (files.length === 0) return '$Files = @{}';
  const lines = files.map(
    ({ number, path, before, after }) =>
      `    ${number} = @{ Number = ${number}; Path = ${powerShellText(windowsPath(path))}; Before = ${stateOrNone(before)}; After = ${stateOrNone(after)} }`,
  );
  return ['$Files = @{', ...lines, '}'].join('\n');
}

function stepsOf(steps: readonly ScriptStep[], plan: RemovalPlan): string {
  if (steps.length === 0) return '$Steps = @()';
  const tables = steps.map((step) => {
    const common = [
      `Number = ${step.number}`,
      `Text = ${powerShellText(asciiText(step.text))}`,
      ...fieldsOf(step, plan),
    ];
    return ['    @{', ...common.map((field) => `        ${field}`), '    }'].join('\n');
  });
  return ['$Steps = @(', ...tables, ')'].join('\n');
}

function command(argv: readonly string[]): string {
  return powerShellList(argv.map(powerShellText));
}

/** Tables, because PowerShell takes a list of one list for that list. */
function commands(lists: readonly (readonly string[])[]): string {
  return powerShellList(lists.map((argv) => `@{ Command = ${command(argv)} }`));
}

function fieldsOf(step: ScriptStep, plan: RemovalPlan): string[] {
  switch (step.kind) {
    case 'delete':
      return ["Kind = 'Delete'", ...fileFields(step)];
    case 'cut': {
      const kept = step.kept.flatMap(({ start, end }) => [start, end === undefined ? -1 : end - start]);
      return ["Kind = 'Cut'", ...fileFields(step), `Kept = @(${kept.join(', ')})`];
    }
    case 'write':
      return ["Kind = 'Write'", ...fileFields(step), `Content = ${powerShellBytes(step.content)}`];
    case 'edit': {
      const single = step.directory
        ? undefined
        : step.files.find(({ file }) => file.path === step.path)?.name;
      const edited = step.files.map(({ file, name }) => `@{ File = ${file.number}; Name = '${name}' }`);
      return [
        "Kind = 'Edit'",
        `Edited = ${powerShellList(edited)}`,
        `Copy = ${powerShellText(single ?? '')}`,
        `Placeholder = ${powerShellText(step.placeholder)}`,
        `Runs = ${commands(step.runs)}`,
        'Undo = @()',
      ];
    }
    case 'run': {
      const key = keyGuardOf(step, plan);
      const file = fileGuardOf(step, plan);
      return [
        "Kind = 'Run'",
        `Key = ${powerShellText(key?.key ?? '')}`,
        `Certificate = ${powerShellText(file?.key ?? '')}`,
        `Sha256 = '${key?.sha256 ?? file?.sha256 ?? ''}'`,
        `Directory = ${powerShellText(directoryOf(step.argv) ?? '')}`,
        `Command = ${command(step.argv)}`,
        `Undo = ${commands(step.undo)}`,
      ];
    }
  }
}

function fileFields({ file, after }: { readonly file: ScriptFile; readonly after: string | null }): string[] {
  return [`File = ${file.number}`, `After = ${stateOrNone(after)}`, 'Undo = @()'];
}

function inUseOf(names: readonly string[]): string {
  const list = powerShellList(names.map((name) => powerShellText(name.replace(/\.exe$/i, ''))));
  return [
    `$Running = @(Get-Process -Name ${list} -ErrorAction SilentlyContinue | ForEach-Object { $_.ProcessName } | Select-Object -Unique)`,
    'if ($Running.Count -gt 0 -and -not $env:ROOTAUDIT_FORCE) {',
    '    throw "running programs may write back what they remember: end them first (or set ROOTAUDIT_FORCE): $($Running -join \', \')"',
    '}',
  ].join('\n');
}

/** Without what no step needs. */
function mainFor(steps: readonly ScriptStep[], files: readonly ScriptFile[]): string {
  const has = (...kinds: readonly ScriptStep['kind'][]): boolean =>
    steps.some(({ kind }) => kinds.includes(kind));
  let main = POWERSHELL_MAIN;
  if (!has('run'))
    main = main.replace(/ +'Run' .*\n/, '').replace(/ {4}foreach \(\$Step in @\([\s\S]*?\n {4}\}\n/, '');
  if (!has('edit')) main = main.replace(/ +'Edit' .*\n/, '');
  if (!has('delete', 'cut', 'write')) main = main.replace(/ +default .*\n/, '');
  if (files.length === 0) {
    main = main
      .replaceAll(/ *\$Files\.Values .*\n/g, '')
      .replace(/ {4}foreach \(\$File in @\([\s\S]*?\n {4}\}\n/, '');
  }
  return main;
}
