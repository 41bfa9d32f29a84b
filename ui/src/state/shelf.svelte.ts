/** Which games a person sees: filter, shelf, search and order. */
import type { Game } from '../model.ts';
import { running, type Standing, mainContent, payloadBytes, sources, standing } from './standing.ts';

export const FILTERS = ['all', 'installed', 'active', 'updates', 'remote'] as const;
export type Filter = (typeof FILTERS)[number];
export const SORTS = ['name', 'state', 'size', 'sources'] as const;
export type Sort = (typeof SORTS)[number];
export const SHELVES = ['fits', 'popular', 'served', 'ours', 'unshared'] as const;
export type Shelf = (typeof SHELVES)[number];

/** How many others make a game popular. */
const POPULAR_SOURCES = 3;

export interface Wanted {
  filter: Filter;
  /** One of the shelves, or `genre:` and a genre. */
  shelf: string | null;
  search: string;
  sort: Sort;
  freeBytes: number | null;
}

const RANK: Readonly<Record<Standing, number>> = {
  downloading: 0,
  busy: 1,
  waiting: 2,
  paused: 3,
  queued: 4,
  update: 5,
  installed: 6,
  local: 7,
  ready: 8,
  partial: 9,
  remote: 10,
  unpublished: 11,
  absent: 12,
};

export function matchesFilter(game: Game, filter: Filter): boolean {
  switch (filter) {
    case 'all':
      return true;
    case 'installed':
      return game.local.installed !== null;
    case 'active':
      return running(game) !== null;
    case 'updates':
      return game.update_available;
    case 'remote':
      return !game.local.installed && !game.local.downloaded && sources(game) > 0;
  }
}

export function isOnShelf(game: Game, shelf: string | null, freeBytes: number | null): boolean {
  if (shelf?.startsWith('genre:')) {
    return game.about?.genre === shelf.slice('genre:'.length);
  }
  switch (shelf) {
    case 'fits':
      return isRemote(game) && freeBytes !== null && needs(game) <= freeBytes;
    case 'popular':
      return sources(game) >= POPULAR_SOURCES;
    case 'served':
      return game.hosts.length > 0;
    case 'ours':
      return game.local.downloaded !== null && sources(game) === 0;
    case 'unshared':
      return game.local.present && game.local.not_shared !== null;
    default:
      return true;
  }
}

function isRemote(game: Game) {
  return !game.local.installed && !game.local.downloaded;
}

/** What a download and an install need at most, in bytes. */
export function needs(game: Game): number {
  const content = mainContent(game);
  return content ? content.payload.bytes + (content.unpacked ?? content.payload).bytes : 0;
}

/** Folds case and accents, so that `pokal` finds `Pokàl`. */
export function folded(text: string): string {
  return text
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase();
}

const folds = new WeakMap<Game, string>();

function searched(game: Game): string {
  const known = folds.get(game);
  if (known !== undefined) {
    return known;
  }
  const text = folded(`${game.title.slice(0, 400)} ${game.game} ${game.about?.genre ?? ''}`);
  folds.set(game, text);
  return text;
}

/** The ids to show, in order. */
export function choose(games: Iterable<Game>, wanted: Wanted): string[] {
  const words = folded(wanted.search).split(/\s+/).filter(Boolean);
  const list: Game[] = [];
  for (const game of games) {
    if (
      matchesFilter(game, wanted.filter) &&
      isOnShelf(game, wanted.shelf, wanted.freeBytes) &&
      words.every((word) => searched(game).includes(word))
    ) {
      list.push(game);
    }
  }
  return list.sort(order(wanted.sort)).map((game) => game.game);
}

const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: 'base' });

function order(sort: Sort): (a: Game, b: Game) => number {
  const byName = (a: Game, b: Game) =>
    collator.compare(a.title.slice(0, 100), b.title.slice(0, 100)) || (a.game < b.game ? -1 : 1);
  switch (sort) {
    case 'name':
      return (a, b) => activity(a) - activity(b) || byName(a, b);
    case 'state':
      return (a, b) => RANK[standing(a)] - RANK[standing(b)] || byName(a, b);
    case 'size':
      return (a, b) => payloadBytes(b) - payloadBytes(a) || byName(a, b);
    case 'sources':
      return (a, b) => sources(b) - sources(a) || byName(a, b);
  }
}

/** What runs stands first. */
function activity(game: Game): number {
  return running(game) ? RANK[standing(game)] : RANK.absent;
}

/** How many games each filter has. */
export function tally(games: Iterable<Game>): Record<Filter, number> {
  const counts: Record<Filter, number> = { all: 0, installed: 0, active: 0, updates: 0, remote: 0 };
  for (const game of games) {
    for (const filter of FILTERS) {
      counts[filter] += matchesFilter(game, filter) ? 1 : 0;
    }
  }
  return counts;
}

/** What the person types and presses in the library; kept while they look at a game. */
class Looking {
  search = $state('');
  filter = $state<Filter>('all');
  /** The game that had the focus last. */
  last = '';
  scroll = 0;
}

export const looking = new Looking();
