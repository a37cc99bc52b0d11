// A multiplier for each block of the UNet, with presets.
import { h } from './dom.js';
import { check, select } from './store.js';

const NAMES = ['BASE', ...range('IN'), 'M00', ...range('OUT')];

function range(prefix) {
  return Array.from({ length: 12 }, (_, i) => `${prefix}${String(i).padStart(2, '0')}`);
}

let current = () => [];

let preset = () => '';

/** The 26 numbers as the server takes them. */
export function weightsText() {
  return current().join(',');
}

/** The name of the preset, where nothing was changed of it; else the numbers. */
export function weightsOrPreset() {
  return preset() || weightsText();
}

export function blockWeights(merging, about) {
  current = () => merging.get('weights') ?? about.blockPresets[merging.get('preset')] ?? about.blockPresets.ALL_A;
  preset = () => (merging.get('weights') ? '' : merging.get('preset'));
  const sliders = NAMES.map((name, i) => {
    const value = h('output', {});
    const input = h('input', {
      type: 'range', min: 0, max: 1, step: 0.01, orient: 'vertical', 'aria-label': `Weight of ${name}`,
      oninput: () => merging.set({ preset: '', weights: current().map((weight, j) => (j === i ? Number(input.value) : weight)) }),
    });
    return { input, value, element: h('div', { class: `block ${name.slice(0, 2)}` }, value, input, h('span', {}, name.replace(/\d+/, '')), h('span', {}, name.match(/\d+/)?.[0] ?? '\u00a0')) };
  });
  const inside = h('div', { class: 'stack' },
    select(merging, 'preset', 'Preset', [{ value: '', label: 'Custom' }, ...Object.keys(about.blockPresets)]),
    h('div', { class: 'blocks', role: 'group', 'aria-label': 'Block weights' }, sliders.map((entry) => entry.element)),
    h('small', {}, 'Each is that block\u2019s M: 0 is A, 1 is B. BASE is everything that is no block.'));
  const box = h('fieldset', {}, h('legend', {}, check(merging, 'useBlocks', 'Block weights')), inside);

  function refresh() {
    inside.hidden = !merging.get('useBlocks');
    current().forEach((weight, i) => {
      sliders[i].input.value = weight;
      sliders[i].value.textContent = String(Math.round(weight * 100) / 100).replace(/^0\./, '.');
      sliders[i].input.style.setProperty('--fill', `${weight * 100}%`);
    });
  }

  merging.on((changes) => {
    if (changes.preset && !('weights' in changes)) merging.set({ weights: null });
    else if ('weights' in changes || 'useBlocks' in changes) refresh();
  });
  refresh();
  return box;
}
