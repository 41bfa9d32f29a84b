/** How a game's state is put into words and icons. */
import { bytes, duration, percent, rate } from '../format/amounts.ts';
import { shown } from '../format/shown.ts';
import { t } from '../i18n/speak.ts';
import type { IconName } from '../parts/icons.ts';
import {
  type Deed,
  failed,
  mainContent,
  payloadBytes,
  progress,
  running,
  sources,
  standing,
} from '../state/standing.ts';
import type { Game, Operation } from '../model.ts';

const ICONS: Readonly<Record<Deed, IconName>> = {
  play: 'play',
  install: 'box',
  get: 'download',
  get_only: 'download',
  get_low_disk: 'bolt',
  update: 'update',
  pause: 'pause',
  resume: 'play',
  cancel: 'close',
  discard: 'trash',
  verify: 'verify',
  serve: 'server',
  open_folder: 'folder',
  share_on: 'share',
  share_off: 'block',
  uninstall: 'trash',
  remove: 'trash',
  publish: 'share',
};

export function deedIcon(deed: Deed): IconName {
  return ICONS[deed];
}

export function deedText(deed: Deed): string {
  return t(`deed.${deed}`);
}

export interface Tag {
  tone: 'plain' | 'warn' | 'bad';
  icon: IconName;
  text: string;
}

/** The word on a cover, where the picture alone does not say it. */
export function tagOf(game: Game): Tag | null {
  if (failed(game)) {
    return { tone: 'bad', icon: 'alert', text: t('tag.failed') };
  }
  const operation = running(game);
  switch (standing(game)) {
    case 'update':
      return { tone: 'warn', icon: 'update', text: t('tag.update') };
    case 'local':
      return { tone: 'plain', icon: 'here', text: t('tag.local') };
    case 'ready':
      return { tone: 'plain', icon: 'box', text: t('tag.ready') };
    case 'partial':
      return { tone: 'plain', icon: 'clock', text: t('tag.partial') };
    case 'queued':
      return { tone: 'plain', icon: 'clock', text: t('tag.queued') };
    case 'paused':
      return { tone: 'plain', icon: 'pause', text: t('tag.paused') };
    case 'waiting':
      return { tone: 'warn', icon: 'clock', text: t('tag.waiting') };
    case 'unpublished':
      return { tone: 'plain', icon: 'share', text: t('tag.unpublished') };
    case 'busy':
      return operation ? { tone: 'plain', icon: 'box', text: phaseText(operation) } : null;
    default:
      return null;
  }
}

/** The same in the middle of a sentence. */
export function phaseInside(operation: Operation): string {
  const text = phaseText(operation);
  return text.slice(0, 1).toLowerCase() + text.slice(1);
}

export function phaseText(operation: Operation): string {
  return t(`phase.${operation.phase}`);
}

/** The line below a title on a card. */
export function summary(game: Game): string {
  const operation = running(game);
  if (operation) {
    return operationLine(operation);
  }
  const error = failed(game);
  if (error) {
    return t('card.failed');
  }
  const size = bytes(payloadBytes(game));
  const version = shown(game.local.installed?.version ?? game.local.downloaded ?? '', 24);
  switch (standing(game)) {
    case 'update':
      return `${version} → ${shown(newestVersion(game), 24)}, ${size}`;
    case 'installed':
    case 'local':
      return `${size}, v${version}`;
    case 'ready':
      return t('card.ready', { size });
    case 'partial':
      return t('card.partial', { done: bytes(game.local.partial_bytes), size });
    case 'remote':
      return t('card.remote', { size, n: sources(game) });
    case 'unpublished':
      return t('card.unpublished');
    default:
      return t('card.absent');
  }
}

/** What a running operation does, in one line. */
export function operationLine(operation: Operation): string {
  const part = progress(operation);
  const words: string[] = [];
  if (operation.phase === 'downloading') {
    words.push(rate(operation.rate));
  } else {
    words.push(phaseText(operation));
    if (part !== null && operation.phase !== 'queued') {
      words.push(percent(part));
    }
  }
  if (operation.left_ms !== null && operation.phase !== 'paused') {
    words.push(t('time.left', { time: duration(operation.left_ms) }));
  }
  return words.join(', ');
}

/** The state in full words, for who does not see the cover. */
export function described(game: Game): string {
  return failed(game) ? t('tag.failed') : t(`standing.${standing(game)}`);
}

export function newestVersion(game: Game): string {
  return mainContent(game)?.version ?? '';
}
