/** The whole page over the played party. */
import { flushSync, mount, tick, unmount } from 'svelte';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import App from './App.svelte';
import { hints } from './problems/explain.svelte.ts';
import { hear } from './state/hear.ts';
import { dialogs } from './state/dialogs.svelte.ts';
import { prefs } from './state/prefs.svelte.ts';
import { address, type Place, route } from './state/route.svelte.ts';
import { follow, party, toasts } from './state/session.svelte.ts';
import { looking } from './state/shelf.svelte.ts';
import type { Snapshot } from './model.ts';
import { MockTransport } from './transport/mock/mock.ts';
import { type Scene, scene } from './transport/mock/scenes.ts';
import type { Transport } from './transport/transport.ts';

let end: (() => Promise<void>) | null = null;
beforeAll(async () => {
  prefs.language = 'en';
  await hints.load();
});
afterEach(async () => {
  await end?.();
  end = null;
  dialogs.close();
  toasts.list = [];
  looking.search = '';
  looking.filter = 'all';
});

async function open(transport: Transport, place: Place = { view: 'library', shelf: null }) {
  route.place = place;
  const stop = follow(transport, hear);
  const app = mount(App, { target: document.body });
  flushSync();
  await tick();
  end = async () => {
    stop();
    await unmount(app);
    document.body.replaceChildren();
  };
}

const still = (name: Scene) => new MockTransport({ scene: name, still: true });
const button = (name: RegExp) =>
  [...document.querySelectorAll('button')].find((found) =>
    name.test(found.getAttribute('aria-label') ?? found.textContent?.trim() ?? ''),
  );
const settle = () => new Promise((resolve) => setTimeout(resolve)).then(() => flushSync());

/** A node that only ever shows one state. */
function frozen(state: Snapshot): Transport {
  return {
    call: async (command) =>
      command.command === 'files'
        ? { reply: 'files', files: state.games.slice(0, 40).map((game) => ({ path: game.title, bytes: 1 })) }
        : { reply: 'done' },
    pair: async () => undefined,
    watch: (listener) => {
      listener.link('live');
      listener.snapshot(structuredClone(state));
      return () => undefined;
    },
  };
}

/** The same state with harmless text of the same kind. */
function tame(state: Snapshot): Snapshot {
  const text = JSON.stringify(state, (key, value: unknown) =>
    typeof value === 'string' && ['title', 'name', 'version', 'genre', 'description', 'message', 'subject'].includes(key)
      ? 'Plain text'
      : value,
  );
  return JSON.parse(text) as Snapshot;
}

const census = () => {
  const counts: Record<string, number> = {};
  for (const element of document.body.querySelectorAll('*')) {
    counts[element.localName] = (counts[element.localName] ?? 0) + 1;
  }
  return counts;
};

describe('a guest', () => {
  it('sees games and nothing to press', async () => {
    const state = { ...scene('party'), guest: true };
    await open(frozen(state));
    expect(document.querySelectorAll('li.card').length).toBeGreaterThan(3);
    expect(document.querySelectorAll('li.card button').length).toBe(0);
    const links = [...document.querySelectorAll('nav a')].map((link) => link.getAttribute('href'));
    expect(links).toContain('#/library');
    expect(links).not.toContain('#/settings');
    expect(document.querySelector('.guest')?.textContent).toContain('looking only');
  });

  it('shows its code and comes in', async () => {
    const transport = frozen({ ...scene('party'), guest: true });
    const pair = vi.spyOn(transport, 'pair').mockRejectedValue(new Error('not this one'));
    await open(transport);
    const field = document.querySelector<HTMLInputElement>('.guest input');
    expect(field).not.toBeNull();
    field!.value = 'ABCD-EFGH';
    field!.dispatchEvent(new Event('input', { bubbles: true }));
    flushSync();
    button(/^Pair$/)?.click();
    await settle();
    expect(pair).toHaveBeenCalledWith('ABCD-EFGH');
    expect(toasts.list.length).toBe(1);
  });
});

describe('the mirror', () => {
  it('says what it keeps and what it leaves, and takes its limits', async () => {
    const state = scene('party');
    const settings = { ...state.settings, mirror: true, mirror_quota: 500_000_000_000 };
    const mirror = {
      ...state.mirror,
      on: true,
      kept_games: 2,
      kept_bytes: 7_000_000_000,
      left: [{ game: 'quake', why: 'over_quota' as const }],
      left_games: 1,
    };
    const transport = frozen({ ...state, settings, mirror });
    const sent = vi.spyOn(transport, 'call');
    await open(transport, { view: 'settings' });
    const text = document.querySelector('main')?.textContent ?? '';
    expect(text).toContain('2 games kept');
    expect(text).toMatch(/Beyond the limit:\s*quake/);
    const quota = document.querySelector<HTMLInputElement>('input[aria-label="At most, GB"]');
    expect(quota?.valueAsNumber).toBe(500);
    quota!.value = '';
    quota!.dispatchEvent(new Event('change', { bubbles: true }));
    await settle();
    expect(sent).toHaveBeenCalledWith({ command: 'set_settings', mirror_quota: 'off' });
  });
});

describe('starting a game', () => {
  it('shows every command before anything of a stranger is started, then names what was shown', async () => {
    const transport = still('party');
    const sent = vi.spyOn(transport, 'call');
    await open(transport, { view: 'game', game: 'turbo-heist-3' });
    button(/^Play$/)?.click();
    await settle();
    const asked = document.querySelector('dialog')?.textContent ?? '';
    for (const word of ['bin/start', '"Robin the Second"', 'redist/setup.sh', 'bin/server', 'settings.ini']) {
      expect(asked).toContain(word);
    }
    const commands = () => sent.mock.calls.map(([command]) => command);
    expect(commands().filter(({ command }) => command === 'play')).toEqual([]);
    const [agree] = [...document.querySelectorAll<HTMLElement>('dialog button.pri')];
    agree?.click();
    await settle();
    expect(commands().find(({ command }) => command === 'play')).toMatchObject({
      game: 'turbo-heist-3',
      accept: true,
      language: 'en',
    });
  });

  it('joins whoever hosts', async () => {
    const transport = still('party');
    const sent = vi.spyOn(transport, 'call');
    await open(transport, { view: 'game', game: 'turbo-heist-3' });
    button(/^Join$/)?.click();
    await settle();
    const plan = sent.mock.calls.map(([command]) => command).find(({ command }) => command === 'play_plan');
    expect(plan).toMatchObject({ join: scene('party').games.find((one) => one.game === 'turbo-heist-3')?.hosts[0]?.peer });
  });
});

describe('hostile text', () => {
  const state = scene('hostile');
  const PLACES: Place[] = [
    { view: 'library', shelf: null },
    ...state.games.slice(0, 20).map((game): Place => ({ view: 'game', game: game.game })),
    { view: 'peers' },
    { view: 'problems' },
  ];

  it('is shown of 500 games and creates not one element', async () => {
    vi.stubGlobal('alert', () => {
      throw new Error('a script ran');
    });
    // Every card at once: the window of the grid shows all of a very tall page.
    vi.spyOn(HTMLElement.prototype, 'clientHeight', 'get').mockReturnValue(1_000_000);
    vi.spyOn(HTMLElement.prototype, 'clientWidth', 'get').mockReturnValue(1000);
    for (const place of PLACES) {
      await open(frozen(tame(state)), place);
      await settle();
      const plain = census();
      await end?.();
      await open(frozen(state), place);
      await settle();
      const wild = census();
      await end?.();
      compare(wild, plain, address(place));
    }
    vi.restoreAllMocks();
  }, 120_000);

  /** Text may leave an element out when nothing of it can be shown; it never adds one. */
  function compare(wild: Record<string, number>, plain: Record<string, number>, where: string) {
    for (const [name, count] of Object.entries(wild)) {
      // A genre is a shelf of its own in the side bar; tamed they are all one.
      const shelves = ['li', 'a', 'bdi', 'span'].includes(name) ? 4 * 5 : 0;
      expect(count, `${name} at ${where}`).toBeLessThanOrEqual((plain[name] ?? 0) + shelves);
    }
  }
});

describe('the page', () => {
  it('goes from first run to play in three steps', async () => {
    const mock = new MockTransport({ scene: 'first', still: true, speed: 1000 });
    await open(mock, { view: 'game', game: 'bratwurst' });
    expect(document.body.textContent).toContain('Your firewall may ask');
    button(/^Start$/)?.click();
    await settle();
    expect(party.firstRun).toBeNull();
    route.place = { view: 'game', game: 'tidewolves' };
    flushSync();
    button(/^Install$/)?.click();
    await settle();
    for (let at = 0; at < 40; at += 1) {
      mock.step(200);
    }
    await settle();
    expect(party.games.get('tidewolves')?.local.installed?.version).toBe('3.3');
    button(/^Play$/)?.click();
    await settle();
    expect(document.querySelector('dialog')?.textContent).toContain('--player "Robin the Second"');
  });

  it('says that the node is gone, and goes on when it is back', async () => {
    const mock = still('party');
    await open(mock);
    mock.goAway(true);
    flushSync();
    expect(document.querySelector('[role=alert]')?.textContent).toContain('not running');
    expect(document.querySelector<HTMLElement>('.stale')?.inert).toBe(true);
    mock.goAway(false);
    flushSync();
    expect(document.querySelector('[role=alert]')).toBeNull();
    mock.unpair();
    flushSync();
    expect(document.body.textContent).toContain('lanspread pair');
  });

  it('asks which of two contents is meant', async () => {
    await open(still('party'), { view: 'game', game: 'schaltjahr' });
    button(/^Install$/)?.click();
    await settle();
    const choices = [...document.querySelectorAll('dialog li button')];
    expect(choices.map((choice) => choice.querySelector('b')?.textContent)).toEqual(['4 of 6 agree', '2 of 6 agree']);
    (choices[1] as HTMLElement).click();
    await settle();
    const rival = party.games.get('schaltjahr')?.contents[1]?.content;
    expect(party.games.get('schaltjahr')?.operation?.content).toBe(rival);
  });

  it('searches with a slash and speaks both languages', async () => {
    await open(still('party'));
    window.dispatchEvent(new KeyboardEvent('keydown', { key: '/' }));
    await settle();
    const field = document.querySelector<HTMLInputElement>('[data-search]');
    expect(document.activeElement).toBe(field);
    looking.search = 'zzz';
    flushSync();
    expect(document.body.textContent).toContain('No game fits');
    prefs.language = 'de';
    flushSync();
    expect(document.body.textContent).toContain('Kein Spiel passt');
    expect(document.documentElement.lang).toBe('de');
    prefs.language = 'en';
  });
});
