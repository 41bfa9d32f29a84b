/** Marks of drawn covers, as text of SVG. Only numbers and colours of our own come in here. */
import type { Palette } from './palettes.ts';
import type { Dice } from './seed.ts';

export interface Sheet {
  w: number;
  h: number;
  dice: Dice;
  colours: Palette;
}

/** Draws on a sheet; what comes later lies above. */
export type Motif = (sheet: Sheet) => string[];

/** A coordinate: a tenth of a unit is finer than a pixel of any cover. */
export function fixed(value: number): string {
  return String(Math.round(value * 10) / 10);
}

function share(opacity: number): string {
  return opacity < 1 ? ` opacity="${Math.round(opacity * 100) / 100}"` : '';
}

export function circle(x: number, y: number, r: number, colour: string, opacity = 1): string {
  return `<circle cx="${fixed(x)}" cy="${fixed(y)}" r="${fixed(r)}" fill="${colour}"${share(opacity)}/>`;
}

export function box(
  x: number,
  y: number,
  w: number,
  h: number,
  colour: string,
  opacity = 1,
  round = 0,
): string {
  const place = `x="${fixed(x)}" y="${fixed(y)}" width="${fixed(w)}" height="${fixed(h)}"`;
  return `<rect ${place}${round ? ` rx="${round}"` : ''} fill="${colour}"${share(opacity)}/>`;
}

export function path(line: string, colour: string, opacity = 1): string {
  return `<path d="${line}" fill="${colour}"${share(opacity)}/>`;
}

export function stroke(line: string, colour: string, width: number, opacity = 1, look = ''): string {
  const pen = `fill="none" stroke="${colour}" stroke-width="${fixed(width)}"`;
  return `<path d="${line}" ${pen}${share(opacity)} ${look}/>`;
}

export function ellipse(
  x: number,
  y: number,
  rx: number,
  ry: number,
  colour: string,
  opacity: number,
  turn: number,
  look: string,
): string {
  const place = `cx="${fixed(x)}" cy="${fixed(y)}" rx="${fixed(rx)}" ry="${fixed(ry)}"`;
  const turned = `transform="rotate(${turn} ${fixed(x)} ${fixed(y)})"`;
  const filled = `fill="${colour}" fill-opacity="${Math.round(opacity * 100) / 100}"`;
  return `<ellipse ${place} ${filled} ${look} ${turned}/>`;
}
