import { mount } from 'svelte';
import App from './App.svelte';
import { actions } from './input/actions.svelte.ts';
import { followPads } from './input/gamepad.svelte.ts';
import { hints } from './problems/explain.svelte.ts';
import { hear } from './state/hear.ts';
import { prefs } from './state/prefs.svelte.ts';
import { route } from './state/route.svelte.ts';
import { follow } from './state/session.svelte.ts';
import './styles/fonts.css';
import './styles/tokens.css';
import './styles/base.css';
import { HttpTransport } from './transport/http.ts';
import { enter } from './transport/enter.ts';
import type { Transport } from './transport/transport.ts';

/** The node that served this page; in development, a party that is played in memory. */
async function transport(): Promise<Transport> {
  if (import.meta.env.MODE === 'mock' || import.meta.env.DEV) {
    const { MockTransport } = await import('./transport/mock/mock.ts');
    return MockTransport.from(location.search);
  }
  return new HttpTransport(() => prefs.spoken);
}

prefs.load();
prefs.apply();
route.follow();
followPads(actions);
const node = await transport();
await enter(node);
follow(node, hear);
const target = document.getElementById('app');
if (target) {
  mount(App, { target });
}
void hints.load();
