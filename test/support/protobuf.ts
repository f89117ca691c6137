/** Messages of protobuf for tests: written the way `rootaudit selftest` does. */

export { bytesField, numberField, trustSettings, varint } from '../../src/selftest/protobuf.ts';
