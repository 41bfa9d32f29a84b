/**
 * The picture of a game that has none: drawn from its id, so it is the same on every machine. It
 * becomes an image, not elements: it costs the page nothing when it scrolls.
 */
import * as land from './land.ts';
import type { Motif } from './marks.ts';
import { PALETTES, type Palette } from './palettes.ts';
import { dice, hash } from './seed.ts';
import * as shapes from './shapes.ts';

const MOTIFS: readonly Motif[] = [...Object.values(land), ...Object.values(shapes)];
/** A cover is 3 by 4, a banner is wide. */
const SIZES = { cover: [180, 240], banner: [1040, 340] } as const;
/** Pictures that are kept: two screens of cards. */
const KEPT_MAX = 400;

export type Shape = keyof typeof SIZES;

const kept = new Map<string, string>();

/** The address of the picture, as a `data:` URL. */
export function drawn(game: string, shape: Shape): string {
  const key = `${shape}/${game}`;
  const known = kept.get(key);
  if (known) {
    return known;
  }
  if (kept.size >= KEPT_MAX) {
    kept.delete(kept.keys().next().value ?? '');
  }
  const url = `data:image/svg+xml,${escaped(picture(game, shape))}`;
  kept.set(key, url);
  return url;
}

export function palette(game: string): Palette {
  return pick(PALETTES, hash(game));
}

/** Text of SVG; nothing of the id but its hash is in it. */
export function picture(game: string, shape: Shape): string {
  const [w, h] = SIZES[shape];
  const colours = palette(game);
  const motif = pick(MOTIFS, hash(`${game}/motif`));
  const marks = motif({ w, h, dice: dice(game), colours }).join('');
  const [ground, middle] = colours;
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${w} ${h}" width="${w}" height="${h}">` +
    '<defs><linearGradient id="g" x1="0" y1="0" x2=".35" y2="1">' +
    `<stop stop-color="${middle}"/><stop offset=".62" stop-color="${ground}"/></linearGradient>` +
    '<linearGradient id="s" x1="0" y1="0" x2="0" y2="1">' +
    `<stop stop-color="${ground}" stop-opacity=".92"/><stop offset=".45" stop-color="${ground}" ` +
    'stop-opacity=".66"/><stop offset="1" stop-color="' +
    `${ground}" stop-opacity="0"/></linearGradient></defs>` +
    `<rect width="${w}" height="${h}" fill="url(#g)"/>${marks}` +
    (shape === 'cover' ? `<rect width="${w}" height="${h * 0.52}" fill="url(#s)"/>` : '') +
    '</svg>'
  );
}

function pick<T>(list: readonly T[], number: number): T {
  return list[number % list.length] as T;
}

function escaped(svg: string): string {
  return svg.replaceAll('%', '%25').replaceAll('#', '%23').replaceAll('"', "'");
}
