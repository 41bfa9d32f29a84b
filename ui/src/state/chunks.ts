/** Who delivered which part of a download, as the cells of a bar. */
import type { Game, Operation } from '../model.ts';
import { running } from './standing.ts';

export const CELLS = 150;
export const MISSING = 0;
/** Found on this machine, or delivered before this page was open. */
export const HERE = 1;

/** One coloured run of a bar: who, from where to where, in cells. */
export interface Run {
  /** The peer; null for this machine. */
  peer: string | null;
  from: number;
  to: number;
}

/** The runs of a download's bar. Takes the map of the node, or draws what the sums allow. */
export function runs(game: Game): Run[] {
  const operation = running(game);
  if (!operation) {
    return [];
  }
  const map = operation.map;
  return merged(map && map.length > 0 ? map : guessed(operation), operation);
}

export function cellCount(game: Game): number {
  const map = running(game)?.map;
  return map && map.length > 0 ? map.length : CELLS;
}

function merged(map: readonly number[], operation: Operation): Run[] {
  const list: Run[] = [];
  map.forEach((cell, at) => {
    if (cell === MISSING) {
      return;
    }
    const peer = cell === HERE ? null : (operation.sources[cell - 2]?.peer ?? null);
    const last = list.at(-1);
    if (last && last.to === at && last.peer === peer) {
      last.to = at + 1;
    } else {
      list.push({ peer, from: at, to: at + 1 });
    }
  });
  return list;
}

/** Without a map: what each delivered, one behind the other. */
function guessed(operation: Operation): number[] {
  const cells = new Array<number>(CELLS).fill(MISSING);
  if (operation.total_bytes <= 0) {
    return cells;
  }
  const perCell = operation.total_bytes / CELLS;
  const delivered = operation.sources.reduce((sum, source) => sum + source.bytes, 0);
  const owners = [Math.max(0, operation.done_bytes - delivered)].concat(
    operation.sources.map((source) => source.bytes),
  );
  let at = 0;
  owners.forEach((bytes, owner) => {
    const end = at + bytes / perCell;
    cells.fill(owner + HERE, Math.round(at), Math.min(CELLS, Math.round(end)));
    at = end;
  });
  return cells;
}
