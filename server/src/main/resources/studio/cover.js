// What stands for a model in lists: its cover, or the first letters on a colour of the name's own.
import { h } from './dom.js';

export function cover(model) {
  const hue = [...model.name].reduce((sum, letter) => (sum * 31 + letter.codePointAt(0)) % 360, 7);
  const box = h('span', { class: 'cover', 'aria-hidden': 'true' }, h('span', {}, initials(model.stem) || '?'));
  box.style.setProperty('--hue', hue);
  if (model.cover) box.append(h('img', { src: `/api/v1/models/${model.id}/cover?at=${encodeURIComponent(model.cover)}`, alt: '', loading: 'lazy', decoding: 'async' }));
  return box;
}

function initials(stem) {
  return stem.replace(/[^\p{L}\p{N}]+/gu, ' ').trim().split(' ').slice(0, 2).map(([first]) => first).join('').toUpperCase();
}
