// All that is known of one model.
import { get, isFinal, post, watch } from './api.js';
import { cover } from './cover.js';
import { ago, bytes, copy, debounce, guarded, h, replace, toast } from './dom.js';
import { icon } from './icons.js';
import { spelled } from './picker.js';
import { settings } from './settings.js';
import { progressBar, progressText } from './stage.js';
import { check, select, store, text } from './store.js';

export const PRECISIONS = [
  { value: '', label: 'As it is' }, { value: 'fp16', label: 'float16 (half)' }, { value: 'bf16', label: 'bfloat16' },
  { value: 'fp32', label: 'float32' }, { value: 'fp8_e4m3fn', label: 'float8 e4m3' }, { value: 'fp8_e5m2', label: 'float8 e5m2' },
];

const PARTS = [
  { value: '', label: 'All of it' }, { value: 'only-unet', label: 'The UNet' }, { value: 'only-vae', label: 'The VAE' }, { value: 'only-text-encoder', label: 'The text encoders' },
];

export function details(model, { close, changed }) {
  return [
    h('header', { class: 'model-head' },
      cover(model),
      h('div', { class: 'grow' }, h('h1', {}, model.metadata['modelspec.title'] || model.stem), h('p', {}, model.label),
        h('p', { class: 'row' }, h('span', { class: 'tag' }, model.kind), model.dtypes.split(', ').filter(Boolean).map((dtype) => h('span', { class: 'tag' }, dtype)))),
      h('button', { type: 'button', class: 'icon-button quiet', 'aria-label': 'Close', title: 'Close (Esc)', onclick: close }, icon('close'))),
    model.problem ? h('p', { class: 'error' }, model.problem) : null,
    actions(model, changed),
    compatibility(model),
    h('section', {}, h('h2', {}, 'File'), facts([
      ['Name', h('span', { class: 'mono' }, model.name)],
      ['Size', `${bytes(model.size)}, ${model.tensors} tensors`],
      ['Changed', ago(model.modified)],
      ['Weights', model.weights],
      ['Predicts', model.prediction],
      ['Draws best at', model.nativeSize ? `${model.nativeSize} × ${model.nativeSize}` : null],
      ['AutoV1', model.autoV1 && hash(model.autoV1)],
      ['AutoV2', model.shortHash ? hash(model.shortHash) : h('button', { type: 'button', class: 'quiet', onclick: guarded(async () => {
        toast('The file is being read');
        await post(`models/${model.id}/hash`);
        changed();
      }) }, 'Compute')],
      ['SHA-256', model.sha256 && hash(model.sha256)],
      ['AutoV3', model.autoV3 && hash(model.autoV3)],
    ])),
    model.parts?.length ? h('section', {}, h('h2', {}, 'Parts'), h('table', {},
      h('thead', {}, h('tr', {}, ['Part', 'Tensors', 'Size', 'Types'].map((name) => h('th', { scope: 'col' }, name)))),
      h('tbody', {}, model.parts.map((part) => h('tr', {}, h('td', {}, part.name), h('td', {}, part.tensors), h('td', {}, bytes(part.bytes)), h('td', {}, part.dtypes)))))) : null,
    model.lineage ? h('section', {}, h('h2', {}, 'Lineage'), lineage(model.lineage)) : null,
    model.problem ? null : conversion(model),
    metadata(model),
    model.parts?.length ? tensors(model) : null,
  ];
}

function facts(entries) {
  return h('dl', { class: 'facts' }, entries.filter(([, value]) => value).map(([name, value]) => [h('dt', {}, name), h('dd', {}, value)]).flat());
}

function hash(text) {
  return h('button', { type: 'button', class: 'mono copyable', title: 'Copy', onclick: () => copy(text) }, text);
}

function actions(model, changed) {
  if (model.problem) return null;
  const name = spelled(model.name);
  const use = (label, expression) => h('button', { type: 'button', onclick: () => {
    settings.set({ model: expression });
    location.hash = 'create';
  } }, icon('picture'), label);
  const base = () => settings.get('model').trim() || model.companion;
  const buttons = [];
  if (model.kind === 'checkpoint') buttons.push(use('Draw with it', model.name), h('a', { class: 'button', href: `#merge/${encodeURIComponent(model.name)}` }, icon('swap'), 'Merge it'));
  if (model.kind === 'lora' && base()) buttons.push(use('Try it', `lora(${spelled(base())}, ${name}:0.8)`));
  if (model.kind === 'vae' && base()) buttons.push(use('Try it', `${spelled(base())}.vae(${name})`));
  const file = h('input', { type: 'file', accept: 'image/*', class: 'visually-hidden', id: `cover-${model.id}`, onchange: guarded(async () => {
    await post(`models/${model.id}/cover`, file.files[0]);
    changed();
  }) });
  return h('div', { class: 'row' }, buttons, file, h('label', { class: 'button', for: file.id }, icon('star'), model.cover ? 'Other cover' : 'Set cover'));
}

function compatibility(model) {
  if (!model.notes.length && !model.goesWith.length) return null;
  return h('section', {}, h('h2', {}, 'Needs and goes with'),
    h('ul', { class: 'notes' }, model.notes.map((note) => h('li', {}, note))),
    h('div', { class: 'row' }, model.goesWith.map((entry) => h('span', { class: 'tag' }, `${entry.count}${entry.more ? '+' : ''} ${entry.what}`))));
}

/** A tree: how the file was made, and of it how its inputs were. */
export function lineage(step) {
  return h('div', { class: 'lineage' },
    h('div', {}, h('code', {}, step.expression || 'no formula'), ' ', h('small', {}, step.program)),
    h('ul', {}, step.inputs.map((input) => h('li', {},
      h('span', { class: 'tag' }, input.name), ' ',
      input.model ? h('a', { href: `#models/${input.model}` }, input.file || 'known here') : h('span', {}, input.file || 'name unknown'), ' ',
      h('small', { class: 'mono' }, input.sha256.slice(0, 10)),
      input.step ? lineage(input.step) : null))));
}

/** Another form of it, as a job. */
function conversion(model) {
  const wanted = store(null, { part: '', ema: false, prune: false, precision: '', format: 'safetensors', name: `${model.name.replace(/\.[^.]+$/, '')}-converted` });
  const words = h('span', { class: 'grow' });
  const bar = progressBar('Progress of the conversion');
  bar.hidden = true;
  const start = guarded(async () => {
    const s = wanted.all();
    const steps = [s.ema && 'ema', s.prune && 'prune', s.part, s.precision].filter(Boolean);
    const { job, file } = await post('conversions', { model: model.name, steps, name: s.name, format: s.format });
    bar.hidden = false;
    watch(job, (update) => {
      bar.value = update.progress?.fraction ?? 0;
      bar.hidden = isFinal(update.state);
      words.textContent = update.state === 'succeeded' ? `${file} is saved` : update.state === 'failed' ? update.error : progressText(update);
    });
  });
  return h('details', {}, h('summary', {}, 'Convert'), h('div', { class: 'stack' },
    h('div', { class: 'pair' }, select(wanted, 'precision', 'Precision', PRECISIONS), select(wanted, 'part', 'What', PARTS)),
    h('div', { class: 'row' }, check(wanted, 'prune', 'Prune'), check(wanted, 'ema', 'EMA weights in place of the trained ones')),
    h('div', { class: 'pair' }, text(wanted, 'name', 'Name'), select(wanted, 'format', 'Checkpoint format', ['safetensors', 'ckpt'])),
    bar, h('div', { class: 'row' }, words, h('button', { type: 'button', onclick: start }, 'Convert'))));
}

function metadata(model) {
  const entries = Object.entries(model.metadata);
  if (!entries.length) return null;
  return h('details', { open: entries.length < 12 }, h('summary', {}, `Metadata, ${entries.length} ${entries.length === 1 ? 'entry' : 'entries'}`),
    h('dl', { class: 'facts metadata' }, entries.map(([name, value]) => [h('dt', { class: 'mono' }, name), h('dd', {}, value)]).flat()));
}

function tensors(model) {
  const body = h('tbody');
  const more = h('button', { type: 'button', class: 'quiet', hidden: true, onclick: () => load(false) }, 'More');
  const search = h('input', { type: 'search', placeholder: 'Part of a name', 'aria-label': 'Search tensors', oninput: debounce(() => load(true), 150) });
  let offset = 0;
  const load = guarded(async (fresh) => {
    if (fresh) {
      offset = 0;
      replace(body);
    }
    const page = await get(`models/${model.id}/tensors?${new URLSearchParams({ q: search.value, offset })}`);
    body.append(...page.tensors.map((tensor) => h('tr', {}, h('td', { class: 'mono' }, tensor.name), h('td', {}, tensor.dtype), h('td', { class: 'mono' }, `[${tensor.shape.join(', ')}]`))));
    offset += page.tensors.length;
    more.hidden = offset >= page.total;
  });
  const box = h('details', { ontoggle: () => box.open && offset === 0 && load(true) }, h('summary', {}, 'Tensors'), search,
    h('div', { class: 'scroll' }, h('table', {}, h('thead', {}, h('tr', {}, ['Name', 'Type', 'Shape'].map((name) => h('th', { scope: 'col' }, name)))), body)), more);
  return box;
}
