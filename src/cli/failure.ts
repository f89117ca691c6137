/** What goes wrong, in words on standard error. */

import type { RootauditError } from '../core/errors.ts';
import { visible } from '../core/text.ts';

export function tellFailure({ message, details, hint }: RootauditError): void {
  process.stderr.write(`rootaudit: ${visible(message)}\n`);
  for (const line of details) process.stderr.write(`${visible(line)}\n`);
  if (hint !== undefined) process.stderr.write(`${visible(hint)}\n`);
}
