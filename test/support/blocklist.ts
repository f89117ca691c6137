/** Throw-away blocklists for tests: written the way `rootaudit selftest` does. */

export { advisory, blocked, writeBlocklist } from '../../src/selftest/blocklist.ts';
