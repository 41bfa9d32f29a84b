/** Which question stands above the page. At most one does. */
import type { Choice, PlayPlan } from '../model.ts';
import type { Start } from './deed.ts';

export type Question =
  | { ask: 'uninstall'; game: string }
  | { ask: 'remove'; game: string }
  | { ask: 'discard'; game: string }
  /** Several contents are equally good: which one is meant? */
  | { ask: 'content'; game: string; choices: Choice[] | null; install: boolean }
  | { ask: 'play'; game: string; plan: PlayPlan; how: Start }
  | { ask: 'connect' }
  | { ask: 'games_dir' }
  | { ask: 'quit' }
  | { ask: 'pair' };

class Dialogs {
  now = $state.raw<Question | null>(null);

  open(question: Question) {
    this.now = question;
  }

  close() {
    this.now = null;
  }
}

export const dialogs = new Dialogs();
