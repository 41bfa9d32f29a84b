/** Who and what is at the played party. All names are invented. */
import type { Content, Game, Peer, Snapshot } from '../../model.ts';
import { dice } from '../../art/seed.ts';

export const GB = 1_000_000_000;
export const MB = 1_000_000;

/** A key as a node writes it: 64 hexadecimal digits. */
export function key(name: string): string {
  const roll = dice(name);
  return Array.from({ length: 64 }, () => Math.floor(roll() * 16).toString(16)).join('');
}

type PeerLine = [name: string, host: number, games: number, mbps: number, extra?: Partial<Peer>];

const PEERS: readonly PeerLine[] = [
  ['Mara', 14, 64, 1000],
  ['tobi-tower', 15, 31, 1000],
  ['seedbox', 2, 117, 10_000],
  ['Jens', 103, 12, 1000],
  ['ANNA-PC', 122, 40, 2500],
  ['kellerkind', 108, 22, 1000],
  ['Nils', 111, 58, 1000],
  ['bravo-rig', 119, 9, 100],
  ['Lea', 101, 33, 1000, { reachable: false }],
  ['oskar-mini', 105, 18, 866, { wifi: true }],
  ['FRIDA', 106, 7, 1000, { sharing: false }],
  ['couchpc', 130, 3, 1000],
  ['Luca', 117, 26, 1000],
  ['ghost', 120, 15, 1000],
];

export function peers(): Peer[] {
  const list = PEERS.map(([name, host, games, link_mbps, extra]): Peer => ({
    peer: key(name),
    words: 'copper lantern orbit velvet',
    name,
    address: `10.0.7.${host}:47100`,
    state: 'connected',
    sharing: true,
    reachable: true,
    games,
    rtt_us: 200 + ((host * 37) % 900),
    received_bytes: 0,
    sent_bytes: 0,
    link_mbps,
    wifi: false,
    version: '0.1.0',
    ...extra,
  }));
  const odd = (name: string, state: Peer['state'], peer: string | null): Peer => ({
    ...(list[0] as Peer),
    peer,
    words: null,
    name,
    address: '10.0.7.44:47100',
    state,
    games: 0,
    rtt_us: null,
    link_mbps: null,
    version: null,
  });
  return [
    ...list,
    odd('schorsch', 'gone', key('schorsch')),
    odd('leecher99', 'blocked', key('leecher99')),
    odd('old LanSpread', 'old_lanspread', null),
  ];
}

/** Id, title, gigabytes, version, genre, most players, and how many of the others have it. */
type GameLine = [string, string, number, string, string, number, number];

export const GAMES: readonly GameLine[] = [
  ['nachtfrost', 'Nachtfrost', 38.2, '1.8', 'Co-op', 4, 5],
  ['turbo-heist-3', 'Turbo Heist 3', 12.4, '3.2', 'Racing', 8, 4],
  ['kart-kombinat', 'Kart Kombinat', 6.1, '2.1', 'Racing', 12, 6],
  ['iron-delta', 'Iron Delta', 21.7, '0.9', 'Shooter', 32, 2],
  ['hexenring', 'Hexenring', 9.8, '1.1', 'Co-op', 4, 3],
  ['orbit-brawl', 'Orbit Brawl', 4.3, '5.4', 'Brawler', 8, 6],
  ['panzer-pong', 'Panzer Pong', 0.85, '1.0', 'Brawler', 2, 2],
  ['last-lobby', 'Last Lobby', 54, '2.6', 'Shooter', 64, 3],
  ['glasfaser', 'Glasfaser', 17.3, '1.4', 'Strategy', 6, 0],
  ['dust-derby', 'Dust Derby', 8.8, '4.0', 'Racing', 16, 5],
  ['moon-mining', 'Moon Mining Co.', 2.2, '7.1', 'Co-op', 4, 3],
  ['koboldkrieg', 'Koboldkrieg', 15.9, '1.9', 'Strategy', 8, 2],
  ['neon-ruhr', 'Neon Ruhr', 29.5, '1.0', 'Racing', 8, 4],
  ['sektor-9', 'Sektor 9', 11, '6.2', 'Shooter', 24, 3],
  ['tidewolves', 'Tidewolves', 19.4, '3.3', 'Co-op', 4, 7],
  ['bratwurst', 'Bratwurst Ballistics', 0.64, '1.2', 'Brawler', 6, 4],
  ['splitlane', 'Splitlane', 7.7, '2.2', 'Racing', 4, 3],
  ['aftermath', 'Aftermath', 41.2, '1.7', 'Strategy', 8, 1],
  ['pixel-pokal', 'Pixel-Pokal', 1.3, '20250301', 'Sports', 22, 8],
  ['deichgraf', 'Deichgraf', 3.9, '2.0', 'Strategy', 5, 2],
  ['rohrpost', 'Rohrpost', 0.21, '0.4', 'Puzzle', 4, 3],
  ['schaltjahr', 'Schaltjahr 2044', 33.1, '1.3.1', 'Shooter', 16, 4],
  ['funkloch', 'Funkloch', 5.5, '1.6', 'Co-op', 4, 2],
  ['kettenkarussell', 'Kettenkarussell Extended Anniversary Edition', 14.8, '11.2', 'Brawler', 8, 2],
];

export function content(id: string, version: string, gigabytes: number, salt = ''): Content {
  const bytes = Math.round(gigabytes * GB);
  return {
    content: key(`${id}/${version}${salt}`),
    version,
    payload: { bytes, files: gigabytes > 1 ? 5 : 3 },
    unpacked: { bytes: Math.round(bytes * 1.4), files: 2411 },
    ready: 0,
    partial: 0,
    local_only: 0,
    holders: [],
  };
}

export function remote(line: GameLine): Game {
  const [id, title, gigabytes, version, genre, players_max, sources] = line;
  const first = content(id, version, gigabytes);
  const roll = dice(id);
  const order = PEERS.map(([name]) => ({ peer: key(name), at: roll() })).sort((a, b) => a.at - b.at);
  first.holders = order
    .slice(0, sources)
    .map(({ peer }) => ({ peer, availability: 'ready' as const }));
  first.ready = sources;
  return {
    game: id,
    title,
    folder: null,
    local: {
      present: false,
      downloaded: null,
      content: null,
      installed: null,
      availability: null,
      not_shared: null,
      partial_bytes: 0,
      kept_bytes: 0,
    },
    contents: [first],
    newest: first.content,
    update_available: false,
    conflict: false,
    operation: null,
    about: { genre, players_max, year: 2019 + Math.floor(roll() * 7) },
    hosts: [],
    play: null,
  };
}

export function playable(can_serve: boolean): NonNullable<Game['play']> {
  return { can_play: true, can_serve, can_join: true, state: 'idle', serving: false };
}

/** Makes a game one that lies here: downloaded, installed, or both. */
export function bring(game: Game, downloaded: boolean, installed: boolean): Game {
  const [first] = game.contents;
  const version = first?.version ?? '1';
  return {
    ...game,
    folder: `/home/robin/Games/LanSpread/${game.game}`,
    contents: game.contents.map((other, at) =>
      at === 0 && downloaded ? { ...other, ready: other.ready + 1 } : other,
    ),
    local: {
      ...game.local,
      present: true,
      downloaded: downloaded ? version : null,
      content: downloaded ? (first?.content ?? null) : null,
      installed: installed ? { version, content: first?.content ?? '' } : null,
      availability: downloaded ? 'ready' : 'local_only',
    },
    play: installed ? playable(game.game.length % 2 === 0) : null,
  };
}

export function snapshot(games: Game[], people: Peer[]): Snapshot {
  return {
    revision: 1,
    me: {
      peer: key('me'),
      words: 'amber bridge cobalt drift',
      name: 'Robin',
      addresses: ['10.0.7.42:47100', '[fe80::1c2f%2]:47100'],
      games_dir: '/home/robin/Games/LanSpread',
      games_dir_available: true,
      sharing: 'on',
      sharing_pause_left_ms: null,
      reachable: true,
      down_rate: 0,
      up_rate: 0,
      hashing: null,
      disk: { free_bytes: 214 * GB, total_bytes: 1000 * GB },
      version: '0.1.0',
    },
    games,
    peers: people,
    queue: [],
    uploads: [],
    settings: {
      share: true,
      up_rate_max: null,
      down_rate_max: null,
      downloads_max: 2,
      wine: null,
      mirror: false,
      mirror_quota: null,
      mirror_free: 10 * GB,
    },
    mirror: {
      on: false,
      kept_games: 0,
      kept_bytes: 0,
      fetching_games: 0,
      waiting_games: 0,
      foreign_games: 0,
      left: [],
      left_games: 0,
    },
    problems: [],
    components: (['commands', 'server', 'discovery', 'liveness', 'library_monitor'] as const).map(
      (component) => ({ component, running: true, restarts: 0 }),
    ),
    first_run: null,
    quitting: false,
    guest: false,
  };
}
