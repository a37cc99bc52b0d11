// Finished pictures, the newest first, and what can be done with one.
import { get } from './api.js';
import { guarded, h } from './dom.js';

const PAGE = 30;

export function gallery(onChoose) {
  const grid = h('div', { class: 'thumbs', role: 'listbox', 'aria-label': 'Pictures' });
  const more = h('button', { type: 'button', class: 'quiet', hidden: true, onclick: guarded(() => load()) }, 'Show older pictures');
  const element = h('section', { class: 'gallery', 'aria-label': 'Gallery' }, grid, more);
  let pictures = [];
  let oldest = null;
  let chosen = null;
  let loading = null;

  // a mouse wheel goes along the row, and older pictures come as its end comes near
  element.addEventListener('wheel', (event) => {
    if (event.deltaX || event.ctrlKey || element.scrollWidth <= element.clientWidth) return;
    event.preventDefault();
    element.scrollLeft += event.deltaY;
  }, { passive: false });
  new IntersectionObserver((seen) => seen.at(-1).isIntersecting && guarded(load)(), { root: element, rootMargin: '0px 600px' }).observe(more);

  function thumb(picture) {
    picture.element = h('button', {
      type: 'button', role: 'option', class: 'thumb', 'aria-selected': 'false', tabindex: '-1', title: picture.infotext.split('\n')[0],
      onclick: () => choose(picture),
    }, h('img', { src: picture.url, alt: picture.infotext.split('\n')[0] || 'Picture', loading: 'lazy', decoding: 'async' }));
    return picture.element;
  }

  function choose(picture) {
    const isHere = grid.contains(document.activeElement);
    forget();
    chosen = picture;
    chosen.element.setAttribute('aria-selected', 'true');
    chosen.element.scrollIntoView({ block: 'nearest', inline: 'nearest' });
    reachable();
    if (isHere) chosen.element.focus({ preventScroll: true });
    onChoose(picture);
  }

  function forget() {
    chosen?.element.setAttribute('aria-selected', 'false');
    chosen = null;
  }

  /** By Tab one of them is, and from there the others by arrows. */
  function reachable() {
    for (const picture of pictures) picture.element.tabIndex = picture === (chosen ?? pictures[0]) ? 0 : -1;
  }

  const of = (job) => job.images.map((image) => ({ ...image, job: job.id, model: job.model }));

  /** The next page of older pictures; asked for twice, it comes once. */
  function load() {
    loading ??= page().finally(() => { loading = null; });
    return loading;
  }

  async function page() {
    const query = new URLSearchParams({ kind: 'generate', state: 'succeeded', limit: PAGE });
    if (oldest) query.set('before', oldest);
    const { jobs } = await get(`jobs?${query}`);
    const added = jobs.flatMap(of);
    oldest = jobs.at(-1)?.id ?? oldest;
    pictures.push(...added);
    grid.append(...added.map(thumb));
    reachable();
    more.hidden = jobs.length < PAGE;
    empty();
  }

  function empty() {
    element.classList.toggle('is-empty', pictures.length === 0);
  }

  return {
    element,
    load,
    /** Puts a job's pictures in front; they may be there already. */
    add(job, show) {
      if (pictures.some((picture) => picture.job === job.id)) return;
      const added = of(job);
      pictures = [...added, ...pictures];
      grid.prepend(...added.map(thumb));
      reachable();
      empty();
      if (show && added.length) choose(added[0]);
    },
    async move(step) {
      const next = pictures.indexOf(chosen) + step;
      if (next === pictures.length && !more.hidden) await load();
      if (next >= 0 && next < pictures.length) choose(pictures[next]);
    },
    /** The newest, where none is chosen; whether one is then. */
    first() {
      if (!chosen && pictures.length) choose(pictures[0]);
      return Boolean(chosen);
    },
    chosen: () => chosen,
    forget,
  };
}
