/** What a code means to a person, what may help, and which button does. */
import { allowed } from '../state/allowed.ts';
import { prefs } from '../state/prefs.svelte.ts';
import { dialogs } from '../state/dialogs.svelte.ts';
import { fetchGame, perform } from '../state/deed.ts';
import { go } from '../state/route.svelte.ts';
import { tell } from '../state/session.svelte.ts';

import { t } from '../i18n/speak.ts';
import type { Game } from '../model.ts';
import { GERMAN_REASONS } from './reasons.de.ts';
import { REMEDIES, type Remedy } from './remedies.ts';

interface Hint {
  reason: string;
  hints: { en: string[]; de: string[] };
}

class Hints {
  table = $state.raw<Readonly<Record<string, Hint>>>({});

  /** They are not needed for the first sight of the page. */
  async load() {
    this.table = (await import('../types/hints.json')).default;
  }
}

export const hints = new Hints();

/** The reason and the hints in the language of the person; null for a code of a newer node. */
export function explain(code: string): { reason: string; hints: string[] } | null {
  const entry = Object.hasOwn(hints.table, code) ? hints.table[code] : undefined;
  if (!entry) {
    return null;
  }
  const german = (GERMAN_REASONS as Readonly<Record<string, string>>)[code];
  const reason = prefs.spoken === 'de' ? (german ?? entry.reason) : entry.reason;
  return { reason, hints: entry.hints[prefs.spoken] };
}

export interface Button {
  text: string;
  act: () => void;
}

/** The button for a code; about a game when it is one's. */
export function remedy(code: string, game: Game | null): Button | null {
  const name = (REMEDIES as Readonly<Record<string, Remedy>>)[code] ?? 'doctor';
  return button(name, game) ?? button('doctor', null);
}

function button(name: Remedy, game: Game | null): Button | null {
  switch (name) {
    case 'retry':
      return game ? { text: t('remedy.retry'), act: () => again(game) } : null;
    case 'choose':
      return game ? { text: t('remedy.choose'), act: () => void fetchGame(game, { install: true }) } : null;
    case 'space':
      return { text: t('remedy.space'), act: () => go({ view: 'library', shelf: 'ours' }) };
    case 'folder':
      return { text: t('remedy.folder'), act: () => dialogs.open({ ask: 'games_dir' }) };
    case 'settings':
      return { text: t('remedy.settings'), act: () => go({ view: 'settings' }) };
    case 'peers':
      return { text: t('remedy.peers'), act: () => go({ view: 'peers' }) };
    case 'connect':
      return { text: t('remedy.connect'), act: () => dialogs.open({ ask: 'connect' }) };
    case 'transfers':
      return { text: t('remedy.transfers'), act: () => go({ view: 'transfers' }) };
    case 'library':
      return { text: t('remedy.library'), act: () => go({ view: 'library', shelf: null }) };
    case 'share':
      return { text: t('remedy.share'), act: () => go({ view: 'share' }) };
    case 'rescan':
      return { text: t('remedy.rescan'), act: () => void tell({ command: 'rescan' }) };
    case 'reload':
      return { text: t('remedy.reload'), act: () => location.reload() };
    case 'doctor':
      return { text: t('remedy.doctor'), act: () => go({ view: 'problems' }) };
  }
}

/** Does again what failed: what the game offers first. */
function again(game: Game) {
  const [first] = allowed(game);
  if (first) {
    void perform(first, game);
  }
}
