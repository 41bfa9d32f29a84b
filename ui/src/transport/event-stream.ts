/** Reads server-sent events out of bytes as they come. */

/** One event of a stream. */
export interface StreamEvent {
  name: string;
  text: string;
}

/**
 * An event is as large as a whole snapshot at most; a stream without an end of event is not kept.
 */
const EVENT_CHARS_MAX = 64 << 20;

export class EventReader {
  readonly #tell: (event: StreamEvent) => void;
  readonly #decoder = new TextDecoder();
  #rest = '';
  #name = '';
  #lines: string[] = [];
  #chars = 0;

  constructor(tell: (event: StreamEvent) => void) {
    this.#tell = tell;
  }

  /** Takes the next bytes and tells every event that they complete. */
  push(bytes: Uint8Array) {
    const text = this.#rest + this.#decoder.decode(bytes, { stream: true });
    const lines = text.split('\n');
    this.#rest = lines.pop() ?? '';
    if (this.#rest.length + this.#chars > EVENT_CHARS_MAX) {
      throw new RangeError('an event without an end');
    }
    for (const line of lines) {
      this.#line(line.endsWith('\r') ? line.slice(0, -1) : line);
    }
  }

  #line(line: string) {
    if (line === '') {
      this.#end();
      return;
    }
    const colon = line.indexOf(':');
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'event') {
      this.#name = value;
    } else if (field === 'data') {
      this.#lines.push(value);
      this.#chars += value.length;
    }
  }

  #end() {
    const event = { name: this.#name || 'message', text: this.#lines.join('\n') };
    const complete = this.#lines.length > 0;
    this.#name = '';
    this.#lines = [];
    this.#chars = 0;
    if (complete) {
      this.#tell(event);
    }
  }
}
