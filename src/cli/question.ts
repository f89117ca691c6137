/** Asking the person at the terminal. */

import { createInterface } from 'node:readline/promises';

/** True when somebody can see the question and answer it. */
export function isAnsweredByPerson(): boolean {
  return process.stdin.isTTY && process.stderr.isTTY;
}

/** Everything but yes is no. On standard error, so that a report on standard output stays whole. */
export async function confirm(question: string): Promise<boolean> {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  // Ctrl-C and the end of the input answer too.
  const gone = new Promise<string>((resolve) => {
    lines.once('SIGINT', () => resolve(''));
    lines.once('close', () => resolve(''));
  });
  try {
    const answer = await Promise.race([
      lines.question(`\n${question} [yes/no, no if nothing is said] `),
      gone,
    ]);
    return /^y(?:es)?$/i.test(answer.trim());
  } finally {
    lines.close();
  }
}
