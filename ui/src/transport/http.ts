/** The transport of the web page: commands as POST, the stream as server-sent events. */
import type { Command, Reply, Snapshot } from '../model.ts';
import type { ErrorBody } from '../types/api.ts';
import { EventReader, type StreamEvent } from './event-stream.ts';
import { fault, type Listener, Refused, type Transport } from './transport.ts';

/** The node sends a comment every 15 s; a stream that is silent for longer is dead. */
const SILENCE_MS_MAX = 40_000;
/** How long the page waits before it tries again, longer after each failure. */
const RETRY_MS = [300, 600, 1_000, 2_000, 3_000];
/** A browser that is not let in asks seldom: only a person changes that. */
const UNPAIRED_MS = 30_000;
/** A hidden page gives its connection back after so long, and asks now and then instead. */
const HIDDEN_MS = 20_000;
const HIDDEN_ASK_MS = 5_000;

/** Said on the document when this browser was let in. */
const PAIRED = 'lanspread-paired';

export class HttpTransport implements Transport {
  /** The language of the page, for the hints of refusals. */
  readonly #language: () => string;

  constructor(language: () => string) {
    this.#language = language;
  }

  async call(command: Command): Promise<Reply> {
    const response = await this.#request('/api/rpc', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'Accept-Language': this.#language() },
      body: JSON.stringify(command),
    });
    return (await response.json()) as Reply;
  }

  async pair(code: string): Promise<void> {
    await this.#request('/api/pair', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'Accept-Language': this.#language() },
      body: JSON.stringify({ code }),
    });
    document.dispatchEvent(new Event(PAIRED));
  }

  async #snapshot(): Promise<Snapshot> {
    const response = await this.#request('/api/snapshot', {});
    return (await response.json()) as Snapshot;
  }

  watch(listener: Listener): () => void {
    const stop = new AbortController();
    void this.#follow(listener, stop.signal);
    return () => stop.abort();
  }

  /** @throws Refused when the node says no or is not there. */
  async #request(path: string, init: RequestInit): Promise<Response> {
    let response: Response;
    try {
      response = await fetch(path, { ...init, cache: 'no-store', credentials: 'same-origin' });
    } catch {
      throw new Refused(fault('no-node', 'the node does not answer'));
    }
    if (response.ok) {
      return response;
    }
    throw new Refused(await reportOf(response));
  }

  async #follow(listener: Listener, stop: AbortSignal) {
    let failures = 0;
    let unpaired = false;
    while (!stop.aborted) {
      try {
        if (!stop.aborted && isLongHidden()) {
          listener.snapshot(await this.#snapshot());
          await pause(HIDDEN_ASK_MS, stop, 'visibilitychange');
        } else {
          await this.#stream(listener, stop, () => {
            failures = 0;
          });
        }
        unpaired = false;
      } catch (error) {
        unpaired = error instanceof Refused && error.report.code === 'no-token';
        listener.link(unpaired ? 'unpaired' : 'gone');
        failures += 1;
      }
      const retry = RETRY_MS[Math.min(failures, RETRY_MS.length - 1)] ?? 0;
      await pause(unpaired ? UNPAIRED_MS : retry, stop, PAIRED);
    }
  }

  /** Reads one stream to its end; a stream that ends is a node that is gone. */
  async #stream(listener: Listener, stop: AbortSignal, alive: () => void) {
    const end = new AbortController();
    const abort = () => end.abort();
    stop.addEventListener('abort', abort);
    const hidden = whenLongHidden(abort);
    let silence = setTimeout(abort, SILENCE_MS_MAX);
    try {
      const response = await this.#request('/api/events', { signal: end.signal });
      let fits = true;
      const reader = new EventReader((event) => {
        fits = fits && deliver(event, listener);
      });
      listener.link('live');
      for await (const bytes of chunks(response)) {
        clearTimeout(silence);
        silence = setTimeout(abort, SILENCE_MS_MAX);
        alive();
        reader.push(bytes);
        if (!fits) {
          end.abort();
          return;
        }
      }
      throw new Refused(fault('no-node', 'the stream ended'));
    } catch (error) {
      if (!hidden.happened && !stop.aborted) {
        throw error;
      }
    } finally {
      clearTimeout(silence);
      hidden.forget();
      stop.removeEventListener('abort', abort);
    }
  }
}

/** Whether the stream goes on; events of a kind that is not known are left out. */
function deliver(event: StreamEvent, listener: Listener): boolean {
  switch (event.name) {
    case 'snapshot':
      listener.snapshot(JSON.parse(event.text));
      return true;
    case 'delta':
      return listener.delta(JSON.parse(event.text));
    case 'notice':
      listener.notice(JSON.parse(event.text));
      return true;
    default:
      return true;
  }
}

async function reportOf(response: Response) {
  try {
    return ((await response.json()) as ErrorBody).error;
  } catch {
    return fault(response.status === 401 ? 'no-token' : 'bad-reply', `status ${response.status}`);
  }
}

async function* chunks(response: Response) {
  const reader = response.body?.getReader();
  for (;;) {
    const step = await reader?.read();
    if (!step || step.done) {
      return;
    }
    yield step.value;
  }
}

let hiddenSince: number | null = null;
if (typeof document !== 'undefined') {
  const note = () => {
    hiddenSince = document.hidden ? (hiddenSince ?? Date.now()) : null;
  };
  note();
  document.addEventListener('visibilitychange', note);
}

function isLongHidden() {
  return hiddenSince !== null && Date.now() - hiddenSince >= HIDDEN_MS;
}

function whenLongHidden(act: () => void) {
  const watch = {
    happened: false,
    forget: () => {
      clearTimeout(timer);
      document.removeEventListener('visibilitychange', arm);
    },
  };
  let timer: ReturnType<typeof setTimeout> | undefined;
  const arm = () => {
    clearTimeout(timer);
    if (document.hidden) {
      timer = setTimeout(() => {
        watch.happened = true;
        act();
      }, HIDDEN_MS);
    }
  };
  document.addEventListener('visibilitychange', arm);
  arm();
  return watch;
}

/** Waits; shorter when the page stops, is shown, or the network comes back. */
function pause(ms: number, stop: AbortSignal, wake = 'online') {
  return new Promise<void>((resolve) => {
    const done = () => {
      clearTimeout(timer);
      stop.removeEventListener('abort', done);
      window.removeEventListener('online', done);
      document.removeEventListener(wake, done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    stop.addEventListener('abort', done);
    window.addEventListener('online', done);
    document.addEventListener(wake, done);
  });
}
