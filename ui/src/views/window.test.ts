import { describe, expect, it } from 'vitest';
import { layers, scaleOf } from '../parts/chart.ts';
import { grid, part } from './window.ts';

describe('the window of a long grid', () => {
  for (const width of [358, 700, 1012, 1700, 3600]) {
    it(`fills ${width} pixels with cards of one size`, () => {
      const layout = grid(width);
      expect(layout.columns).toBeGreaterThanOrEqual(2);
      expect(layout.card).toBeGreaterThan(130);
      expect(layout.card).toBeLessThan(320);
    });
  }

  it('draws what is on the screen and a little more, never all', () => {
    const layout = grid(1012);
    const rows = Math.ceil(2000 / layout.columns);
    for (const scroll of [0, 1, 5000, 40_000, 90_000, 1e9]) {
      const view = part(2000, layout, scroll, 800);
      expect(view.to - view.from).toBeLessThanOrEqual(layout.columns * 9);
      expect(view.from % layout.columns).toBe(0);
      const drawn = Math.ceil((view.to - view.from) / layout.columns) * layout.rowHeight;
      expect(view.above + drawn + view.below).toBe(rows * layout.rowHeight);
    }
    const middle = part(2000, layout, 20 * layout.rowHeight, 800);
    expect(middle.from).toBe(18 * layout.columns);
    expect(part(0, layout, 0, 800)).toEqual({ from: 0, to: 0, above: 0, below: 0 });
    expect(part(3, layout, 500, 800).to).toBe(3);
  });
});

describe('the chart', () => {
  const beats = [new Map([['a', 40e6], ['b', 10e6]]), new Map([['a', 200e6], ['b', 300e6]]), new Map([['b', 10e6]])];

  it('has a round scale above everything', () => {
    expect(scaleOf(beats).top).toBe(600e6);
    expect(scaleOf([]).top).toBe(1e6);
    expect(scaleOf(beats).lines).toHaveLength(5);
  });

  it('puts one peer on top of the other', () => {
    const [b, a] = layers(beats, 600e6, 890, 100);
    expect([b?.peer, a?.peer]).toEqual(['b', 'a']);
    expect(b?.last).toBe(10e6);
    expect(a?.edge).toBe('M870 91.7L880 16.7L890 98.3');
    expect(a?.area.endsWith('L890 98.3L880 50L870 98.3Z')).toBe(true);
    expect(layers([], 1, 100, 100)).toEqual([]);
  });
});
