/** How the played party begins: one scene per kind of look that the page must stand. */
import type { Game, Snapshot } from '../../model.ts';
import { dice } from '../../art/seed.ts';
import { bring, content, GAMES, GB, MB, peers, remote, snapshot } from './cast.ts';

export const SCENES = ['party', 'empty', 'alone', 'first', 'many', 'busy', 'hostile', 'trouble'] as const;
export type Scene = (typeof SCENES)[number];

export function scene(name: Scene): Snapshot {
  switch (name) {
    case 'party':
      return party();
    case 'empty':
      return snapshot([], peers().slice(0, 3).map((peer) => ({ ...peer, games: 0 })));
    case 'alone':
      return snapshot([], []);
    case 'first':
      return {
        ...party(),
        first_run: { games_dir: '/home/robin/Games/LanSpread', name: 'robin-pc' },
      };
    case 'many':
      return many(2000);
    case 'busy':
      return { ...many(60), settings: { ...party().settings, downloads_max: 40 } };
    case 'hostile':
      return hostile(500);
    case 'trouble':
      return trouble();
  }
}

/** A version of what is here that is older than what others have. */
function outdated(game: Game, version: string): Game {
  const old = content(game.game, version, 5.7);
  return {
    ...game,
    update_available: true,
    local: {
      ...game.local,
      downloaded: version,
      content: old.content,
      installed: { version, content: old.content },
    },
    contents: [...game.contents, { ...old, ready: 1 }],
    newest: game.contents[0]?.content ?? null,
  };
}

function party(): Snapshot {
  const list = GAMES.map(remote);
  const change = (id: string, how: (game: Game) => Game) => {
    const at = list.findIndex((game) => game.game === id);
    const old = list[at];
    if (old) {
      list[at] = how(old);
    }
  };
  for (const id of ['turbo-heist-3', 'panzer-pong', 'moon-mining', 'bratwurst', 'pixel-pokal']) {
    change(id, (game) => bring(game, true, true));
  }
  change('kart-kombinat', (game) => outdated(bring(game, true, true), '2.0'));
  change('hexenring', (game) => bring(game, true, false));
  change('sektor-9', (game) => bring(game, true, false));
  change('glasfaser', (game) => bring(game, false, true));
  change('rohrpost', (game) => ({
    ...game,
    contents: [],
    newest: null,
    folder: `/home/robin/Games/LanSpread/${game.game}`,
    local: { ...game.local, present: true, not_shared: { why: 'no_version' } },
  }));
  change('turbo-heist-3', (game) => ({
    ...game,
    hosts: [{ peer: peers()[0]?.peer ?? '', port: 27960 }],
    local: { ...game.local, kept_bytes: 12 * MB },
  }));
  change('schaltjahr', (game) => {
    const rival = content(game.game, '1.3.1', 33.1, 'rival');
    rival.holders = peers().slice(4, 6).map((peer) => ({ peer: peer.peer ?? '', availability: 'ready' }));
    rival.ready = 2;
    return { ...game, conflict: true, newest: null, contents: [...game.contents, rival] };
  });
  change('nachtfrost', (game) => ({
    ...game,
    about: {
      ...game.about,
      description:
        'The heating is off, the night is long, and something walks on the roof. Four people keep a mountain station alive until the cable car runs again.',
    },
  }));
  return snapshot(list, peers());
}

function trouble(): Snapshot {
  const base = party();
  const fail = (id: string, code: string, message: string) => {
    base.games = base.games.map((game) =>
      game.game === id
        ? {
            ...game,
            operation: {
              operation: 900,
              kind: 'download',
              phase: 'failed',
              verified: null,
              error: { kind: 'environment', code, message, causes: ['write /mnt/games: no space left on device'], hints: [] },
              content: game.newest,
              done_bytes: 3 * GB,
              total_bytes: 8 * GB,
              rate: 0,
              left_ms: null,
              sources: [],
              map: [],
            },
          }
        : game,
    );
  };
  fail('dust-derby', 'disk-full', '/home/robin/Games has 2.1 GB free and needs 20.4 GB');
  fail('koboldkrieg', 'checksum-mismatch', 'koboldkrieg.eti: entry maps/02.pak has another checksum');
  return {
    ...base,
    me: { ...base.me, reachable: false, sharing: 'paused', sharing_pause_left_ms: 1_500_000 },
    problems: [
      { code: 'discovery', subject: 'wlp3s0', message: 'joining the multicast group failed: no such device' },
      { code: 'not-a-game', subject: 'CON', message: 'CON cannot be the id of a game' },
    ],
    components: base.components.map((state) =>
      state.component === 'discovery' ? { ...state, running: false, restarts: 3 } : state,
    ),
  };
}

const FIRST = ['Nacht', 'Turbo', 'Iron', 'Moon', 'Sektor', 'Glas', 'Dust', 'Neon', 'Tide', 'Hexen', 'Split', 'Funk'];
const SECOND = ['frost', ' Heist', ' Delta', ' Mining', ' Nine', 'faser', ' Derby', ' Ruhr', 'wolves', 'ring', 'lane', 'loch'];

function many(count: number): Snapshot {
  const roll = dice('many');
  const games = Array.from({ length: count }, (_, at) => {
    const title = `${FIRST[at % 12]}${SECOND[Math.floor(at / 12) % 12]} ${Math.floor(at / 144) + 1}`;
    const id = `${title.toLowerCase().replaceAll(' ', '-')}-${at}`;
    const line = [id, title, 0.2 + roll() * 60, '1.0', 'Shooter', 8, 1 + Math.floor(roll() * 9)] as const;
    const game = remote([...line]);
    return at % 9 === 0 ? bring(game, true, true) : game;
  });
  return snapshot(games, peers());
}

/** Texts that want to be more than text. */
export const HOSTILE = [
  '<img src=x onerror=alert(1)>',
  '<script>alert(1)</script>',
  '"><svg onload=alert(1)>',
  "'-alert(1)-'",
  '{{constructor.constructor("alert(1)")()}}',
  '${alert(1)}',
  '\u202Egnp.exe\u202C',
  'Z\u0351\u0352\u0353\u0354\u0355a\u0300\u0301\u0302\u0303\u0304\u0305l\u0306\u0307g\u0308o',
  'A'.repeat(4000),
  '\u0000\u0007\u001B[31mred',
  '</title><body onload=alert(1)>',
  'javascript:alert(1)',
  '\u{1F579}\uFE0F\u200D\u{1F525} \u4E2D\u6587\u540D \u0627\u0644\u0639\u0631\u0628\u064A\u0629',
  '<a href="javascript:alert(1)">x</a>',
  '&lt;b&gt;&#60;i&#62;',
  '<iframe srcdoc="<script>alert(1)</script>">',
  '   ',
  '%00%3Cscript%3E',
  '<!--',
  ']]><math><mtext></form><form>',
];

function hostile(count: number): Snapshot {
  const people = peers().map((peer, at) => ({
    ...peer,
    name: HOSTILE[at % HOSTILE.length] ?? '',
    version: HOSTILE[(at + 3) % HOSTILE.length] ?? '',
  }));
  const games = Array.from({ length: count }, (_, at) => {
    const text = HOSTILE[at % HOSTILE.length] ?? '';
    const game = remote([`hostile-${at}`, `${text}${at >= 20 ? ` ${at}` : ''}`, 1, '1', text, 4, 3]);
    return {
      ...game,
      contents: game.contents.map((one) => ({ ...one, version: text })),
      about: { genre: text, description: text.repeat(3), cover: at % 2 ? 'https://evil.example/x.png' : 'javascript:alert(1)' },
    };
  });
  return {
    ...snapshot(games, people),
    problems: HOSTILE.map((text) => ({ code: text, subject: text, message: text })),
  };
}
