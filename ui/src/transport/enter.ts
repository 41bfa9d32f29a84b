/** A page that was opened by a pairing link: `#pair=CODE`. */
import type { Transport } from './transport.ts';

/** The code of a pairing link; null when the address is none. */
export function codeOf(hash: string): string | null {
  const found = /^#pair=([\w-]{1,64})$/.exec(hash);
  return found?.[1] ?? null;
}

/**
 * Shows the code of the link to the node, and takes it out of the address and the history: it opens
 * once. A code that is refused is no failure here: the browser may be known already, and if it is
 * not, the stream says so.
 */
export async function enter(transport: Transport): Promise<void> {
  const code = codeOf(location.hash);
  if (code === null) {
    return;
  }
  history.replaceState(null, '', '#/library');
  try {
    await transport.pair(code);
  } catch {
    // See above.
  }
}
