/**
 * How the page talks to a node. One interface; `http.ts` speaks to the node that served the page,
 * `mock/` plays a party in memory for development and tests. A desktop shell adds a third beside
 * them and chooses it in `main.ts`; nothing else of the page knows which one it has.
 */
import type { Command, Delta, Notice, Reply, Report, Snapshot } from '../model.ts';

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
  /** Whether it fits on what is known; if not, the stream begins anew, with a snapshot. */
  delta(delta: Delta): boolean;
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
  /**
   * Shows the code of a pairing link, so that the node knows this browser from now on.
   * @throws Refused when it is not the code that was issued last.
   */
  pair(code: string): Promise<void>;
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
