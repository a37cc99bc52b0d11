// The model field: a name or an expression, with names that match what is being typed, and a line that says what it means.
import { get, post } from './api.js';
import { bytes, debounce, h, replace, uniqueId } from './dom.js';

const BARE = /^[A-Za-z0-9_.~@#/\\]+(-[A-Za-z0-9_.~@#/\\]+)*$/;
const SHOWN = 12;
const BREAK = /[\s()+*,]/;

/** The name as an expression spells it. */
export function spelled(name) {
  return BARE.test(name) && !/^[\d.]+$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`;
}

/** A name that begins so is meant rather than one in which it occurs, and that rather than metadata. */
function rank(model, text) {
  const at = model.stem.toLowerCase().indexOf(text.toLowerCase());
  return at === 0 ? 0 : at > 0 ? 1 : 2;
}

/** The part of the text around the caret that could be a name. */
function word(input) {
  const { value, selectionStart: caret } = input;
  let from = caret;
  while (from > 0 && !BREAK.test(value[from - 1])) from -= 1;
  let to = caret;
  while (to < value.length && !BREAK.test(value[to])) to += 1;
  return { from, to, text: value.slice(from, to) };
}

/**
 * @param options.kind only models of this kind are proposed
 * @param options.onCheck hears what the server says of the text
 * @param options.plain whether only a name is expected
 */
export function modelPicker(settings, name, label, { kind = 'checkpoint', placeholder = '', onCheck, plain } = {}) {
  const list = uniqueId('models');
  const status = h('small', { class: 'model-status', 'aria-live': 'polite' });
  const options = h('ul', { id: list, role: 'listbox', class: 'options', hidden: true, 'aria-label': 'Proposals' });
  const input = h('input', {
    type: 'text', id: uniqueId('f'), class: 'model-input', role: 'combobox', 'aria-expanded': 'false', 'aria-controls': list,
    'aria-autocomplete': 'list', autocomplete: 'off', spellcheck: 'false', placeholder, value: settings.get(name) ?? '',
    oninput: () => {
      settings.set({ [name]: input.value });
      search();
    },
    onfocus: () => search(),
    onblur: () => setTimeout(close, 150),
    onkeydown,
  });
  let found = [];
  let chosen = -1;
  let turn = 0;

  const search = debounce(async () => {
    turn += 1;
    const mine = turn;
    // the name that stands there whole is no search: then all are wanted
    const whole = found.some((model) => model.name === input.value);
    const text = whole || input.selectionStart === null ? '' : word(input).text.replaceAll('"', '');
    const query = new URLSearchParams({ q: /^[\d.]*$/.test(text) ? '' : text, limit: 60, broken: 'false' });
    if (kind) query.set('kind', kind);
    const page = await get(`models?${query}`).catch(() => ({ models: [] }));
    if (mine !== turn || document.activeElement !== input) return;
    found = page.models.sort((a, b) => rank(a, text) - rank(b, text)).slice(0, SHOWN);
    chosen = -1;
    replace(options, found.map((model, i) => h('li', {
      id: `${list}-${i}`, role: 'option', 'aria-selected': 'false', onpointerdown: (event) => {
        event.preventDefault();
        take(model);
      },
    }, h('span', {}, model.name), h('small', {}, `${model.label} · ${model.dtypes.split(',')[0]} · ${bytes(model.size)}`))));
    options.hidden = found.length === 0;
    input.setAttribute('aria-expanded', String(found.length > 0));
  }, 120);

  function close() {
    turn += 1;
    options.hidden = true;
    input.setAttribute('aria-expanded', 'false');
    input.removeAttribute('aria-activedescendant');
  }

  function take(model) {
    const at = word(input);
    const isWhole = plain || at.text.length === input.value.trim().length || input.selectionStart === 0 || !BREAK.test(input.value);
    input.value = isWhole
      ? model.name
      : input.value.slice(0, at.from) + spelled(model.name) + input.value.slice(at.to);
    settings.set({ [name]: input.value });
    close();
  }

  function onkeydown(event) {
    if (options.hidden) {
      if (event.key === 'ArrowDown') search();
      return;
    }
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault();
      chosen = (chosen + (event.key === 'ArrowDown' ? 1 : -1) + found.length) % found.length;
      [...options.children].forEach((option, i) => option.setAttribute('aria-selected', String(i === chosen)));
      options.children[chosen]?.scrollIntoView({ block: 'nearest' });
      input.setAttribute('aria-activedescendant', `${list}-${chosen}`);
    } else if (event.key === 'Enter' && chosen >= 0 && !event.ctrlKey) {
      event.preventDefault();
      take(found[chosen]);
    } else if (event.key === 'Escape') {
      event.stopPropagation();
      close();
    }
  }

  let checks = 0;
  const check = debounce(async () => {
    checks += 1;
    const mine = checks;
    const value = settings.get(name)?.trim() ?? '';
    if (plain && !value) {
      replace(status);
      status.className = 'model-status';
      input.removeAttribute('aria-invalid');
      onCheck?.(null);
      return;
    }
    try {
      const answer = await post('models/check', { model: value });
      if (mine !== checks) return;
      input.removeAttribute('aria-invalid');
      status.className = 'model-status';
      const several = answer.inputs.length > 1 || !answer.name;
      replace(status, several ? `Virtual: ${answer.label} of ${answer.inputs.length} ${answer.inputs.length === 1 ? 'file' : 'files'}, nothing is written` : value ? answer.label : `${answer.name}: ${answer.label}`,
        answer.warnings.map((warning) => h('span', { class: 'warning' }, ` ${warning}`)));
      onCheck?.(answer);
    } catch (error) {
      if (mine !== checks) return;
      input.setAttribute('aria-invalid', 'true');
      status.className = 'model-status error';
      replace(status, error.message);
      onCheck?.(null);
    }
  }, 300);

  settings.on((changes) => {
    if (!(name in changes)) return;
    if (input.value !== changes[name]) input.value = changes[name] ?? '';
    check();
  });
  check();
  return h('div', { class: 'field picker' }, h('label', { for: input.id }, label), input, options, status);
}
