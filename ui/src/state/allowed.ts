/** What this page may do with a game: nothing, while it only looks. */
import type { Game } from '../model.ts';
import { party } from './session.svelte.ts';
import { type Deed, deeds } from './standing.ts';

export function allowed(game: Game): Deed[] {
  return party.guest ? [] : deeds(game);
}
