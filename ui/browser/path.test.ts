/** The way from the first start to a running game: by clicks, by keys, by a game controller. */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasBrowser, Stage } from './stage.ts';

const QUERY = 'scene=first&speed=400';
const asked = (page: Page) => page.getByRole('dialog').getByText('--player');
const started = (page: Page) => page.getByText('is starting').first();

/** A controller in the page that a test presses. */
function plugPad() {
  const pad = {
    connected: true,
    index: 0,
    id: 'test pad',
    mapping: 'standard',
    axes: [0, 0],
    buttons: Array.from({ length: 16 }, () => ({ pressed: false })),
  };
  Object.assign(globalThis, { testPad: pad });
  navigator.getGamepads = () => [pad as unknown as Gamepad];
  addEventListener('load', () => dispatchEvent(new Event('gamepadconnected')));
}

async function push(page: Page, button: number) {
  for (const pressed of [true, false]) {
    await page.evaluate(
      ([at, down]) =>
        new Promise<void>((resolve) => {
          const pad = (globalThis as unknown as { testPad: { buttons: { pressed: boolean }[] } }).testPad;
          const wanted = pad.buttons[at as number];
          if (wanted) {
            wanted.pressed = down as boolean;
          }
          // Two frames: the page has read it in between.
          requestAnimationFrame(() => requestAnimationFrame(() => resolve()));
        }),
      [button, pressed] as const,
    );
  }
}

const A = 0;
const X = 2;
const DOWN = 13;

describe.skipIf(!hasBrowser)('from the first start to a running game', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await Stage.open();
  });
  afterAll(() => stage.close());

  it('takes three clicks, and one for the consent', async () => {
    const { page, complaints } = await stage.page({ query: QUERY });
    await page.getByRole('button', { name: 'Start' }).click();
    await page.getByRole('button', { name: 'Install: Tidewolves' }).click();
    await page.getByRole('button', { name: 'Play: Tidewolves' }).click();
    await asked(page).waitFor();
    await page.getByRole('dialog').getByRole('button', { name: 'Play' }).click();
    await started(page).waitFor();
    await page.close();
    expect(complaints).toEqual([]);
  });

  it('goes by keys alone', async () => {
    const { page } = await stage.page({ query: QUERY });
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Install: Tidewolves' }).waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type('tidew');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Tidewolves', level: 1 }).waitFor();
    await page.keyboard.press('d');
    await page.getByRole('button', { name: 'Play', exact: true }).waitFor();
    await page.keyboard.press('p');
    await asked(page).waitFor();
    await page.keyboard.press('Enter');
    await started(page).waitFor();
    await page.keyboard.press('Escape');
    await page.locator('[data-search]').waitFor();
    await page.close();
  });

  it('goes by a game controller alone', async () => {
    const { page } = await stage.page({ query: QUERY, init: plugPad });
    await page.bringToFront();
    await push(page, A);
    await page.getByRole('button', { name: /^Install: / }).first().waitFor();
    await push(page, DOWN);
    for (let tries = 0; tries < 12; tries += 1) {
      const name = await page.evaluate(() => document.activeElement?.closest('[data-game]')?.className ?? '');
      if (name.includes('remote')) {
        break;
      }
      await push(page, 15);
    }
    await push(page, A);
    await page.getByRole('button', { name: 'Download only' }).waitFor();
    await push(page, A);
    await page.getByRole('button', { name: 'Play', exact: true }).waitFor();
    await push(page, X);
    await asked(page).waitFor();
    await push(page, A);
    await started(page).waitFor();
    await page.close();
  });

  it('comes back to the same card', async () => {
    const { page } = await stage.page({ query: 'still&scene=many' });
    await page.mouse.move(700, 500);
    await page.mouse.wheel(0, 9000);
    await page.waitForTimeout(200);
    const card = page.locator('[data-game] a').nth(14);
    const name = await card.getAttribute('href');
    await card.focus();
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Install', exact: true }).or(page.getByRole('button', { name: 'Play', exact: true })).first().waitFor();
    await page.keyboard.press('Escape');
    await page.locator('[data-search]').waitFor();
    await page.waitForFunction((href) => document.activeElement?.getAttribute('href') === href, name);
    await page.close();
  });
});
