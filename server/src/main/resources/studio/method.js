// A merge method in its own words, with its parameters.
import { field, h } from './dom.js';

export function methodCard(method, merging) {
  if (!method) return h('p', { class: 'method' }, 'A as it is: for another precision, a baked VAE or other metadata.');
  const others = method.parameters.filter((parameter) => parameter.name !== method.multiplier);
  const values = () => merging.get('parameters')[method.name] ?? {};
  return h('div', { class: 'method' },
    h('p', {}, h('code', {}, method.formula)),
    h('p', {}, h('small', {}, `${method.models}: ${method.inputs.join(', ')} · ${method.source}`)),
    others.map((parameter) => {
      const input = h('input', {
        type: 'text', placeholder: parameter.standard, value: values()[parameter.name] ?? '', autocomplete: 'off', spellcheck: 'false',
        oninput: () => merging.set({ parameters: { ...merging.get('parameters'), [method.name]: { ...values(), [parameter.name]: input.value } } }),
      });
      return field(parameter.name, input, `${parameter.meaning}; ${parameter.range}`);
    }));
}
