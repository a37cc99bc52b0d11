// The catalog: a search, a list that grows as it is scrolled, and one model in detail.
import { addModel } from './add-model.js';
import { get, post } from './api.js';
import { cover } from './cover.js';
import { bytes, debounce, guarded, h, replace, toast } from './dom.js';
import { icon } from './icons.js';
import { details } from './model-details.js';
import { check, select, store } from './store.js';

const KINDS = [
  { value: '', label: 'All kinds' }, { value: 'checkpoint', label: 'Checkpoints' }, { value: 'lora', label: 'LoRA' },
  { value: 'embedding', label: 'Embeddings' }, { value: 'controlnet', label: 'ControlNet' }, { value: 'vae', label: 'VAE' }, { value: 'hypernetwork', label: 'Hypernetworks' }, { value: 'upscaler', label: 'Upscalers' }, { value: 'other', label: 'Other' },
];
const FAMILIES = [
  { value: '', label: 'All families' }, { value: 'sd1', label: 'SD 1.x' }, { value: 'sd2', label: 'SD 2.x' }, { value: 'sdxl', label: 'SDXL' }, { value: 'sd3', label: 'SD 3, Flux' },
];
const SORTS = [{ value: 'name', label: 'By name' }, { value: 'modified', label: 'Newest first' }, { value: 'size', label: 'Largest first' }];

export async function screen() {
  const filter = store('atelier.models', { q: '', kind: '', family: '', sort: 'name', broken: false });
  const search = h('input', { type: 'search', placeholder: 'Search names, metadata and hashes', 'aria-label': 'Search models', value: filter.get('q'), oninput: () => filter.set({ q: search.value }), onkeydown: onSearchKey });
  const list = h('div', { class: 'model-list', role: 'listbox', 'aria-label': 'Models', tabindex: '0', onkeydown });
  const end = h('div', { class: 'list-end' });
  const summary = h('small', { 'aria-live': 'polite' });
  const panel = h('section', { class: 'model-panel panel', 'aria-label': 'Model', hidden: true });
  const element = h('div', { class: 'models' },
    h('div', { class: 'browse' },
      h('div', { class: 'filters' },
        h('div', { class: 'search' }, icon('search'), search, h('kbd', {}, '/')),
        h('div', { class: 'row' },
          unlabelled(select(filter, 'kind', 'Kind', KINDS)), unlabelled(select(filter, 'family', 'Family', FAMILIES)), unlabelled(select(filter, 'sort', 'Order', SORTS)),
          check(filter, 'broken', 'Damaged only'),
          h('button', { type: 'button', class: 'quiet', title: 'Look for new files now', onclick: guarded(rescan) }, icon('recycle'), 'Scan'), summary),
        addModel(() => load(true))),
      list),
    panel);
  let rows = [];
  let chosen = -1;
  let next = null;
  let turn = 0;
  let loading = false;

  function unlabelled(box) {
    box.querySelector('label').classList.add('visually-hidden');
    return box;
  }

  async function load(fresh) {
    if (loading && !fresh) return;
    loading = true;
    turn += 1;
    const mine = turn;
    const query = new URLSearchParams({ limit: 60, sort: filter.get('sort') });
    for (const name of ['q', 'kind', 'family']) if (filter.get(name)) query.set(name, filter.get(name));
    if (filter.get('broken')) query.set('broken', 'true');
    if (!fresh && next) query.set('cursor', next);
    try {
      const page = await get(`models?${query}`);
      if (mine !== turn) return;
      if (fresh) {
        rows = [];
        chosen = -1;
        replace(list);
        list.scrollTop = 0;
      }
      next = page.next;
      const added = page.models.map((model, i) => row(model, rows.length + i));
      rows.push(...added);
      list.append(...added.map((entry) => entry.element), end);
      summary.textContent = `${rows.length}${next ? '+' : ''} ${rows.length === 1 ? 'model' : 'models'}`;
      end.textContent = rows.length ? '' : 'No model is like that.';
      mark();
    } finally {
      if (mine === turn) loading = false;
    }
  }

  /** Below the folder of models; many a model's name says little without. */
  function folder(model) {
    return model.name.split('/').slice(0, -1).join('/');
  }

  function row(model, index) {
    const entry = { model };
    entry.element = h('div', { class: 'model-row', role: 'option', id: `model-${model.id}`, 'aria-selected': 'false', onclick: () => open(index) },
      cover(model),
      h('span', { class: 'grow' }, h('strong', {}, model.stem), h('small', {}, model.problem ? h('span', { class: 'error' }, model.problem) : [folder(model), model.label].filter(Boolean).join(' · '))),
      h('span', { class: 'tags' }, h('span', { class: 'tag' }, model.kind), model.dtypes ? h('span', { class: 'tag' }, model.dtypes.split(',')[0]) : null, h('span', { class: 'size-tag' }, bytes(model.size))));
    return entry;
  }

  function mark() {
    rows.forEach((entry, i) => entry.element.setAttribute('aria-selected', String(i === chosen)));
    if (chosen < 0) list.removeAttribute('aria-activedescendant');
    else list.setAttribute('aria-activedescendant', rows[chosen].element.id);
  }

  function open(index) {
    chosen = index;
    mark();
    rows[index].element.scrollIntoView({ block: 'nearest' });
    history.replaceState(null, '', `#models/${rows[index].model.id}`);
    return detail(rows[index].model.id);
  }

  const detail = guarded(async (id) => {
    const model = await get(`models/${id}`);
    panel.hidden = false;
    element.classList.add('has-detail');
    replace(panel, details(model, { close, changed: () => detail(id).then(() => load(true)) }));
    panel.scrollTop = 0;
  });

  function close() {
    panel.hidden = true;
    element.classList.remove('has-detail');
    history.replaceState(null, '', '#models');
    list.focus();
  }

  function onkeydown(event) {
    const move = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10 }[event.key];
    if (move && rows.length) {
      event.preventDefault();
      if (chosen + move < 0 && move === -1) search.focus();
      open(Math.min(rows.length - 1, Math.max(0, chosen + move)));
    }
  }

  function onSearchKey(event) {
    if (event.key === 'ArrowDown' && rows.length) {
      event.preventDefault();
      list.focus();
      open(Math.max(0, chosen));
    }
  }

  function onKey(event) {
    if (event.key === '/' && !/^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName)) {
      event.preventDefault();
      search.select();
    } else if (event.key === 'Escape' && !panel.hidden && !(event.target === search && search.value)) {
      close();
    }
  }

  async function rescan() {
    const report = await post('models/scan');
    toast(`${report.models} models are known`);
    await load(true);
  }

  new IntersectionObserver((entries) => {
    if (entries.some((entry) => entry.isIntersecting) && next) guarded(load)(false);
  }, { root: list, rootMargin: '600px' }).observe(end);
  filter.on(debounce(() => guarded(load)(true), 120));

  return {
    element,
    async enter(id) {
      document.addEventListener('keydown', onKey);
      await guarded(load)(true);
      if (/^\d+$/.test(id)) {
        chosen = rows.findIndex((entry) => entry.model.id === Number(id));
        mark();
        await detail(id);
      }
    },
    leave: () => document.removeEventListener('keydown', onKey),
  };
}
