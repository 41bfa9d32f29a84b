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
  Holder,
  Kind,
  NotShared,
  Notice,
  Phase,
  Problem,
  PublishPlan,
  Report,
  Settings,
  SettingsChange,
  Sharing,
  Size,
  Source,
  Upload,
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

export type Operation = Omit<api.Operation, 'kind' | 'phase'> & {
  kind: api.OperationKind | 'verify';
  phase: api.Phase | 'verifying';
  /** At most 150 cells over the payload: 0 missing, 1 from this machine, 2 + n from source n. */
  map?: number[];
};

export type Game = Omit<api.Game, 'operation'> & {
  operation: Operation | null;
  about?: About | null;
  play?: PlayState | null;
  /** Keys of the peers that run a server of it. */
  hosts?: string[];
};

export type Peer = api.Peer & {
  link_mbps?: number | null;
  wifi?: boolean | null;
  version?: string | null;
};

export type Me = api.Me & {
  disk?: { free_bytes: number; total_bytes: number } | null;
  version?: string;
};

/** Nothing listens yet: these are the defaults to confirm. */
export interface FirstRun {
  games_dir: string;
  name: string;
}

export type Snapshot = Omit<api.Snapshot, 'games' | 'peers' | 'me'> & {
  me: Me;
  games: Game[];
  peers: Peer[];
  first_run?: FirstRun | null;
};

/** What changed between two revisions. A list that is there replaces the whole list. */
export interface Delta {
  revision: number;
  /** The revision it fits on. */
  previous: number;
  me?: Me;
  /** The games that changed or came. */
  games?: Game[];
  gone_games?: string[];
  peers?: Peer[];
  queue?: string[];
  uploads?: api.Upload[];
  settings?: api.Settings;
  problems?: api.Problem[];
  components?: api.ComponentState[];
}

/** One thing that the doctor looked at. */
export interface Finding {
  code: string;
  subject: string;
  message: string;
  level: 'good' | 'warn' | 'bad';
}

/** A folder on the node's machine. */
export interface Folder {
  folder: string;
  parent: string | null;
  roots: string[];
  entries: { name: string; path: string }[];
  free_bytes: number;
  total_bytes: number;
  writable: boolean;
}

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
  | { command: 'finish_first_run'; folder: string; name: string }
  | { command: 'browse'; folder: string | null }
  | { command: 'make_folder'; folder: string; name: string }
  | { command: 'doctor' }
  | { command: 'verify'; game: string }
  | { command: 'quit'; when: 'now' | 'idle' }
  | { command: 'open_folder'; game: string | null }
  | { command: 'play_plan'; game: string; server: boolean }
  | { command: 'play'; game: string; hash: string; server: boolean }
  | { command: 'pair' }
  | { command: 'logs'; lines: number };

export type Reply =
  | Exclude<api.Reply, { reply: 'snapshot' } | { reply: 'game' } | { reply: 'games' }>
  | ({ reply: 'snapshot' } & Snapshot)
  | ({ reply: 'game' } & Game)
  | { reply: 'games'; games: Game[] }
  | ({ reply: 'folder' } & Folder)
  | { reply: 'findings'; findings: Finding[] }
  | ({ reply: 'play_plan' } & PlayPlan)
  | { reply: 'pairing'; link: string; code: string; valid_ms: number }
  | { reply: 'logs'; lines: string[] };
