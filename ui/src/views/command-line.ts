/** A program as people read it: no shell reads it, so the quotes only show where arguments end. */
import type { Program } from '../model.ts';

export function commandLine({ path, arguments: words }: Program): string {
  return [path, ...words].map((word) => (/^[\w/.:,=@+\\-]+$/.test(word) ? word : JSON.stringify(word))).join(' ');
}
