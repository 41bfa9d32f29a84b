import { beforeEach, describe, expect, it } from 'vitest';
import type { Delta, Snapshot } from '../model.ts';
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
      operation: 1, kind: 'download' as const, phase: 'downloading' as const, error: null,
      content: first!.newest, done_bytes, total_bytes: 100, rate: 1, left_ms: null, sources: [],
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
  it('asks for the whole state on a gap, once at a time', async () => {
    let asked = 0;
    let listener: Listener | undefined;
    let give: (state: Snapshot) => void = () => undefined;
    const transport: Transport = {
      call: async () => ({ reply: 'done' }),
      snapshot: () => {
        asked += 1;
        return new Promise((resolve) => {
          give = resolve;
        });
      },
      watch: (hearing) => {
        listener = hearing;
        return () => undefined;
      },
    };
    follow(transport, () => undefined);
    listener?.snapshot(snapshot(games(), []));
    listener?.delta({ revision: 5, previous: 4, queue: ['x'] });
    listener?.delta({ revision: 6, previous: 5, queue: ['y'] });
    expect(asked).toBe(1);
    give({ ...snapshot(games(), []), revision: 6, queue: ['y'] });
    await new Promise((resolve) => setTimeout(resolve));
    expect(shared.queue).toEqual(['y']);
    listener?.delta({ revision: 7, previous: 6, queue: ['z'] });
    expect(shared.queue).toEqual(['z']);
    listener?.link('gone');
    expect(shared.link).toBe('gone');
  });
});
