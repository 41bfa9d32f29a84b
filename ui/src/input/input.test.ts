import { describe, expect, it } from 'vitest';
import { PadReader, type PadState } from './gamepad.svelte.ts';
import { type Direction, distance } from './move.ts';

const box = (left: number, top: number, width = 100, height = 100) => ({
  left, top, right: left + width, bottom: top + height,
});

describe('directions', () => {
  const from = box(200, 200);
  const nearest = (direction: Direction, boxes: Record<string, ReturnType<typeof box>>) =>
    Object.entries(boxes).sort((a, b) => distance(from, a[1], direction) - distance(from, b[1], direction))[0]?.[0];

  it('lead straight ahead before far aside', () => {
    const boxes = { right: box(320, 210), below: box(200, 320), aside: box(320, 320), left: box(80, 200), above: box(210, 80) };
    expect(nearest('right', boxes)).toBe('right');
    expect(nearest('down', boxes)).toBe('below');
    expect(nearest('left', boxes)).toBe('left');
    expect(nearest('up', boxes)).toBe('above');
  });

  it('never lead backwards', () => {
    for (const direction of ['up', 'down', 'left', 'right'] as const) {
      expect(distance(from, from, direction)).toBe(Number.POSITIVE_INFINITY);
    }
    expect(distance(from, box(80, 200), 'right')).toBe(Number.POSITIVE_INFINITY);
    expect(distance(from, box(0, 500), 'right')).toBe(Number.POSITIVE_INFINITY);
  });

  it('lead from a card to the button on it and on to the next card', () => {
    const button = box(260, 260, 30, 30);
    expect(distance(from, button, 'right')).toBeLessThan(Number.POSITIVE_INFINITY);
    expect(distance(from, button, 'down')).toBeLessThan(Number.POSITIVE_INFINITY);
  });
});

describe('a controller', () => {
  const play = (states: [at: number, buttons: number[], axes?: number[]][]) => {
    const log: string[] = [];
    const reader = new PadReader({
      move: (direction) => log.push(direction),
      press: () => log.push('press'),
      back: () => log.push('back'),
      main: () => log.push('main'),
      turn: (step) => log.push(`turn ${step}`),
      menu: () => log.push('menu'),
    });
    for (const [at, pressed, axes = []] of states) {
      const state: PadState = {
        buttons: Array.from({ length: 16 }, (_, button) => ({ pressed: pressed.includes(button) })),
        axes,
      };
      reader.read(state, at);
    }
    return log;
  };

  it('presses once however long it is held', () => {
    expect(play([[0, [0]], [16, [0]], [900, [0]], [916, []], [932, [0]]])).toEqual(['press', 'press']);
    expect(play([[0, [1]], [16, [2]], [32, [4]], [48, [5]], [64, [9]]])).toEqual(['back', 'main', 'turn -1', 'turn 1', 'menu']);
  });

  it('repeats a direction, slowly at first', () => {
    expect(play([[0, [13]], [200, [13]], [381, [13]], [400, [13]], [492, [13]]])).toEqual(['down', 'down', 'down']);
    expect(play([[0, [], [0.9, 0.2]], [16, [], [0.1, -0.8]], [32, [], [0.3, 0.3]]])).toEqual(['right', 'up']);
  });
});
