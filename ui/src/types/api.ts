// Made from the types in `crates/api/src`; a test keeps the two equal:
// LANSPREAD_WRITE_TYPES=1 cargo test -p lanspread-api types
//
// Every number stays below 2^53. Times are milliseconds, amounts bytes.

/**
 * What is known of a game besides its bytes. What nobody is sure of is `null`.
 */
export type About = {
  /**
   * What it is, in English.
   */
  description: string | null,
  /**
   * The same in German.
   */
  description_de: string | null,
  /**
   * What kind of game.
   */
  genre: Genre | null,
  /**
   * Most players in one game.
   */
  players_max: number | null,
  /**
   * The year in which it came out.
   */
  year: number | null,
  /**
   * Under which terms it may be passed on.
   */
  licence: string | null,
  /**
   * Where its picture is on the control server; it changes with the picture.
   */
  cover: string | null, };

/**
 * What a peer can do with a content for others.
 */
export type Availability = "ready" | "partial" | "local_only";

/**
 * A limit of an amount, or none: a number of bytes, or `"off"`.
 */
export type ByteLimit = number | Unlimited;

/**
 * One of several contents that are equally good.
 */
export type Choice = {
  /**
   * Its id.
   */
  content: string,
  /**
   * How many peers have it ready.
   */
  ready: number, };

/**
 * What a node is asked. Each has one [`Reply`](super::Reply).
 */
export type Command = { "command": "snapshot" } | { "command": "games" } | { "command": "game",
  /**
   * Which.
   */
  game: string, } | { "command": "peers" } | { "command": "files",
  /**
   * Of which game.
   */
  game: string,
  /**
   * Of which content; else the one that `get` would take.
   */
  content?: string, } | { "command": "get" } & GetCommand | { "command": "install",
  /**
   * Which game.
   */
  game: string, } | { "command": "update",
  /**
   * Which game.
   */
  game: string, } | { "command": "uninstall",
  /**
   * Which game.
   */
  game: string,
  /**
   * The user's own files go too.
   */
  purge?: boolean, } | { "command": "remove",
  /**
   * Which game.
   */
  game: string,
  /**
   * The installed game stays, and is no source any more.
   */
  keep_installed?: boolean, } | { "command": "cancel",
  /**
   * Which game.
   */
  game: string,
  /**
   * What was downloaded goes too.
   */
  discard?: boolean, } | { "command": "pause",
  /**
   * Which game.
   */
  game: string, } | { "command": "resume",
  /**
   * Which game.
   */
  game: string, } | { "command": "reorder",
  /**
   * The games, first one first.
   */
  games: Array<string>, } | { "command": "plan_publish",
  /**
   * The folder on the node's machine.
   */
  folder: string, } | { "command": "publish" } & PublishCommand | { "command": "verify",
  /**
   * Which game.
   */
  game: string,
  /**
   * Files of the installed game that the user or the game changed are put back too; what
   * they were goes to `kept/`.
   */
  force: boolean, } | { "command": "play_plan" } & PlayPlanCommand | { "command": "play" } & PlayCommand | { "command": "start_server" } & ServerCommand | { "command": "set_wine",
  /**
   * Its whole path; nothing does when absent.
   */
  program?: string, } | { "command": "rescan" } | { "command": "share",
  /**
   * Which game; everything when absent.
   */
  game?: string,
  /**
   * Whether it is shared.
   */
  on: boolean, } | { "command": "share_pause",
  /**
   * For how long; until switched on when absent.
   */
  for_ms?: number, } | { "command": "set_settings" } & SettingsChange | { "command": "set_name",
  /**
   * The new name; cut to 32 characters.
   */
  name: string, } | { "command": "set_games_dir",
  /**
   * The directory on the node's machine.
   */
  folder: string,
  /**
   * The games move along; else the new directory is used as it is.
   */
  move?: boolean, } | { "command": "connect",
  /**
   * `host:port`, `host`, `ip:port`, `ip` or `[ipv6]:port`.
   */
  address: string, } | { "command": "block",
  /**
   * Its public key.
   */
  peer: string,
  /**
   * Whether it is blocked.
   */
  blocked: boolean, } | { "command": "pair" } | { "command": "finish_first_run",
  /**
   * The games directory on this machine; made if it is not there.
   */
  folder: string,
  /**
   * The name other people see; cut to 32 characters.
   */
  name: string, } | { "command": "quit",
  /**
   * When.
   */
  when: QuitWhen, } | { "command": "open_folder",
  /**
   * Whose directory; the games directory when absent.
   */
  game?: string, } | { "command": "browse",
  /**
   * Which directory; the home directory when absent.
   */
  folder?: string, } | { "command": "make_folder",
  /**
   * In which directory.
   */
  folder: string,
  /**
   * Its name.
   */
  name: string, } | { "command": "doctor" } | { "command": "logs",
  /**
   * How many, 1,000 at most.
   */
  lines: number, } | { "command": "history" };

/**
 * A part of the node that is started again when it fails.
 */
export type Component = "commands" | "server" | "discovery" | "liveness" | "library_monitor" | "uploads" | "library" | "credit" | "programs" | "mirror" | "views";

/**
 * Whether a part runs.
 */
export type ComponentState = {
  /**
   * Which.
   */
  component: Component,
  /**
   * It runs.
   */
  running: boolean,
  /**
   * How often it was started again.
   */
  restarts: number, };

/**
 * One content of a game.
 */
export type Content = {
  /**
   * Its id.
   */
  content: string,
  /**
   * What it is called.
   */
  version: string,
  /**
   * Of the payload.
   */
  payload: Size,
  /**
   * After unpacking, if known.
   */
  unpacked: Size | null,
  /**
   * Peers, ourselves among them, that have every byte.
   */
  ready: number,
  /**
   * Peers that download it.
   */
  partial: number,
  /**
   * Peers that have it installed only.
   */
  local_only: number,
  /**
   * The peers that have it, ourselves not among them.
   */
  holders: Array<Holder>, };

/**
 * What changed since the snapshot with the revision `previous`. What is absent stays.
 */
export type Delta = {
  /**
   * The revision after it.
   */
  revision: number,
  /**
   * The revision before it; a reader that has another one needs a snapshot.
   */
  previous: number,
  /**
   * This node.
   */
  me?: Me,
  /**
   * Games that are new or changed, whole, sorted by id.
   */
  games?: Array<Game>,
  /**
   * Ids of games that are not known any more.
   */
  gone_games?: Array<string>,
  /**
   * All peers, if one changed.
   */
  peers?: Array<Peer>,
  /**
   * The queue, if it changed.
   */
  queue?: Array<string>,
  /**
   * All uploads, if one changed.
   */
  uploads?: Array<Upload>,
  /**
   * The settings, if one changed.
   */
  settings?: Settings,
  /**
   * What is kept of others' games, if that changed.
   */
  mirror?: Mirror,
  /**
   * All problems, if they changed.
   */
  problems?: Array<Problem>,
  /**
   * All components, if one changed.
   */
  components?: Array<ComponentState>,
  /**
   * Whether the program ends when nobody downloads from us any more.
   */
  quitting?: boolean,
  /**
   * What happened meanwhile. The state after this delta knows of it.
   */
  notices?: Array<Notice>, };

/**
 * The body of an answer that is not a success.
 */
export type ErrorBody = {
  /**
   * What did not work.
   */
  error: Report, };

/**
 * One file of a content.
 */
export type FileView = {
  /**
   * Path below the game's directory, with `/`.
   */
  path: string,
  /**
   * Size in bytes.
   */
  bytes: number, };

/**
 * One thing that `doctor` looked at.
 */
export type Finding = {
  /**
   * How it is.
   */
  level: Level,
  /**
   * A stable code; what is not good has hints under it.
   */
  code: string,
  /**
   * What was looked at: `port`, `interface`, `games`.
   */
  subject: string,
  /**
   * What was found, for people.
   */
  message: string, };

/**
 * What is to be confirmed at the first start.
 */
export type FirstRun = {
  /**
   * The games directory that is proposed.
   */
  games_dir: string,
  /**
   * The name that is proposed.
   */
  name: string, };

/**
 * A directory of the node's machine.
 */
export type Folder = {
  /**
   * Its path.
   */
  folder: string,
  /**
   * The directory that it is in; `null` for a root.
   */
  parent: string | null,
  /**
   * Places to begin at: the home directory, drives, mounted disks.
   */
  roots: Array<string>,
  /**
   * The directories in it, by name; hidden ones are left out.
   */
  entries: Array<FolderEntry>,
  /**
   * There are more than are listed.
   */
  truncated: boolean,
  /**
   * Something can be made in it.
   */
  writable: boolean,
  /**
   * Free bytes of its volume, where the system tells.
   */
  free_bytes: number | null,
  /**
   * Bytes of its volume, where the system tells.
   */
  total_bytes: number | null, };

/**
 * A directory in a [`Folder`].
 */
export type FolderEntry = {
  /**
   * Its name, for people.
   */
  name: string,
  /**
   * Its path.
   */
  path: string, };

/**
 * One game, merged over everybody.
 */
export type Game = {
  /**
   * Its id: the name of its directory, in lower case.
   */
  game: string,
  /**
   * The name for people.
   */
  title: string,
  /**
   * Its directory on the node's machine, if it has one.
   */
  folder: string | null,
  /**
   * What we have of it.
   */
  local: Local,
  /**
   * Every content of it that somebody has, newest label first.
   */
  contents: Array<Content>,
  /**
   * The content that `get` would take, if that is clear.
   */
  newest: string | null,
  /**
   * A greater label than ours exists.
   */
  update_available: boolean,
  /**
   * Two contents carry the newest label.
   */
  conflict: boolean,
  /**
   * The operation on it, running, waiting or ended last.
   */
  operation: Operation | null,
  /**
   * How it is played here, if it is installed and somebody says how it is started.
   */
  play: Play | null,
  /**
   * Who runs a server of it, ourselves not among them.
   */
  hosts: Array<Host>,
  /**
   * What is known of it besides its bytes.
   */
  about: About | null, };

/**
 * A kind of game.
 */
export type Genre = "shooter" | "strategy" | "racing" | "sport" | "arcade" | "puzzle" | "role_playing" | "simulation" | "sandbox" | "board";

/**
 * What `get` is asked for.
 */
export type GetCommand = {
  /**
   * Which game.
   */
  game: string,
  /**
   * Which content, when the person chose; else the newest.
   */
  content?: string,
  /**
   * Whether it is installed afterwards.
   */
  install?: boolean,
  /**
   * It is installed straight from the swarm: the payload is never stored, and nobody gets it
   * from here. Not without an install, and not with `from`.
   */
  low_disk?: boolean,
  /**
   * A directory on the node's machine whose files may hold equal chunks.
   */
  from?: string, };

/**
 * Hashing of our own games.
 */
export type Hashing = {
  /**
   * Bytes hashed.
   */
  done_bytes: number,
  /**
   * Bytes to hash.
   */
  total_bytes: number,
  /**
   * Time left at the present rate, once that is known.
   */
  left_ms: number | null, };

/**
 * A peer that has a content.
 */
export type Holder = {
  /**
   * Who.
   */
  peer: string,
  /**
   * How far it has it.
   */
  availability: Availability, };

/**
 * A peer that runs a server of a game.
 */
export type Host = {
  /**
   * Its public key.
   */
  peer: string,
  /**
   * Where the server listens, if it says so.
   */
  port: number | null, };

/**
 * What is installed.
 */
export type Installed = {
  /**
   * Its label; null when another program, or a state directory that is lost, put it there.
   */
  version: string | null,
  /**
   * Its content; null with the label.
   */
  content: string | null, };

/**
 * Who can do something about it.
 */
export type Kind = "user" | "config" | "environment" | "peer" | "internal";

/**
 * A game that is not fetched.
 */
export type LeftGame = {
  /**
   * Which.
   */
  game: string,
  /**
   * Why not.
   */
  why: LeftWhy, };

/**
 * Why a game is not fetched.
 */
export type LeftWhy = "over_quota" | "no_room" | "resting" | "unclear";

/**
 * How a thing is that was looked at.
 */
export type Level = "good" | "warn" | "bad";

/**
 * Some paths of many.
 */
export type Listed = {
  /**
   * How many there are.
   */
  count: number,
  /**
   * The first of them, at most a hundred.
   */
  first: Array<string>, };

/**
 * What we have of a game.
 */
export type Local = {
  /**
   * The directory is there.
   */
  present: boolean,
  /**
   * The downloaded version.
   */
  downloaded: string | null,
  /**
   * The content of the download, once it is hashed.
   */
  content: string | null,
  /**
   * What is installed.
   */
  installed: Installed | null,
  /**
   * What we tell others.
   */
  availability: Availability | null,
  /**
   * Why it is not shared, if it is not.
   */
  not_shared: NotShared | null,
  /**
   * Verified bytes of an unfinished download that lie on disk.
   */
  partial_bytes: number,
  /**
   * Bytes of the user's files put aside.
   */
  kept_bytes: number, };

/**
 * This node.
 */
export type Me = {
  /**
   * Our public key.
   */
  peer: string,
  /**
   * The same key as words, to compare aloud.
   */
  words: string,
  /**
   * The name other people see.
   */
  name: string,
  /**
   * Where we listen, best first.
   */
  addresses: Array<string>,
  /**
   * The games directory.
   */
  games_dir: string,
  /**
   * Whether the games directory can be read now.
   */
  games_dir_available: boolean,
  /**
   * The volume of the games directory, where the system tells.
   */
  disk: Volume | null,
  /**
   * The version of this program.
   */
  version: string,
  /**
   * Whether we send pieces.
   */
  sharing: Sharing,
  /**
   * How long a pause of sharing still lasts, if it ends by itself.
   */
  sharing_pause_left_ms: number | null,
  /**
   * Whether others reached us by a connection that they opened.
   */
  reachable: boolean | null,
  /**
   * Bytes per second received, smoothed.
   */
  down_rate: number,
  /**
   * Bytes per second sent, smoothed.
   */
  up_rate: number,
  /**
   * How much of the hashing of our own games is done.
   */
  hashing: Hashing | null, };

/**
 * What is kept of others' games.
 */
export type Mirror = {
  /**
   * Whether it is done.
   */
  on: boolean,
  /**
   * Games that were fetched and are kept.
   */
  kept_games: number,
  /**
   * Bytes of their payloads.
   */
  kept_bytes: number,
  /**
   * Games that are being fetched.
   */
  fetching_games: number,
  /**
   * Games that come next.
   */
  waiting_games: number,
  /**
   * Games that are here by another hand, and are left alone.
   */
  foreign_games: number,
  /**
   * Games that are not fetched, sorted by id; a hundred at most.
   */
  left: Array<LeftGame>,
  /**
   * How many those are in all.
   */
  left_games: number, };

/**
 * Why a game on our disk is not shared.
 */
export type NotShared = { "why": "no_version" } | { "why": "switched_off" } | { "why": "checking" } | { "why": "settling" } | { "why": "refused",
  /**
   * Which entry, or the directory itself.
   */
  entry: string,
  /**
   * The stable code of the reason.
   */
  code: string,
  /**
   * The reason for people.
   */
  reason: string, };

/**
 * What just happened.
 */
export type Notice = { "notice": "ready",
  /**
   * Our public key.
   */
  peer: string,
  /**
   * The port for UDP and TCP.
   */
  port: number, } | { "notice": "local_library_changed" } | { "notice": "remote_library_changed",
  /**
   * Whose.
   */
  peer: string, } | { "notice": "operation_begun",
  /**
   * Its number.
   */
  operation: number,
  /**
   * What it does.
   */
  kind: OperationKind,
  /**
   * On which game.
   */
  game: string,
  /**
   * To which content, where that is decided.
   */
  content: string | null,
  /**
   * The label of that content.
   */
  version: string | null, } | { "notice": "chunk_finished",
  /**
   * Of which game.
   */
  game: string,
  /**
   * From whom; `null` when it was found on this machine.
   */
  peer: string | null,
  /**
   * In which file.
   */
  file: string,
  /**
   * At which offset in it, in bytes.
   */
  offset: number,
  /**
   * How long it is, in bytes.
   */
  bytes: number, } | { "notice": "progress",
  /**
   * Of which game.
   */
  game: string,
  /**
   * Verified bytes of the payload.
   */
  done_bytes: number,
  /**
   * Bytes of the payload.
   */
  total_bytes: number,
  /**
   * Bytes per second, smoothed.
   */
  rate: number,
  /**
   * Peers that deliver.
   */
  active_peers: number, } | { "notice": "operation_finished",
  /**
   * Its number.
   */
  operation: number,
  /**
   * What it did.
   */
  kind: OperationKind,
  /**
   * On which game.
   */
  game: string, } | { "notice": "operation_cancelled",
  /**
   * Its number.
   */
  operation: number,
  /**
   * What it did.
   */
  kind: OperationKind,
  /**
   * On which game.
   */
  game: string, } | { "notice": "operation_failed",
  /**
   * Its number.
   */
  operation: number,
  /**
   * What it did.
   */
  kind: OperationKind,
  /**
   * On which game.
   */
  game: string,
  /**
   * Why.
   */
  error: Report, } | { "notice": "all_peers_gone",
  /**
   * Of which game.
   */
  game: string, } | { "notice": "no_peer_has_it",
  /**
   * Of which game.
   */
  game: string, } | { "notice": "peer_discovered",
  /**
   * Who, when that is known before a connection.
   */
  peer: string | null,
  /**
   * Where.
   */
  address: string, } | { "notice": "peer_connected",
  /**
   * Who.
   */
  peer: string,
  /**
   * Its name.
   */
  name: string, } | { "notice": "peer_disconnected",
  /**
   * Who.
   */
  peer: string, } | { "notice": "peer_lost",
  /**
   * Who.
   */
  peer: string, } | { "notice": "peer_count",
  /**
   * How many there are now.
   */
  count: number, } | { "notice": "uploads_changed" } | { "notice": "operations_changed" } | { "notice": "component_failed",
  /**
   * Which.
   */
  component: Component,
  /**
   * Why, for people.
   */
  reason: string, } | { "notice": "peer_refused",
  /**
   * Who.
   */
  peer: string,
  /**
   * For which content.
   */
  content: string, } | { "notice": "entry_skipped",
  /**
   * Of which game.
   */
  game: string,
  /**
   * Its name, cleaned for display.
   */
  entry: string, } | { "notice": "low_disk_begun",
  /**
   * Of which game.
   */
  game: string,
  /**
   * Bytes that must come.
   */
  bytes: number,
  /**
   * The most that may come: some archives are looked through before they are unpacked.
   */
  bytes_max: number, } | { "notice": "identity_replaced",
  /**
   * Who we are now.
   */
  peer: string, } | { "notice": "missed",
  /**
   * How many.
   */
  count: number, };

/**
 * One operation.
 */
export type Operation = {
  /**
   * Its number in this run of the node.
   */
  operation: number,
  /**
   * What it does.
   */
  kind: OperationKind,
  /**
   * Where it is.
   */
  phase: Phase,
  /**
   * Why it failed, in the phase `failed`.
   */
  error: Report | null,
  /**
   * To which content, where that is decided.
   */
  content: string | null,
  /**
   * Bytes done in this phase.
   */
  done_bytes: number,
  /**
   * Bytes of this phase; 0 while unknown.
   */
  total_bytes: number,
  /**
   * Bytes per second, smoothed.
   */
  rate: number,
  /**
   * Time left, once that can be told.
   */
  left_ms: number | null,
  /**
   * Who delivered how much to this download.
   */
  sources: Array<Source>,
  /**
   * A download's payload in at most 150 cells: 0 is missing, 1 was found on this machine, 2 + n
   * came mostly from the n-th source. Empty while nothing is downloaded.
   */
  map: Array<number>,
  /**
   * What a verify found, once it has read everything; what is damaged is mended when the
   * operation is done.
   */
  verified: Verified | null, };

/**
 * What an operation does.
 */
export type OperationKind = "download" | "install" | "update" | "uninstall" | "remove" | "publish" | "verify";

/**
 * One peer.
 */
export type Peer = {
  /**
   * Its public key; `null` for a typed address that has not answered and for old programs.
   */
  peer: string | null,
  /**
   * The same key as words.
   */
  words: string | null,
  /**
   * Its name.
   */
  name: string,
  /**
   * The address the link uses, or the one we try.
   */
  address: string | null,
  /**
   * Where it is with us.
   */
  state: PeerState,
  /**
   * Whether it sends pieces now.
   */
  sharing: boolean,
  /**
   * Whether it accepts connections, if known.
   */
  reachable: boolean | null,
  /**
   * How many games it offers.
   */
  games: number,
  /**
   * Round-trip time of the link in microseconds: a LAN's are below a millisecond.
   */
  rtt_us: number | null,
  /**
   * The speed of the interface that leads to it, in Mbit/s, where the system tells.
   */
  link_mbps: number | null,
  /**
   * Whether a Wi-Fi of ours leads to it, if known.
   */
  wifi: boolean | null,
  /**
   * Bytes received from it in this run.
   */
  received_bytes: number,
  /**
   * Bytes sent to it in this run.
   */
  sent_bytes: number, };

/**
 * What came from and went to one peer.
 */
export type PeerHistory = {
  /**
   * Its public key.
   */
  peer: string,
  /**
   * Bytes per second received from it, oldest first, the last one now.
   */
  received: Array<number>,
  /**
   * Bytes per second sent to it, as many.
   */
  sent: Array<number>, };

/**
 * Where a peer is with us.
 */
export type PeerState = "dialling" | "connected" | "gone" | "blocked" | "old_lanspread";

/**
 * Where an operation is.
 */
export type Phase = "queued" | "paused" | "preparing" | "adopting" | "downloading" | "waiting_for_source" | "waiting_for_games_dir" | "committing" | "installing" | "verifying" | "close_the_game" | "testing" | "publishing" | "removing" | "done" | "cancelled" | "failed";

/**
 * How a game is played here.
 */
export type Play = {
  /**
   * It has a program for this system.
   */
  can_play: boolean,
  /**
   * It has a server for this system.
   */
  can_serve: boolean,
  /**
   * It can be told whom to join.
   */
  can_join: boolean,
  /**
   * Whether the game runs.
   */
  state: PlayState,
  /**
   * Its server runs.
   */
  serving: boolean, };

/**
 * What `play` is asked for.
 */
export type PlayCommand = {
  /**
   * Which game.
   */
  game: string,
  /**
   * The hash of the profile that was shown.
   */
  hash: string,
  /**
   * The person was asked and agrees to that profile.
   */
  accept?: boolean,
  /**
   * Whose game is joined: a peer's key, or an IP address.
   */
  join?: string,
  /**
   * What the person reads, as two small letters; else `en`.
   */
  language?: string, };

/**
 * What starting a game would do.
 */
export type PlayPlan = {
  /**
   * What a person agrees to: it changes with any part of the profile. `play` and `start_server`
   * name it.
   */
  hash: string,
  /**
   * Nobody need be asked: the profile is from this program or this machine's own catalog, or a
   * person agreed to it earlier.
   */
  trusted: boolean,
  /**
   * Who says how the game is started.
   */
  source: ProfileSource,
  /**
   * What was asked for, exactly as it is started.
   */
  program: Program,
  /**
   * The set-up that runs before it, if it has not run.
   */
  setup: Program | null,
  /**
   * The server, if the profile has one for this system.
   */
  server: Program | null,
  /**
   * Text files of the installed game that the profile sets once.
   */
  settings: Array<string>, };

/**
 * What `play_plan` is asked for.
 */
export type PlayPlanCommand = {
  /**
   * Which game.
   */
  game: string,
  /**
   * Its server is meant.
   */
  server?: boolean,
  /**
   * Whose game is joined: a peer's key, or an IP address.
   */
  join?: string,
  /**
   * What the person reads, as two small letters; else `en`.
   */
  language?: string, };

/**
 * Whether a game runs.
 */
export type PlayState = "idle" | "setting_up" | "running";

/**
 * What needs a person's eye.
 */
export type Problem = {
  /**
   * A stable code.
   */
  code: string,
  /**
   * About what: a path, an interface, a game.
   */
  subject: string,
  /**
   * What is wrong, for people.
   */
  message: string, };

/**
 * Who says how a game is started.
 */
export type ProfileSource = "bundled" | "own_catalog" | "game";

/**
 * A program exactly as it is started: no shell reads it.
 */
export type Program = {
  /**
   * Its path.
   */
  path: string,
  /**
   * Its arguments, one by one.
   */
  arguments: Array<string>,
  /**
   * The directory that it starts in.
   */
  folder: string, };

/**
 * What `publish` is asked for.
 */
export type PublishCommand = {
  /**
   * The folder on the node's machine.
   */
  folder: string,
  /**
   * The version, if no `version.ini` in the folder names one.
   */
  version: string,
  /**
   * A folder from elsewhere is moved instead of packed.
   */
  move?: boolean, };

/**
 * What publishing a folder would do.
 */
export type PublishPlan = {
  /**
   * The id that the game would get.
   */
  game: string,
  /**
   * The version that the folder's own `version.ini` names; it is not changed.
   */
  version: string | null,
  /**
   * Bytes in the folder.
   */
  bytes: number,
  /**
   * Files in the folder.
   */
  files: number,
  /**
   * Free bytes where the games directory is.
   */
  free_bytes: number,
  /**
   * The folder is in the games directory already: nothing is packed or moved.
   */
  in_place: boolean, };

/**
 * When this program ends.
 */
export type QuitWhen = "now" | "idle" | "never";

/**
 * A limit, or none: a number of bytes per second, or `"off"`.
 */
export type RateLimit = number | Unlimited;

/**
 * The answer to a command that was accepted.
 */
export type Reply = { "reply": "done" } | { "reply": "started",
  /**
   * Its number in this run of the node.
   */
  operation: number, } | { "reply": "snapshot" } & Snapshot | { "reply": "games",
  /**
   * The games, sorted by title.
   */
  games: Array<Game>, } | { "reply": "game" } & Game | { "reply": "peers",
  /**
   * How many are connected.
   */
  connected: number,
  /**
   * The peers, sorted by name.
   */
  peers: Array<Peer>, } | { "reply": "files",
  /**
   * The files in the order of the manifest.
   */
  files: Array<FileView>, } | { "reply": "publish_plan" } & PublishPlan | { "reply": "play_plan" } & PlayPlan | { "reply": "playing",
  /**
   * The set-up runs first; what fails is among the problems of the snapshot.
   */
  setting_up: boolean, } | { "reply": "connected",
  /**
   * To whom.
   */
  peer: string,
  /**
   * The same key as words.
   */
  words: string, } | { "reply": "pairing",
  /**
   * The address of the page with the code in it.
   */
  link: string,
  /**
   * The same for other machines, where the server can be reached from them; best first.
   */
  others: Array<string>,
  /**
   * The code alone, to type.
   */
  code: string,
  /**
   * How long it can be used.
   */
  valid_ms: number, } | { "reply": "folder" } & Folder | { "reply": "findings",
  /**
   * In the order of the look.
   */
  findings: Array<Finding>, } | { "reply": "logs",
  /**
   * Oldest first.
   */
  lines: Array<string>, } | { "reply": "history",
  /**
   * Time between two samples.
   */
  interval_ms: number,
  /**
   * Peers that something came from or went to.
   */
  peers: Array<PeerHistory>, };

/**
 * What did not work, why, and what to do about it.
 */
export type Report = {
  /**
   * Who can do something about it.
   */
  kind: Kind,
  /**
   * A stable code; `docs/ERRORS.md` lists them.
   */
  code: string,
  /**
   * What did not work, in one sentence without a full stop.
   */
  message: string,
  /**
   * What caused it, nearest cause first.
   */
  causes?: Array<string>,
  /**
   * What may help, most likely first.
   */
  hints: Array<string>,
  /**
   * The contents to choose from, with the code `choose-content`.
   */
  choices?: Array<Choice>, };

/**
 * What `start_server` is asked for.
 */
export type ServerCommand = {
  /**
   * Of which game.
   */
  game: string,
  /**
   * The hash of the profile that was shown.
   */
  hash: string,
  /**
   * The person was asked and agrees to that profile.
   */
  accept?: boolean,
  /**
   * What the person reads, as two small letters; else `en`.
   */
  language?: string, };

/**
 * What may change while the node runs.
 */
export type Settings = {
  /**
   * Whether games are shared at all.
   */
  share: boolean,
  /**
   * Bytes per second that may be sent; `null` for no limit.
   */
  up_rate_max: number | null,
  /**
   * Bytes per second that may be received; `null` for no limit.
   */
  down_rate_max: number | null,
  /**
   * Downloads that run at once; the rest wait in the queue.
   */
  downloads_max: number,
  /**
   * What starts Windows programs where this is not Windows.
   */
  wine: string | null,
  /**
   * Whether the newest version of every game that somebody shares is kept here.
   */
  mirror: boolean,
  /**
   * Bytes of payload that are kept so at most; `null` for no limit.
   */
  mirror_quota: number | null,
  /**
   * Bytes that stay free on the volume of the games directory.
   */
  mirror_free: number, };

/**
 * A change of the settings. What is absent stays as it is.
 */
export type SettingsChange = {
  /**
   * Whether games are shared at all.
   */
  share?: boolean,
  /**
   * Bytes per second that may be sent.
   */
  up_rate_max?: RateLimit,
  /**
   * Bytes per second that may be received.
   */
  down_rate_max?: RateLimit,
  /**
   * Downloads that run at once.
   */
  downloads_max?: number,
  /**
   * Whether the newest version of every game that somebody shares is kept here.
   */
  mirror?: boolean,
  /**
   * Bytes that are kept so at most.
   */
  mirror_quota?: ByteLimit,
  /**
   * Bytes that stay free.
   */
  mirror_free?: number, };

/**
 * Whether we send pieces.
 */
export type Sharing = "on" | "off" | "paused";

/**
 * Bytes and files.
 */
export type Size = {
  /**
   * Bytes.
   */
  bytes: number,
  /**
   * Files.
   */
  files: number, };

/**
 * A node at one moment.
 */
export type Snapshot = {
  /**
   * Grows with each snapshot of one run.
   */
  revision: number,
  /**
   * This node.
   */
  me: Me,
  /**
   * Every known game, ours and others', sorted by id.
   */
  games: Array<Game>,
  /**
   * Every peer we have a link to, or had within the last minute, sorted by name.
   */
  peers: Array<Peer>,
  /**
   * Ids of the downloads that wait, in their order.
   */
  queue: Array<string>,
  /**
   * What we send now.
   */
  uploads: Array<Upload>,
  /**
   * What may change while the node runs.
   */
  settings: Settings,
  /**
   * What is kept of others' games.
   */
  mirror: Mirror,
  /**
   * What needs a person's eye, worst first.
   */
  problems: Array<Problem>,
  /**
   * The parts of this node and whether they run.
   */
  components: Array<ComponentState>,
  /**
   * What is still to be confirmed at the first start; nothing listens until then, and nothing
   * else is known.
   */
  first_run: FirstRun | null,
  /**
   * The program ends when nobody downloads from us any more.
   */
  quitting: boolean,
  /**
   * It is shown to somebody who only looks: paths, addresses, settings and reasons are left out,
   * and no command would be carried out.
   */
  guest: boolean, };

/**
 * One source of a download.
 */
export type Source = {
  /**
   * Who.
   */
  peer: string,
  /**
   * Verified payload bytes it delivered.
   */
  bytes: number,
  /**
   * Bytes per second, smoothed.
   */
  rate: number, };

/**
 * The word for no limit.
 */
export type Unlimited = "off";

/**
 * What we send to one peer.
 */
export type Upload = {
  /**
   * To whom.
   */
  peer: string,
  /**
   * Of which game.
   */
  game: string,
  /**
   * Payload bytes sent in this run.
   */
  bytes: number,
  /**
   * Bytes per second, smoothed.
   */
  rate: number, };

/**
 * What a verify found.
 */
export type Verified = {
  /**
   * Files of the payload that were read.
   */
  payload_files: number,
  /**
   * Files of the installed game that were read.
   */
  local_files: number,
  /**
   * Files of the payload that were missing or held other bytes.
   */
  payload_damaged: Listed,
  /**
   * Files of the installed game that were missing, or rotted on the disk.
   */
  local_damaged: Listed,
  /**
   * Files of the installed game that the user or the game changed.
   */
  local_changed: Listed,
  /**
   * Files in the installed game that are not of it.
   */
  local_unknown: Listed,
  /**
   * The changed files are put back too; what they were goes to `kept/`.
   */
  forced: boolean, };

/**
 * A volume and what is free on it.
 */
export type Volume = {
  /**
   * Bytes that this user may still write.
   */
  free_bytes: number,
  /**
   * Bytes in all.
   */
  total_bytes: number, };
