/** Which steps of a removal whoever runs it may take. */

import { accessSync, constants, lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { filesOf } from '../audit/order-steps.ts';
import { encodePath } from '../core/shell.ts';
import type { PlannedStep, RemovalPlan } from '../report/removal-plan.ts';
import type { Planned } from './apply-plan.ts';

type Steps = RemovalPlan['steps'];

/** On a running system those that their stores call so, and everywhere those on files of somebody else. */
export function stepsForRoot({ plan, target }: Pick<Planned, 'plan' | 'target'>): Steps {
  const uid = process.getuid?.();
  if (uid === undefined) {
    return target.kind === 'live' && !isAdministrator() ? plan.steps.filter(({ elevated }) => elevated) : [];
  }
  if (uid === 0) return [];
  const isForRoot = ({ elevated, action }: PlannedStep): boolean =>
    (target.kind === 'live' && elevated) ||
    filesOf(action).some((path) => !mayReplace(target.hostPath(path), uid));
  return plan.steps.filter(isForRoot);
}

export function possibleSteps(planned: Pick<Planned, 'plan' | 'target'>): Steps {
  const forRoot = new Set(stepsForRoot(planned));
  return planned.plan.steps.filter((step) => !forRoot.has(step));
}

/** Windows shows the directory of the registry's files to those who run as administrator only. */
function isAdministrator(): boolean {
  try {
    readdirSync(join(process.env['SystemRoot'] ?? String.raw`C:\Windows`, 'System32', 'config'));
    return true;
  } catch (error) {
    return !(error instanceof Error && 'code' in error && /^E(?:PERM|ACCES)$/.test(String(error.code)));
  }
}

/** A file that takes the place of another keeps its owner: only that owner, or root, can make it. */
function mayReplace(hostPath: string, uid: number): boolean {
  try {
    const owner = lstatSync(encodePath(hostPath), { throwIfNoEntry: false })?.uid;
    return (owner === undefined || owner === uid) && mayWriteAt(parentOf(hostPath));
  } catch {
    // It lies where this user may not look.
    return false;
  }
}

/** Directories that are missing are made. Throws where it may not. */
function mayWriteAt(directory: string): boolean {
  const isMissing = lstatSync(encodePath(directory), { throwIfNoEntry: false }) === undefined;
  if (isMissing) return directory !== '/' && mayWriteAt(parentOf(directory));
  accessSync(encodePath(directory), constants.W_OK | constants.X_OK);
  return true;
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/')) || '/';
}
