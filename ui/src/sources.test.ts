/** Rules for the sources of the page that no compiler knows. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '..');
const COMPONENT_LINES_MAX = 250;

const files = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((name) => /\.(svelte|ts|css)$/.test(name) && !/\.test\.ts$|^types|^transport.mock/.test(name))
  .map((name) => ({ name, text: readFileSync(join(ROOT, 'src', name), 'utf8') }));

const FORBIDDEN: [rule: string, pattern: RegExp][] = [
  ['text is never parsed as HTML', /innerHTML|outerHTML|insertAdjacentHTML|\{@html|document\.write|DOMParser/],
  ['no code from text', /\beval\(|new Function\(|setTimeout\(['"`]/],
  ['no style or script in an attribute', /<[^>]*\sstyle="(?!.*\{)|<[^>]*\son[a-z]+="/],
  ['nothing comes from elsewhere', /https?:\/\/(?!www\.w3\.org\/)/],
  ['no address in a style', /url\(['"]?(https?:)?\/\//],
];

describe('sources', () => {
  it('are found', () => expect(files.length).toBeGreaterThan(60));

  for (const { name, text } of files) {
    it(`${name} keeps the rules`, () => {
      for (const [rule, pattern] of FORBIDDEN) {
        expect(text.match(pattern)?.[0], rule).toBeUndefined();
      }
      if (name.endsWith('.svelte')) {
        expect(text.split('\n').length, 'lines').toBeLessThanOrEqual(COMPONENT_LINES_MAX);
      }
    });
  }
});
