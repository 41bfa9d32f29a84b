import { expect, it } from 'vitest';
import { codeOf, enter } from './enter.ts';
import { MockTransport } from './mock/mock.ts';

it('takes the code out of a pairing link, and only out of one', () => {
  expect(codeOf('#pair=ABCD-EFGH')).toBe('ABCD-EFGH');
  for (const hash of ['', '#/library', '#pair=', '#pair=<b>', `#pair=${'A'.repeat(99)}`, '#/x#pair=A']) {
    expect(codeOf(hash)).toBeNull();
  }
});

it('shows the code once and leaves none in the address, right or wrong', async () => {
  const shown: string[] = [];
  const mock = new MockTransport({ still: true });
  mock.pair = async (code) => {
    shown.push(code);
    throw new Error('refused');
  };
  location.hash = '#pair=ABCD-EFGH';
  await enter(mock);
  await enter(mock);
  expect(shown).toEqual(['ABCD-EFGH']);
  expect(location.hash).toBe('#/library');
});
