/** Every peer owns one of eight colours, everywhere and as long as the page lives. */

export const CABLES = 8;

export class Cables {
  readonly #owned = new Map<string, number>();
  readonly #owners = new Array<number>(CABLES).fill(0);

  /** The colour of a peer, from 1 to 8: the one its key suggests, unless that is worn more. */
  of(peer: string): number {
    const owned = this.#owned.get(peer);
    if (owned !== undefined) {
      return owned;
    }
    const least = Math.min(...this.#owners);
    let cable = suggestion(peer);
    while ((this.#owners[cable] ?? 0) > least) {
      cable = (cable + 1) % CABLES;
    }
    this.#owners[cable] = (this.#owners[cable] ?? 0) + 1;
    this.#owned.set(peer, cable + 1);
    return cable + 1;
  }
}

function suggestion(peer: string): number {
  let hash = 0;
  for (let i = 0; i < peer.length; i += 1) {
    hash = (hash * 31 + peer.charCodeAt(i)) >>> 0;
  }
  return hash % CABLES;
}
