/** Takes a picture of every view; `SHOTS=dir` says where to. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasBrowser, type Size, Stage, type Theme } from './stage.ts';
import { fillChart, VIEWS } from './views.ts';

const directory = process.env.SHOTS;
const only = process.env.ONLY?.split(',');

describe.skipIf(!hasBrowser || !directory)('pictures', () => {
  let stage: Stage;
  beforeAll(async () => {
    mkdirSync(directory ?? '', { recursive: true });
    stage = await Stage.open();
  });
  afterAll(() => stage.close());

  const language = (process.env.LANGUAGE_OF_PAGE ?? 'en') as 'de' | 'en';
  for (const size of ['desk', 'phone'] as Size[]) {
    for (const theme of ['dark', 'light'] as Theme[]) {
      for (const view of VIEWS.filter(({ name }) => !only || only.includes(name))) {
        it(`${view.name} ${size} ${theme}`, async () => {
          const { page, complaints } = await stage.page({ ...view.look, size, theme, language });
          if (view.look.query === 'beats') {
            await fillChart(page);
          }
          await view.act?.(page);
          await page.waitForTimeout(250);
          await page.screenshot({ path: join(directory ?? '', `${view.name}-${size}-${theme}.png`) });
          const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
          await page.close();
          expect(complaints).toEqual([]);
          expect(wide).toBeLessThanOrEqual(0);
        });
      }
    }
  }
});
