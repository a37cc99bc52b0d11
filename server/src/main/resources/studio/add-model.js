// Models from this device, in pieces that may break off and go on (tus 1.0.0), or from an address.
import { get, post } from './api.js';
import { bytes, guarded, h, replace, toast } from './dom.js';
import { progressBar } from './stage.js';

const PIECE = 16 << 20;
const MOST_RETRIES = 5;
const TUS = { 'Tus-Resumable': '1.0.0' };

export function addModel(added) {
  const file = h('input', { type: 'file', accept: '.safetensors,.ckpt,.pt,.pth,.bin', multiple: true, class: 'visually-hidden', id: 'model-files', onchange: () => {
    [...file.files].forEach((chosen) => follow(chosen.name, (tell) => upload(chosen, tell)));
    file.value = '';
  } });
  const url = h('input', { type: 'text', placeholder: 'https://…/model.safetensors', 'aria-label': 'Address of a model', spellcheck: 'false', autocomplete: 'off' });
  const sha256 = h('input', { type: 'text', placeholder: 'its SHA-256, if known', 'aria-label': 'SHA-256 of the model', spellcheck: 'false', autocomplete: 'off' });
  const running = h('div', { class: 'stack' });

  function follow(name, work) {
    const bar = progressBar(`Progress of ${name}`);
    const words = h('small', {}, 'Waiting');
    const card = h('div', { class: 'stack' }, h('strong', {}, name), bar, words);
    running.prepend(card);
    guarded(async () => {
      try {
        const model = await work((done, total) => {
          words.textContent = total > 0 ? `${bytes(done)} of ${bytes(total)}` : bytes(done);
          if (total > 0) bar.value = done / total;
          else bar.removeAttribute('value');
        });
        card.remove();
        toast(`${model} is there`);
        await added();
      } catch (error) {
        bar.remove();
        replace(words, h('span', { class: 'error' }, error.message));
      }
    })();
  }

  async function fetchFrom() {
    const address = url.value.trim();
    const { import: id } = await post('imports', { url: address, sha256: sha256.value.trim() || null });
    url.value = '';
    sha256.value = '';
    follow(address.split('/').pop(), async (tell) => {
      for (;;) {
        const state = await get(`imports/${id}`);
        if (state.state === 'succeeded') return state.model;
        if (state.state === 'failed') throw new Error(state.error);
        tell(state.done, state.total);
        await new Promise((resolve) => setTimeout(resolve, 700));
      }
    });
  }

  return h('details', { class: 'add-model' }, h('summary', {}, 'Add models'),
    h('div', { class: 'stack' },
      file, h('label', { class: 'zone', for: 'model-files' }, 'Choose model files of this device'),
      h('div', { class: 'row' }, h('div', { class: 'grow' }, url), h('div', { class: 'grow' }, sha256), h('button', { type: 'button', onclick: guarded(fetchFrom) }, 'Fetch')),
      running));
}

/** @returns the name that the model has there */
async function upload(file, tell) {
  const name = btoa(String.fromCharCode(...new TextEncoder().encode(file.name)));
  const begun = await send('/api/v1/uploads', 'POST', { 'Upload-Length': file.size, 'Upload-Metadata': `filename ${name}` });
  const place = begun.headers.get('Location');
  let offset = 0;
  let failures = 0;
  while (true) {
    try {
      const answer = await send(place, 'PATCH', { 'Upload-Offset': offset, 'Content-Type': 'application/offset+octet-stream' }, file.slice(offset, offset + PIECE));
      offset = Number(answer.headers.get('Upload-Offset'));
      failures = 0;
      tell(offset, file.size);
      if (offset >= file.size) return answer.headers.get('Upload-Model') ?? file.name;
    } catch (error) {
      failures += 1;
      // what the server says is final; what the network does is tried again
      if (error.status || failures > MOST_RETRIES) throw error;
      await new Promise((resolve) => setTimeout(resolve, 1000 * failures));
      offset = Number((await send(place, 'HEAD', {})).headers.get('Upload-Offset'));
    }
  }
}

async function send(place, method, headers, body) {
  const response = await fetch(place, { method, headers: { ...TUS, ...headers }, body });
  if (!response.ok) {
    const answer = await response.json().catch(() => ({}));
    throw Object.assign(new Error(answer.error || `The server says ${response.status}`), { status: response.status });
  }
  return response;
}
