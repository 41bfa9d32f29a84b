/** The one party that this page shows, and how it asks the node for things. */
import type { Command, Notice, Reply, Report } from '../model.ts';
import { ask, fault, Refused, type ReplyTo, type Transport } from '../transport/transport.ts';
import { Cables } from './cables.ts';
import { Pace } from './pace.svelte.ts';
import { Party } from './party.svelte.ts';
import { Toasts } from './toasts.svelte.ts';

export const party = new Party();
export const pace = new Pace();
export const cables = new Cables();
export const toasts = new Toasts();

let transport: Transport | null = null;

/** Follows a node; what was shown before is replaced by what it says. */
export function follow(next: Transport, hear: (notice: Notice) => void): () => void {
  transport = next;
  let asking = false;
  const resync = async () => {
    if (asking) {
      return;
    }
    asking = true;
    try {
      party.replace(await next.snapshot());
    } catch {
      // The stream notices by itself that the node is gone, and starts again with a snapshot.
    } finally {
      asking = false;
    }
  };
  return next.watch({
    link: (state) => {
      party.link = state;
    },
    snapshot: (snapshot) => {
      // Who sends gets a colour of its own before those who only stand there.
      for (const source of snapshot.games.flatMap((game) => game.operation?.sources ?? [])) {
        cables.of(source.peer);
      }
      party.replace(snapshot);
      pace.note(party.games.values(), Date.now());
    },
    delta: (delta) => {
      if (!party.change(delta)) {
        void resync();
      }
      pace.note(party.games.values(), Date.now());
    },
    notice: hear,
  });
}

/** Asks the node; what it refuses is thrown. */
export async function request<Name extends Reply['reply']>(
  command: Command,
  expected: Name,
): Promise<ReplyTo<Name>> {
  if (!transport) {
    throw new Refused(fault('no-node', 'nothing is connected'));
  }
  return ask(transport, command, expected);
}

/** Asks the node and shows what it refuses; whether it was done. */
export async function tell(command: Command): Promise<boolean> {
  try {
    if (!transport) {
      throw new Refused(fault('no-node', 'nothing is connected'));
    }
    await transport.call(command);
    return true;
  } catch (error) {
    toasts.report(reportOf(error));
    return false;
  }
}

export function reportOf(error: unknown): Report {
  return error instanceof Refused ? error.report : fault('internal', String(error));
}
