/** A game controller moves the focus and presses what has it. */
import { type Direction } from './move.ts';

/** What a controller asks for. */
export interface PadActions {
  move(direction: Direction): void;
  press(): void;
  back(): void;
  /** The main deed of the game that has the focus. */
  main(): void;
  /** To the view before or behind. */
  turn(step: -1 | 1): void;
  menu(): void;
}

/** The buttons of a controller of the standard layout. */
const A = 0;
const B = 1;
const X = 2;
const LB = 4;
const RB = 5;
const START = 9;
const ARROWS: readonly [button: number, direction: Direction][] = [
  [12, 'up'],
  [13, 'down'],
  [14, 'left'],
  [15, 'right'],
];
const STICK_MIN = 0.55;
/** A direction that is held repeats, first slowly. */
const REPEAT_FIRST_MS = 380;
const REPEAT_MS = 110;

class Pad {
  connected = $state(false);
}

export const pad = new Pad();

/** What of a controller is read, so that a test can play one. */
export interface PadState {
  buttons: readonly { pressed: boolean }[];
  axes: readonly number[];
}

/** Tells presses from what is merely held. Pure but for what it remembers. */
export class PadReader {
  #held = new Set<number>();
  #direction: Direction | null = null;
  #repeatAt = 0;
  readonly #actions: PadActions;

  constructor(actions: PadActions) {
    this.#actions = actions;
  }

  read(state: PadState, now: number) {
    this.#arrows(state, now);
    const pressed = new Set<number>();
    for (const button of [A, B, X, LB, RB, START]) {
      if (state.buttons[button]?.pressed) {
        pressed.add(button);
        if (!this.#held.has(button)) {
          this.#press(button);
        }
      }
    }
    this.#held = pressed;
  }

  #press(button: number) {
    switch (button) {
      case A:
        return this.#actions.press();
      case B:
        return this.#actions.back();
      case X:
        return this.#actions.main();
      case LB:
        return this.#actions.turn(-1);
      case RB:
        return this.#actions.turn(1);
      case START:
        return this.#actions.menu();
    }
  }

  #arrows(state: PadState, now: number) {
    const direction = pointed(state);
    if (direction === null) {
      this.#direction = null;
      return;
    }
    const fresh = direction !== this.#direction;
    if (fresh || now >= this.#repeatAt) {
      this.#actions.move(direction);
      this.#repeatAt = now + (fresh ? REPEAT_FIRST_MS : REPEAT_MS);
      this.#direction = direction;
    }
  }
}

function pointed(state: PadState): Direction | null {
  for (const [button, direction] of ARROWS) {
    if (state.buttons[button]?.pressed) {
      return direction;
    }
  }
  const [x = 0, y = 0] = state.axes;
  if (Math.max(Math.abs(x), Math.abs(y)) < STICK_MIN) {
    return null;
  }
  return Math.abs(x) > Math.abs(y) ? (x > 0 ? 'right' : 'left') : y > 0 ? 'down' : 'up';
}

/** Follows the controllers of this browser until stopped; costs nothing while there is none. */
export function followPads(actions: PadActions): () => void {
  const readers = new Map<number, PadReader>();
  let frame = 0;
  const step = (now: number) => {
    const pads = navigator.getGamepads().filter((found) => found?.connected);
    pad.connected = pads.length > 0;
    for (const found of pads) {
      if (found) {
        const reader = readers.get(found.index) ?? new PadReader(actions);
        readers.set(found.index, reader);
        if (document.hasFocus()) {
          reader.read(found, now);
        }
      }
    }
    frame = pads.length > 0 ? requestAnimationFrame(step) : 0;
  };
  const start = () => {
    if (frame === 0) {
      frame = requestAnimationFrame(step);
    }
  };
  window.addEventListener('gamepadconnected', start);
  return () => {
    window.removeEventListener('gamepadconnected', start);
    cancelAnimationFrame(frame);
  };
}
