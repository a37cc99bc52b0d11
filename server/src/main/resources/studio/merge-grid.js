// The same picture of the merge at several M, before anything is written.
import { isFinal, post, watch } from './api.js';
import { guarded, h, replace } from './dom.js';
import { settings } from './settings.js';
import { progressBar, progressText } from './stage.js';
import { slider, store, text } from './store.js';

/** @param mergeRequest what is to be merged, as the body of POST /api/v1/merges */
export function grid(mergeRequest, onChoose) {
  const options = store('atelier.grid', { prompt: '', multipliers: '0, 0.25, 0.5, 0.75, 1', seed: -1, steps: 20 });
  if (!options.get('prompt')) options.set({ prompt: settings.get('prompt') });
  const cells = h('div', { class: 'cells' });
  const run = h('button', { type: 'button', class: 'primary', onclick: guarded(draw) }, 'Preview');
  const stop = h('button', { type: 'button', class: 'danger', hidden: true, onclick: guarded(cancel) }, 'Cancel');
  let running = new Set();
  let side = 512;

  const element = h('section', { class: 'panel stack', 'aria-label': 'Preview' },
    h('div', {}, h('h2', {}, 'Preview over M'), h('small', {}, 'Virtual merges: they draw straight from the models, and nothing is written. The other settings are those of Create.')),
    text(options, 'prompt', 'Prompt', { rows: 2 }),
    h('div', { class: 'pair' }, text(options, 'multipliers', 'Values of M'), slider(options, 'steps', 'Sampling steps', { min: 1, max: 60 })),
    h('div', { class: 'row' }, run, stop), cells);

  function multipliers() {
    const values = options.get('multipliers').split(/[\s,;]+/).filter(Boolean).map(Number);
    if (!values.length || values.some(Number.isNaN)) throw new Error('Values of M are numbers, such as 0, 0.5, 1.');
    return values;
  }

  async function draw() {
    await cancel();
    const values = multipliers();
    const s = settings.all();
    const picture = {
      prompt: options.get('prompt'), negativePrompt: s.negativePrompt, sampler: s.sampler, scheduler: s.scheduler, steps: options.get('steps'),
      cfgScale: s.cfgScale, seed: s.seed, width: side, height: side, clipSkip: s.clipSkip,
    };
    const answer = await post('merges/grid', { merge: mergeRequest(), picture, multipliers: values });
    replace(cells, answer.cells.map((cell, i) => follow(cell, values[i])));
  }

  function follow(cell, m) {
    const image = h('img', { alt: `Picture at M = ${m}`, hidden: true });
    const bar = progressBar(`Progress at M = ${m}`);
    const words = h('small', {}, 'Waiting');
    const frame = h('div', { class: 'cell-frame' }, image, h('div', { class: 'cell-wait' }, bar, words));
    const element = h('figure', { class: 'cell', title: cell.expression }, frame,
      h('figcaption', {}, h('strong', {}, `M = ${m}`), h('button', { type: 'button', class: 'quiet', onclick: () => onChoose(m) }, 'Use')));
    let preview = 0;
    running.add(cell.job);
    stop.hidden = false;
    watch(cell.job, (job) => {
      if (!isFinal(job.state)) {
        words.textContent = progressText(job);
        if (job.progress.fraction) bar.value = job.progress.fraction;
        if (job.progress.previews > preview) {
          preview = job.progress.previews;
          image.src = `/api/v1/jobs/${job.id}/preview?n=${preview}`;
          image.hidden = false;
        }
        return;
      }
      running.delete(cell.job);
      stop.hidden = running.size === 0;
      bar.remove();
      words.textContent = job.state === 'failed' ? job.error : job.state === 'cancelled' ? 'Cancelled' : '';
      if (job.images?.[0]) {
        image.src = job.images[0].url;
        image.hidden = false;
      }
    });
    return element;
  }

  async function cancel() {
    const all = [...running];
    running = new Set();
    stop.hidden = true;
    await Promise.all(all.map((job) => post(`jobs/${job}/cancel`)));
  }

  return { element, ready(can, nativeSize) {
    run.disabled = !can;
    side = nativeSize ?? side;
  } };
}
