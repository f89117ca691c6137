/** A writer of protobuf messages, and of the two that Chrome keeps certificates in. */

export function varint(value: number | bigint): Buffer {
  const octets: number[] = [];
  let rest = BigInt(value);
  do {
    octets.push(Number(rest & 0x7fn) | (rest > 0x7fn ? 0x80 : 0));
    rest >>= 7n;
  } while (rest > 0n);
  return Buffer.from(octets);
}

export function numberField(field: number, value: number | bigint): Buffer {
  return Buffer.concat([varint(field << 3), varint(value)]);
}

export function bytesField(field: number, ...parts: readonly (Uint8Array | string)[]): Buffer {
  const body = Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : part)));
  return Buffer.concat([varint((field << 3) | 2), varint(body.length), body]);
}

/** CertificateMetadata of a ServerCertificate database. */
export function trustSettings(type: number, ...constraints: readonly Uint8Array[]): Buffer {
  const limited = constraints.length > 0 ? bytesField(2, ...constraints) : Buffer.alloc(0);
  return Buffer.concat([bytesField(1, numberField(1, type)), limited]);
}

/** `crs.pb`: RootStore with one TrustAnchor, and its version. */
export function chromeRootStore(der: Uint8Array, name: string): Buffer {
  return Buffer.concat([bytesField(1, bytesField(1, der), bytesField(5, name)), numberField(2, 1)]);
}
