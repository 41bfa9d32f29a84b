import { describe, expect, it } from 'vitest';
import { HOSTILE } from '../transport/mock/scenes.ts';
import { drawn, picture } from './art.ts';
import * as land from './land.ts';
import { PALETTES } from './palettes.ts';
import { dice } from './seed.ts';
import * as shapes from './shapes.ts';

const parsed = (svg: string) => new DOMParser().parseFromString(svg, 'image/svg+xml');

describe('drawn covers', () => {
  for (const [name, motif] of Object.entries({ ...land, ...shapes })) {
    it(`${name} is a picture of numbers in every size`, () => {
      for (const colours of PALETTES.slice(0, 4)) {
        for (const [w, h] of [[180, 240], [1040, 340]] as const) {
          const marks = motif({ w, h, dice: dice(name), colours }).join('');
          const root = parsed(`<svg xmlns="http://www.w3.org/2000/svg">${marks}</svg>`);
          expect(root.querySelector('parsererror')).toBeNull();
          expect(marks).not.toMatch(/NaN|undefined|Infinity/);
          expect(marks.length).toBeLessThan(60_000);
        }
      }
    });
  }

  it('are the same for the same name and hold nothing of it', () => {
    for (const id of HOSTILE) {
      const svg = picture(id, 'cover');
      expect(svg).toBe(picture(id, 'cover'));
      expect(parsed(svg).querySelectorAll('script, image, foreignObject, a, use, style')).toHaveLength(0);
      expect(svg).not.toMatch(/alert|href|on\w+=/);
      expect(drawn(id, 'cover')).toMatch(/^data:image\/svg\+xml,/);
    }
    expect(picture('a', 'cover')).not.toBe(picture('b', 'cover'));
  });
});
