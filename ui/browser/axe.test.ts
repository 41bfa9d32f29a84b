/** Every view, both sizes and themes: no violation that axe can see. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasBrowser, type Size, Stage } from './stage.ts';
import { VIEWS } from './views.ts';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

interface Result {
  id: string;
  nodes: { html: string; any: { message: string }[] }[];
}

describe.skipIf(!hasBrowser)('axe', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await Stage.open();
  });
  afterAll(() => stage.close());

  for (const size of ['desk', 'phone'] as Size[]) {
    for (const view of VIEWS) {
      it(`${view.name} ${size}`, async () => {
        const look = { ...view.look, size, query: view.look.query === 'beats' ? 'still' : view.look.query };
        const { page, complaints } = await stage.page(look as typeof view.look);
        await view.act?.(page);
        // Without motion nothing is half faded in; the policy lets no script in but this way.
        await page.emulateMedia({ reducedMotion: 'reduce' });
        await page.evaluate(axe);
        for (const colorScheme of ['dark', 'light'] as const) {
          await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
          const found = (await page.evaluate(async () => {
            const { axe } = globalThis as unknown as {
              axe: { run: (options: object) => Promise<{ violations: unknown[] }> };
            };
            return (await axe.run({ resultTypes: ['violations'] })).violations;
          })) as Result[];
          const said = found.flatMap(({ id, nodes }) =>
            nodes.map((node) => `${id}: ${node.html.slice(0, 160)} ${node.any[0]?.message ?? ''}`),
          );
          expect(said, colorScheme).toEqual([]);
        }
        await page.close();
        expect(complaints).toEqual([]);
      });
    }
  }
});
