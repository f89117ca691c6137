import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/system/**'],
    // Nothing is left in the cache of whoever runs them.
    env: { XDG_CACHE_HOME: '/dev/null' },
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
});
