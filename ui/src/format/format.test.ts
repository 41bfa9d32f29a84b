import { beforeEach, describe, expect, it } from 'vitest';
import { prefs } from '../state/prefs.svelte.ts';
import { HOSTILE } from '../transport/mock/scenes.ts';
import { bytes, duration, latency, linkSpeed, percent, rate, wholePercent } from './amounts.ts';
import { shown, titleOf } from './shown.ts';

const plain = (text: string) => text.replaceAll('\u00a0', ' ');

beforeEach(() => {
  prefs.language = 'en';
});

describe('amounts', () => {
  const CASES: [number, string, string][] = [
    [0, '0 B', '0 B'],
    [999, '999 B', '999 B'],
    [1000, '1 kB', '1 kB'],
    [1_490_000, '1.5 MB', '1,5 MB'],
    [999_600_000, '1.0 GB', '1,0 GB'],
    [38_200_000_000, '38.2 GB', '38,2 GB'],
    [214_000_000_000, '214 GB', '214 GB'],
    [9e15, '9.0 PB', '9,0 PB'],
    [-5, '0 B', '0 B'],
  ];
  for (const [amount, english, german] of CASES) {
    it(`${amount} is ${english}`, () => {
      expect(plain(bytes(amount))).toBe(english);
      prefs.language = 'de';
      expect(plain(bytes(amount))).toBe(german);
      expect(plain(rate(amount))).toBe(`${german}/s`);
    });
  }

  it('times, shares and speeds are short', () => {
    expect([400, 36_400, 99_000, 150_000, 5.4e6, 9e6].map((ms) => plain(duration(ms)))).toEqual([
      '1 s', '36 s', '99 s', '3 min', '90 min', '2.5 h',
    ]);
    expect([0, 0.5, 0.999, 1, 3].map(wholePercent)).toEqual([0, 50, 99, 100, 100]);
    expect(plain(percent(0.29))).toBe('29 %');
    expect([320, 12_000].map((us) => plain(latency(us)))).toEqual(['0.3 ms', '12 ms']);
    expect([100, 1000, 2500].map((mbps) => plain(linkSpeed(mbps)))).toEqual(['100 Mbit/s', '1 Gbit/s', '2.5 Gbit/s']);
  });
});

describe('text of others', () => {
  it('keeps to its line, its direction and its length', () => {
    expect(shown('a\u202Egnp.exe\u202C b')).toBe('a gnp.exe b');
    expect(shown('\u001B[31mred\u0000\n\tx')).toBe('[31mred x');
    expect([...shown('A'.repeat(9000), 50)]).toHaveLength(50);
    expect(shown('\u{1F579}'.repeat(90), 10)).toBe(`${'\u{1F579}'.repeat(9)}\u2026`);
    expect(shown(`Z${'\u0351'.repeat(60)}`).length).toBeLessThan(8);
    expect(shown('Grüße, 世界')).toBe('Grüße, 世界');
    for (const text of HOSTILE) {
      expect(shown(text)).not.toMatch(/[\u0000-\u001f\u007f\u200b-\u200f\u202a-\u202e\u2066-\u2069]/);
    }
  });

  it('never leaves a game without a name', () => {
    expect(titleOf({ game: 'tidewolves', title: ' \u200B ' })).toBe('tidewolves');
    expect(titleOf({ game: '', title: '' })).toBe('?');
  });
});
