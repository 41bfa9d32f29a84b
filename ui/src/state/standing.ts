/** Where a game stands with us, and what can be done with it. Pure: the one owner of these rules. */
import type { Content, Game, Operation, Phase } from '../model.ts';

/** What a card shows: exactly one of these. */
export type Standing =
  /** Pieces come, or will come by themselves. */
  | 'downloading'
  | 'queued'
  | 'paused'
  | 'waiting'
  /** Another operation runs: installing, removing, ... */
  | 'busy'
  /** Installed, and a newer version is around. */
  | 'update'
  | 'installed'
  /** Installed, and nobody gets it from us. */
  | 'local'
  /** Downloaded, not installed. */
  | 'ready'
  /** Some of it lies here, nothing runs. */
  | 'partial'
  /** Others have it. */
  | 'remote'
  /** A folder of ours without a version. */
  | 'unpublished'
  /** Known, and nobody who is here has it. */
  | 'absent';

const ENDED: readonly Phase[] = ['done', 'cancelled', 'failed'];

/** The operation that is under way, if one is. */
export function running(game: Game): Operation | null {
  const operation = game.operation;
  return operation && !(ENDED as string[]).includes(operation.phase) ? operation : null;
}

/** The operation that failed last, if nothing happened since. */
export function failed(game: Game): Operation | null {
  return game.operation?.phase === 'failed' ? game.operation : null;
}

export function standing(game: Game): Standing {
  const operation = running(game);
  if (operation) {
    return busyStanding(operation);
  }
  if (game.local.installed) {
    if (game.update_available) {
      return 'update';
    }
    return game.local.downloaded && !isUnshared(game) ? 'installed' : 'local';
  }
  if (game.local.downloaded) {
    return 'ready';
  }
  if (game.local.partial_bytes > 0) {
    return 'partial';
  }
  if (isReadySomewhere(game) || isPartialSomewhere(game)) {
    return 'remote';
  }
  return game.local.present ? 'unpublished' : 'absent';
}

function busyStanding(operation: Operation): Standing {
  switch (operation.phase) {
    case 'queued':
      return 'queued';
    case 'paused':
      return 'paused';
    case 'waiting_for_source':
    case 'waiting_for_games_dir':
      return 'waiting';
    case 'preparing':
    case 'adopting':
    case 'downloading':
      return 'downloading';
    default:
      return 'busy';
  }
}

function isUnshared(game: Game) {
  return game.local.not_shared?.why === 'switched_off';
}

function isReadySomewhere(game: Game) {
  return game.contents.some((content) => others(content, 'ready') > 0);
}

function isPartialSomewhere(game: Game) {
  return game.contents.some((content) => others(content, 'partial') > 0);
}

/** How many others have a content in this way. */
export function others(content: Content, how: 'ready' | 'partial' | 'local_only'): number {
  return content.holders.filter((holder) => holder.availability === how).length;
}

/** The content that a person means when they say the game: what would be fetched, or what is here. */
export function mainContent(game: Game): Content | null {
  const wanted = running(game)?.content ?? game.newest ?? game.local.content;
  return game.contents.find((content) => content.content === wanted) ?? game.contents[0] ?? null;
}

/** How many others can send the game now. */
export function sources(game: Game): number {
  const content = mainContent(game);
  return content ? others(content, 'ready') + others(content, 'partial') : 0;
}

export function payloadBytes(game: Game): number {
  return mainContent(game)?.payload.bytes ?? 0;
}

/** How far the operation is, from 0 to 1; null while that cannot be told. */
export function progress(operation: Operation): number | null {
  if (operation.total_bytes <= 0) {
    return null;
  }
  return Math.min(1, Math.max(0, operation.done_bytes / operation.total_bytes));
}

export type Deed =
  | 'play'
  | 'install'
  | 'get'
  | 'get_only'
  | 'get_low_disk'
  | 'update'
  | 'pause'
  | 'resume'
  | 'cancel'
  | 'discard'
  | 'verify'
  | 'serve'
  | 'open_folder'
  | 'share_on'
  | 'share_off'
  | 'uninstall'
  | 'remove'
  | 'publish';

/** What can be done with the game now, the most likely first. */
export function deeds(game: Game): Deed[] {
  const now = standing(game);
  const operation = running(game);
  if (operation) {
    return operationDeeds(now, operation);
  }
  const list: Deed[] = [];
  const here = game.local;
  if (here.installed && game.play?.can_play && game.play.state === 'idle') {
    list.push('play');
  }
  if (game.update_available && isReadySomewhere(game)) {
    list.push('update');
  }
  if (here.downloaded && !here.installed) {
    list.push('install');
  }
  if (!here.downloaded && !here.installed && sources(game) > 0) {
    list.push('get', 'get_only', 'get_low_disk');
  }
  if (here.installed && !here.downloaded && sources(game) > 0 && !game.update_available) {
    list.push('get_only');
  }
  if (now === 'unpublished') {
    list.push('publish');
  }
  return [...list, ...lesserDeeds(game)];
}

function lesserDeeds(game: Game): Deed[] {
  const here = game.local;
  const list: Deed[] = [];
  if (here.installed && game.play?.can_serve && !game.play.serving) {
    list.push('serve');
  }
  if (here.present) {
    list.push('open_folder');
  }
  if (here.downloaded) {
    list.push('verify', here.not_shared?.why === 'switched_off' ? 'share_on' : 'share_off');
  }
  if (here.installed) {
    list.push('uninstall');
  }
  if (here.downloaded) {
    list.push('remove');
  }
  if (here.partial_bytes > 0 && !here.downloaded) {
    list.push('discard');
  }
  return list;
}

function operationDeeds(now: Standing, operation: Operation): Deed[] {
  switch (now) {
    case 'downloading':
    case 'queued':
    case 'waiting':
      return ['pause', 'cancel'];
    case 'paused':
      return ['resume', 'cancel'];
    default:
      return operation.phase === 'committing' ? [] : ['cancel'];
  }
}

/** What a list of games sorts and filters by; progress is not in it. */
export function facets(game: Game): string {
  const failedNow = failed(game) ? 'failed' : '';
  return [
    game.title,
    standing(game),
    failedNow,
    payloadBytes(game),
    sources(game),
    game.about?.genre ?? '',
    game.about?.players_max ?? '',
    game.hosts.length,
  ].join('\u0000');
}
