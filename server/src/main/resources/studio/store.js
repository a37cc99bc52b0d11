// Settings that survive a reload, and controls that are bound to them.
import { field, h } from './dom.js';

/** @param key null for settings that live as long as the page */
export function store(key, defaults) {
  let saved = {};
  try {
    saved = key ? JSON.parse(localStorage.getItem(key) || '{}') : {};
  } catch {
    saved = {};
  }
  const values = { ...defaults, ...saved };
  const listeners = new Set();
  return {
    get: (name) => values[name],
    all: () => ({ ...values }),
    set(changes) {
      Object.assign(values, changes);
      try {
        if (key) localStorage.setItem(key, JSON.stringify(values));
      } catch {
        // a full or forbidden storage costs no more than the memory of these settings
      }
      for (const listener of [...listeners]) listener(changes);
    },
    on(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

function bind(settings, name, show) {
  show(settings.get(name));
  settings.on((changes) => {
    if (name in changes) show(changes[name]);
  });
}

/** A number with a slider beside it. */
export function slider(settings, name, label, { min, max, step = 1, hint } = {}) {
  const number = h('input', {
    type: 'number', min, max, step: 'any', class: 'number', inputmode: 'decimal', 'aria-label': label,
    onchange: () => settings.set({ [name]: number.value === '' ? settings.get(name) : Number(number.value) }),
  });
  const range = h('input', {
    type: 'range', min, max, step,
    oninput: () => settings.set({ [name]: Number(range.value) }),
  });
  const fill = (value) => range.style.setProperty('--fill', `${Math.min(100, Math.max(0, ((value - min) / (max - min)) * 100))}%`);
  bind(settings, name, (value) => {
    range.value = value;
    number.value = value;
    fill(value);
  });
  const wrapped = field(label, range, hint);
  wrapped.classList.add('slider');
  wrapped.insertBefore(number, range);
  return wrapped;
}

export function number(settings, name, label, { min, max, step = 1, hint } = {}) {
  const input = h('input', {
    type: 'number', min, max, step, inputmode: 'numeric',
    onchange: () => settings.set({ [name]: input.value === '' ? settings.get(name) : Number(input.value) }),
  });
  bind(settings, name, (value) => { input.value = value; });
  return field(label, input, hint);
}

export function select(settings, name, label, options, hint) {
  const input = h('select', { onchange: () => settings.set({ [name]: input.value }) },
    options.map((option) => h('option', { value: option.value ?? option }, option.label ?? option)));
  bind(settings, name, (value) => { input.value = value; });
  return field(label, input, hint);
}

export function text(settings, name, label, { rows, placeholder, hint, spellcheck = 'false' } = {}) {
  const input = rows
    ? h('textarea', { rows, placeholder, spellcheck, oninput: () => settings.set({ [name]: input.value }) })
    : h('input', { type: 'text', placeholder, spellcheck, autocomplete: 'off', oninput: () => settings.set({ [name]: input.value }) });
  bind(settings, name, (value) => {
    if (input.value !== value) input.value = value ?? '';
  });
  return field(label, input, hint);
}

export function check(settings, name, label, hint) {
  const input = h('input', { type: 'checkbox', onchange: () => settings.set({ [name]: input.checked }) });
  bind(settings, name, (value) => { input.checked = Boolean(value); });
  return h('label', { class: 'check', title: hint }, input, h('span', {}, label));
}

/** A choice of few, all of them in sight. */
export function segments(settings, name, label, options) {
  const group = h('div', { class: 'segments', role: 'radiogroup', 'aria-label': label });
  const buttons = options.map((option) => h('button', {
    type: 'button', role: 'radio', onclick: () => settings.set({ [name]: option.value ?? option }),
    onkeydown: (event) => {
      const move = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (!move) return;
      event.preventDefault();
      const next = (buttons.indexOf(event.currentTarget) + move + buttons.length) % buttons.length;
      settings.set({ [name]: options[next].value ?? options[next] });
      buttons[next].focus();
    },
  }, option.label ?? option));
  group.append(...buttons);
  bind(settings, name, (value) => buttons.forEach((button, i) => {
    const chosen = (options[i].value ?? options[i]) === value;
    button.setAttribute('aria-checked', chosen);
    button.tabIndex = chosen ? 0 : -1;
  }));
  return group;
}
