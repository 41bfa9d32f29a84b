/** The one party that this page shows, and how it asks the node for things. */
import type { Command, FileView, Notice, Reply, Report } from '../model.ts';
import { ask, fault, Refused, type ReplyTo, type Transport } from '../transport/transport.ts';
import { Cables } from './cables.ts';
import { Deliveries } from './deliveries.ts';
import { Pace } from './pace.svelte.ts';
import { Party } from './party.svelte.ts';
import { Toasts } from './toasts.svelte.ts';

export const party = new Party();
export const pace = new Pace();
export const cables = new Cables();
export const toasts = new Toasts();
export const deliveries = new Deliveries((id) => party.games.get(id), listFiles);

let transport: Transport | null = null;

/** Follows a node; what was shown before is replaced by what it says. */
export function follow(next: Transport, hear: (notice: Notice) => void): () => void {
  transport = next;
  const hearAll = (notice: Notice) => {
    deliveries.hear(notice);
    hear(notice);
  };
  return next.watch({
    link: (state) => {
      if (state === 'live' && party.link !== 'live') {
        void recall(next);
      }
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
      delta.notices?.forEach(hearAll);
      const fits = party.change(delta);
      pace.note(party.games.values(), Date.now());
      return fits;
    },
    notice: hearAll,
  });
}

/** Fills the chart with what the node remembers of the last minutes. */
async function recall(from: Transport) {
  try {
    const { peers, interval_ms } = await ask(from, { command: 'history' }, 'history');
    if (interval_ms === 1000) {
      pace.recall(peers);
    }
  } catch {
    // A chart that begins now is a chart too.
  }
}

async function listFiles(game: string, content: string): Promise<FileView[]> {
  return (await request({ command: 'files', game, content }, 'files')).files;
}

/** Shows a pairing code to the node. */
export async function pair(code: string): Promise<void> {
  await transport?.pair(code);
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
