/** Who sent how fast in the last minute and a half, for the chart. */
import type { Game } from '../model.ts';
import { running } from './standing.ts';

export const PACE_SECONDS = 90;

/** One second: bytes per second by peer. */
export type Beat = ReadonlyMap<string, number>;

export class Pace {
  beats = $state.raw<Beat[]>([]);
  #at = 0;

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
