import { describe, expect, it } from 'vitest';
import { prefs } from '../state/prefs.svelte.ts';
import { de } from './de.ts';
import { en } from './en.ts';
import { fill, type Message, t } from './speak.ts';

const forms = (message: Message) =>
  typeof message === 'string' ? [message] : [message.one, message.other];
const slots = (text: string) => (text.match(/\{\w+\}/g) ?? []).sort();

/** Words that are the same in both languages. */
const SAME = new Set([
  'contents.title', 'deed.update', 'filter.updates', 'files.name', 'language.de', 'language.en', 'library.filter',
  'nav.transfers', 'peers.me_name', 'first.start', 'settings.version', 'share.version', 'sort.name',
  'tag.update', 'game.version', 'genre.arcade', 'genre.shooter', 'genre.simulation', 'genre.sport',
]);

describe('messages', () => {
  it('are complete in both languages', () => {
    expect(Object.keys(de).sort()).toEqual(Object.keys(en).sort());
  });

  for (const [key, english] of Object.entries(en) as [keyof typeof en, Message][]) {
    it(`${key} says something, with the same parameters in every form`, () => {
      const german = de[key];
      expect(typeof german).toBe(typeof english);
      const texts = [...forms(english), ...forms(german)];
      for (const text of texts) {
        expect(text.trim()).not.toBe('');
        expect(slots(text)).toEqual(slots(texts[0] ?? ''));
      }
      if (!SAME.has(key)) {
        expect(forms(german)).not.toEqual(forms(english));
      }
    });
  }

  it('fills in and chooses by number', () => {
    const message = { one: '{n} game of {who}', other: '{n} games of {who}' };
    expect(fill(message, { n: 1, who: 'Mara' }, 'en')).toBe('1 game of Mara');
    expect(fill(message, { n: 2000, who: '{n}' }, 'en')).toBe('2,000 games of {n}');
    expect(fill('{n}', { n: 1234.5 }, 'de')).toBe('1.234,5');
  });

  it('follows the chosen language', () => {
    prefs.language = 'de';
    expect(t('nav.library')).toBe('Bibliothek');
    prefs.language = 'en';
    expect(t('nav.library')).toBe('Library');
    expect(t('peers.count', { n: 1 })).toBe('1 peer');
  });
});
