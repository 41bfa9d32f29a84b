/** What the tab of the page says: how far the downloads are. */
import { titleOf } from '../format/shown.ts';
import type { Game } from '../model.ts';
import { running } from './standing.ts';

const TRANSFERS = ['downloading', 'paused', 'waiting_for_source', 'waiting_for_games_dir', 'preparing', 'adopting'];

export function tabTitle(games: Iterable<Game>): string {
  const list = [...games].flatMap((game) => {
    const operation = running(game);
    return operation && TRANSFERS.includes(operation.phase) ? [{ game, operation }] : [];
  });
  const done = list.reduce((sum, { operation }) => sum + operation.done_bytes, 0);
  const total = list.reduce((sum, { operation }) => sum + operation.total_bytes, 0);
  const [first] = list;
  if (!first || total <= 0) {
    return 'LanSpread';
  }
  const what = list.length === 1 ? titleOf(first.game, 40) : `${list.length} × LanSpread`;
  return `${Math.floor((done / total) * 100)} % · ${what}`;
}
