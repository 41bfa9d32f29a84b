/** What this browser remembers of the person: language, appearance, habits. Nothing of it leaves. */

export type Language = 'en' | 'de';
export type Theme = 'auto' | 'dark' | 'light';
export type Motion = 'auto' | 'less';

interface Stored {
  language: Language | 'auto';
  theme: Theme;
  motion: Motion;
  /** Install right after a download. */
  install: boolean;
  sort: string;
}

const KEY = 'lanspread';
const DEFAULTS: Stored = {
  language: 'auto',
  theme: 'auto',
  motion: 'auto',
  install: true,
  sort: 'name',
};

class Prefs {
  language = $state<Language | 'auto'>(DEFAULTS.language);
  theme = $state<Theme>(DEFAULTS.theme);
  motion = $state<Motion>(DEFAULTS.motion);
  install = $state(DEFAULTS.install);
  sort = $state(DEFAULTS.sort);

  /** The language that is spoken now. */
  readonly spoken: Language = $derived(this.language === 'auto' ? preferred() : this.language);

  /** Reads what was stored; what makes no sense is left out. */
  load() {
    const stored = read();
    this.language = oneOf(stored.language, ['auto', 'en', 'de'], DEFAULTS.language);
    this.theme = oneOf(stored.theme, ['auto', 'dark', 'light'], DEFAULTS.theme);
    this.motion = oneOf(stored.motion, ['auto', 'less'], DEFAULTS.motion);
    this.install = typeof stored.install === 'boolean' ? stored.install : DEFAULTS.install;
    this.sort = oneOf(stored.sort, ['name', 'size', 'sources', 'state'], DEFAULTS.sort);
  }

  /** Stores what was chosen, and puts it on the document. */
  apply() {
    const { language, theme, motion, install, sort } = this;
    write({ language, theme, motion, install, sort });
    const root = document.documentElement;
    root.lang = this.spoken;
    root.dataset.theme = theme;
    root.dataset.motion = motion;
  }
}

function preferred(): Language {
  const wanted = navigator.languages.find((tag) => /^(de|en)\b/i.test(tag));
  return wanted?.toLowerCase().startsWith('de') ? 'de' : 'en';
}

function oneOf<T extends string>(value: unknown, allowed: readonly T[], otherwise: T): T {
  return allowed.includes(value as T) ? (value as T) : otherwise;
}

function read(): Partial<Record<keyof Stored, unknown>> {
  try {
    const parsed: unknown = JSON.parse(localStorage.getItem(KEY) ?? '{}');
    return typeof parsed === 'object' && parsed !== null ? parsed : {};
  } catch {
    return {};
  }
}

function write(stored: Stored) {
  try {
    localStorage.setItem(KEY, JSON.stringify(stored));
  } catch {
    // A browser that stores nothing forgets; nothing else depends on it.
  }
}

export const prefs = new Prefs();
