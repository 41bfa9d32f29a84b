/** The page over the real party of `lanspread demo`: pairing, download, chunk map, uninstall. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { chromium, type Browser, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CHROMIUM, hasBrowser } from './stage.ts';

const PROGRAM = process.env.LANSPREAD ?? join(import.meta.dirname, '../../target/debug/lanspread');

interface Told {
  peers: { name: string; page: string }[];
}

/** Starts the party and reads where its pages are. */
async function party(): Promise<{ demo: ChildProcess; told: Told }> {
  const demo = spawn(PROGRAM, ['demo', '--size', '200', '--json'], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  for await (const piece of demo.stdout) {
    text += String(piece);
    if (text.trimEnd().endsWith('\n}')) {
      return { demo, told: JSON.parse(text) as Told };
    }
  }
  throw new Error(`the demo ended: ${text}`);
}

/** The one game of the party with a program: installed, shown as it would be started, running. */
async function playsOneGame(page: Page): Promise<void> {
  await page.goto(`${new URL(page.url()).origin}/#/game/garden-maze`);
  await page.getByRole('heading', { name: 'Garden Maze', level: 1 }).waitFor();
  await page.getByRole('button', { name: 'Install', exact: true }).click();
  await page.getByRole('button', { name: 'Play', exact: true }).click({ timeout: 60_000 });
  const dialog = page.getByRole('dialog');
  await dialog.getByText(/garden-maze\.sh --player guest --language en/).waitFor();
  if (process.env.SHOTS) {
    await page.screenshot({ path: join(process.env.SHOTS, 'demo-ask-play.png') });
  }
  await dialog.getByRole('button', { name: 'Play' }).click();
  await page.getByText(/, running/).waitFor();
  // It can be started again once it is over; nobody is asked then.
  await page.getByRole('button', { name: 'Play', exact: true }).click({ timeout: 60_000 });
  await page.getByText(/, running/).waitFor();
}

describe.skipIf(!hasBrowser || !existsSync(PROGRAM))('the real party', () => {
  let demo: ChildProcess;
  let browser: Browser;
  let link = '';
  beforeAll(async () => {
    const started = await party();
    demo = started.demo;
    link = started.told.peers.find((peer) => peer.name === 'guest')?.page ?? '';
    browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-gpu'] });
  });
  afterAll(async () => {
    await browser.close();
    const ended = new Promise((resolve) => demo.once('exit', resolve));
    demo.kill('SIGINT');
    await ended;
  });

  it('lets the browser of the link in, and only that', async () => {
    const stranger = await browser.newPage();
    await stranger.goto(link.replace(/#.*/, ''));
    await stranger.getByText('lanspread pair').waitFor();
    await stranger.close();
  });

  it('downloads from two, installs, and takes it away again', async () => {
    const page = await browser.newPage({ viewport: { width: 1280, height: 800 }, locale: 'en-GB' });
    const complaints: string[] = [];
    page.on('console', (message) => {
      if (message.type() === 'error') {
        complaints.push(message.text());
      }
    });
    page.on('pageerror', (error) => complaints.push(String(error)));
    await page.goto(link);
    await page.getByRole('button', { name: /^Install: / }).first().waitFor();
    expect(page.url()).not.toContain('pair');
    const name = (await page.getByRole('button', { name: /^Install: / }).first().getAttribute('aria-label')) ?? '';
    const title = name.replace('Install: ', '');
    await page.getByRole('heading', { name: title, exact: true }).first().click();
    await page.getByRole('button', { name: 'Install', exact: true }).click();
    const bar = page.locator('.chunkbar path').first();
    await bar.waitFor({ state: 'attached' });
    if (process.env.SHOTS) {
      await page.screenshot({ path: join(process.env.SHOTS, 'demo-downloading.png') });
    }
    await page.getByRole('button', { name: 'More' }).waitFor();
    await page.getByText('On this machine').waitFor();
    await page.waitForFunction(() => document.body.textContent?.includes('installed'));
    await page.getByRole('button', { name: 'More' }).click();
    await page.getByRole('button', { name: 'Uninstall' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Uninstall' }).click();
    await page.getByRole('button', { name: 'Install', exact: true }).waitFor();
    await page.reload();
    await page.getByRole('button', { name: 'Install', exact: true }).waitFor();
    for (const view of ['library', 'transfers', 'peers', 'share', 'settings', 'problems']) {
      await page.goto(`${new URL(page.url()).origin}/#/${view}`);
      await page.locator(view === 'library' ? '[data-search]' : 'main h1').first().waitFor();
      if (process.env.SHOTS) {
        await page.screenshot({ path: join(process.env.SHOTS, `demo-${view}.png`) });
      }
    }
    await playsOneGame(page);
    await page.goto(`${new URL(page.url()).origin}/#/problems`);
    await page.getByRole('button', { name: 'Examine this machine' }).first().click();
    await page.getByText('What the doctor found').waitFor();
    await page.close();
    expect(complaints).toEqual([]);
  });
});
