/** Layers are unpacked beside each other: what unpacks them does not run on the main thread. */

const AT_ONCE = 4;

/** Runs `work` on each item. When one fails, no more are begun, and the first failure in their order is thrown. */
export async function inParallel<Item>(
  items: readonly Item[],
  work: (item: Item, index: number, isStopped: () => boolean) => Promise<void>,
): Promise<void> {
  const failures: { readonly index: number; readonly error: unknown }[] = [];
  let next = 0;
  const isStopped = (): boolean => failures.length > 0;
  const runner = async (): Promise<void> => {
    for (let index = next++; index < items.length && !isStopped(); index = next++) {
      const item = items[index];
      if (item === undefined) continue;
      try {
        await work(item, index, isStopped);
      } catch (error) {
        failures.push({ index, error });
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, runner));
  const [first] = failures.toSorted((a, b) => a.index - b.index);
  if (first) throw first.error;
}
