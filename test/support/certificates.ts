/** Throw-away certificates for tests: those that `rootaudit selftest` makes. */

export {
  makeCertificate,
  makeKey,
  tlv,
  toPem,
  type MadeCertificate as TestCertificate,
} from '../../src/selftest/certificates.ts';
