/** The views that are always one step away. */
import { t } from '../i18n/speak.ts';
import { address, route, type ViewName } from '../state/route.svelte.ts';
import { party } from '../state/session.svelte.ts';
import { failed, running } from '../state/standing.ts';
import type { IconName } from './icons.ts';

export interface NavigationItem {
  view: ViewName;
  href: string;
  icon: IconName;
  text: string;
  count: number;
  bad: boolean;
  current: boolean;
}

export function navigation(): NavigationItem[] {
  const here = route.place.view;
  const item = (
    view: 'library' | 'transfers' | 'peers' | 'share' | 'settings' | 'problems',
    icon: IconName,
    text: string,
    count = 0,
    bad = false,
  ): NavigationItem => ({
    view,
    href: address(view === 'library' ? { view, shelf: null } : { view }),
    icon,
    text,
    count,
    bad,
    current: here === view || (view === 'library' && here === 'game'),
  });
  const troubles = troubleCount();
  const looks = [
    item('library', 'library', t('nav.library'), party.games.size),
    item('transfers', 'transfers', t('nav.transfers'), activeCount()),
    item('peers', 'peers', t('nav.peers'), party.connected),
  ];
  if (party.guest) {
    return looks;
  }
  return [
    ...looks,
    item('share', 'share', t('nav.share')),
    item('settings', 'settings', t('nav.settings')),
    item('problems', 'alert', t('nav.problems'), troubles, troubles > 0),
  ];
}

/** Operations that run or wait. */
export function activeCount(): number {
  void party.shape;
  let count = 0;
  for (const game of party.games.values()) {
    count += running(game) ? 1 : 0;
  }
  return count;
}

/** What needs a person's eye: problems of the node, and operations that failed. */
export function troubleCount(): number {
  let count = party.problems.length;
  for (const game of party.games.values()) {
    count += failed(game) ? 1 : 0;
  }
  return count;
}
