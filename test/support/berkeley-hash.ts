/** Berkeley DB files for tests: written the way `rootaudit selftest` does. */

export { certificateRecord, hashFile, hashPage, pairsPage } from '../../src/selftest/berkeley-hash.ts';
