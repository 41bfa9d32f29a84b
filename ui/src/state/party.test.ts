import { beforeEach, describe, expect, it } from 'vitest';
import type { Delta } from '../model.ts';
import { GAMES, peers, remote, snapshot } from '../transport/mock/cast.ts';
import type { Listener, Transport } from '../transport/transport.ts';
import { Party } from './party.svelte.ts';
import { follow, party as shared } from './session.svelte.ts';

const games = () => GAMES.slice(0, 4).map(remote);
let party: Party;

beforeEach(() => {
  party = new Party();
  party.replace(snapshot(games(), peers()));
});

const loading = (done_bytes: number) => {
  const [first] = games();
  return {
    ...first!,
    operation: {
      operation: 1, kind: 'download' as const, phase: 'downloading' as const, error: null, verified: null,
      content: first!.newest, done_bytes, total_bytes: 100, rate: 1, left_ms: null, sources: [], map: [],
    },
  };
};

describe('the party', () => {
  it('takes a snapshot whole', () => {
    expect([...party.games.keys()]).toEqual(games().map((game) => game.game));
    party.replace({ ...snapshot(games().slice(1), []), revision: 9 });
    expect(party.games.has('nachtfrost')).toBe(false);
    expect(party.peers).toEqual([]);
    expect(party.revision).toBe(9);
  });

  it('takes a delta that fits and no other', () => {
    const delta: Delta = { revision: 2, previous: 1, queue: ['a'], gone_games: ['iron-delta'] };
    expect(party.change(delta)).toBe(true);
    expect(party.queue).toEqual(['a']);
    expect(party.games.has('iron-delta')).toBe(false);
    expect(party.peers.length).toBe(peers().length);
    expect(party.change({ revision: 9, previous: 8, queue: [] })).toBe(false);
    expect(party.queue).toEqual(['a']);
    expect(new Party().change({ ...delta, previous: 0 })).toBe(false);
  });

  it('keeps what did not change, so that nothing is painted for it', () => {
    const before = [party.peers, party.me, party.games.get('nachtfrost'), party.shape] as const;
    party.replace({ ...snapshot(games(), peers()), revision: 2 });
    expect(party.peers).toBe(before[0]);
    expect(party.me).toBe(before[1]);
    expect(party.games.get('nachtfrost')).toBe(before[2]);
    expect(party.shape).toBe(before[3]);
  });

  it('sorts lists anew for states, not for progress', () => {
    party.change({ revision: 2, previous: 1, games: [loading(1)] });
    const shape = party.shape;
    party.change({ revision: 3, previous: 2, games: [loading(50)] });
    expect(party.shape).toBe(shape);
    expect(party.games.get('nachtfrost')?.operation?.done_bytes).toBe(50);
    party.change({ revision: 4, previous: 3, games: [{ ...loading(50), operation: null }] });
    expect(party.shape).toBeGreaterThan(shape);
  });
});

describe('following a node', () => {
  it('asks for a new beginning on a gap', () => {
    let listener: Listener | undefined;
    const transport: Transport = {
      call: async () => ({ reply: 'done' }),
      pair: async () => undefined,
      watch: (hearing) => {
        listener = hearing;
        return () => undefined;
      },
    };
    const heard: string[] = [];
    follow(transport, (notice) => heard.push(notice.notice));
    listener?.snapshot(snapshot(games(), []));
    expect(listener?.delta({ revision: 5, previous: 4, queue: ['x'] })).toBe(false);
    expect(shared.queue).toEqual([]);
    listener?.snapshot({ ...snapshot(games(), []), revision: 6, queue: ['y'] });
    const notices = [{ notice: 'uploads_changed' as const }];
    expect(listener?.delta({ revision: 7, previous: 6, queue: ['z'], notices })).toBe(true);
    expect(shared.queue).toEqual(['z']);
    expect(heard).toEqual(['uploads_changed']);
    listener?.link('gone');
    expect(shared.link).toBe('gone');
  });
});
