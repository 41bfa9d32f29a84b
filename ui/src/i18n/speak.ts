/** Messages by key, in the language of the person; keys and parameters are checked by the types. */
import { prefs } from '../state/prefs.svelte.ts';
import { de } from './de.ts';
import { en } from './en.ts';

/** A text, or one for one thing and one for several, told apart by `n`. */
export type Message = string | { readonly one: string; readonly other: string };
export type Key = keyof typeof en;
export type Messages = Readonly<Record<Key, Message>>;

const LANGUAGES: Record<'en' | 'de', Messages> = { en, de };

type Slots<Text extends string> = Text extends `${string}{${infer Slot}}${infer Rest}`
  ? Slot | Slots<Rest>
  : never;
type TextOf<M> = M extends string ? M : M extends { other: infer O extends string } ? O : never;
type Values<K extends Key> = Record<Slots<TextOf<(typeof en)[K]>>, string | number>;
type Arguments<K extends Key> = [Slots<TextOf<(typeof en)[K]>>] extends [never]
  ? []
  : [values: Values<K>];

/** The message with its parameters filled in; numbers in the manner of the language. */
export function t<K extends Key>(key: K, ...values: Arguments<K>): string {
  return fill(LANGUAGES[prefs.spoken][key], values[0] ?? {}, prefs.spoken);
}

export function fill(
  message: Message,
  values: Readonly<Record<string, string | number>>,
  language: 'en' | 'de',
): string {
  const text = typeof message === 'string' ? message : chosen(message, values.n, language);
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = values[name];
    return value === undefined ? whole : typeof value === 'number' ? number(value, language) : value;
  });
}

function chosen(
  message: { one: string; other: string },
  n: string | number | undefined,
  language: 'en' | 'de',
) {
  return new Intl.PluralRules(language).select(Number(n)) === 'one' ? message.one : message.other;
}

function number(value: number, language: 'en' | 'de') {
  return new Intl.NumberFormat(language, { maximumFractionDigits: 1 }).format(value);
}
