/** Text that others wrote, made fit to stand in the page. It only ever becomes text nodes. */

const LENGTH_MAX = 200;

/** Control characters, and marks that turn the direction of what stands beside them. */
const UNSHOWN = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]/g;
/** More marks on one letter than any language uses. */
const HEAPED = /(\p{M}{4})\p{M}+/gu;

/** What others wrote, cut and without characters that break out of their place. */
export function shown(text: string, max = LENGTH_MAX): string {
  const clean = text
    .slice(0, 4 * max)
    .normalize('NFC')
    .replace(UNSHOWN, ' ')
    .replace(HEAPED, '$1')
    .replace(/\s+/g, ' ')
    .trim();
  const letters = [...clean];
  return letters.length > max ? `${letters.slice(0, max - 1).join('')}\u2026` : clean;
}

/** The name of a game; its id when the name shows nothing. */
export function titleOf(game: { game: string; title: string }, max = 80): string {
  return shown(game.title, max) || shown(game.game, max) || '?';
}
