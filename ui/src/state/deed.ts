/** Carries out what a person chose for a game. */
import type { Game, PlayPlan } from '../model.ts';
import { t } from '../i18n/speak.ts';
import { dialogs } from './dialogs.svelte.ts';
import { prefs } from './prefs.svelte.ts';
import { go } from './route.svelte.ts';
import { reportOf, request, tell, toasts } from './session.svelte.ts';
import type { Deed } from './standing.ts';

export async function perform(deed: Deed, game: Game): Promise<void> {
  const id = game.game;
  switch (deed) {
    case 'get':
      return fetchGame(game, { install: true });
    case 'get_only':
      return fetchGame(game, { install: false });
    case 'get_low_disk':
      return fetchGame(game, { install: true, low_disk: true });
    case 'install':
    case 'update':
    case 'pause':
    case 'resume':
      return void (await tell({ command: deed, game: id }));
    case 'verify':
      return void (await tell({ command: 'verify', game: id, force: false }));
    case 'cancel':
      return void (await tell({ command: 'cancel', game: id }));
    case 'play':
      return play(game, {});
    case 'serve':
      return play(game, { server: true });
    case 'open_folder':
      return void (await tell({ command: 'open_folder', game: id }));
    case 'share_on':
      return void (await tell({ command: 'share', game: id, on: true }));
    case 'share_off':
      return void (await tell({ command: 'share', game: id, on: false }));
    case 'uninstall':
    case 'remove':
    case 'discard':
      return dialogs.open({ ask: deed, game: id });
    case 'publish':
      return go({ view: 'share' });
  }
}

interface Wish {
  install: boolean;
  low_disk?: boolean;
  content?: string;
}

/** What a plain click on *download* means: with install, unless the person switched that off. */
export function mainDeed(deed: Deed): Deed {
  return deed === 'get' && !prefs.install ? 'get_only' : deed;
}

/** Fetches a game; when several contents are equally good, the person chooses. */
export async function fetchGame(game: Game, wish: Wish): Promise<void> {
  try {
    await request({ command: 'get', game: game.game, ...wish }, 'started');
  } catch (error) {
    const report = reportOf(error);
    if (report.code === 'choose-content') {
      const choices = report.choices ?? null;
      dialogs.open({ ask: 'content', game: game.game, choices, install: wish.install });
    } else {
      toasts.report(report);
    }
  }
}

/** What is to be started: the game, its server, or the game of somebody who hosts. */
export interface Start {
  server?: boolean;
  /** The key of the peer whose game is joined. */
  join?: string;
}

/** Starts what nobody need be asked about; else shows it first. */
export async function play(game: Game, how: Start): Promise<void> {
  const language = prefs.spoken;
  let plan: PlayPlan;
  try {
    plan = await request({ command: 'play_plan', game: game.game, ...how, language }, 'play_plan');
  } catch (error) {
    toasts.report(reportOf(error));
    return;
  }
  if (plan.trusted) {
    await start(game, plan, how);
  } else {
    dialogs.open({ ask: 'play', game: game.game, plan, how });
  }
}

/** Starts exactly what was shown: the hash names it. */
export async function start(game: Game, plan: PlayPlan, how: Start): Promise<void> {
  const { hash } = plan;
  const named = { game: game.game, hash, accept: !plan.trusted, language: prefs.spoken };
  const done = how.server
    ? await tell({ command: 'start_server', ...named })
    : await tell({ command: 'play', ...named, ...(how.join ? { join: how.join } : {}) });
  if (done) {
    toasts.say('good', t('toast.started', { game: game.title }));
  }
}
