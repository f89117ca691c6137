import { defineConfig } from 'vitest/config';

/** These tests change the machine's own state (installed tools), so they run one file after the other. */
export default defineConfig({
  test: {
    // The last two also run without these tools, but see less.
    include: ['test/system/**/*.test.ts', 'test/cli/completion.test.ts', 'test/cli/man.test.ts'],
    fileParallelism: false,
    // Nothing is left in the cache of whoever runs them.
    env: { XDG_CACHE_HOME: '/dev/null' },
    testTimeout: 300_000,
    hookTimeout: 600_000,
  },
});
