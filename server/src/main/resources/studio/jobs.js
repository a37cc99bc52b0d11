// Everything that was asked for, with what became of it.
import { get, isFinal, onJobs, post } from './api.js';
import { ago, duration, guarded, h, replace } from './dom.js';
import { progressBar, progressText } from './stage.js';
import { select, store } from './store.js';

const KINDS = [{ value: '', label: 'All kinds' }, { value: 'generate', label: 'Generate' }, { value: 'merge', label: 'Merge' }, { value: 'convert', label: 'Convert' }, { value: 'train', label: 'Train' }];
const STATES = [{ value: '', label: 'All states' }, { value: 'queued', label: 'Waiting' }, { value: 'running', label: 'Running' }, { value: 'succeeded', label: 'Succeeded' }, { value: 'failed', label: 'Failed' }, { value: 'cancelled', label: 'Cancelled' }];
const TAGS = { queued: 'tag', running: 'tag busy', succeeded: 'tag good', failed: 'tag bad', cancelled: 'tag' };
const PAGE = 40;

export async function screen() {
  const filter = store('atelier.jobs', { kind: '', state: '' });
  const list = h('div', { class: 'job-list' });
  const more = h('button', { type: 'button', class: 'quiet', hidden: true, onclick: guarded(() => load(false)) }, 'Show older jobs');
  const element = h('div', { class: 'screen' },
    h('div', { class: 'row' }, h('h1', { class: 'grow' }, 'Jobs'), bare(select(filter, 'kind', 'Kind', KINDS)), bare(select(filter, 'state', 'State', STATES))),
    list, more);
  let rows = new Map();
  let oldest = null;

  function bare(box) {
    box.querySelector('label').classList.add('visually-hidden');
    return box;
  }

  async function load(fresh) {
    const query = new URLSearchParams({ limit: PAGE });
    for (const name of ['kind', 'state']) if (filter.get(name)) query.set(name, filter.get(name));
    if (!fresh && oldest) query.set('before', oldest);
    const { jobs } = await get(`jobs?${query}`);
    if (fresh) {
      rows = new Map();
      replace(list);
    }
    oldest = jobs.at(-1)?.id ?? oldest;
    list.append(...jobs.map(add));
    more.hidden = jobs.length < PAGE;
    if (!rows.size) replace(list, h('p', { class: 'empty' }, 'No jobs yet. Whatever you draw, merge or train is listed here, and survives a restart.'));
  }

  function add(job) {
    const box = h('article', { class: 'job panel' });
    rows.set(job.id, { job, box });
    render(job.id);
    return box;
  }

  function render(id) {
    const { job, box } = rows.get(id);
    const over = isFinal(job.state);
    const act = (label, action, kind) => h('button', { type: 'button', class: kind, onclick: guarded(() => post(`jobs/${id}/${action}`)) }, label);
    const bar = over ? null : progressBar(`Progress of ${job.kind}`);
    const words = over ? null : h('small');
    Object.assign(rows.get(id), { bar, words });
    if (!over) progress(rows.get(id));
    replace(box,
      h('div', { class: 'job-pictures' }, (job.images ?? []).slice(0, 4).map((image) => h('a', { href: image.url, target: '_blank', rel: 'noopener' }, h('img', { src: image.url, alt: image.infotext.split('\n')[0] || 'Picture', loading: 'lazy' })))),
      h('div', { class: 'grow stack' },
        h('div', { class: 'row' }, h('strong', {}, job.kind), h('span', { class: TAGS[job.state] }, job.state), job.attempt > 1 ? h('span', { class: 'tag' }, `attempt ${job.attempt}`) : null,
          h('small', {}, ago(job.createdAt), over && job.startedAt ? `, took ${duration(job.startedAt, job.finishedAt)}` : '')),
        h('p', { class: 'job-what' }, what(job)),
        job.error ? h('p', { class: 'error' }, job.error) : null,
        bar, words),
      h('div', { class: 'row job-actions' },
        over ? act('Retry', 'retry') : act('Cancel', 'cancel', 'danger'),
        job.kind === 'generate' && job.state === 'running' ? act('Interrupt', 'interrupt') : null,
        job.result?.model ? h('a', { class: 'button', href: `#models/${job.result.model}` }, 'Show') : null));
  }

  function progress({ job, bar, words }) {
    if (job.state === 'running') bar.value = job.progress.fraction;
    words.textContent = progressText(job);
  }

  function what(job) {
    const request = job.request ?? {};
    if (job.kind === 'generate') return `${request.prompt || 'no prompt'} · ${request.model ?? ''}`;
    if (job.kind === 'train') return `${request.method?.toLowerCase()} of ${request.model}, ${request.steps} steps → ${request.file}`;
    return [request.expression ?? request.name, request.file].filter(Boolean).join(' → ');
  }

  onJobs(async (event) => {
    const row = rows.get(event.id);
    if (row) {
      const isNews = row.job.state !== event.state;
      row.job = { ...row.job, ...event };
      // otherwise the buttons stay, which somebody may be about to press
      if (isNews || isFinal(event.state)) render(event.id);
      else progress(row);
    } else if (element.isConnected && !filter.get('kind') && (!filter.get('state') || filter.get('state') === event.state)) {
      const job = await get(`jobs/${event.id}`).catch(() => null);
      if (job && !rows.has(job.id)) {
        list.querySelector('.empty')?.remove();
        list.prepend(add(job));
      }
    }
  });
  filter.on(() => guarded(load)(true));
  return { element, enter: () => load(true) };
}
