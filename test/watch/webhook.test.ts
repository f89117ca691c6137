import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { parseToken, parseWebhookUrl, postEvent, type WebhookOptions } from '../../src/watch/webhook.ts';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

interface Posted {
  readonly body: string;
  readonly headers: IncomingMessage['headers'];
}

/** Answers one request after the other with these. */
async function serve(
  ...answers: readonly ((response: ServerResponse) => void)[]
): Promise<{ readonly url: URL; readonly posted: Posted[] }> {
  const posted: Posted[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8');
    request.on('data', (piece: string) => (body += piece));
    request.on('end', () => {
      const answer = answers[Math.min(posted.length, answers.length - 1)];
      posted.push({ body, headers: request.headers });
      answer?.(response);
    });
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  return { url: new URL(`http://127.0.0.1:${port}/secret/path`), posted };
}

const status =
  (code: number, headers: Readonly<Record<string, string>> = {}) =>
  (response: ServerResponse): void =>
    void response.writeHead(code, headers).end('x'.repeat(1000));
const hangUp = (response: ServerResponse): void => void response.destroy();

async function post(
  options: Partial<WebhookOptions> & Pick<WebhookOptions, 'url'>,
  signal?: AbortSignal,
): Promise<string[]> {
  const told: string[] = [];
  const all = {
    userAgent: 'rootaudit/0',
    delay: 1,
    attempts: 5,
    tell: (message: string) => told.push(message),
    ...options,
  };
  await postEvent('{"type":"problem"}\n', all, signal ?? new AbortController().signal);
  return told;
}

describe('postEvent', () => {
  it('posts the event with the token', async () => {
    const { url, posted } = await serve(status(204));
    expect(await post({ url, token: 'geheim' })).toEqual([]);
    expect(posted).toMatchObject([
      {
        body: '{"type":"problem"}\n',
        headers: {
          'content-type': 'application/json',
          'user-agent': 'rootaudit/0',
          authorization: 'Bearer geheim',
        },
      },
    ]);
  });

  it('sends no header without a token', async () => {
    const { url, posted } = await serve(status(200));
    await post({ url });
    expect(posted[0]?.headers).not.toHaveProperty('authorization');
  });

  it('tries again what may pass', async () => {
    const { url, posted } = await serve(
      status(500),
      status(429, { 'retry-after': '0.001' }),
      hangUp,
      status(503, { 'retry-after': 'Fri, 31 Dec 1999 23:59:59 GMT' }),
      status(200),
    );
    expect(await post({ url })).toEqual([
      `the webhook on ${url.host} did not take an event, trying again: it answers 500`,
    ]);
    expect(posted).toHaveLength(5);
  });

  it.each([400, 401, 403, 404, 413])('gives up at once at %i', async (code) => {
    const { url, posted } = await serve(status(code));
    expect(await post({ url })).toEqual([
      `the webhook on ${url.host} did not take an event: it answers ${code}`,
    ]);
    expect(posted).toHaveLength(1);
  });

  it('follows no redirect, because the token is for one address only', async () => {
    const other = await serve(status(200));
    const { url } = await serve(status(307, { location: other.url.href }));
    expect(await post({ url, token: 'geheim' })).toEqual([expect.stringContaining('it answers 307')]);
    expect(other.posted).toEqual([]);
  });

  it('gives up after many attempts, and never tells the path', async () => {
    const { url, posted } = await serve(status(502));
    const told = await post({ url });
    expect(told).toHaveLength(2);
    expect(posted).toHaveLength(5);
    expect(told.join()).not.toContain('secret');
  });

  it('says when nobody is there', async () => {
    const url = new URL('http://127.0.0.1:1/secret');
    expect((await post({ url, attempts: 1 })).join()).toMatch(/no connection( \([A-Z]+\))?$/);
  });

  it('ends when there is no more time, also in the middle of an answer', async () => {
    const { url, posted } = await serve(() => {});
    const stop = new AbortController();
    const done = post({ url }, stop.signal);
    while (posted.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    stop.abort();
    expect(await done).toEqual([expect.stringContaining('came too late')]);
  });

  it('ends when there is no more time, also while it waits', async () => {
    const { url, posted } = await serve(status(500));
    const stop = new AbortController();
    const done = post({ url, delay: 60_000 }, stop.signal);
    while (posted.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    stop.abort();
    expect((await done).at(-1)).toContain('came too late');
  });
});

describe('parseWebhookUrl', () => {
  it.each(['https://example.org/hook?x=1', 'http://localhost:8080/', 'http://127.0.0.1/', 'http://[::1]:1/'])(
    'takes %s',
    (url) => {
      expect(parseWebhookUrl(url).href).toBe(url);
    },
  );

  it.each([
    ['', 'needs an address'],
    ['example.org/hook', 'needs an address'],
    ['http://example.org/', 'with https'],
    ['http://127.0.0.1.example.org/', 'with https'],
    ['http://localhost.example.org/', 'with https'],
    ['http://10.0.0.1/', 'with https'],
    ['ftp://localhost/', 'with https'],
    ['file:///etc/passwd', 'with https'],
    ['https://user:password@example.org/', 'no user and password'],
  ])('refuses %j', (url, message) => {
    expect(() => parseWebhookUrl(url)).toThrow(message);
  });
});

describe('parseToken', () => {
  it('takes a line', () => {
    expect(parseToken('abc.DEF-123=\n', 'file')).toBe('abc.DEF-123=');
  });

  it.each(['', ' \n', 'a b', 'a\r\nX-Header: b', 'ä', '\0', 'x'.repeat(5000)])('refuses %j', (text) => {
    expect(() => parseToken(text, 'file')).toThrow('file holds no token');
  });
});
