/** What happens at the played party, tick by tick. */
import { dice, type Dice } from '../../art/seed.ts';
import type { Game, Notice, Operation, Peer, Phase, Snapshot } from '../../model.ts';
import { bring, key, MB } from './cast.ts';

const CELLS = 150;
/** What a link of 10 Gbit/s and one of 1 Gbit/s bring, bytes per second. */
const FAST = 200 * MB;
const USUAL = 60 * MB;

interface Extra {
  install: boolean;
  /** Which cells are there, and how many bytes each source brought. */
  map: number[];
  paused: boolean;
}

/** One party: the snapshot, and what moves in it. */
export class Play {
  state: Snapshot;
  readonly #roll: Dice = dice('party');
  readonly #extra = new Map<string, Extra>();
  readonly #notice: (notice: Notice) => void;
  #operations = 0;
  /** How much faster than real time it goes. */
  readonly speed: number;

  constructor(state: Snapshot, notice: (notice: Notice) => void, speed: number) {
    this.state = state;
    this.#notice = notice;
    this.speed = speed;
  }

  game(id: string): Game | undefined {
    return this.state.games.find((game) => game.game === id);
  }

  put(game: Game) {
    this.state.games = this.state.games.map((old) => (old.game === game.game ? game : old));
  }

  begin(id: string, kind: Operation['kind'], install: boolean, content?: string): number {
    const game = this.game(id);
    this.#operations += 1;
    if (game) {
      const wanted = game.contents.find((one) => one.content === content) ?? game.contents[0];
      const holders = (wanted?.holders ?? []).map((holder) => holder.peer);
      this.#extra.set(id, { install, map: new Array<number>(CELLS).fill(0), paused: false });
      this.put({
        ...game,
        operation: {
          operation: this.#operations,
          kind,
          phase: 'queued',
          error: null, verified: null,
          content: wanted?.content ?? null,
          done_bytes: 0,
          total_bytes: wanted?.payload.bytes ?? 0,
          rate: 0,
          left_ms: null,
          sources: holders.map((peer) => ({ peer, bytes: 0, rate: 0 })),
          map: new Array<number>(CELLS).fill(0),
        },
      });
      this.state.queue = [...this.state.queue, id];
    }
    return this.#operations;
  }

  /** A download that is under way already when the page opens. */
  fastForward(id: string, part: number) {
    this.begin(id, 'download', true);
    this.state.queue = this.state.queue.filter((other) => other !== id);
    this.#change(id, (operation) => ({ ...operation, phase: 'downloading' }));
    const seconds = Math.ceil((this.game(id)?.operation?.total_bytes ?? 0) / USUAL);
    for (let at = 0; at < 4 * seconds; at += 1) {
      const { done_bytes = 0, total_bytes = 1 } = this.game(id)?.operation ?? {};
      if (done_bytes / total_bytes >= part) {
        return;
      }
      this.#download(id, 1);
    }
  }

  phase(id: string, phase: Phase) {
    this.#change(id, (operation) => ({ ...operation, phase, rate: 0, left_ms: null }));
  }

  end(id: string, phase: 'done' | 'cancelled') {
    this.state.queue = this.state.queue.filter((other) => other !== id);
    this.#change(id, (operation) => ({ ...operation, phase, rate: 0 }));
    this.#extra.delete(id);
  }

  /** Lets `seconds` pass. */
  tick(seconds: number) {
    this.#start();
    for (const game of this.state.games) {
      const operation = game.operation;
      if (operation?.phase === 'downloading') {
        this.#download(game.game, seconds * this.speed);
      } else if (operation && ['installing', 'removing', 'verifying'].includes(operation.phase)) {
        this.#work(game.game, seconds * this.speed);
      }
    }
    this.#upload(seconds);
    const down = this.state.games.reduce((sum, game) => sum + (game.operation?.rate ?? 0), 0);
    const up = this.state.uploads.reduce((sum, upload) => sum + upload.rate, 0);
    this.state.me = { ...this.state.me, down_rate: down, up_rate: up };
  }

  #change(id: string, how: (operation: Operation) => Operation) {
    const game = this.game(id);
    if (game?.operation) {
      this.put({ ...game, operation: how(game.operation) });
    }
  }

  #start() {
    const loading = this.state.games.filter((game) => game.operation?.phase === 'downloading');
    const free = Math.max(0, this.state.settings.downloads_max - loading.length);
    for (const next of this.state.queue.slice(0, free)) {
      this.state.queue = this.state.queue.slice(1);
      this.phase(next, 'downloading');
    }
  }

  #rate(peer: string): number {
    const found = this.state.peers.find((other: Peer) => other.peer === peer);
    const most = (found?.link_mbps ?? 0) >= 10_000 ? FAST : (found?.link_mbps ?? 0) <= 100 ? 11 * MB : USUAL;
    return most * (0.55 + this.#roll() * 0.4);
  }

  #download(id: string, seconds: number) {
    const extra = this.#extra.get(id);
    this.#change(id, (operation) => {
      const limit = this.state.settings.down_rate_max ?? Number.POSITIVE_INFINITY;
      let rate = 0;
      let done = operation.done_bytes;
      const sources = operation.sources.map((source, at) => {
        const wish = 0.8 * source.rate + 0.2 * this.#rate(source.peer);
        const mine = Math.min(source.rate === 0 ? this.#rate(source.peer) : wish, limit / operation.sources.length);
        const bytes = Math.min(mine * seconds, operation.total_bytes - done);
        done += bytes;
        rate += mine;
        this.#fill(extra, operation.total_bytes, done, at);
        return { ...source, rate: mine, bytes: source.bytes + bytes };
      });
      const left_ms = rate > 0 ? ((operation.total_bytes - done) / rate) * 1000 : null;
      return { ...operation, sources, rate, done_bytes: done, left_ms, map: [...(extra?.map ?? [])] };
    });
    const operation = this.game(id)?.operation;
    if (operation && operation.done_bytes >= operation.total_bytes) {
      this.#downloaded(id, operation);
    }
  }

  /** Pieces come nearly in order, with some ahead. */
  #fill(extra: Extra | undefined, total: number, done: number, source: number) {
    const wanted = Math.floor((done / total) * CELLS);
    const map = extra?.map ?? [];
    let have = map.filter((cell) => cell !== 0).length;
    while (have < wanted) {
      const first = map.indexOf(0);
      const ahead = this.#roll() < 0.25 ? Math.floor(this.#roll() * 14) : 0;
      const at = Math.min(CELLS - 1, first + ahead);
      map[map[at] === 0 ? at : first] = 2 + source;
      have += 1;
    }
  }

  #downloaded(id: string, operation: Operation) {
    const game = this.game(id);
    if (!game) {
      return;
    }
    const install = this.#extra.get(id)?.install ?? false;
    const brought = bring({ ...game, update_available: false }, true, false);
    this.#notice({ notice: 'operation_finished', operation: operation.operation, kind: 'download', game: id });
    this.put({ ...brought, operation: { ...operation, rate: 0, sources: [], map: [], done_bytes: 0, left_ms: null, phase: install ? 'installing' : 'done' } });
  }

  #work(id: string, seconds: number) {
    this.#change(id, (operation) => {
      const pace = Math.max(150 * MB, operation.total_bytes / 12);
      const done = Math.min(operation.total_bytes, operation.done_bytes + pace * seconds);
      return { ...operation, done_bytes: done, rate: 0, left_ms: ((operation.total_bytes - done) / pace) * 1000 };
    });
    const game = this.game(id);
    const operation = game?.operation;
    if (!game || !operation || operation.done_bytes < operation.total_bytes) {
      return;
    }
    const none = { count: 0, first: [] };
    const verified = {
      payload_files: 5, local_files: 2411, payload_damaged: none,
      local_damaged: { count: 1, first: ['maps/02.pak'] },
      local_changed: { count: 2, first: ['config.ini', 'saves/slot1.sav'] }, local_unknown: none, forced: false,
    };
    const ended = {
      ...operation,
      phase: 'done' as const,
      verified: operation.kind === 'verify' ? verified : null,
    };
    const { phase } = operation;
    if (phase === 'installing') {
      this.put({ ...bring(game, game.local.downloaded !== null, true), operation: ended });
      this.#notice({ notice: 'operation_finished', operation: operation.operation, kind: 'install', game: id });
    } else if (phase === 'removing') {
      this.put({ ...game, operation: ended });
    } else {
      this.put({ ...game, operation: ended });
    }
  }

  /** Two others load what is here. */
  #upload(seconds: number) {
    const lines: [peer: string, game: string, most: number][] = [
      ['Nils', 'turbo-heist-3', 71 * MB],
      ['bravo-rig', 'moon-mining', 11 * MB],
    ];
    this.state.uploads = lines.flatMap(([name, game, most]) => {
      if (this.state.me.sharing !== 'on' || !this.game(game)?.local.downloaded) {
        return [];
      }
      const peer = key(name);
      const old = this.state.uploads.find((upload) => upload.peer === peer);
      const rate = Math.min(most * (0.85 + this.#roll() * 0.2), this.state.settings.up_rate_max ?? most * 2);
      return [{ peer, game, rate, bytes: (old?.bytes ?? 900 * MB) + rate * seconds }];
    });
  }
}
