// Two or more models become one: the fields of AUTOMATIC1111's Checkpoint Merger, and how the result would draw.
import { choices, post, watch } from './api.js';
import { blockWeights, weightsOrPreset, weightsText } from './blocks.js';
import { bytes, copy, debounce, guarded, h, replace, toast } from './dom.js';
import { icon } from './icons.js';
import { grid } from './merge-grid.js';
import { methodCard } from './method.js';
import { PRECISIONS } from './model-details.js';
import { modelPicker } from './picker.js';
import { progressBar, progressText } from './stage.js';
import { check, segments, select, slider, store, text } from './store.js';
import { settings as create } from './settings.js';

const merging = store('atelier.merge', {
  primary: '', secondary: '', tertiary: '', more: '', method: 'weighted-sum', multiplier: 0.3, parameters: {}, useBlocks: false,
  preset: 'GRAD_V', weights: null, prune: false, precision: '', bakeVae: '', discard: '', name: '', format: 'safetensors',
  saveMetadata: true, addRecipe: true, copyMetadata: true, metadata: '{}', configSource: 'A, B or C', overwrite: false,
});

/** The body of POST /api/v1/merges. */
function mergeRequest(about) {
  const s = merging.all();
  const method = about.methods.find((candidate) => candidate.name === s.method);
  let metadata = null;
  if (s.saveMetadata && s.metadata.trim() && s.metadata.trim() !== '{}') {
    try {
      metadata = JSON.parse(s.metadata);
    } catch {
      throw new Error('Metadata in JSON format is no JSON.');
    }
  }
  return {
    primary: s.primary, secondary: s.secondary, tertiary: needsC(method) ? s.tertiary : null,
    more: takesMore(method) ? s.more.split('\n').filter((line) => line.trim()) : null,
    method: s.method, multiplier: s.multiplier, parameters: s.parameters[s.method] ?? null,
    blocks: s.useBlocks && method?.multiplier ? weightsOrPreset() : null,
    prune: s.prune, precision: s.precision || null, bakeVae: s.bakeVae || null, discard: s.discard || null,
    name: s.name || null, format: s.format, copyMetadata: s.saveMetadata && s.copyMetadata, addRecipe: s.saveMetadata && s.addRecipe,
    metadata, configSource: s.configSource, overwrite: s.overwrite,
  };
}

const needsC = (method) => Boolean(method) && (method.inputs.length > 2 || takesMore(method));
const takesMore = (method) => Boolean(method) && method.models.endsWith('or more');

export async function screen() {
  const about = await choices();
  const expression = h('code', { class: 'expression' });
  const facts = h('p', { class: 'plan' });
  const progress = h('div', { class: 'panel merge-job', hidden: true });
  const save = h('button', { type: 'button', class: 'primary', onclick: guarded(start) }, 'Merge');
  const preview = grid(() => mergeRequest(about), choose);

  const picker = (name, label, options) => modelPicker(merging, name, label, { plain: true, ...options });
  const b = picker('secondary', 'Secondary model (B)');
  const c = picker('tertiary', 'Tertiary model (C)');
  const more = text(merging, 'more', 'Further models, one a line', { rows: 2 });
  const swap = h('button', { type: 'button', class: 'icon-button', title: 'Swap A and B', 'aria-label': 'Swap A and B',
    onclick: () => merging.set({ primary: merging.get('secondary'), secondary: merging.get('primary') }) }, icon('swap'));
  const multiplier = slider(merging, 'multiplier', 'Multiplier (M), 0 means model A', { min: 0, max: 1, step: 0.05 });
  const blocks = blockWeights(merging, about);
  const card = h('div');

  const form = h('div', { class: 'merge-form' },
    h('div', { class: 'pair-swap' }, h('div', { class: 'grow stack' }, picker('primary', 'Primary model (A)'), b), swap), c, more,
    methodSelect(about), card, multiplier, blocks,
    h('fieldset', {}, h('legend', {}, 'Saving'),
      text(merging, 'name', 'Custom Name (Optional)', { placeholder: 'made of the models\u2019 names' }),
      h('div', { class: 'pair' },
        h('div', { class: 'field' }, h('span', { class: 'legend' }, 'Checkpoint format'), segments(merging, 'format', 'Checkpoint format', ['ckpt', 'safetensors'])),
        select(merging, 'precision', 'Save as', PRECISIONS)),
      picker('bakeVae', 'Bake in VAE', { kind: '', placeholder: 'None' }),
      select(merging, 'configSource', 'Copy config from', ['A, B or C', 'B', 'C', 'Don\u2019t'].map((label) => ({ label, value: label.replace('\u2019', '\'') }))),
      text(merging, 'discard', 'Discard weights with matching name', { placeholder: 'a regular expression, e.g. model_ema' }),
      h('div', { class: 'row' }, check(merging, 'prune', 'Prune', 'Drop EMA copies and what training leaves behind'), check(merging, 'overwrite', 'Overwrite a file of that name'))),
    h('details', {}, h('summary', {}, 'Metadata'),
      h('div', { class: 'stack' },
        check(merging, 'saveMetadata', 'Save metadata'), check(merging, 'addRecipe', 'Add merge recipe metadata'), check(merging, 'copyMetadata', 'Copy metadata from merged models'),
        text(merging, 'metadata', 'Metadata in JSON format', { rows: 4 }),
        h('div', { class: 'row' }, h('button', { type: 'button', onclick: guarded(async () => {
          const { metadata } = await post('merges/metadata', mergeRequest(about));
          merging.set({ metadata: JSON.stringify(metadata, null, 4) });
        }) }, 'Read metadata from selected checkpoints')))));

  const element = h('div', { class: 'merge' },
    form,
    h('div', { class: 'merge-result' },
      h('section', { class: 'panel stack', 'aria-label': 'Result' },
        h('div', { class: 'row' }, h('h2', { class: 'grow' }, 'Result'),
          h('button', { type: 'button', class: 'quiet', title: 'Copy the expression', onclick: () => copy(expression.textContent) }, icon('copy'), 'Copy'),
          h('button', { type: 'button', onclick: () => {
            create.set({ model: expression.textContent });
            location.hash = 'create';
          } }, icon('picture'), 'Draw with it')),
        expression, facts, h('div', { class: 'row' }, save)),
      progress, preview.element));

  const plan = debounce(async () => {
    if (!merging.get('primary').trim()) {
      say('', 'Choose the models. What they would make is shown here, and nothing is written until you press Merge.', false);
      return;
    }
    try {
      const answer = await post('merges/plan', mergeRequest(about));
      expression.textContent = answer.expression;
      replace(facts, h('strong', { class: 'mono' }, answer.file), ` ${answer.label}, ${answer.tensors} tensors, ${bytes(answer.bytes)}; ${bytes(answer.free)} are free.`,
        answer.exists ? h('span', { class: 'warning' }, ' A file of that name exists.') : null,
        answer.warnings.map((warning) => h('span', { class: 'warning' }, ` ${warning}`)));
      facts.className = 'plan';
      save.disabled = answer.exists && !merging.get('overwrite');
      preview.ready(true, answer.nativeSize);
    } catch (error) {
      say('', error.message, true);
    }
  }, 250);

  function say(shown, message, failed) {
    expression.textContent = shown;
    facts.textContent = message;
    facts.className = failed ? 'plan error' : 'plan';
    save.disabled = true;
    preview.ready(false);
  }

  async function start() {
    save.disabled = true;
    const { job, file } = await post('merges', mergeRequest(about));
    follow(job, file);
  }

  function follow(job, file) {
    const bar = progressBar(`Progress of ${file}`);
    const words = h('span', { class: 'grow' }, 'Waiting');
    const cancel = h('button', { type: 'button', class: 'danger', onclick: guarded(() => post(`jobs/${job}/cancel`)) }, 'Cancel');
    replace(progress, h('strong', { class: 'mono' }, file), bar, h('div', { class: 'row' }, words, cancel));
    progress.hidden = false;
    watch(job, (update) => {
      if (update.state === 'queued' || update.state === 'running') {
        bar.value = update.progress.fraction;
        words.textContent = progressText(update);
        return;
      }
      cancel.remove();
      bar.value = update.state === 'succeeded' ? 1 : 0;
      if (update.state === 'succeeded') {
        replace(words, `Checkpoint saved to ${update.result.file} `, update.result.model ? h('a', { href: `#models/${update.result.model}` }, 'Show') : null);
        toast(`${file} is saved`);
      } else {
        replace(words, update.state === 'failed' ? update.error : 'Cancelled; nothing was written');
      }
      plan();
    });
  }

  /** A cell of the grid. */
  function choose(m) {
    if (merging.get('useBlocks')) merging.set({ preset: '', weights: weightsText().split(',').map((weight) => Number((Number(weight) * m).toFixed(4))) });
    else merging.set({ multiplier: m });
    toast(`M is ${m}`);
  }

  function refresh() {
    const method = about.methods.find((candidate) => candidate.name === merging.get('method'));
    b.hidden = !method;
    c.hidden = !needsC(method);
    more.hidden = !takesMore(method);
    multiplier.hidden = !method?.multiplier || merging.get('useBlocks');
    blocks.hidden = !method?.multiplier;
    replace(card, methodCard(method, merging));
  }

  merging.on((changes) => {
    if ('method' in changes || 'useBlocks' in changes) refresh();
    plan();
  });
  refresh();
  return {
    element,
    enter(name) {
      if (name) merging.set({ primary: name });
      plan();
    },
  };
}

function methodSelect(about) {
  const own = [{ value: 'none', label: 'No interpolation' }, { value: 'weighted-sum', label: 'Weighted sum' }, { value: 'add-difference', label: 'Add difference' }];
  const others = about.methods.filter((method) => !own.some((entry) => entry.value === method.name));
  const box = select(merging, 'method', 'Interpolation Method', []);
  const input = box.querySelector('select');
  input.append(
    h('optgroup', { label: 'Checkpoint Merger' }, own.map((entry) => h('option', { value: entry.value }, entry.label))),
    h('optgroup', { label: 'More methods' }, others.map((method) => h('option', { value: method.name }, method.name))));
  input.value = merging.get('method');
  return box;
}
