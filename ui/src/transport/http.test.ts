import { afterEach, describe, expect, it, vi } from 'vitest';
import { peers, snapshot } from './mock/cast.ts';
import { HttpTransport } from './http.ts';
import { Refused, type LinkState } from './transport.ts';

afterEach(() => vi.unstubAllGlobals());

const json = (value: unknown, status = 200) => new Response(JSON.stringify(value), { status });
const bytes = (text: string) => new TextEncoder().encode(text);

/** A stream of events that can be written to and ended. */
function stream() {
  let pipe: ReadableStreamDefaultController<Uint8Array> | undefined;
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => {
      pipe = controller;
    },
  });
  return {
    response: new Response(body),
    say: (event: string, value: unknown) =>
      pipe?.enqueue(bytes(`event: ${event}\ndata: ${JSON.stringify(value)}\n\n`)),
    end: () => pipe?.close(),
  };
}

describe('a command', () => {
  it('is a POST of JSON, in the language of the page', async () => {
    const fetch = vi.fn(async (_path: string, _init: RequestInit) => json({ reply: 'done' }));
    vi.stubGlobal('fetch', fetch);
    expect(await new HttpTransport(() => 'de').call({ command: 'rescan' })).toEqual({ reply: 'done' });
    const [path, init] = fetch.mock.calls[0]!;
    expect(path).toBe('/api/rpc');
    expect(init.method).toBe('POST');
    expect(init.headers).toEqual({ 'Content-Type': 'application/json', 'Accept-Language': 'de' });
    expect(init.body).toBe('{"command":"rescan"}');
  });

  const answers: [name: string, answer: () => Response, code: string][] = [
    ['a report', () => json({ error: { kind: 'user', code: 'busy', message: 'm', hints: [] } }, 409), 'busy'],
    ['no words at 401', () => new Response('', { status: 401 }), 'no-token'],
    ['nonsense', () => new Response('<html>', { status: 502 }), 'bad-reply'],
    ['nothing', () => { throw new TypeError('failed'); }, 'no-node'],
  ];
  for (const [name, answer, code] of answers) {
    it(`that is answered with ${name} is refused as ${code}`, async () => {
      vi.stubGlobal('fetch', async () => answer());
      const refused = await new HttpTransport(() => 'en').call({ command: 'games' }).catch((e: unknown) => e);
      expect(refused).toBeInstanceOf(Refused);
      expect((refused as Refused).report.code).toBe(code);
    });
  }
});

describe('the stream', () => {
  it('goes on by itself when the node comes back', async () => {
    const heard: string[] = [];
    const links: LinkState[] = [];
    const first = stream();
    const second = stream();
    const third = stream();
    const turns = [
      async () => first.response,
      async () => { throw new TypeError('gone'); },
      async () => new Response('', { status: 401 }),
      async () => second.response,
    ];
    vi.stubGlobal('fetch', async () => turns.shift()?.());
    const stop = new HttpTransport(() => 'en').watch({
      link: (state) => links.push(state),
      snapshot: (state) => heard.push(`snapshot ${state.revision}`),
      delta: (delta) => {
        heard.push(`delta ${delta.revision}`);
        return delta.revision !== 99;
      },
      notice: (notice) => heard.push(notice.notice),
    });
    first.say('snapshot', snapshot([], peers()));
    first.say('delta', { revision: 2, previous: 1 });
    first.say('unknown', { what: 'ever' });
    first.say('notice', { notice: 'uploads_changed' });
    await vi.waitFor(() => expect(heard).toEqual(['snapshot 1', 'delta 2', 'uploads_changed']));
    first.end();
    const knock = setInterval(() => {
      if (links.at(-1) === 'unpaired') {
        document.dispatchEvent(new Event('lanspread-paired'));
      }
    }, 50);
    second.say('snapshot', { ...snapshot([], []), revision: 7 });
    await vi.waitFor(() => expect(heard.at(-1)).toBe('snapshot 7'), { timeout: 10_000 });
    expect(links).toEqual(['live', 'gone', 'gone', 'unpaired', 'live']);
    // A delta that does not fit begins the stream anew, and nobody calls the node gone.
    turns.push(async () => third.response);
    second.say('delta', { revision: 99, previous: 98 });
    third.say('snapshot', { ...snapshot([], []), revision: 100 });
    await vi.waitFor(() => expect(heard.at(-1)).toBe('snapshot 100'), { timeout: 5000 });
    expect(links.slice(5)).toEqual(['live']);
    clearInterval(knock);
    stop();
  }, 20_000);
});
