/** A transport without a node: a party that is played in memory. Never part of what is shipped. */
import type { Command, Delta, Notice, Reply, Snapshot } from '../../model.ts';
import { fault, type Listener, Refused, type Transport } from '../transport.ts';
import { answer } from './answers.ts';
import { Play } from './play.ts';
import { type Scene, SCENES, scene } from './scenes.ts';

const TICK_MS = 200;

interface Options {
  scene: Scene;
  /** Nothing moves by itself: for pictures and tests. */
  still: boolean;
  speed: number;
}

export class MockTransport implements Transport {
  readonly play: Play;
  readonly #still: boolean;
  readonly #listeners = new Set<Listener>();
  #said: Snapshot;
  #away = false;

  constructor(options: Partial<Options> = {}) {
    const { scene: name = 'party', still = false, speed = 1 } = options;
    this.#still = still;
    this.play = new Play(scene(name), (notice) => this.#tell(notice), speed);
    if (name === 'party' || name === 'trouble') {
      this.play.fastForward('nachtfrost', 0.68);
      this.play.fastForward('iron-delta', 0.31);
      this.play.begin('last-lobby', 'download', true);
      this.play.begin('funkloch', 'download', true);
      this.play.tick(0.2);
      this.#installHalf('hexenring');
    }
    if (name === 'busy') {
      for (const game of this.play.state.games.filter((one) => !one.local.downloaded).slice(0, 40)) {
        this.play.begin(game.game, 'download', false);
        this.play.tick(0.2);
      }
    }
    this.#said = structuredClone(this.play.state);
  }

  /** The scene that the address asks for: `?scene=many&still&speed=20`. */
  static from(search: string): MockTransport {
    const wanted = new URLSearchParams(search);
    const name = SCENES.find((candidate) => candidate === wanted.get('scene')) ?? 'party';
    const mock = new MockTransport({
      scene: name,
      still: wanted.has('still'),
      speed: Number(wanted.get('speed') ?? 1),
    });
    Object.assign(globalThis, { lanspreadMock: mock });
    return mock;
  }

  async call(command: Command): Promise<Reply> {
    if (this.#away) {
      throw new Refused(fault('no-node', 'the node does not answer'));
    }
    const reply = await answer(this.play, command);
    this.#publish();
    return reply;
  }

  async pair(code: string): Promise<void> {
    if (code !== '4819-2077') {
      throw new Refused(fault('bad-code', 'another code was issued last'));
    }
    this.goAway(false);
  }

  watch(listener: Listener): () => void {
    this.#listeners.add(listener);
    listener.link('live');
    listener.snapshot(structuredClone(this.play.state));
    const timer = setInterval(() => {
      if (!this.#still) {
        this.step(TICK_MS);
      }
    }, TICK_MS);
    return () => {
      clearInterval(timer);
      this.#listeners.delete(listener);
    };
  }

  /** Lets time pass and says what changed. */
  step(ms: number) {
    if (!this.#away) {
      this.play.tick(ms / 1000);
      this.#publish();
    }
  }

  /** The node goes away, or comes back as a new run. */
  goAway(away: boolean) {
    this.#away = away;
    for (const listener of this.#listeners) {
      listener.link(away ? 'gone' : 'live');
      if (!away) {
        listener.snapshot(structuredClone(this.play.state));
      }
    }
  }

  unpair() {
    for (const listener of this.#listeners) {
      listener.link('unpaired');
    }
  }

  #tell(notice: Notice) {
    for (const listener of this.#listeners) {
      listener.notice(notice);
    }
  }

  #publish() {
    const state = this.play.state;
    const old = this.#said;
    const known = new Map(old.games.map((game) => [game.game, game]));
    state.revision = old.revision + 1;
    const delta: Delta = {
      revision: state.revision,
      previous: old.revision,
      me: state.me,
      games: state.games.filter((game) => known.get(game.game) !== game),
      gone_games: [],
      peers: state.peers,
      queue: state.queue,
      uploads: state.uploads,
      settings: state.settings,
      problems: state.problems,
      quitting: state.quitting,
    };
    const began = old.first_run && !state.first_run;
    this.#said = { ...state };
    for (const listener of this.#listeners) {
      if (began) {
        listener.snapshot(structuredClone(state));
      } else {
        if (!listener.delta(structuredClone(delta))) {
          listener.snapshot(structuredClone(state));
        }
      }
    }
  }

  #installHalf(id: string) {
    const game = this.play.game(id);
    const bytes = game?.contents[0]?.unpacked?.bytes ?? 0;
    if (game) {
      this.play.begin(id, 'install', false);
      this.play.state.queue = this.play.state.queue.filter((other) => other !== id);
      const begun = this.play.game(id);
      if (begun?.operation) {
        this.play.put({
          ...begun,
          operation: {
            ...begun.operation,
            phase: 'installing',
            sources: [],
            map: [],
            total_bytes: bytes,
            done_bytes: Math.round(bytes * 0.57),
            left_ms: 20_000,
          },
        });
      }
    }
  }
}
