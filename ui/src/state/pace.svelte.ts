/** Who sent how fast in the last minute and a half, for the chart. */
import type { Game, PeerHistory } from '../model.ts';
import { running } from './standing.ts';

export const PACE_SECONDS = 90;

/** One second: bytes per second by peer. */
export type Beat = ReadonlyMap<string, number>;

export class Pace {
  beats = $state.raw<Beat[]>([]);
  #at = 0;

  /** Begins with what the node remembers, oldest first, the last one now. */
  recall(peers: readonly PeerHistory[]) {
    const length = Math.min(PACE_SECONDS, Math.max(0, ...peers.map((peer) => peer.received.length)));
    const beats = Array.from({ length }, () => new Map<string, number>());
    for (const { peer, received } of peers) {
      received.slice(-length).forEach((rate, at, all) => {
        if (rate > 0) {
          beats[length - all.length + at]?.set(peer, rate);
        }
      });
    }
    this.beats = beats;
  }

  /** Notes the rates of now; more than once a second is one second. */
  note(games: Iterable<Game>, now: number) {
    if (now - this.#at < 1000) {
      return;
    }
    this.#at = now;
    this.beats = [...this.beats, rates(games)].slice(-PACE_SECONDS);
  }
}

/** Bytes per second that come from each peer, over all downloads. */
export function rates(games: Iterable<Game>): Map<string, number> {
  const sum = new Map<string, number>();
  for (const game of games) {
    for (const source of running(game)?.sources ?? []) {
      if (source.rate > 0) {
        sum.set(source.peer, (sum.get(source.peer) ?? 0) + source.rate);
      }
    }
  }
  return sum;
}
