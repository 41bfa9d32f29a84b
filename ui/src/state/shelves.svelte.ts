/** The shelves that have games on them, with how many. */
import { genreText } from '../i18n/genre.ts';
import { t } from '../i18n/speak.ts';
import { party } from './session.svelte.ts';
import { isOnShelf, SHELVES, type Shelf } from './shelf.svelte.ts';

export interface ShelfView {
  id: string;
  text: string;
  count: number;
}

/** Genres that are shown, the largest first. */
const GENRES_MAX = 5;

class Shelves {
  readonly list: ShelfView[] = $derived.by(() => {
    void party.shape;
    const free = party.me?.disk?.free_bytes ?? null;
    const games = [...party.games.values()];
    const fixed = SHELVES.map((id) => ({
      id,
      text: title(id),
      count: games.filter((game) => isOnShelf(game, id, free)).length,
    }));
    const genres = new Map<string, number>();
    for (const { about } of games) {
      if (about?.genre) {
        genres.set(about.genre, (genres.get(about.genre) ?? 0) + 1);
      }
    }
    const named = [...genres]
      .sort((a, b) => b[1] - a[1])
      .slice(0, GENRES_MAX)
      .map(([genre, count]) => ({ id: `genre:${genre}`, text: genreText(genre), count }));
    return [...fixed, ...named].filter((shelf) => shelf.count > 0);
  });
}

export const shelves = new Shelves();

/** What a shelf is called; a genre has its own name. */
export function title(id: string): string {
  return id.startsWith('genre:') ? genreText(id.slice('genre:'.length)) : t(`shelf.${id as Shelf}`);
}
