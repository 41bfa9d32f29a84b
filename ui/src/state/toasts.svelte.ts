/** Short messages at the edge of the page. */
import type { Report } from '../model.ts';

const SHOWN_MS = 6_000;
/** A refusal has more to read, and is not lost: it also stands at the game. */
const REPORT_MS = 15_000;
const SHOWN_MAX = 4;

export interface Toast {
  id: number;
  tone: 'good' | 'bad' | 'plain';
  text: string;
  report: Report | null;
  /** Where a click leads. */
  href: string | null;
}

export class Toasts {
  list = $state.raw<Toast[]>([]);
  #last = 0;

  say(tone: Toast['tone'], text: string, href: string | null = null) {
    this.#add({ tone, text, report: null, href }, SHOWN_MS);
  }

  report(report: Report) {
    this.#add({ tone: 'bad', text: '', report, href: null }, REPORT_MS);
  }

  drop(id: number) {
    this.list = this.list.filter((toast) => toast.id !== id);
  }

  #add(toast: Omit<Toast, 'id'>, ms: number) {
    this.#last += 1;
    const id = this.#last;
    this.list = [...this.list, { ...toast, id }].slice(-SHOWN_MAX);
    setTimeout(() => this.drop(id), ms);
  }
}
