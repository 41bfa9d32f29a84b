/** What keys and controllers do; both go the same ways. */
import { allowed } from '../state/allowed.ts';
import { dialogs } from '../state/dialogs.svelte.ts';
import { mainDeed, perform } from '../state/deed.ts';
import { back, go, route } from '../state/route.svelte.ts';
import { party } from '../state/session.svelte.ts';
import { type Deed } from '../state/standing.ts';
import type { Game } from '../model.ts';
import type { PadActions } from './gamepad.svelte.ts';
import { type Direction, focusFirst, move } from './move.ts';

const VIEWS = ['library', 'transfers', 'peers', 'share', 'settings', 'problems'] as const;

export const actions: PadActions = {
  move: (direction) => void move(direction),
  press,
  back: goBack,
  main: () => {
    const game = focusedGame();
    const [first] = game ? allowed(game) : [];
    if (game && first) {
      void perform(mainDeed(first), game);
    }
  },
  turn: (step) => {
    const here = route.place.view === 'game' ? 'library' : route.place.view;
    const at = VIEWS.indexOf(here) + step;
    const view = VIEWS[(at + VIEWS.length) % VIEWS.length] ?? 'library';
    go(view === 'library' ? { view, shelf: null } : { view });
  },
  menu: () => go({ view: 'settings' }),
};

/** Presses what has the focus; when a button is gone that had it, the next press finds the next. */
function press() {
  const target = document.activeElement;
  if (target instanceof HTMLElement && target !== document.body && target.localName !== 'main') {
    target.click();
  } else {
    focusFirst();
  }
}

function goBack() {
  const open = document.querySelectorAll('dialog[open]');
  const top = open[open.length - 1];
  if (top) {
    top.dispatchEvent(new Event('cancel', { cancelable: true }));
  } else {
    back();
  }
}

/** The game that a key means: the page's own, or that of the card with the focus. */
function focusedGame(): Game | null {
  const place = route.place;
  const card = document.activeElement?.closest<HTMLElement>('[data-game]');
  const id = place.view === 'game' ? place.game : card?.dataset.game;
  return id === undefined ? null : (party.games.get(id) ?? null);
}

const ARROWS: Readonly<Record<string, Direction>> = {
  ArrowUp: 'up',
  ArrowDown: 'down',
  ArrowLeft: 'left',
  ArrowRight: 'right',
};

export function onKey(event: KeyboardEvent) {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) {
    return;
  }
  const direction = ARROWS[event.key];
  if (direction) {
    if (!needsArrow(event.target, direction) && move(direction)) {
      event.preventDefault();
    }
    return;
  }
  if (event.key === 'Escape' && !dialogs.now && !isTyping(event.target)) {
    back();
    return;
  }
  if (!isTyping(event.target) && letter(event.key)) {
    event.preventDefault();
  }
}

function letter(key: string): boolean {
  switch (key.toLowerCase()) {
    case '/':
      return search();
    case 'd':
      return deed(['get', 'update', 'resume']);
    case 'p':
      return deed(['play']);
    default:
      return false;
  }
}

function deed(wanted: readonly Deed[]): boolean {
  const game = dialogs.now ? null : focusedGame();
  const found = game && allowed(game).find((candidate) => wanted.includes(candidate));
  if (!game || !found) {
    return false;
  }
  void perform(mainDeed(found), game);
  return true;
}

function search(): boolean {
  if (dialogs.now) {
    return false;
  }
  if (route.place.view !== 'library') {
    go({ view: 'library', shelf: null });
  }
  // The view may have to appear first.
  setTimeout(() => {
    const field = document.querySelector<HTMLInputElement>('[data-search]');
    field?.focus();
    field?.select();
  });
  return true;
}

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLTextAreaElement ||
    (target instanceof HTMLInputElement && !['checkbox', 'radio', 'button'].includes(target.type))
  );
}

/** In a field of text, the arrows to the sides belong to the text. */
function needsArrow(target: EventTarget | null, direction: Direction): boolean {
  if (target instanceof HTMLSelectElement) {
    return true;
  }
  return isTyping(target) && (direction === 'left' || direction === 'right');
}
