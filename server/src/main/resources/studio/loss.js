// The loss over the steps: each point, and their running mean, which is what one looks at.
import { h } from './dom.js';

const WIDTH = 640;
const HEIGHT = 200;
const LEFT = 64;
const TOP = 24; // above it stands the last mean
const BOTTOM = 22;
const SMOOTHING = 0.9;

function svg(name, attributes) {
  const element = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}

export function lossCurve() {
  const drawing = svg('svg', { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: 'loss', role: 'img', 'aria-label': 'Loss over the steps' });
  const element = h('figure', { class: 'loss-figure', hidden: true }, drawing);

  return {
    element,
    /** @param losses pairs of step and loss */
    show(losses, steps) {
      element.hidden = losses.length < 2;
      if (element.hidden) return;
      let mean = losses[0][1];
      const smooth = losses.map(([step, loss], i) => {
        // early on there is little to look back on
        const keep = Math.min(SMOOTHING, i / (i + 10));
        mean = keep * mean + (1 - keep) * loss;
        return [step, mean];
      });
      const least = Math.min(...losses.map(([, loss]) => loss));
      const most = Math.max(...losses.map(([, loss]) => loss));
      const x = (step) => LEFT + ((WIDTH - LEFT - 8) * step) / steps;
      const y = (loss) => TOP + (HEIGHT - BOTTOM - TOP - 8) * (most > least ? (most - loss) / (most - least) : 0.5);
      const line = (points, kind) => svg('polyline', { class: kind, points: points.map(([step, loss]) => `${x(step).toFixed(1)},${y(loss).toFixed(1)}`).join(' ') });
      const label = (words, left, top, anchor) => {
        const text = svg('text', { x: left, y: top, 'text-anchor': anchor });
        text.textContent = words;
        return text;
      };
      drawing.replaceChildren(
        svg('path', { class: 'axis', d: `M${LEFT} ${TOP}V${HEIGHT - BOTTOM}H${WIDTH - 8}` }),
        label(most.toPrecision(3), LEFT - 6, TOP + 5, 'end'), label(least.toPrecision(3), LEFT - 6, HEIGHT - BOTTOM, 'end'),
        label('0', LEFT, HEIGHT - 6, 'middle'), label(`step ${steps}`, WIDTH - 8, HEIGHT - 6, 'end'), label(`loss ${smooth.at(-1)[1].toPrecision(3)}`, WIDTH - 8, 16, 'end'),
        line(losses, 'raw'), line(smooth, 'smooth'));
    },
  };
}
