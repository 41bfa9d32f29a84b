/**
 * How the page talks to a node. One interface; `http.ts` speaks to the node that served the page,
 * `mock/` plays a party in memory for development and tests. A desktop shell adds a third beside
 * them and chooses it in `main.ts`; nothing else of the page knows which one it has.
 */
import type { Command, Notice, Reply, Report, Snapshot } from '../model.ts';
import type { Delta } from '../model.ts';

/** Where the connection to the node stands. */
export type LinkState =
  /** Nothing was heard yet. */
  | 'connecting'
  /** Events come. */
  | 'live'
  /** The node does not answer; it is tried again by itself. */
  | 'gone'
  /** The node answers and does not know this browser. */
  | 'unpaired';

/** What a reader of the stream is told. */
export interface Listener {
  link(state: LinkState): void;
  snapshot(snapshot: Snapshot): void;
  /** Fits only on the revision that it names as the one before. */
  delta(delta: Delta): void;
  notice(notice: Notice): void;
}

/** The replies that a command may have. */
export type ReplyTo<Name extends Reply['reply']> = Extract<Reply, { reply: Name }>;

export interface Transport {
  /**
   * Asks the node for something.
   * @throws Refused when the node says no or does not answer.
   */
  call(command: Command): Promise<Reply>;
  /** The whole state now. */
  snapshot(): Promise<Snapshot>;
  /** Starts the stream; it goes on through losses of the node until it is stopped. */
  watch(listener: Listener): () => void;
}

/** The node said no, or was not there. */
export class Refused extends Error {
  readonly report: Report;

  constructor(report: Report) {
    super(report.message);
    this.report = report;
  }
}

/** Asks and insists on one kind of reply. */
export async function ask<Name extends Reply['reply']>(
  transport: Transport,
  command: Command,
  expected: Name,
): Promise<ReplyTo<Name>> {
  const reply = await transport.call(command);
  if (reply.reply !== expected) {
    throw new Refused(fault('bad-reply', `expected ${expected}, got ${reply.reply}`));
  }
  return reply as ReplyTo<Name>;
}

/** A report that the page makes itself. */
export function fault(code: string, message: string): Report {
  return { kind: 'internal', code, message, hints: [] };
}
