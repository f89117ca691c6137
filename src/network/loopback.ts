/** Hosts by which a computer speaks to itself: the only ones without TLS, and never behind a proxy. */

/** `hostname` as a URL has it. */
export function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(hostname);
}
