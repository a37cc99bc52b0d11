// Ctrl+Up and Ctrl+Down change the weight of what is selected, or of the word at the caret: (word:1.1), as on AUTOMATIC1111's page.

const WEIGHTED = /^\((.*):([\d.]+)\)$/s;
const STEP = 0.1;

export function emphasize(event) {
  if (!(event.ctrlKey || event.metaKey) || (event.key !== 'ArrowUp' && event.key !== 'ArrowDown')) return;
  event.preventDefault();
  const area = event.currentTarget;
  const step = event.key === 'ArrowUp' ? STEP : -STEP;
  const { from, to } = selected(area);
  if (from === to) return;
  const part = area.value.slice(from, to);
  const weighted = part.match(WEIGHTED);
  const content = weighted ? weighted[1] : part;
  const weight = Math.max(0, Math.round(((weighted ? Number(weighted[2]) : 1) + step) * 100) / 100);
  const written = weight === 1 ? content : `(${content}:${weight})`;
  area.setRangeText(written, from, to, 'select');
  area.dispatchEvent(new Event('input'));
}

function selected(area) {
  const { value } = area;
  let from = area.selectionStart;
  let to = area.selectionEnd;
  if (from === to) {
    while (from > 0 && /[^\s,()]/.test(value[from - 1])) from -= 1;
    while (to < value.length && /[^\s,()]/.test(value[to])) to += 1;
    // the caret stands in a weight
    const tail = value.slice(to).match(/^:[\d.]+\)/);
    if (value[from - 1] === '(' && (tail || value[to] === ')')) {
      from -= 1;
      to += tail ? tail[0].length : 1;
    }
  } else if (value[from - 1] === '(') {
    const tail = value.slice(to).match(/^:[\d.]+\)/);
    if (tail) {
      from -= 1;
      to += tail[0].length;
    }
  }
  return { from, to };
}
