import { describe, expect, it } from 'vitest';
import type { Game, Operation, Phase } from '../model.ts';
import { bring, GAMES, remote, playable } from '../transport/mock/cast.ts';
import { type Deed, deeds, mainContent, progress, type Standing, standing } from './standing.ts';

const base = () => remote(GAMES[1]!);
const operation = (phase: Operation['phase']): Operation => ({
  operation: 1, kind: 'download', phase, error: null, verified: null, content: null,
  done_bytes: 25, total_bytes: 100, rate: 0, left_ms: null, sources: [], map: [],
});
const local = (change: Partial<Game['local']>): Game => {
  const game = base();
  return { ...game, local: { ...game.local, ...change } };
};
const nobody = (game: Game): Game => ({ ...game, contents: [], newest: null });

const CASES: [name: string, game: Game, standing: Standing, first: Deed | undefined][] = [
  ['others have it', base(), 'remote', 'get'],
  ['nobody has it', nobody(base()), 'absent', undefined],
  ['downloaded', bring(base(), true, false), 'ready', 'install'],
  ['installed and shared', bring(base(), true, true), 'installed', 'play'],
  ['installed only', bring(base(), false, true), 'local', 'play'],
  ['an update is around', { ...bring(base(), true, true), update_available: true }, 'update', 'play'],
  ['an unfinished download', local({ present: true, partial_bytes: 5 }), 'partial', 'get'],
  ['a folder of ours', nobody(local({ present: true, not_shared: { why: 'no_version' } })), 'unpublished', 'publish'],
  ['it failed', { ...base(), operation: operation('failed') }, 'remote', 'get'],
  ['it is done', { ...bring(base(), true, true), operation: operation('done') }, 'installed', 'play'],
];
const PHASES: [Phase, Standing, Deed | undefined][] = [
  ['queued', 'queued', 'pause'],
  ['paused', 'paused', 'resume'],
  ['preparing', 'downloading', 'pause'],
  ['adopting', 'downloading', 'pause'],
  ['downloading', 'downloading', 'pause'],
  ['waiting_for_source', 'waiting', 'pause'],
  ['waiting_for_games_dir', 'waiting', 'pause'],
  ['committing', 'busy', undefined],
  ['installing', 'busy', 'cancel'],
  ['close_the_game', 'busy', 'cancel'],
  ['publishing', 'busy', 'cancel'],
  ['removing', 'busy', 'cancel'],
];

describe('where a game stands', () => {
  for (const [name, game, expected, first] of CASES) {
    it(`${name}: ${expected}`, () => {
      expect(standing(game)).toBe(expected);
      expect(deeds(game)[0]).toBe(first);
    });
  }
  for (const [phase, expected, first] of PHASES) {
    it(`in the phase ${phase}: ${expected}`, () => {
      const game = { ...bring(base(), true, true), operation: operation(phase) };
      expect(standing(game)).toBe(expected);
      expect(deeds(game)[0]).toBe(first);
    });
  }

  it('offers every deed somewhere', () => {
    const switched = { ...bring(base(), true, true) };
    switched.local = { ...switched.local, not_shared: { why: 'switched_off' } };
    const games = [
      ...CASES.map(([, game]) => game),
      ...PHASES.map(([phase]) => ({ ...base(), operation: operation(phase) })),
      switched,
      { ...bring(base(), true, true), play: playable(true) },
    ];
    expect([...new Set(games.flatMap(deeds))].sort()).toEqual(
      [
        'cancel', 'discard', 'get', 'get_low_disk', 'get_only', 'install', 'open_folder', 'pause', 'play',
        'publish', 'remove', 'resume', 'serve', 'share_off', 'share_on', 'uninstall', 'update', 'verify',
      ].sort(),
    );
  });

  it('means the content that is being fetched, else the newest, else ours', () => {
    const game = base();
    const old = { ...game.contents[0]!, content: 'old', version: '1' };
    const both = { ...game, contents: [...game.contents, old] };
    expect(mainContent(both)?.content).toBe(game.newest);
    expect(mainContent({ ...both, operation: { ...operation('downloading'), content: 'old' } })?.content).toBe('old');
    expect(mainContent(nobody(game))).toBeNull();
  });

  it('knows how far it is, or that it does not', () => {
    expect(progress(operation('downloading'))).toBe(0.25);
    expect(progress({ ...operation('preparing'), total_bytes: 0 })).toBeNull();
    expect(progress({ ...operation('downloading'), done_bytes: 900 })).toBe(1);
  });
});
