// A LoRA or a DreamBooth from pictures that are dropped in.
import { get, isFinal, onJobs, post, watch } from './api.js';
import { guarded, h, replace, toast } from './dom.js';
import { icon } from './icons.js';
import { lossCurve } from './loss.js';
import { modelPicker, spelled } from './picker.js';
import { settings } from './settings.js';
import { progressBar, progressText } from './stage.js';
import { check, number, segments, select, slider, store, text } from './store.js';

const METHODS = [{ value: 'lora', label: 'LoRA' }, { value: 'dreambooth', label: 'DreamBooth' }];
const RATES = { lora: ['1e-3', '5e-4', '1e-4', '5e-5'], dreambooth: ['1e-5', '5e-6', '2e-6', '1e-6'] };

export async function screen() {
  const plan = store('atelier.train', {
    method: 'lora', model: '', name: '', instancePrompt: '', classPrompt: '', classPictures: 50, steps: 400, batch: 1, rateOf: { lora: '1e-4', dreambooth: '5e-6' },
    rank: 16, resolution: 512, sizeOf: null, textEncoder: true, mirror: false, samplePrompt: '', seed: -1,
  });
  let pictures = [];
  const shelf = h('div', { class: 'train-pictures' });
  const input = h('input', { type: 'file', accept: 'image/*', multiple: true, class: 'visually-hidden', id: 'train-files', onchange: guarded(async () => {
    await add([...input.files]);
    input.value = '';
  }) });
  const zone = h('label', { class: 'zone', for: 'train-files' }, icon('picture'), 'Choose or drop pictures of what is to be learnt, five to thirty');
  const start = h('button', { type: 'button', class: 'primary', onclick: guarded(train) }, 'Start training');
  const rank = slider(plan, 'rank', 'Network rank', { min: 1, max: 128, hint: 'The size of the LoRA' });
  const rates = h('div');
  const prior = h('div', { class: 'stack' },
    text(plan, 'classPrompt', 'Class prompt', { placeholder: 'a photo of a dog', hint: 'Optional: what the model is to keep drawing as before (prior preservation)' }),
    number(plan, 'classPictures', 'Class pictures', { min: 1, max: 1000 }));
  const result = h('div', { class: 'merge-result' });
  const form = h('div', { class: 'merge-form' },
    segments(plan, 'method', 'What to train', METHODS),
    modelPicker(plan, 'model', 'Base model', { placeholder: 'the first model', onCheck: (answer) => {
      if (!answer || plan.get('sizeOf') === plan.get('model')) return;
      plan.set({ resolution: answer.nativeSize, sizeOf: plan.get('model') });
    } }),
    h('div', { class: 'stack drop' }, input, zone, shelf),
    text(plan, 'instancePrompt', 'Instance prompt', { placeholder: 'a photo of sks dog', hint: 'What the pictures show, with a rare word for the one that is new. A picture with a caption of its own has that instead.' }),
    prior,
    text(plan, 'name', 'Name', { placeholder: 'my-style' }),
    h('fieldset', {}, h('legend', {}, 'Course'),
      slider(plan, 'steps', 'Training steps', { min: 10, max: 4000, step: 10 }), rates, rank,
      h('div', { class: 'pair' }, number(plan, 'batch', 'Batch size', { min: 1, max: 16 }), number(plan, 'resolution', 'Resolution', { min: 64, max: 2048, step: 8 })),
      h('div', { class: 'row' }, check(plan, 'textEncoder', 'Train text encoder'), check(plan, 'mirror', 'Mirror pictures')),
      text(plan, 'samplePrompt', 'Sample prompt', { placeholder: 'drawn now and then, to look at' })),
    start);
  const element = h('div', { class: 'merge train' }, form, result);

  async function add(files) {
    for (const file of files.filter((candidate) => candidate.type.startsWith('image/'))) pictures.push({ image: await reduced(file, plan.get('resolution')), caption: '', name: file.name });
    show();
  }

  function show() {
    replace(shelf, pictures.map((picture, i) => h('figure', {},
      h('img', { src: picture.image, alt: picture.name }),
      h('input', { type: 'text', placeholder: 'caption', 'aria-label': `Caption of ${picture.name}`, value: picture.caption, oninput: (event) => { picture.caption = event.target.value; } }),
      h('button', { type: 'button', class: 'icon-button', 'aria-label': `Remove ${picture.name}`, title: 'Remove', onclick: () => {
        pictures = pictures.filter((_, j) => j !== i);
        show();
      } }, icon('close')))));
  }

  async function train() {
    const s = plan.all();
    if (!pictures.length) throw new Error('Choose pictures first.');
    const { job } = await post('trainings', {
      model: s.model || null, method: s.method, name: s.name, instancePrompt: s.instancePrompt,
      classPrompt: s.method === 'dreambooth' ? s.classPrompt : null, classPictures: s.classPictures, steps: s.steps, batch: s.batch,
      rate: Number(s.rateOf[s.method]), rank: s.rank, textEncoder: s.textEncoder, resolution: s.resolution, mirror: s.mirror,
      samplePrompts: s.samplePrompt ? [s.samplePrompt] : [], seed: s.seed,
      pictures: pictures.map(({ image, caption }) => ({ image, caption: caption || null })),
    });
    toast('The training is queued');
    follow(await get(`jobs/${job}`));
    result.scrollIntoView({ block: 'nearest', behavior: 'smooth' });
  }

  const followed = new Set();
  function follow(job) {
    if (followed.has(job.id)) return;
    followed.add(job.id);
    const card = trainingCard(job);
    result.querySelector('.placeholder')?.remove();
    result.prepend(card.element);
    watch(job.id, card.update);
  }

  function refresh() {
    const method = plan.get('method');
    prior.hidden = method !== 'dreambooth';
    rank.hidden = method !== 'lora';
    const rate = store(null, { rate: plan.get('rateOf')[method] });
    rate.on((changes) => plan.set({ rateOf: { ...plan.get('rateOf'), [method]: changes.rate } }));
    replace(rates, select(rate, 'rate', 'Learning rate', RATES[method]));
  }

  const onDragOver = (event) => {
    event.preventDefault();
    element.classList.add('dropping');
  };
  const onDragEnd = () => element.classList.remove('dropping');
  const onDrop = (event) => {
    event.preventDefault();
    onDragEnd();
    guarded(add)([...event.dataTransfer.files]);
  };
  const handlers = { dragover: onDragOver, dragleave: onDragEnd, drop: onDrop };

  plan.on((changes) => 'method' in changes && refresh());
  onJobs((job) => job.kind === 'train' && !isFinal(job.state) && !followed.has(job.id) && get(`jobs/${job.id}`).then(follow, () => {}));
  refresh();
  return {
    element,
    async enter() {
      Object.entries(handlers).forEach(([name, handler]) => document.addEventListener(name, handler));
      const { jobs } = await get('jobs?kind=train&limit=6');
      jobs.reverse().forEach(follow);
      if (!followed.size) replace(result, h('div', { class: 'placeholder' }, icon('picture'), h('p', {}, 'The loss curve and samples of a training appear here.')));
    },
    leave: () => Object.entries(handlers).forEach(([name, handler]) => document.removeEventListener(name, handler)),
  };
}

/** A training with its curve and samples. */
function trainingCard(first) {
  let job = first;
  let asked = 0;
  const bar = progressBar(`Progress of ${job.request.file}`);
  const words = h('span', { class: 'grow' });
  const cancel = h('button', { type: 'button', class: 'danger', onclick: guarded(() => post(`jobs/${job.id}/cancel`)) }, 'Cancel');
  const use = h('div', { class: 'row' });
  const curve = lossCurve();
  const samples = h('div', { class: 'cells' });
  const element = h('section', { class: 'panel stack', 'aria-label': `Training of ${job.request.file}` },
    h('div', { class: 'row' }, h('h2', { class: 'grow mono' }, job.request.file), cancel),
    h('small', {}, `${job.request.method.toLowerCase()} of ${job.request.model}, ${job.request.pictures.length} ${job.request.pictures.length === 1 ? 'picture' : 'pictures'}, ${job.request.steps} steps`),
    bar, words, curve.element, samples, use);

  async function report() {
    asked = Date.now();
    const { losses, samples: names } = await get(`jobs/${job.id}/training`);
    curve.show(losses, job.request.steps);
    replace(samples, names.map((name) => h('figure', { class: 'cell' }, h('div', { class: 'cell-frame' }, h('img', { src: `/api/v1/jobs/${job.id}/training/${name}`, alt: `Sample at ${caption(name)}`, loading: 'lazy' })), h('figcaption', {}, caption(name)))));
  }

  const caption = (name) => name.replace(/^step-0*(\d+)-.*$/, 'step $1');

  function update(news) {
    job = { ...job, ...news };
    const over = isFinal(job.state);
    cancel.hidden = over;
    if (job.state === 'running') bar.value = job.progress.fraction;
    bar.hidden = over;
    words.textContent = job.state === 'succeeded' ? `Saved to ${job.result?.file ?? job.request.file}` : job.state === 'failed' ? job.error : job.state === 'cancelled' ? 'Cancelled' : progressText(job);
    words.className = job.state === 'failed' ? 'grow error' : 'grow';
    if (job.state === 'succeeded') {
      const file = spelled(job.request.file);
      const expression = job.request.method === 'LORA' ? `lora(${spelled(job.request.model)}, ${file}:1)` : job.request.file;
      replace(use, h('button', { type: 'button', onclick: () => {
        settings.set({ mode: 'txt2img', model: expression, prompt: job.request.samplePrompts[0] ?? job.request.instancePrompt });
        location.hash = 'create';
      } }, icon('picture'), 'Draw with it'), job.result?.model ? h('a', { class: 'button', href: `#models/${job.result.model}` }, 'Show') : null);
    }
    if (over || Date.now() - asked > 1200) guarded(report)();
  }

  return { element, update };
}

/** No larger than is learnt from, so that thirty pictures of a camera fit into a request. */
async function reduced(file, resolution) {
  const bitmap = await createImageBitmap(file);
  const scale = Math.min(1, (2 * resolution) / Math.max(bitmap.width, bitmap.height));
  const canvas = h('canvas', { width: Math.max(1, Math.round(bitmap.width * scale)), height: Math.max(1, Math.round(bitmap.height * scale)) });
  const pen = canvas.getContext('2d');
  pen.imageSmoothingQuality = 'high';
  pen.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  return canvas.toDataURL('image/png');
}
