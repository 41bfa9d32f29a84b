/** What a kind of game is called; one that is not known keeps its own word. */
import { shown } from '../format/shown.ts';
import type { Genre } from '../types/api.ts';
import { t } from './speak.ts';

const GENRES: readonly Genre[] = [
  'shooter', 'strategy', 'racing', 'sport', 'arcade', 'puzzle', 'role_playing', 'simulation', 'sandbox', 'board',
];

export function genreText(genre: string): string {
  const known = GENRES.find((one) => one === genre);
  return known ? t(`genre.${known}`) : shown(genre, 30);
}
