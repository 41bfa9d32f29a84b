import { describe, expect, it } from 'vitest';
import type { Game } from '../model.ts';
import { bring, GAMES, GB, key, remote } from '../transport/mock/cast.ts';
import { scene } from '../transport/mock/scenes.ts';
import { Cables } from './cables.ts';
import { cellCount, runs } from './chunks.ts';
import { CELLS, Deliveries } from './deliveries.ts';
import { Pace, rates } from './pace.svelte.ts';
import { address, parsePlace, type Place } from './route.svelte.ts';
import { choose, isOnShelf, tally, type Wanted } from './shelf.svelte.ts';
import { tabTitle } from './tab-title.ts';

const all = () => GAMES.map(remote);
const wanted = (change: Partial<Wanted> = {}): Wanted => ({
  filter: 'all', shelf: null, search: '', sort: 'name', freeBytes: 100 * GB, ...change,
});
const loading = (game: Game, sources: [string, number, number][], map?: number[]): Game => ({
  ...game,
  operation: {
    operation: 1, kind: 'download', phase: 'downloading', error: null, verified: null, content: game.newest,
    done_bytes: 60, total_bytes: 100, rate: 10, left_ms: null,
    sources: sources.map(([peer, bytes, rate]) => ({ peer, bytes, rate })),
    map: map ?? [],
  },
});

describe('the library', () => {
  it('finds words anywhere, whatever their case and accents', () => {
    expect(choose(all(), wanted({ search: 'HEIST turbo' }))).toEqual(['turbo-heist-3']);
    const accented = [{ ...remote(GAMES[0]!), title: 'Pokàl Äther' }];
    expect(choose(accented, wanted({ search: 'pokal ather' }))).toHaveLength(1);
    expect(choose(all(), wanted({ search: 'zzz' }))).toEqual([]);
  });

  it('sorts by what is asked, with what runs first', () => {
    const games = all();
    games[5] = loading(games[5]!, []);
    expect(choose(games, wanted())[0]).toBe('orbit-brawl');
    expect(choose(all(), wanted()).slice(0, 2)).toEqual(['aftermath', 'bratwurst']);
    expect(choose(all(), wanted({ sort: 'size' }))[0]).toBe('last-lobby');
    expect(choose(all(), wanted({ sort: 'sources' }))[0]).toBe('pixel-pokal');
    expect(choose([remote(GAMES[0]!), bring(remote(GAMES[1]!), true, true)], wanted({ sort: 'state' }))[0]).toBe('turbo-heist-3');
  });

  it('filters, and counts the same', () => {
    const games = all().map((game, at) => (at < 3 ? bring(game, true, true) : game));
    const counts = tally(games);
    expect(counts).toMatchObject({ all: games.length, installed: 3, active: 0, updates: 0 });
    for (const filter of ['installed', 'remote', 'active', 'updates'] as const) {
      expect(choose(games, wanted({ filter }))).toHaveLength(counts[filter]);
    }
  });

  it('knows its shelves', () => {
    const [frost] = all();
    expect(isOnShelf(frost!, 'fits', 200 * GB)).toBe(true);
    expect(isOnShelf(frost!, 'fits', 50 * GB)).toBe(false);
    expect(isOnShelf(frost!, 'fits', null)).toBe(false);
    expect(isOnShelf(frost!, 'popular', null)).toBe(true);
    expect(isOnShelf(frost!, 'genre:Co-op', null)).toBe(true);
    expect(isOnShelf(frost!, 'genre:Racing', null)).toBe(false);
    expect(isOnShelf({ ...frost!, hosts: [{ peer: 'x', port: null }] }, 'served', null)).toBe(true);
  });

  it('holds 2,000 games', () => {
    const { games } = scene('many');
    expect(choose(games, wanted())).toHaveLength(2000);
    expect(new Set(games.map((game) => game.game)).size).toBe(2000);
  });
});

describe('cables', () => {
  it('are eight colours before one is worn twice, and stay', () => {
    const cables = new Cables();
    const names = Array.from({ length: 16 }, (_, at) => key(`peer ${at}`));
    const colours = names.map((name) => cables.of(name));
    expect(new Set(colours.slice(0, 8)).size).toBe(8);
    expect(new Set(colours.slice(8)).size).toBe(8);
    expect(names.map((name) => cables.of(name))).toEqual(colours);
    expect(Math.min(...colours)).toBe(1);
    expect(Math.max(...colours)).toBe(8);
  });
});

describe('the chunk map', () => {
  it('is what the node says', () => {
    const game = loading(remote(GAMES[0]!), [['a', 1, 1], ['b', 1, 1]], [1, 2, 2, 0, 3, 9]);
    expect(cellCount(game)).toBe(6);
    expect(runs(game)).toEqual([
      { peer: null, from: 0, to: 1 },
      { peer: 'a', from: 1, to: 3 },
      { peer: 'b', from: 4, to: 5 },
      { peer: null, from: 5, to: 6 },
    ]);
  });

  it('is drawn from the sums where the node has none', () => {
    const game = loading(remote(GAMES[0]!), [['a', 20, 1], ['b', 30, 1]]);
    expect(runs(game)).toEqual([
      { peer: null, from: 0, to: 15 },
      { peer: 'a', from: 15, to: 45 },
      { peer: 'b', from: 45, to: 90 },
    ]);
    expect(cellCount(game)).toBe(CELLS);
    expect(runs(remote(GAMES[0]!))).toEqual([]);
  });
});

describe('deliveries', () => {
  const game = loading({ ...remote(GAMES[0]!) }, [['a', 0, 1], ['b', 0, 1]]);
  const files = [{ path: 'one', bytes: 600 }, { path: 'two', bytes: 900 }];
  const chunk = (peer: string | null, file: string, offset: number, bytes: number) =>
    ({ notice: 'chunk_finished', game: 'nachtfrost', peer, file, offset, bytes }) as const;

  it('become a map of who brought which part', async () => {
    const deliveries = new Deliveries(() => game, async () => files);
    deliveries.hear(chunk('a', 'one', 0, 300));
    expect(deliveries.owners(game)).toBeNull();
    await new Promise((resolve) => setTimeout(resolve));
    deliveries.hear(chunk('b', 'two', 0, 450));
    deliveries.hear(chunk(null, 'two', 450, 4));
    deliveries.hear(chunk('b', 'no such file', 0, 450));
    const operation = { ...game.operation!, total_bytes: 1500, done_bytes: 750 };
    expect(runs({ ...game, operation }, deliveries.owners(game))).toEqual([
      { peer: 'a', from: 0, to: 30 },
      { peer: 'b', from: 60, to: 105 },
    ]);
    // What came before this page was open is there, and nobody's.
    const later = { ...operation, done_bytes: 900 };
    expect(runs({ ...game, operation: later }, deliveries.owners(game))).toEqual([
      { peer: 'a', from: 0, to: 30 },
      { peer: null, from: 30, to: 45 },
      { peer: 'b', from: 60, to: 105 },
    ]);
  });

  it('of another operation are forgotten, and of an unknown one not kept', async () => {
    const deliveries = new Deliveries(() => game, async () => files);
    deliveries.hear(chunk('a', 'one', 0, 300));
    await new Promise((resolve) => setTimeout(resolve));
    expect(deliveries.owners(game)).not.toBeNull();
    deliveries.hear({ notice: 'operation_begun', operation: 2, kind: 'download', game: 'nachtfrost', content: null, version: null });
    expect(deliveries.owners(game)).toBeNull();
    const nobody = new Deliveries(() => undefined, async () => files);
    nobody.hear(chunk('a', 'one', 0, 300));
    expect(nobody.owners(game)).toBeNull();
  });
});

describe('the pace', () => {
  it('adds up over downloads, once a second, for ninety seconds', () => {
    const games = [loading(remote(GAMES[0]!), [['a', 0, 5], ['b', 0, 0]]), loading(remote(GAMES[1]!), [['a', 0, 7]])];
    expect([...rates(games)]).toEqual([['a', 12]]);
    const pace = new Pace();
    for (let ms = 1000; ms < 200_000; ms += 100) {
      pace.note(games, ms);
    }
    expect(pace.beats).toHaveLength(90);
  });
});

describe('places', () => {
  const PLACES: Place[] = [
    { view: 'library', shelf: null },
    { view: 'library', shelf: 'genre:Co-op / Ätz' },
    { view: 'game', game: 'ä b/c%d#e' },
    { view: 'transfers' },
    { view: 'problems' },
  ];
  for (const place of PLACES) {
    it(`${address(place)} leads back`, () => expect(parsePlace(address(place))).toEqual(place));
  }
  for (const hash of ['', '#', '#/nowhere', '#/game/', '#/game/%E0%A4%A', '#/__proto__/x']) {
    it(`${hash || 'nothing'} is the library`, () => expect(parsePlace(hash).view).toBe('library'));
  }
});

describe('the title of the tab', () => {
  it('says how far the downloads are', () => {
    expect(tabTitle(all())).toBe('LanSpread');
    expect(tabTitle([loading(remote(GAMES[0]!), [])])).toBe('60 % · Nachtfrost');
    expect(tabTitle(all().slice(0, 2).map((game) => loading(game, [])))).toContain('60 % · 2');
  });
});
