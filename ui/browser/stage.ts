/** The page in a real browser: built with the played party, served under the strict policy. */
import { existsSync } from 'node:fs';
import { type Browser, chromium, type Page } from 'playwright-core';
import { build, preview, type PreviewServer } from 'vite';

/** Debian's Chromium, or another one that the environment names. */
export const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';

export const hasBrowser = existsSync(CHROMIUM);

export const SIZES = {
  desk: { width: 1280, height: 800 },
  phone: { width: 390, height: 844 },
} as const;
export type Size = keyof typeof SIZES;
export type Theme = 'dark' | 'light';

export interface Look {
  size?: Size;
  theme?: Theme;
  language?: 'de' | 'en';
  /** Of the played party: `scene=many&speed=20`. */
  query?: string;
  /** Behind `#`. */
  place?: string;
  /** A script that runs before the page does. */
  init?: () => void;
}

export class Stage {
  readonly #server: PreviewServer;
  readonly #browser: Browser;
  readonly address: string;

  private constructor(server: PreviewServer, browser: Browser, address: string) {
    this.#server = server;
    this.#browser = browser;
    this.address = address;
  }

  static async open(): Promise<Stage> {
    await build({ mode: 'mock', logLevel: 'error' });
    const server = await preview({ mode: 'mock', logLevel: 'error', preview: { port: 0 }, build: { outDir: 'dist-mock' } });
    const address = server.resolvedUrls?.local[0] ?? '';
    const browser = await chromium.launch({
      executablePath: CHROMIUM,
      args: ['--no-sandbox', '--disable-gpu', '--font-render-hinting=none'],
    });
    return new Stage(server, browser, address);
  }

  /** Opens a page and fails when it says anything in the console that is not expected. */
  async page(look: Look = {}): Promise<{ page: Page; complaints: string[] }> {
    const { size = 'desk', theme = 'dark', language = 'en', query = 'still', place = '/library' } = look;
    const page = await this.#browser.newPage({
      viewport: SIZES[size],
      colorScheme: theme,
      locale: language === 'de' ? 'de-DE' : 'en-GB',
      hasTouch: size === 'phone',
    });
    const complaints: string[] = [];
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) {
        complaints.push(message.text());
      }
    });
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('request', (request) => {
      const url = request.url();
      if (!url.startsWith(this.address) && !url.startsWith('data:') && !url.startsWith('blob:')) {
        complaints.push(`a request to ${url}`);
      }
    });
    if (look.init) {
      await page.addInitScript(look.init);
    }
    await page.goto(`${this.address}?${query}#${place}`);
    await page.locator('main').first().waitFor();
    await page.evaluate(() => document.fonts.ready);
    return { page, complaints };
  }

  /** What Chromium wrote down while something was done. */
  async trace(page: Page, act: () => Promise<unknown>): Promise<string> {
    await this.#browser.startTracing(page, {
      categories: ['toplevel', 'devtools.timeline', 'disabled-by-default-devtools.timeline'],
    });
    await act();
    return (await this.#browser.stopTracing()).toString();
  }

  async close() {
    await this.#browser.close();
    await this.#server.close();
  }
}
