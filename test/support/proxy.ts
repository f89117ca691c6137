/** A proxy inside the tests: tunnels (CONNECT) over HTTP or TLS on 127.0.0.1, to names that nobody else knows. */

import { spawn } from 'node:child_process';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { connect, type AddressInfo, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { createServer as createTlsFront } from 'node:tls';
import { afterAll } from 'vitest';
import { makeCertificate, type TestCertificate } from './certificates.ts';
import { PROJECT, type Run } from './rootaudit.ts';

const servers: Server[] = [];
const sockets = new Set<Socket>();

afterAll(() => {
  for (const socket of sockets) socket.destroy();
  for (const server of servers.splice(0)) server.close();
});

function keep<Kept extends Socket>(socket: Kept): Kept {
  sockets.add(socket);
  socket.on('error', () => socket.destroy()).on('close', () => sockets.delete(socket));
  return socket;
}

async function listen(server: Server): Promise<string> {
  servers.push(server.on('connection', keep));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it listens on a port
  return String((server.address() as AddressInfo).port);
}

function bridge(a: Socket, b: Socket): void {
  a.pipe(b).pipe(a);
  a.on('close', () => b.destroy());
  b.on('close', () => a.destroy());
}

export interface Identity {
  readonly cert: string;
  readonly key: string;
}

/** A root of our own, and certificates from it. */
export class Authority {
  readonly #root: TestCertificate = makeCertificate({ subject: { CN: 'Root of the tests' } });

  get pem(): string {
    return this.#root.pem;
  }

  identity(name: string): Identity {
    const { pem, key } = makeCertificate({ subject: { CN: name }, issuer: this.#root });
    return { cert: pem, key: key.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() };
  }
}

/** TLS in front of a server without: the address of the new one. */
export async function tlsInFront(host: string, identity: Identity): Promise<string> {
  const port = Number(host.split(':')[1]);
  const server = createTlsFront(identity, (socket) => bridge(keep(socket), keep(connect(port, '127.0.0.1'))));
  return `127.0.0.1:${await listen(server)}`;
}

export interface ProxyOptions {
  /** What the proxy knows: "registry.test:443" and where that is, "127.0.0.1:40000". */
  readonly names?: Readonly<Record<string, string>>;
  /** It wants these. */
  readonly user?: string;
  /** It speaks TLS itself. */
  readonly identity?: Identity;
  /** Does something else with the request for a tunnel. */
  readonly fault?: (socket: Socket) => void;
}

export interface TestProxy {
  /** "127.0.0.1:40000" */
  readonly host: string;
  /** "CONNECT registry.test:443" of every request, in order. */
  readonly log: string[];
  /** Everything that it was told in headers. */
  readonly headers: IncomingMessage['headers'][];
}

export async function startProxy({ names = {}, user, identity, fault }: ProxyOptions): Promise<TestProxy> {
  const log: string[] = [];
  const headers: IncomingMessage['headers'][] = [];
  const refuse: RequestListener = ({ method, url }, response) => {
    log.push(`${method} ${url}`);
    response.writeHead(400).end();
  };
  const server = identity ? createTlsServer(identity, refuse) : createServer(refuse);
  server.on('connect', (request: IncomingMessage, socket: Socket) => {
    keep(socket);
    log.push(`CONNECT ${request.url}`);
    headers.push(request.headers);
    const expected = user === undefined ? undefined : `Basic ${Buffer.from(user).toString('base64')}`;
    const address = names[request.url ?? ''];
    if (fault) fault(socket);
    else if (request.headers['proxy-authorization'] !== expected) {
      socket.end('HTTP/1.1 407 No\r\nProxy-Authenticate: Basic realm="x"\r\nContent-Length: 0\r\n\r\n');
    } else if (address === undefined) socket.end('HTTP/1.1 502 No\r\nContent-Length: 0\r\n\r\n');
    else {
      const upstream = keep(
        connect(Number(address.split(':')[1]), '127.0.0.1', () => {
          socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
          bridge(socket, upstream);
        }),
      );
    }
  });
  return { host: `127.0.0.1:${await listen(server)}`, log, headers };
}

/** Runs the built command while this process goes on serving. */
export async function rootauditBeside(
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<Run> {
  const { PATH } = process.env;
  const child = spawn(process.execPath, [join(PROJECT, 'bin/rootaudit.js'), ...args], {
    env: { PATH, HOME: '/nonexistent', XDG_CACHE_HOME: '/dev/null', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const status = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { status, stdout, stderr };
}
