import { beforeAll, describe, expect, it } from 'vitest';
import { GAMES, remote } from '../transport/mock/cast.ts';
import { prefs } from '../state/prefs.svelte.ts';
import table from '../types/hints.json';
import { explain, hints, remedy } from './explain.svelte.ts';
import { GERMAN_REASONS } from './reasons.de.ts';
import { REMEDIES } from './remedies.ts';

const game = remote(GAMES[0] ?? ['x', 'X', 1, '1', 'x', 1, 1]);

describe('every code', () => {
  beforeAll(() => hints.load());

  it('is known here exactly when the node knows it', () => {
    expect(Object.keys(REMEDIES).sort()).toEqual(Object.keys(table).sort());
    expect(Object.keys(GERMAN_REASONS).sort()).toEqual(Object.keys(table).sort());
  });

  for (const code of Object.keys(table)) {
    it(`${code} has a reason, hints and a button in both languages`, () => {
      const texts = (['en', 'de'] as const).map((language) => {
        prefs.language = language;
        const text = explain(code);
        expect(text?.reason).toBeTruthy();
        expect(text?.hints.length).toBeGreaterThan(0);
        expect(remedy(code, null)?.text).toBeTruthy();
        expect(remedy(code, game)?.text).toBeTruthy();
        return text?.reason;
      });
      expect(texts[0]).not.toBe(texts[1]);
    });
  }

  it('of a newer node still has a button', () => {
    expect(explain('never-heard-of')).toBeNull();
    expect(explain('constructor')).toBeNull();
    expect(remedy('constructor', null)).not.toBeNull();
    expect(remedy('never-heard-of', null)).not.toBeNull();
  });
});
