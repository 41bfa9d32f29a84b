/** What just happened, said in passing. The snapshot is the truth; this is garnish. */
import { bytes } from '../format/amounts.ts';
import { t } from '../i18n/speak.ts';
import type { Notice } from '../model.ts';
import { address } from './route.svelte.ts';
import { party, toasts } from './session.svelte.ts';

export function hear(notice: Notice) {
  switch (notice.notice) {
    case 'operation_finished':
      return finished(notice.kind, notice.game);
    case 'operation_failed':
      return toasts.say('bad', t('toast.failed', { game: title(notice.game) }), page(notice.game));
    case 'all_peers_gone':
      return toasts.say('plain', t('toast.waiting', { game: title(notice.game) }), page(notice.game));
    case 'peer_refused':
      return toasts.say('bad', t('toast.refused', { peer: peer(notice.peer) }), '#/peers');
    case 'low_disk_begun':
      return lowDisk(notice.game, notice.bytes, notice.bytes_max);
    case 'identity_replaced':
      return toasts.say('plain', t('toast.identity'), '#/settings');
    default:
      return;
  }
}

/** Only what is more than the game has bytes is news. */
function lowDisk(game: string, least: number, most: number) {
  if (most > least) {
    toasts.say('plain', t('toast.low_disk', { game: title(game), size: bytes(most) }), page(game));
  }
}

function finished(kind: string, game: string) {
  switch (kind) {
    case 'install':
      return toasts.say('good', t('toast.installed', { game: title(game) }), page(game));
    case 'update':
      return toasts.say('good', t('toast.updated', { game: title(game) }), page(game));
    case 'download':
      return toasts.say('good', t('toast.downloaded', { game: title(game) }), page(game));
    case 'publish':
      return toasts.say('good', t('toast.published', { game: title(game) }), page(game));
    case 'verify':
      return toasts.say('good', t('toast.verified', { game: title(game) }), page(game));
    default:
      return;
  }
}

function title(game: string): string {
  return party.games.get(game)?.title ?? game;
}

function peer(key: string): string {
  return party.peersByKey.get(key)?.name ?? key.slice(0, 8);
}

function page(game: string): string {
  return address({ view: 'game', game });
}
