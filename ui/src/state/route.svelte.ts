/** Where the person is in the page: the part of the address behind `#`. */

export type Place =
  | { view: 'library'; shelf: string | null }
  | { view: 'game'; game: string }
  | { view: 'transfers' }
  | { view: 'peers' }
  | { view: 'settings' }
  | { view: 'share' }
  | { view: 'problems' };

export type ViewName = Place['view'];

const PLAIN = ['transfers', 'peers', 'settings', 'share', 'problems'] as const;

/** Reads the part behind `#`; what makes no sense is the library. */
export function parsePlace(hash: string): Place {
  const [view = '', rest = ''] = hash.replace(/^#\/?/, '').split('/');
  const name = decoded(rest);
  if (view === 'game' && name) {
    return { view: 'game', game: name };
  }
  const plain = PLAIN.find((candidate) => candidate === view);
  return plain ? { view: plain } : { view: 'library', shelf: name || null };
}

export function address(place: Place): string {
  switch (place.view) {
    case 'game':
      return `#/game/${encodeURIComponent(place.game)}`;
    case 'library':
      return place.shelf ? `#/library/${encodeURIComponent(place.shelf)}` : '#/library';
    default:
      return `#/${place.view}`;
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return '';
  }
}

class Route {
  place = $state.raw<Place>(parsePlace(typeof location === 'undefined' ? '' : location.hash));

  /** Follows the address until the page ends. */
  follow() {
    window.addEventListener('hashchange', () => {
      this.place = parsePlace(location.hash);
    });
  }
}

export const route = new Route();

export function go(place: Place) {
  location.hash = address(place);
}

/** Goes back where the person came from, or to the library when they came from elsewhere. */
export function back() {
  if (route.place.view !== 'library') {
    go({ view: 'library', shelf: null });
  }
}
