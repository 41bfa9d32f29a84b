/** Moves the focus in a direction, by where things are on the screen. */

export type Direction = 'up' | 'down' | 'left' | 'right';

const REACHABLE =
  'a[href],button:not(:disabled),input:not(:disabled),select:not(:disabled),textarea,[tabindex="0"]';

/** Where the focus may go now: the question above the page, else the page. */
export function scope(): ParentNode {
  const open = document.querySelectorAll<HTMLDialogElement>('dialog[open]');
  return open[open.length - 1] ?? document;
}

/** Moves the focus; false when there is nothing in that direction. */
export function move(direction: Direction): boolean {
  const from = document.activeElement;
  const inside = scope();
  if (!from || from === document.body || !inside.contains(from)) {
    return focusFirst();
  }
  const target = best(from, direction, [...inside.querySelectorAll<HTMLElement>(REACHABLE)]);
  if (!target) {
    return false;
  }
  focus(target);
  return true;
}

/** Puts the focus on what a person most likely wants here. */
export function focusFirst(): boolean {
  const inside = scope();
  const wanted =
    inside.querySelector<HTMLElement>('[data-first]') ??
    inside.querySelector<HTMLElement>('[data-game] a') ??
    inside.querySelector<HTMLElement>(`main :is(${REACHABLE})`) ??
    inside.querySelector<HTMLElement>(REACHABLE);
  if (!wanted) {
    return false;
  }
  focus(wanted);
  return true;
}

function focus(target: HTMLElement) {
  target.focus({ preventScroll: true });
  target.scrollIntoView({ block: 'nearest', inline: 'nearest' });
}

interface Box {
  left: number;
  right: number;
  top: number;
  bottom: number;
}

/** The element nearest in the direction: straight ahead before far aside. */
export function best(
  from: Element,
  direction: Direction,
  candidates: readonly HTMLElement[],
): HTMLElement | null {
  const start = from.getBoundingClientRect();
  let found: HTMLElement | null = null;
  let least = Number.POSITIVE_INFINITY;
  for (const candidate of candidates) {
    if (candidate === from || candidate.contains(from)) {
      continue;
    }
    const box = candidate.getBoundingClientRect();
    if (box.width === 0 || box.height === 0) {
      continue;
    }
    const far = distance(start, box, direction);
    if (far < least) {
      least = far;
      found = candidate;
    }
  }
  return found;
}

/** How far a box is in a direction; infinite when it is not in that direction at all. */
export function distance(from: Box, to: Box, direction: Direction): number {
  const [ahead, aside] = turned(from, to, direction);
  if (ahead <= 0) {
    return Number.POSITIVE_INFINITY;
  }
  return ahead + 3 * aside;
}

/** How far ahead the near edge is, and how far aside: 0 where the two overlap. */
function turned(from: Box, to: Box, direction: Direction): [ahead: number, aside: number] {
  const vertical = direction === 'up' || direction === 'down';
  const aside = vertical
    ? gap(from.left, from.right, to.left, to.right)
    : gap(from.top, from.bottom, to.top, to.bottom);
  const middle = (box: Box) =>
    vertical ? (box.top + box.bottom) / 2 : (box.left + box.right) / 2;
  const sign = direction === 'down' || direction === 'right' ? 1 : -1;
  const edge = {
    up: from.top - to.bottom,
    down: to.top - from.bottom,
    left: from.left - to.right,
    right: to.left - from.right,
  }[direction];
  const ahead = (middle(to) - middle(from)) * sign;
  return [edge < -2 && aside > 0 ? -1 : ahead <= 1 ? -1 : Math.max(edge, 0) + ahead / 100, aside];
}

function gap(a1: number, a2: number, b1: number, b2: number): number {
  return Math.max(0, b1 - a2, a1 - b2);
}
