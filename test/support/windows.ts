/** Windows' forms of certificates and of the registry for tests: written the way `rootaudit selftest` does. */

export {
  blobProperty,
  certificateBlob,
  filetime,
  sha1,
  sst,
  trustList,
  u32,
  utf16,
} from '../../src/selftest/windows-forms.ts';
export { makeHive, tree, type HiveKey, type HiveOptions } from '../../src/selftest/windows-hive.ts';
