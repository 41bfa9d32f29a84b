/** Every view and every empty state of the page, as the pictures and the checks want them. */
import type { Page } from 'playwright-core';
import type { Look } from './stage.ts';

export interface View {
  name: string;
  look: Look;
  /** What is done before it is looked at. */
  act?: (page: Page) => Promise<void>;
}

const click = (name: string | RegExp) => async (page: Page) => {
  await page.getByRole('button', { name }).first().click();
};

export const VIEWS: readonly View[] = [
  { name: 'library', look: {} },
  { name: 'library-shelf', look: { place: '/library/fits' } },
  { name: 'library-nothing-fits', look: {}, act: (page) => page.locator('[data-search]').fill('zzz') },
  { name: 'library-empty', look: { query: 'still&scene=empty' } },
  { name: 'library-alone', look: { query: 'still&scene=alone' } },
  { name: 'library-hostile', look: { query: 'still&scene=hostile' } },
  { name: 'game-downloading', look: { place: '/game/nachtfrost' } },
  { name: 'game-remote', look: { place: '/game/tidewolves' } },
  { name: 'game-installed', look: { place: '/game/turbo-heist-3' } },
  { name: 'game-conflict', look: { place: '/game/schaltjahr' } },
  { name: 'game-long-name', look: { place: '/game/kettenkarussell' } },
  { name: 'game-failed', look: { query: 'still&scene=trouble', place: '/game/dust-derby' } },
  { name: 'game-hostile', look: { query: 'still&scene=hostile', place: '/game/hostile-1' } },
  { name: 'game-unknown', look: { place: '/game/nobody' } },
  { name: 'game-menu', look: { place: '/game/turbo-heist-3' }, act: click(/More|Mehr/) },
  { name: 'transfers', look: { place: '/transfers', query: 'beats' } },
  { name: 'transfers-empty', look: { query: 'still&scene=empty', place: '/transfers' } },
  { name: 'peers', look: { place: '/peers' } },
  { name: 'peers-trouble', look: { query: 'still&scene=trouble', place: '/peers' } },
  { name: 'peers-empty', look: { query: 'still&scene=alone', place: '/peers' } },
  { name: 'share', look: { place: '/share' } },
  { name: 'share-plan', look: { place: '/share' }, act: click(/Look into it|Hineinsehen/) },
  { name: 'settings', look: { place: '/settings' } },
  { name: 'problems', look: { query: 'still&scene=trouble', place: '/problems' } },
  { name: 'problems-examined', look: { place: '/problems' }, act: click(/Examine|untersuchen/) },
  { name: 'problems-none', look: { place: '/problems' } },
  { name: 'first-run', look: { query: 'still&scene=first' } },
  { name: 'first-run-folder', look: { query: 'still&scene=first' }, act: click(/Change|Ändern/) },
  { name: 'ask-play', look: { place: '/game/turbo-heist-3' }, act: click(/^(Play|Spielen)$/) },
  { name: 'ask-content', look: { place: '/game/schaltjahr' }, act: click(/^(Install|Installieren)$/) },
  { name: 'ask-connect', look: { place: '/peers' }, act: click(/Connect by|Über Adresse/) },
  { name: 'ask-quit', look: { place: '/settings' }, act: click(/Quit|beenden/) },
  { name: 'ask-pair', look: { place: '/settings' }, act: click(/Make a link|Link erzeugen/) },
  { name: 'ask-folder', look: { place: '/settings' }, act: click(/^(Change|Ändern)$/) },
  {
    name: 'ask-uninstall',
    look: { place: '/game/turbo-heist-3' },
    act: async (page) => {
      await click(/More|Mehr/)(page);
      await click(/^(Uninstall|Deinstallieren)$/)(page);
    },
  },
  { name: 'away-gone', look: {}, act: (page) => mock(page, 'goAway', true) },
  { name: 'away-unpaired', look: {}, act: (page) => mock(page, 'unpair') },
];

/** Tells the played node something. */
export async function mock(page: Page, method: string, ...values: unknown[]): Promise<void> {
  await page.evaluate(
    ([name, list]) => {
      const node = (globalThis as unknown as { lanspreadMock: Record<string, (...a: unknown[]) => void> })
        .lanspreadMock;
      node[name as string]?.(...(list as unknown[]));
    },
    [method, values] as const,
  );
}

/** Fills the chart with a minute and a half without waiting for it. */
export async function fillChart(page: Page): Promise<void> {
  await page.clock.install();
  for (let second = 0; second < 92; second += 1) {
    await mock(page, 'step', 1000);
    await page.clock.runFor(1000);
  }
}
