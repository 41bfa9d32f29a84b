/**
 * Who delivered which part, put together from the notices of finished chunks. A node that sends a
 * map of its own makes this idle; without one, parts from before the page was open are not known.
 */
import type { FileView, Game, Notice } from '../model.ts';
import { running } from './standing.ts';

/** Parts of a payload that are told apart. */
export const CELLS = 150;

type Chunk = Extract<Notice, { notice: 'chunk_finished' }>;

/** A cell belongs to who brought most of it, once half of it is there. */
interface Cell {
  bytes: number;
  owners: Map<string, number>;
}

interface Delivery {
  content: string;
  /** Where each file begins in the payload; null until the node said. */
  begins: Map<string, number> | null;
  total: number;
  cells: Cell[];
  waiting: Chunk[];
}

/** What waits for the list of files; more is lost, and only a colour with it. */
const WAITING_MAX = 20_000;

export class Deliveries {
  readonly #games = new Map<string, Delivery>();
  readonly #gameOf: (id: string) => Game | undefined;
  readonly #filesOf: (game: string, content: string) => Promise<FileView[]>;

  constructor(
    gameOf: (id: string) => Game | undefined,
    filesOf: (game: string, content: string) => Promise<FileView[]>,
  ) {
    this.#gameOf = gameOf;
    this.#filesOf = filesOf;
  }

  hear(notice: Notice) {
    if (notice.notice === 'chunk_finished') {
      this.#add(notice);
    } else if (notice.notice === 'operation_begun') {
      this.#games.delete(notice.game);
    }
  }

  /** The owner of each cell: a peer, `''` for this machine, null for not known or not there. */
  owners(game: Game): (string | null)[] | null {
    const delivery = this.#games.get(game.game);
    if (!delivery?.begins || delivery.content !== running(game)?.content) {
      return null;
    }
    const half = delivery.total / CELLS / 2;
    return delivery.cells.map((cell) => (cell.bytes >= half ? most(cell.owners) : null));
  }

  #add(chunk: Chunk) {
    const game = this.#gameOf(chunk.game);
    const content = game && running(game)?.content;
    if (!content) {
      return;
    }
    let delivery = this.#games.get(chunk.game);
    if (delivery?.content !== content) {
      delivery = { content, begins: null, total: 0, cells: [], waiting: [] };
      this.#games.set(chunk.game, delivery);
      void this.#learn(chunk.game, delivery);
    }
    if (delivery.begins) {
      note(delivery, chunk);
    } else if (delivery.waiting.length < WAITING_MAX) {
      delivery.waiting.push(chunk);
    }
  }

  async #learn(game: string, delivery: Delivery) {
    try {
      const files = await this.#filesOf(game, delivery.content);
      delivery.begins = new Map();
      for (const file of files) {
        delivery.begins.set(file.path, delivery.total);
        delivery.total += file.bytes;
      }
      delivery.cells = Array.from({ length: CELLS }, () => ({ bytes: 0, owners: new Map() }));
      for (const chunk of delivery.waiting.splice(0)) {
        note(delivery, chunk);
      }
    } catch {
      // Without the files there is no map; the sums are drawn instead.
    }
  }
}

function note(delivery: Delivery, chunk: Chunk) {
  const begin = delivery.begins?.get(chunk.file);
  if (begin === undefined || delivery.total <= 0) {
    return;
  }
  const size = delivery.total / CELLS;
  const from = begin + chunk.offset;
  const to = Math.min(delivery.total, from + chunk.bytes);
  const owner = chunk.peer ?? '';
  for (let at = Math.floor(from / size); at < CELLS && at * size < to; at += 1) {
    const cell = delivery.cells[at];
    const bytes = Math.min(to, (at + 1) * size) - Math.max(from, at * size);
    if (cell && bytes > 0) {
      cell.bytes += bytes;
      cell.owners.set(owner, (cell.owners.get(owner) ?? 0) + bytes);
    }
  }
}

function most(owners: ReadonlyMap<string, number>): string {
  let best = '';
  let bytes = -1;
  for (const [owner, delivered] of owners) {
    if (delivered > bytes) {
      best = owner;
      bytes = delivered;
    }
  }
  return best;
}
