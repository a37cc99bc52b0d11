// txt2img, img2img and inpainting.
import { choices, get, isFinal, onJobs, post, watch } from './api.js';
import { guarded, h, toast } from './dom.js';
import { gallery } from './gallery.js';
import { icon } from './icons.js';
import { maskEditor } from './mask.js';
import { modelPicker } from './picker.js';
import { emphasize } from './prompt.js';
import { adopt, pictures, request, settings } from './settings.js';
import { stage } from './stage.js';
import { check, number, segments, select, slider, text } from './store.js';

const MODES = [
  { value: 'txt2img', label: 'txt2img' },
  { value: 'img2img', label: 'img2img' },
  { value: 'inpaint', label: 'Inpaint' },
];

export async function screen() {
  const isNew = settings.get('sizeOf') === null;
  const [about, model] = await Promise.all([choices(), isNew ? post('models/check', { model: settings.get('model') }).catch(() => null) : null]);
  if (model) adoptSize(model.nativeSize, model.name ?? settings.get('model'));
  const editor = maskEditor();
  pictures.mask = () => editor.mask();

  const prompt = text(settings, 'prompt', 'Prompt', { rows: 3, placeholder: 'What is to be seen', spellcheck: 'true' });
  const negative = text(settings, 'negativePrompt', 'Negative prompt', { rows: 2, placeholder: 'What is not', spellcheck: 'true' });
  for (const area of [prompt, negative]) area.querySelector('textarea').addEventListener('keydown', emphasize);
  const button = h('button', { type: 'button', class: 'primary generate', title: 'Ctrl+Enter', onclick: () => generate() }, 'Generate');

  const picker = modelPicker(settings, 'model', 'Model or expression', {
    placeholder: 'name, or 0.7*name + 0.3*other',
    onCheck: (answer) => answer && adoptSize(answer.nativeSize, answer.name ?? settings.get('model')),
  });

  const start = startPicture(editor);
  const view = stage(actions);
  const shelf = gallery((picture) => view.choose(picture));

  const element = h('div', { class: 'create' },
    h('div', { class: 'prompting' },
      segments(settings, 'mode', 'Mode', MODES), prompt, negative, button),
    h('div', { class: 'showing' }, view.element, shelf.element),
    h('div', { class: 'setting' },
      picker, start, imageSettings(), sampling(about), hires(about), more(about)));

  /** Everybody's first picture has the size that the model was trained on, until they choose another. */
  function adoptSize(side, name) {
    if (settings.get('sizeOf') === name) return;
    settings.set({ width: side, height: side, sizeOf: name });
  }

  const generate = guarded(async () => {
    const body = request();
    button.disabled = true;
    try {
      const { job } = await post('pictures', body);
      shelf.forget();
      watch(job, (update) => {
        const other = view.job() && view.job().id !== update.id;
        if (!other && (!shelf.chosen() || isFinal(update.state))) view.follow(update);
        ended(update, true);
      });
    } finally {
      button.disabled = false;
    }
  });

  function ended(job, own) {
    if (job.state === 'succeeded' && job.images) shelf.add(job, own && !shelf.chosen());
    else if (isFinal(job.state)) {
      if (own && job.state === 'cancelled') toast('Cancelled');
      if (!view.job() && !shelf.first()) view.clear();
    }
  }

  function actions(picture) {
    const action = (label, name, run) => h('button', { type: 'button', onclick: guarded(run) }, icon(name), label);
    return [
      action('Send to img2img', 'picture', () => send(picture, 'img2img')),
      action('Send to inpaint', 'brush', () => send(picture, 'inpaint')),
      action('Reuse settings', 'sliders', () => reuse(picture.infotext)),
      action('Reuse seed', 'recycle', () => settings.set({ seed: picture.seed })),
      picture.model && /\.(safetensors|ckpt)$/.test(picture.model) ? action('Use as cover', 'star', () => makeCover(picture)) : null,
      h('a', { class: 'button', href: picture.url, download: `${picture.seed}.png` }, icon('download'), 'Save'),
    ];
  }

  async function send(picture, mode) {
    pictures.start = await dataUrl(await (await fetch(picture.url)).blob());
    await adoptPicture(picture);
    settings.set({ mode, width: picture.width, height: picture.height });
    start.refresh();
    document.querySelector('.start')?.scrollIntoView({ block: 'nearest', behavior: 'smooth' });
  }

  /** The prompt goes along, as on AUTOMATIC1111's page; the seed does not. */
  async function adoptPicture(picture) {
    const { settings: other } = await post('infotext', picture.infotext);
    adopt({ ...other, seed: null, hires: null });
  }

  async function makeCover(picture) {
    const { models } = await get(`models?${new URLSearchParams({ q: picture.model, limit: 20 })}`);
    const model = models.find((candidate) => candidate.name === picture.model);
    if (!model) throw new Error(`${picture.model} is not in the catalog any more.`);
    await post(`models/${model.id}/cover`, await (await fetch(picture.url)).blob());
    toast(`The cover of ${model.stem}`);
  }

  async function reuse(infotext) {
    const { settings: other } = await post('infotext', infotext);
    adopt(other);
    toast('The settings are those of the picture');
  }

  const drop = guarded(async (file) => {
    if (!file.type.startsWith('image/')) throw new Error(`${file.name} is no picture`);
    try {
      const { settings: other } = await post('infotext', file);
      adopt(other);
      toast(`The settings are those of ${file.name || 'the picture'}`);
    } catch (error) {
      if (settings.get('mode') === 'txt2img') throw error;
    }
    if (settings.get('mode') !== 'txt2img') {
      pictures.start = await dataUrl(file);
      start.refresh();
    }
  });

  function onKey(event) {
    const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName);
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      generate();
    } else if (event.key === 'Escape' && view.job()) {
      guarded(view.cancel)();
    } else if (!typing && !event.altKey && (event.key === 'ArrowLeft' || event.key === 'ArrowRight') && event.target.getAttribute('role') !== 'radio') {
      guarded(shelf.move)(event.key === 'ArrowRight' ? 1 : -1);
    }
  }
  const onDragOver = (event) => {
    event.preventDefault();
    element.classList.add('dropping');
  };
  const onDragEnd = () => element.classList.remove('dropping');
  const onDrop = (event) => {
    event.preventDefault();
    onDragEnd();
    if (event.dataTransfer.files[0]) drop(event.dataTransfer.files[0]);
  };
  const onPaste = (event) => {
    const file = [...event.clipboardData.files].find((item) => item.type.startsWith('image/'));
    if (file) drop(file);
  };
  const handlers = { keydown: onKey, dragover: onDragOver, dragleave: onDragEnd, drop: onDrop, paste: onPaste };

  // also pictures that others, or this page before it was reloaded, have asked for
  onJobs((job) => {
    if (job.kind !== 'generate') return;
    const followed = view.job()?.id === job.id;
    if (followed || (!isFinal(job.state) && !shelf.chosen() && !view.job())) view.follow(job);
    ended(job, false);
  });
  await guarded(shelf.load)();
  if (!view.job()) shelf.first();

  return {
    element,
    enter: () => Object.entries(handlers).forEach(([name, handler]) => document.addEventListener(name, handler)),
    leave: () => Object.entries(handlers).forEach(([name, handler]) => document.removeEventListener(name, handler)),
  };
}

function imageSettings() {
  const swap = h('button', { type: 'button', class: 'icon-button', title: 'Swap width and height', 'aria-label': 'Swap width and height',
    onclick: () => settings.set({ width: settings.get('height'), height: settings.get('width') }) }, icon('swap'));
  const seed = number(settings, 'seed', 'Seed', { min: -1, step: 1 });
  return h('fieldset', {}, h('legend', {}, 'Picture'),
    h('div', { class: 'size' },
      h('div', {}, slider(settings, 'width', 'Width', { min: 64, max: 2048, step: 8 }), slider(settings, 'height', 'Height', { min: 64, max: 2048, step: 8 })), swap),
    h('div', { class: 'pair' }, number(settings, 'batchCount', 'Batch count', { min: 1, max: 100 }), number(settings, 'batchSize', 'Batch size', { min: 1, max: 16 })),
    h('div', { class: 'seed' }, seed,
      h('button', { type: 'button', class: 'icon-button', title: 'Random seed', 'aria-label': 'Random seed', onclick: () => settings.set({ seed: -1 }) }, icon('dice')),
      h('button', { type: 'button', class: 'icon-button', title: 'Reuse seed from last generation', 'aria-label': 'Reuse seed from last generation',
        onclick: guarded(reuseLastSeed) }, icon('recycle'))));
}

async function reuseLastSeed() {
  const { jobs } = await get('jobs?kind=generate&state=succeeded&limit=1');
  if (jobs[0]?.images[0]) settings.set({ seed: jobs[0].images[0].seed });
}

function sampling(about) {
  return h('fieldset', {}, h('legend', {}, 'Sampling'),
    h('div', { class: 'pair' }, select(settings, 'sampler', 'Sampling method', about.samplers), select(settings, 'scheduler', 'Schedule type', about.schedulers)),
    slider(settings, 'steps', 'Sampling steps', { min: 1, max: 150 }),
    slider(settings, 'cfgScale', 'CFG Scale', { min: 1, max: 30, step: 0.5 }),
    slider(settings, 'clipSkip', 'Clip skip', { min: 1, max: 12 }));
}

function hires(about) {
  const box = h('fieldset', { class: 'hires' }, h('legend', {}, check(settings, 'hires', 'Hires. fix', 'Draw small first, then larger')),
    h('div', { class: 'inside' },
      select(settings, 'hrUpscaler', 'Upscaler', about.upscalers),
      slider(settings, 'hrScale', 'Upscale by', { min: 1, max: 4, step: 0.05 }),
      slider(settings, 'hrSteps', 'Hires steps', { min: 0, max: 150, hint: '0 is as many as the first pass' }),
      slider(settings, 'hrDenoising', 'Denoising strength', { min: 0, max: 1, step: 0.01 })));
  const refresh = () => {
    box.hidden = settings.get('mode') !== 'txt2img';
    box.classList.toggle('off', !settings.get('hires'));
  };
  settings.on(refresh);
  refresh();
  return box;
}

/** What few pictures need, each group closed until it is asked for; a dot tells that one has an effect. */
function more(about) {
  const control = controlPicture();
  const groups = [
    group('Variation', () => settings.get('variationStrength') > 0,
      slider(settings, 'variationStrength', 'Variation strength', { min: 0, max: 1, step: 0.01, hint: 'How much of another seed\u2019s noise is mixed in' }),
      h('div', { class: 'seed' }, number(settings, 'variationSeed', 'Variation seed', { min: -1, step: 1 }),
        h('button', { type: 'button', class: 'icon-button', title: 'Random variation seed', 'aria-label': 'Random variation seed', onclick: () => settings.set({ variationSeed: -1 }) }, icon('dice')))),
    group('ControlNet', () => settings.get('controlModel').trim() !== '',
      modelPicker(settings, 'controlModel', 'ControlNet', { kind: 'controlnet', plain: true, placeholder: 'none' }), control,
      h('div', { class: 'pair' }, select(settings, 'controlModule', 'Preprocessor', about.extractions), select(settings, 'controlMode', 'Control mode', about.controlModes)),
      slider(settings, 'controlWeight', 'Control weight', { min: 0, max: 2, step: 0.05 }),
      h('div', { class: 'pair' }, number(settings, 'controlStart', 'Starting control step', { min: 0, max: 1, step: 0.05 }), number(settings, 'controlEnd', 'Ending control step', { min: 0, max: 1, step: 0.05 }))),
    group('Refiner', () => settings.get('refiner').trim() !== '',
      modelPicker(settings, 'refiner', 'Refiner', { plain: true, placeholder: 'none' }),
      slider(settings, 'refinerAt', 'Switch at', { min: 0.05, max: 1, step: 0.05 })),
    group('VAE and pattern', () => settings.get('vae').trim() !== '' || settings.get('tiling'),
      modelPicker(settings, 'vae', 'VAE', { kind: null, plain: true, placeholder: 'the model\u2019s own' }),
      check(settings, 'tiling', 'Tiling', 'A picture that goes on at its edges')),
    group('Shortcuts', () => settings.get('cacheInterval') > 1 || settings.get('mergedTokens') > 0,
      slider(settings, 'cacheInterval', 'DeepCache interval', { min: 1, max: 10, hint: 'Runs the whole network at every so many-th step only; 1 is every step' }),
      slider(settings, 'mergedTokens', 'Token merging ratio', { min: 0, max: 0.75, step: 0.05, hint: 'Faster, and a little different' })),
  ];
  return h('fieldset', { class: 'more' }, h('legend', {}, 'More'), groups);
}

function group(label, isActive, ...children) {
  const dot = h('span', { class: 'dot', role: 'img', 'aria-label': 'in effect', hidden: true });
  const box = h('details', {}, h('summary', {}, label, dot), h('div', { class: 'stack' }, children));
  const refresh = () => { dot.hidden = !isActive(); };
  settings.on(refresh);
  refresh();
  box.open = isActive();
  return box;
}

function controlPicture() {
  const input = h('input', { type: 'file', accept: 'image/*', class: 'visually-hidden', id: 'control-file', onchange: guarded(async () => {
    pictures.control = input.files[0] ? await dataUrl(input.files[0]) : null;
    refresh();
  }) });
  const image = h('img', { class: 'control-picture', alt: 'Control picture' });
  const choose = h('label', { class: 'button', for: 'control-file' }, icon('picture'), 'Control picture');
  const remove = h('button', { type: 'button', class: 'quiet', onclick: () => {
    pictures.control = null;
    input.value = '';
    refresh();
  } }, 'Remove');
  const note = h('small', {}, 'Without one, img2img and Inpaint show their start picture.');
  function refresh() {
    image.hidden = remove.hidden = !pictures.control;
    note.hidden = Boolean(pictures.control);
    if (pictures.control) image.src = pictures.control;
  }
  refresh();
  return h('div', { class: 'control-choice' }, input, image, h('div', { class: 'row' }, choose, remove), note);
}

/** What img2img and inpainting begin with. */
function startPicture(editor) {
  const input = h('input', { type: 'file', accept: 'image/*', class: 'visually-hidden', id: 'start-file', onchange: guarded(async () => {
    pictures.start = input.files[0] ? await dataUrl(input.files[0]) : null;
    refresh();
  }) });
  const image = h('img', { alt: 'Picture to start from' });
  const zone = h('label', { class: 'zone', for: 'start-file' }, icon('picture'), 'Choose, drop or paste a picture');
  const change = h('label', { class: 'button', for: 'start-file' }, icon('picture'), 'Other picture');
  const inpainting = h('div', {},
    slider(settings, 'maskBlur', 'Mask blur', { min: 0, max: 64 }),
    h('div', { class: 'pair' },
      select(settings, 'maskMode', 'Mask mode', ['Inpaint masked', 'Inpaint not masked']),
      select(settings, 'maskContent', 'Masked content', ['fill', 'original', 'latent noise', 'latent nothing'])),
    h('div', { class: 'pair' },
      select(settings, 'inpaintArea', 'Inpaint area', ['Whole picture', 'Only masked']),
      number(settings, 'padding', 'Only masked padding, pixels', { min: 0, max: 256 })));
  const box = h('fieldset', { class: 'start' }, h('legend', {}, 'Start picture'), input, zone, image, editor.element,
    h('div', { class: 'row' }, change),
    slider(settings, 'denoising', 'Denoising strength', { min: 0, max: 1, step: 0.01, hint: '0 keeps the picture, 1 keeps little of it' }),
    select(settings, 'resizeMode', 'Resize mode', ['Just resize', 'Crop and resize', 'Resize and fill', 'Just resize (latent upscale)']),
    inpainting);

  function refresh() {
    const mode = settings.get('mode');
    box.hidden = mode === 'txt2img';
    const has = Boolean(pictures.start);
    zone.hidden = has;
    change.parentElement.hidden = !has;
    image.hidden = !has || mode !== 'img2img';
    editor.element.hidden = !has || mode !== 'inpaint';
    inpainting.hidden = mode !== 'inpaint';
    if (has) {
      image.src = pictures.start;
      editor.show(pictures.start);
    }
  }
  settings.on((changes) => 'mode' in changes && refresh());
  refresh();
  box.refresh = refresh;
  return box;
}

function dataUrl(blob) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.onerror = () => reject(new Error('The picture cannot be read.'));
    reader.readAsDataURL(blob);
  });
}
