/**
 * The words of the page: the generated types, and what a node may say beyond them. What stands
 * here beside a generated type is optional, so a node that does not say it yet is understood too.
 */
import type * as api from './types/api.ts';

export type {
  Availability,
  Choice,
  Component,
  ComponentState,
  Content,
  FileView,
  Finding,
  FirstRun,
  Folder,
  Holder,
  Host,
  Kind,
  LeftWhy,
  Mirror,
  NotShared,
  Notice,
  Phase,
  Problem,
  PeerHistory,
  PlayPlan,
  Program,
  PublishPlan,
  QuitWhen,
  Report,
  Settings,
  SettingsChange,
  Sharing,
  Size,
  Source,
  Upload,
  Verified,
} from './types/api.ts';

/** What is known of a game. The kind of game may be one that this page has no word for. */
export type About = Partial<Omit<api.About, 'genre'>> & { genre?: string | null };

export type Operation = api.Operation;

export type Game = Omit<api.Game, 'operation' | 'about'> & {
  operation: Operation | null;
  about: About | null;
};

export type Peer = api.Peer & {
  version?: string | null;
};

export type Me = api.Me;

export type Snapshot = Omit<api.Snapshot, 'games' | 'peers'> & {
  games: Game[];
  peers: Peer[];
};

/** What changed between two revisions. A list that is there replaces the whole list. */
export type Delta = Omit<api.Delta, 'games' | 'peers'> & {
  games?: Game[];
  peers?: Peer[];
};

export type Command = api.Command;

export type Reply =
  | Exclude<api.Reply, { reply: 'snapshot' } | { reply: 'game' } | { reply: 'games' }>
  | ({ reply: 'snapshot' } & Snapshot)
  | ({ reply: 'game' } & Game)
  | { reply: 'games'; games: Game[] };
