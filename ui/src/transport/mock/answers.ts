/** What the played node answers to commands. */
import type { Command, FileView, Folder, Game, Program, Reply } from '../../model.ts';
import { fault, Refused } from '../transport.ts';
import { GB, key } from './cast.ts';
import type { Play } from './play.ts';

const DONE: Reply = { reply: 'done' };

export async function answer(play: Play, command: Command): Promise<Reply> {
  const { state } = play;
  switch (command.command) {
    case 'get': {
      const game = known(play, command.game);
      if (game.conflict && !command.content) {
        throw new Refused({
          ...fault('choose-content', 'two contents carry the newest label'),
          choices: game.contents.map(({ content, ready }) => ({ content, ready })),
        });
      }
      return started(play.begin(command.game, 'download', command.install ?? true, command.content));
    }
    case 'update':
      return started(play.begin(command.game, 'update', true));
    case 'install':
    case 'verify':
    case 'uninstall':
    case 'remove':
      return work(play, command);
    case 'pause':
      play.phase(command.game, 'paused');
      return DONE;
    case 'resume':
      play.phase(command.game, 'downloading');
      return DONE;
    case 'cancel':
      play.end(command.game, 'cancelled');
      return DONE;
    case 'reorder':
      state.queue = [...command.games];
      return DONE;
    case 'share':
      return share(play, command.game, command.on);
    case 'share_pause':
      state.me = { ...state.me, sharing: 'paused', sharing_pause_left_ms: command.for_ms ?? null };
      return DONE;
    case 'set_settings': {
      const limit = (value: number | 'off' | undefined, old: number | null) =>
        value === undefined ? old : value === 'off' ? null : value;
      state.settings = {
        ...state.settings,
        downloads_max: command.downloads_max ?? state.settings.downloads_max,
        up_rate_max: limit(command.up_rate_max, state.settings.up_rate_max),
        down_rate_max: limit(command.down_rate_max, state.settings.down_rate_max),
        mirror: command.mirror ?? state.settings.mirror,
        mirror_quota: limit(command.mirror_quota, state.settings.mirror_quota),
        mirror_free: command.mirror_free ?? state.settings.mirror_free,
      };
      return DONE;
    }
    case 'set_wine':
      state.settings = { ...state.settings, wine: command.program ?? null };
      return DONE;
    case 'set_name':
      state.me = { ...state.me, name: command.name };
      return DONE;
    case 'set_games_dir':
      state.me = { ...state.me, games_dir: command.folder };
      return DONE;
    case 'block':
      state.peers = state.peers.map((peer) =>
        peer.peer === command.peer ? { ...peer, state: command.blocked ? 'blocked' : 'connected' } : peer,
      );
      return DONE;
    case 'quit':
      state.quitting = command.when === 'idle';
      return DONE;
    case 'finish_first_run':
      state.first_run = null;
      state.me = { ...state.me, name: command.name, games_dir: command.folder };
      return DONE;
    default:
      return question(play, command);
  }
}

function question(play: Play, command: Command): Reply {
  const { state } = play;
  switch (command.command) {
    case 'files':
      return { reply: 'files', files: files(known(play, command.game)) };
    case 'browse':
      return { reply: 'folder', ...folder(command.folder ?? state.me.games_dir) };
    case 'plan_publish': {
      const name = command.folder.split('/').at(-1)?.toLowerCase() ?? '';
      const in_place = command.folder.startsWith(state.me.games_dir);
      return { reply: 'publish_plan', game: name, version: null, bytes: 4.2 * GB, files: 1804, free_bytes: 214 * GB, in_place };
    }
    case 'publish':
      return started(1);
    case 'connect':
      if (command.address.startsWith('10.')) {
        return { reply: 'connected', peer: key('Mara'), words: 'copper lantern orbit velvet' };
      }
      throw new Refused(fault('no-answer', `${command.address} does not answer`));
    case 'doctor':
      return {
        reply: 'findings',
        findings: [
          { code: 'disk', subject: state.me.games_dir, message: '214 GB free, 1.9 GB/s', level: 'good' },
          { code: 'connect', subject: 'enp4s0', message: '1000 Mbit/s, multicast works', level: 'good' },
          { code: 'no-answer', subject: 'wlp3s0', message: 'this Wi-Fi does not pass packets between its clients', level: 'warn' },
          { code: 'listen', subject: '0.0.0.0:47100', message: 'the firewall drops what comes from outside', level: 'bad' },
        ],
      };
    case 'play_plan':
      return {
        reply: 'play_plan',
        program: program(command.game, 'bin/start', ['--player', 'Robin the Second', '--lan', '--width', '1920']),
        source: 'game',
        hash: key(command.game),
        trusted: command.game === 'panzer-pong',
        setup: command.game === 'turbo-heist-3' ? program(command.game, 'redist/setup.sh', []) : null,
        server: program(command.game, 'bin/server', []),
        settings: ['settings.ini'],
      };
    case 'play':
    case 'start_server':
      return { reply: 'playing', setting_up: false };
    case 'pair':
      return { reply: 'pairing', link: 'http://127.0.0.1:41234/#pair=4819-2077', others: [], code: '4819-2077', valid_ms: 300_000 };
    case 'history':
      return { reply: 'history', interval_ms: 1000, peers: [] };
    case 'logs':
      return { reply: 'logs', lines: ['INFO node: listening on 0.0.0.0:47100', 'INFO peers: link to Mara (0.4 ms)', 'WARN mdns: wlp3s0: no such device'] };
    default:
      return DONE;
  }
}

function program(game: string, file: string, words: string[]): Program {
  const folder = `/home/robin/Games/LanSpread/${game}/local`;
  return { path: `${folder}/${file}`, arguments: words, folder };
}

function known(play: Play, id: string): Game {
  const game = play.game(id);
  if (!game) {
    throw new Refused(fault('unknown-game', `${id} is not known`));
  }
  return game;
}

function started(operation: number): Reply {
  return { reply: 'started', operation };
}

type Work = Extract<Command, { command: 'install' | 'verify' | 'uninstall' | 'remove' }>;

function work(play: Play, command: Work): Reply {
  const game = known(play, command.game);
  const { local } = game;
  if (command.command === 'uninstall') {
    play.put({ ...game, operation: null, local: { ...local, installed: null, kept_bytes: 4_000_000 } });
    return started(1);
  }
  if (command.command === 'remove') {
    play.put({ ...game, operation: null, local: { ...local, downloaded: null, content: null, present: local.installed !== null } });
    return started(1);
  }
  const operation = play.begin(command.game, command.command, false);
  play.state.queue = play.state.queue.filter((id) => id !== command.game);
  const begun = play.game(command.game);
  if (begun?.operation) {
    const phase = command.command === 'install' ? 'installing' : 'verifying';
    play.put({ ...begun, operation: { ...begun.operation, phase, sources: [], map: [] } });
  }
  return started(operation);
}

function share(play: Play, id: string | undefined, on: boolean): Reply {
  if (id === undefined) {
    play.state.me = { ...play.state.me, sharing: on ? 'on' : 'off', sharing_pause_left_ms: null };
    play.state.settings = { ...play.state.settings, share: on };
    return DONE;
  }
  const game = known(play, id);
  play.put({ ...game, local: { ...game.local, not_shared: on ? null : { why: 'switched_off' } } });
  return DONE;
}

function files(game: Game): FileView[] {
  const bytes = game.contents[0]?.payload.bytes ?? 0;
  return [
    { path: `${game.game}.eti`, bytes: Math.round(bytes * 0.91) },
    { path: 'voicepack_de.eti', bytes: Math.round(bytes * 0.08) },
    { path: 'extras/maps/a-rather-long-name-for-a-map-that-nobody-will-ever-type.eti', bytes: Math.round(bytes * 0.01) },
    { path: 'readme.txt', bytes: 14_203 },
    { path: 'version.ini', bytes: 92 },
  ];
}

const TREE: Readonly<Record<string, string[]>> = {
  '/': ['home', 'mnt'],
  '/home': ['robin'],
  '/home/robin': ['Desktop', 'Downloads', 'Games', 'Pictures'],
  '/home/robin/Games': ['LanSpread', 'Old stuff'],
  '/mnt': ['usb-stick', 'raid'],
};

function folder(path: string): Folder {
  const clean = path.replace(/\/+$/, '') || '/';
  const parent = clean === '/' ? null : clean.replace(/\/[^/]*$/, '') || '/';
  return {
    folder: clean,
    parent,
    roots: ['/', '/home/robin', '/mnt/usb-stick'],
    entries: (TREE[clean] ?? []).map((name) => ({ name, path: `${clean === '/' ? '' : clean}/${name}` })),
    free_bytes: 214 * GB,
    total_bytes: 1000 * GB,
    truncated: false,
    writable: clean.startsWith('/home') || clean.startsWith('/mnt'),
  };
}
