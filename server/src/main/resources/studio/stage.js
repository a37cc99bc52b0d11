// The large picture: what is being drawn, or what has been chosen.
import { isFinal, post } from './api.js';
import { copy, guarded, h, replace } from './dom.js';
import { icon } from './icons.js';

const PHASES = { loading: 'Loading the model', encoding: 'Reading the prompt', sampling: 'Step', decoding: 'Decoding', '': 'Starting' };

export function progressText(job) {
  if (job.state === 'queued') return job.ahead ? `Waiting, ${job.ahead} before it` : 'Waiting';
  const { phase, done, total } = job.progress;
  if (phase === 'sampling') return `Step ${done} of ${total}`;
  if (phase === 'training') return `Step ${done} of ${total}`;
  if (phase === 'hashing') return `Reading the models, ${done} of ${total} MB`;
  if (phase === 'writing') return `Writing, ${done} of ${total} MB`;
  if (phase === 'loading' && total) return `Loading the model, ${done} of ${total} MB`;
  return PHASES[phase] ?? (total ? `${phase[0].toUpperCase()}${phase.slice(1)}, ${done} of ${total}` : phase);
}

export function progressBar(label) {
  const bar = h('progress', { max: 1, value: 0, 'aria-label': label });
  return bar;
}

export function stage(actions) {
  const image = h('img', { class: 'picture', alt: '', hidden: true });
  const placeholder = h('div', { class: 'placeholder' },
    icon('picture'), h('p', {}, 'Your picture appears here.'), h('p', { class: 'keys' }, h('kbd', {}, 'Ctrl'), ' ', h('kbd', {}, 'Enter'), ' draws it'));
  const frame = h('div', { class: 'frame' }, image, placeholder);
  const bar = progressBar('Progress of the picture');
  const words = h('span', { class: 'words' });
  const running = h('div', { class: 'running', hidden: true }, bar, h('div', { class: 'row' }, words,
    h('button', { type: 'button', onclick: guarded(() => stop('interrupt')), title: 'Finish early and keep the picture as it is' }, 'Interrupt'),
    h('button', { type: 'button', class: 'danger', onclick: guarded(() => stop('cancel')), title: 'Stop and forget it (Esc)' }, 'Cancel')));
  const buttons = h('div', { class: 'row actions' });
  const infotext = h('pre', { class: 'infotext', tabindex: '0' });
  const about = h('details', { class: 'about' }, h('summary', {}, 'Generation data'), infotext,
    h('button', { type: 'button', class: 'quiet', onclick: () => copy(infotext.textContent) }, icon('copy'), 'Copy'));
  const finished = h('div', { class: 'finished', hidden: true }, buttons, about);
  let current = null;
  let preview = 0;
  let stopping = null;

  /** A step that is being computed may take a while to end. */
  async function stop(how) {
    stopping = current.id;
    words.textContent = 'Stopping';
    await post(`jobs/${stopping}/${how}`);
  }

  function show(url, alt) {
    image.src = url;
    image.alt = alt;
    image.hidden = false;
    placeholder.hidden = true;
  }

  return {
    element: h('section', { class: 'stage', 'aria-label': 'Picture' }, frame, running, finished),
    job: () => (current && !isFinal(current.state) ? current : null),
    /** A job that waits or runs, or has ended. */
    follow(job) {
      if (current?.id !== job.id) preview = 0;
      current = { ...current, ...job };
      const over = isFinal(job.state);
      running.hidden = over;
      frame.classList.toggle('busy', !over);
      if (over) return;
      finished.hidden = true;
      words.textContent = stopping === job.id ? 'Stopping' : progressText(job);
      if (job.state === 'queued' || job.progress.phase === 'loading' || !job.progress.phase) bar.removeAttribute('value');
      else bar.value = job.progress.fraction;
      if (job.progress.previews > preview) {
        preview = job.progress.previews;
        show(`/api/v1/jobs/${job.id}/preview?n=${preview}`, 'Preview');
      }
    },
    cancel: () => stop('cancel'),
    clear() {
      image.hidden = true;
      placeholder.hidden = false;
    },
    choose(picture) {
      if (current && !isFinal(current.state)) current = null;
      running.hidden = true;
      frame.classList.remove('busy');
      finished.hidden = false;
      show(picture.url, picture.infotext.split('\n')[0]);
      infotext.textContent = picture.infotext;
      replace(buttons, actions(picture));
    },
  };
}
