/** Asking the person at the terminal. */

/** True when somebody can see the question and answer it. */
export function isAnsweredByPerson(): boolean {
  return process.stdin.isTTY && process.stderr.isTTY;
}

/** Everything but yes is no. On standard error, so that a report on standard output stays whole. */
export async function confirm(question: string): Promise<boolean> {
  const { createInterface } = await import('node:readline/promises');
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await lines.question(`\n${question} Only "yes" does it [no]: `);
    return /^y(?:es)?$/i.test(answer.trim());
  } finally {
    lines.close();
  }
}
