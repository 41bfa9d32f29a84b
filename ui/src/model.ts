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
  Kind,
  NotShared,
  Notice,
  Phase,
  Problem,
  PeerHistory,
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

/** What a catalog says about a game. */
export interface About {
  description?: string | null;
  genre?: string | null;
  players_max?: number | null;
  year?: number | null;
  /** Path of a picture on the node itself. */
  cover?: string | null;
}

/** What can be started. */
export interface PlayState {
  can_play: boolean;
  can_serve: boolean;
  running: boolean;
}

export type Operation = api.Operation;

export type Game = Omit<api.Game, 'operation'> & {
  operation: Operation | null;
  about?: About | null;
  play?: PlayState | null;
  /** It can be installed without keeping its archives. */
  low_disk?: boolean;
  /** Keys of the peers that run a server of it. */
  hosts?: string[];
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

/** What would be started, exactly. */
export interface PlayPlan {
  program: string;
  arguments: string[];
  folder: string;
  hash: string;
  /** Bundled or from this machine's own catalog, or agreed to before. */
  trusted: boolean;
  setup: string | null;
}

export type Command =
  | Exclude<api.Command, { command: 'get' }>
  | ({ command: 'get'; low_disk?: boolean } & api.GetCommand)
  | { command: 'play_plan'; game: string; server: boolean }
  | { command: 'play'; game: string; hash: string; server: boolean };

export type Reply =
  | Exclude<api.Reply, { reply: 'snapshot' } | { reply: 'game' } | { reply: 'games' }>
  | ({ reply: 'snapshot' } & Snapshot)
  | ({ reply: 'game' } & Game)
  | { reply: 'games'; games: Game[] }
  | ({ reply: 'play_plan' } & PlayPlan);
