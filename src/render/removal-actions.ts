/** The steps of a removal in words. */

import type { Action } from '../core/remediation.ts';
import { canQuoteSh, quoteSh } from '../core/shell.ts';
import { count } from '../core/text.ts';

/** What a step does, in words. The arguments of a tool that works on a copy may hold the password of a keystore. */
export function actionText(action: Action): string {
  switch (action.kind) {
    case 'delete':
      return `delete ${action.path}`;
    case 'cut': {
      const bytes = action.ranges.reduce((sum, { start, end }) => sum + end - start, 0);
      return `cut ${count(action.ranges.length, 'part')} of together ${count(bytes, 'byte')} out of ${action.path}`;
    }
    case 'write':
      return action.sha256 === null
        ? `make the file ${action.path}`
        : `give ${action.path} a new content of ${count(action.content.length, 'byte')}`;
    case 'edit':
      return `change a copy of ${action.path} with ${toolName([action.argv, ...(action.afterwards ?? [])])}, check it, and put it in place`;
    case 'run':
      return `run ${commandText(action.argv)}`;
  }
}

/** A shell around it only checks. */
function toolName(runs: readonly (readonly string[])[]): string {
  const names = runs.map((argv) => argv.find((word) => word !== 'env' && !/^\w+=/.test(word)) ?? '');
  return names.find((name) => name !== 'sh') ?? names[0] ?? '';
}

export function commandText(argv: readonly string[]): string {
  return argv
    .map((word) => (/^-[A-Za-z-]+$/.test(word) || !canQuoteSh(word) ? word : quoteSh(word)))
    .join(' ');
}
