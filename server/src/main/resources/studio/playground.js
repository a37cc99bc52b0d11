// What Create is set to, as a call from elsewhere; and who else may call.
import { get, post } from './api.js';
import { copy, guarded, h, replace, toast } from './dom.js';
import { icon } from './icons.js';
import { calls } from './calls.js';
import { request, settings } from './settings.js';
import { segments, store } from './store.js';

export async function screen() {
  const state = store('atelier.api', { call: 'curl' });
  const code = h('pre', { class: 'code', tabindex: '0' });
  const answer = h('pre', { class: 'code', tabindex: '0', hidden: true });
  const keys = h('div', { class: 'stack' });

  function body() {
    const full = request();
    // a picture of a megabyte is no reading matter
    if (full.start) {
      full.start.image = 'data:image/png;base64,…';
      if (full.start.mask) full.start.mask.image = 'data:image/png;base64,…';
    }
    for (const control of full.controls ?? []) if (control.image) control.image = 'data:image/png;base64,…';
    return full;
  }

  function show() {
    try {
      code.textContent = calls[state.get('call')].text(body(), location.origin);
    } catch (error) {
      code.textContent = error.message;
    }
  }

  const send = guarded(async () => {
    replace(answer, 'Sent…');
    answer.hidden = false;
    const submitted = await post('pictures', request());
    replace(answer, JSON.stringify(submitted, null, 2));
    toast('The job is queued');
  });

  const element = h('div', { class: 'screen' },
    h('h1', {}, 'API'),
    h('section', { class: 'panel stack' },
      h('div', {}, h('h2', {}, 'Playground'), h('small', {}, 'What Create is set to at this moment, as a call.')),
      segments(state, 'call', 'Language', Object.entries(calls).map(([value, call]) => ({ value, label: call.label }))),
      code,
      h('div', { class: 'row' },
        h('button', { type: 'button', onclick: () => copy(code.textContent) }, icon('copy'), 'Copy'),
        h('button', { type: 'button', onclick: send }, icon('right'), 'Send to this server')),
      answer),
    h('section', { class: 'panel stack' }, h('h2', {}, 'Documents'), h('p', {},
      h('a', { href: '/openapi/atelier.json' }, 'Atelier'), ' (this page\u2019s API), ', h('a', { href: '/openapi/a1111.json' }, 'AUTOMATIC1111'), ', ', h('a', { href: '/openapi/novita.json' }, 'Novita'), '.')),
    h('section', { class: 'panel stack' }, h('h2', {}, 'Keys and usage'), keys));

  async function loadKeys() {
    const usage = await get('usage');
    if (!usage.administered) {
      replace(keys, h('p', {}, 'Keys are administered from the server\u2019s own machine.'));
      return;
    }
    const name = h('input', { type: 'text', placeholder: 'Whose key', 'aria-label': 'Name of a new key', maxlength: 100 });
    const secret = h('code', { class: 'expression', hidden: true });
    replace(keys,
      h('small', {}, usage.keys.some((key) => !key.revokedAt) ? 'The API of Novita asks for one of these keys.' : 'Without keys, the API of Novita lets everybody in who can reach this server. A first key changes that.'),
      usage.keys.length ? table(['Key', 'Name', 'Balance', 'Pictures', 'Made', ''], usage.keys.map((key) => [
        h('code', {}, `atl_${key.id}_…`), key.name, key.balance === null ? 'no limit' : `$${key.balance.toFixed(4)}`, key.images, new Date(key.createdAt).toLocaleDateString(),
        key.revokedAt ? h('span', { class: 'tag bad' }, 'revoked') : h('button', { type: 'button', class: 'danger', onclick: guarded(async () => {
          await post(`keys/${key.id}/revoke`);
          await loadKeys();
        }) }, 'Revoke'),
      ])) : null,
      h('div', { class: 'row' }, h('div', { class: 'grow' }, name), h('button', { type: 'button', onclick: guarded(async () => {
        const made = await post('keys', { name: name.value });
        await loadKeys();
        const shown = keys.querySelector('.expression');
        shown.textContent = made.secret;
        shown.hidden = false;
        toast('The key is shown once; copy it now');
      }) }, 'Make a key')), secret,
      usage.charges.length ? h('details', {}, h('summary', {}, 'Newest charges'), table(['When', 'Key', 'Call', 'Model', 'Pictures', 'Cost', ''], usage.charges.map((charge) => [
        new Date(charge.at).toLocaleString(), h('code', {}, charge.key), charge.endpoint, charge.model, charge.images, `$${charge.cost.toFixed(4)}`, h('span', { class: 'tag' }, charge.state),
      ]))) : null);
  }

  function table(heads, lines) {
    return h('div', { class: 'scroll' }, h('table', {}, h('thead', {}, h('tr', {}, heads.map((head) => h('th', { scope: 'col' }, head)))),
      h('tbody', {}, lines.map((cells) => h('tr', {}, cells.map((cell) => h('td', {}, cell)))))));
  }

  state.on(show);
  settings.on(show);
  return {
    element,
    async enter() {
      show();
      await guarded(loadKeys)();
    },
  };
}
