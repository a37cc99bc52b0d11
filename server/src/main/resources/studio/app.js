// Which screen is shown. A screen is a module that is loaded when it is first needed and then stays as it is: screen() makes
// its element once, enter() and leave() are called whenever it comes and goes.
import { get, isFinal, listen, onHearing, onJobs } from './api.js';
import { h, replace, toast } from './dom.js';

const SCREENS = [
  ['create', 'Create', () => import('./create.js')],
  ['models', 'Models', () => import('./models.js')],
  ['merge', 'Merge', () => import('./merge.js')],
  ['train', 'Train', () => import('./train.js')],
  ['jobs', 'Jobs', () => import('./jobs.js')],
  ['api', 'API', () => import('./playground.js')],
];

const main = document.getElementById('screen');
const links = new Map(SCREENS.map(([id, label]) => [id, h('a', { href: `#${id}` }, label)]));
replace(document.getElementById('nav'), [...links.values()]);

const made = new Map();
let current = null;
let turns = 0;

async function show() {
  const [id, ...rest] = location.hash.slice(1).split('/');
  const [name, label, load] = SCREENS.find(([known]) => known === id) ?? SCREENS[0];
  turns += 1;
  const turn = turns;
  for (const [other, link] of links) {
    if (other === name) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  document.title = `${label} · Atelier`;
  try {
    if (!made.has(name)) made.set(name, load().then((module) => module.screen()));
    const screen = await made.get(name);
    if (turn !== turns) return;
    current?.leave?.();
    current = screen;
    const isFirst = !main.firstChild;
    replace(main, screen.element);
    // whoever came by a button of the screen that is gone goes on in the new one
    if (!isFirst && document.activeElement === document.body) main.focus({ preventScroll: true });
    await screen.enter?.(rest.map(decodeURIComponent).join('/'));
  } catch (error) {
    made.delete(name);
    if (turn === turns) replace(main, h('p', { class: 'empty' }, error.message));
  }
}

// not by its address, which would be that of a screen
document.querySelector('.skip').addEventListener('click', (event) => {
  event.preventDefault();
  main.focus();
});

const active = new Map();
const queue = document.getElementById('queue');
onJobs((job) => {
  if (isFinal(job.state)) active.delete(job.id);
  else active.set(job.id, job.state);
  if (job.state === 'failed') toast(`A job failed: ${job.error}`, 'error');
  queue.hidden = active.size === 0;
  queue.textContent = active.size === 1 ? '1 job' : `${active.size} jobs`;
});

onHearing((heard) => { document.getElementById('silent').hidden = heard; });
window.addEventListener('hashchange', show);
listen();
show();
get('about').then((about) => { document.querySelector('.brand').title = about.version; }, () => {});
