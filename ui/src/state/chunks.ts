/** Who delivered which part of a download, as the cells of a bar. Pure. */
import type { Game, Operation } from '../model.ts';
import { CELLS } from './deliveries.ts';
import { progress, running } from './standing.ts';

const MISSING = 0;
const HERE = 1;

/** One coloured run of a bar: who, from where to where, in cells. */
export interface Run {
  /** The peer; null for this machine, or for a time before this page. */
  peer: string | null;
  from: number;
  to: number;
}

/** A cell that is not there yet is `undefined`. */
type Cell = string | null | undefined;

/**
 * The runs of a download's bar: the map of the node; else what the notices told (`owners`), with
 * the rest of what is there filled in from the left; else the sums, one behind the other.
 */
export function runs(game: Game, owners: readonly (string | null)[] | null = null): Run[] {
  const operation = running(game);
  if (!operation) {
    return [];
  }
  if (operation.map.length > 0) {
    return merged(operation.map.map((cell) => ownerOf(cell, operation)));
  }
  return merged(owners ? completed(owners, operation) : guessed(operation));
}

export function cellCount(game: Game): number {
  const map = running(game)?.map;
  return map && map.length > 0 ? map.length : CELLS;
}

function ownerOf(cell: number, operation: Operation): Cell {
  if (cell === MISSING) {
    return undefined;
  }
  return cell === HERE ? null : (operation.sources[cell - 2]?.peer ?? null);
}

function completed(owners: readonly (string | null)[], operation: Operation): Cell[] {
  const cells: Cell[] = owners.map((owner) => (owner === null ? undefined : owner || null));
  const known = cells.filter((cell) => cell !== undefined).length;
  let missing = Math.round((progress(operation) ?? 0) * CELLS) - known;
  // A cell is known at its half, so one or two may seem to be missing that are not.
  if (missing > 2) {
    cells.forEach((cell, at) => {
      if (cell === undefined && missing > 0) {
        cells[at] = null;
        missing -= 1;
      }
    });
  }
  return cells;
}

function guessed(operation: Operation): Cell[] {
  const cells = new Array<Cell>(CELLS).fill(undefined);
  if (operation.total_bytes <= 0) {
    return cells;
  }
  const perCell = operation.total_bytes / CELLS;
  const delivered = operation.sources.reduce((sum, source) => sum + source.bytes, 0);
  const parts: [owner: string | null, bytes: number][] = [
    [null, Math.max(0, operation.done_bytes - delivered)],
    ...operation.sources.map((source): [string, number] => [source.peer, source.bytes]),
  ];
  let at = 0;
  for (const [owner, bytes] of parts) {
    const end = at + bytes / perCell;
    cells.fill(owner, Math.round(at), Math.min(CELLS, Math.round(end)));
    at = end;
  }
  return cells;
}

function merged(cells: readonly Cell[]): Run[] {
  const list: Run[] = [];
  cells.forEach((peer, at) => {
    const last = list.at(-1);
    if (peer === undefined) {
      return;
    }
    if (last && last.to === at && last.peer === peer) {
      last.to = at + 1;
    } else {
      list.push({ peer, from: at, to: at + 1 });
    }
  });
  return list;
}
