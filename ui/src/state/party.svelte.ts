/** What the page knows of the node: the last snapshot with every delta since. */
import { SvelteMap } from 'svelte/reactivity';
import type {
  ComponentState,
  Delta,
  FirstRun,
  Game,
  Me,
  Mirror,
  Peer,
  Problem,
  Settings,
  Snapshot,
  Upload,
} from '../model.ts';
import type { LinkState } from '../transport/transport.ts';
import { isEqual } from './equal.ts';
import { facets } from './standing.ts';

export class Party {
  link = $state<LinkState>('connecting');
  /** Whether a snapshot was ever seen: before that there is nothing to show. */
  known = $state(false);
  me = $state.raw<Me | null>(null);
  peers = $state.raw<Peer[]>([]);
  queue = $state.raw<string[]>([]);
  uploads = $state.raw<Upload[]>([]);
  settings = $state.raw<Settings | null>(null);
  mirror = $state.raw<Mirror | null>(null);
  /** This page only looks: no command would be carried out. */
  guest = $state(false);
  problems = $state.raw<Problem[]>([]);
  components = $state.raw<ComponentState[]>([]);
  firstRun = $state.raw<FirstRun | null>(null);
  /** The program ends when nobody loads from here any more. */
  quitting = $state(false);
  /** One signal per game: progress of one repaints only that one. */
  readonly games = new SvelteMap<string, Game>();
  /** Grows when a list of games may look different: which there are, and what state they are in. */
  shape = $state(0);
  revision = 0;

  readonly peersByKey = $derived(
    new Map(this.peers.flatMap((peer) => (peer.peer ? [[peer.peer, peer] as const] : []))),
  );
  readonly connected = $derived(this.peers.filter((peer) => peer.state === 'connected').length);

  /** Takes a whole state; what is not in it is gone. */
  replace(snapshot: Snapshot) {
    const present = new Set(snapshot.games.map((game) => game.game));
    const gone = [...this.games.keys()].filter((id) => !present.has(id));
    this.guest = snapshot.guest;
    this.firstRun = keep(this.firstRun, snapshot.first_run);
    this.#change({ ...snapshot, previous: this.revision, gone_games: gone });
    this.known = true;
  }

  /** Takes a change; false when it does not fit and the whole state is needed. */
  change(delta: Delta): boolean {
    if (!this.known || delta.previous !== this.revision) {
      return false;
    }
    this.#change(delta);
    return true;
  }

  #change(delta: Delta) {
    this.revision = delta.revision;
    this.me = keep(this.me, delta.me ?? this.me);
    this.peers = keep(this.peers, delta.peers ?? this.peers);
    this.queue = keep(this.queue, delta.queue ?? this.queue);
    this.uploads = keep(this.uploads, delta.uploads ?? this.uploads);
    this.settings = keep(this.settings, delta.settings ?? this.settings);
    this.mirror = keep(this.mirror, delta.mirror ?? this.mirror);
    this.problems = keep(this.problems, delta.problems ?? this.problems);
    this.quitting = delta.quitting ?? this.quitting;
    this.components = keep(this.components, delta.components ?? this.components);
    let reshaped = false;
    for (const id of delta.gone_games ?? []) {
      reshaped = this.games.delete(id) || reshaped;
    }
    for (const game of delta.games ?? []) {
      reshaped = this.#put(game) || reshaped;
    }
    if (reshaped) {
      this.shape += 1;
    }
  }

  #put(game: Game): boolean {
    const old = this.games.get(game.game);
    if (old && isEqual(old, game)) {
      return false;
    }
    this.games.set(game.game, game);
    return !old || facets(old) !== facets(game);
  }
}

/** The old value when the new one says the same, so that nothing is repainted for it. */
function keep<T>(old: T, next: T): T {
  return isEqual(old, next) ? old : next;
}
