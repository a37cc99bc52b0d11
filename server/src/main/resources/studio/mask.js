// A picture that can be painted on. The mask has the picture's own pixels.
import { h } from './dom.js';
import { icon } from './icons.js';

const MOST_UNDOS = 20;

/** White would not be seen on a white picture; it becomes white when the mask is sent. */
const COLOUR = '#ff3d8b';

const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export function maskEditor() {
  const image = h('img', { alt: 'Picture to inpaint', draggable: 'false' });
  const canvas = h('canvas', { 'aria-label': 'Mask over what is to be drawn anew', role: 'img' });
  const pen = canvas.getContext('2d', { willReadFrequently: true });
  const cursor = h('div', { class: 'brush', hidden: true });
  const stage = h('div', { class: 'mask-stage' }, image, canvas, cursor);
  const size = h('input', { type: 'range', min: 1, max: 40, value: 10, 'aria-label': 'Brush size', oninput: moveCursor });
  const eraser = h('button', { type: 'button', class: 'tool', 'aria-pressed': 'false', title: 'Eraser (E)', onclick: toggleEraser }, icon('eraser'), 'Erase');
  const undos = [];
  let last = null;
  let at = null;

  const element = h('div', { class: 'mask-editor', tabindex: '0', role: 'group', 'aria-label': 'Mask. Paint with a pointer, or move by arrow keys and paint with the space bar, or with Shift on the way.', onkeydown, onfocus: showCursor, onblur: () => { cursor.hidden = true; } }, stage, h('div', { class: 'tools' },
    h('label', { class: 'brush-size' }, 'Brush', size),
    eraser,
    h('button', { type: 'button', class: 'tool', title: 'Undo (Ctrl+Z)', onclick: undo }, icon('undo'), 'Undo'),
    h('button', { type: 'button', class: 'tool', onclick: clear }, icon('trash'), 'Clear')));

  image.addEventListener('load', () => {
    canvas.width = image.naturalWidth;
    canvas.height = image.naturalHeight;
    undos.length = 0;
    at = { x: canvas.width / 2, y: canvas.height / 2 };
  });

  canvas.addEventListener('pointerdown', (event) => {
    if (event.button > 0) return;
    event.preventDefault();
    element.focus({ preventScroll: true });
    canvas.setPointerCapture(event.pointerId);
    remember();
    last = point(event);
    stroke(last);
  });
  canvas.addEventListener('pointermove', (event) => {
    at = point(event);
    showCursor();
    if (!last) return;
    for (const step of event.getCoalescedEvents?.() ?? [event]) {
      const next = point(step);
      stroke(next);
      last = next;
    }
  });
  for (const end of ['pointerup', 'pointercancel']) canvas.addEventListener(end, () => { last = null; });
  canvas.addEventListener('pointerleave', () => { cursor.hidden = true; });

  function remember() {
    undos.push(pen.getImageData(0, 0, canvas.width, canvas.height));
    if (undos.length > MOST_UNDOS) undos.shift();
  }

  /** In pixels of the picture. */
  function point(event) {
    const box = canvas.getBoundingClientRect();
    return { x: ((event.clientX - box.left) / box.width) * canvas.width, y: ((event.clientY - box.top) / box.height) * canvas.height };
  }

  function within(place, most) {
    return Math.min(most, Math.max(0, place));
  }

  /** In pixels of the picture: a share of its longer side. */
  function diameter() {
    return (Number(size.value) / 100) * Math.max(canvas.width, canvas.height);
  }

  function stroke(to) {
    pen.globalCompositeOperation = eraser.getAttribute('aria-pressed') === 'true' ? 'destination-out' : 'source-over';
    pen.strokeStyle = COLOUR;
    pen.lineWidth = diameter();
    pen.lineCap = 'round';
    pen.lineJoin = 'round';
    pen.beginPath();
    pen.moveTo(last.x, last.y);
    pen.lineTo(to.x + 0.01, to.y);
    pen.stroke();
  }

  function showCursor() {
    cursor.hidden = false;
    moveCursor();
  }

  function moveCursor() {
    const box = canvas.getBoundingClientRect();
    if (!at || box.width === 0) return;
    const scale = box.width / canvas.width;
    const shown = diameter() * scale;
    Object.assign(cursor.style, {
      width: `${shown}px`, height: `${shown}px`, left: `${at.x * scale - shown / 2}px`, top: `${at.y * scale - shown / 2}px`,
    });
  }

  function toggleEraser() {
    eraser.setAttribute('aria-pressed', String(eraser.getAttribute('aria-pressed') !== 'true'));
  }

  function undo() {
    const before = undos.pop();
    if (before) pen.putImageData(before, 0, 0);
  }

  function clear() {
    remember();
    pen.clearRect(0, 0, canvas.width, canvas.height);
  }

  function onkeydown(event) {
    const move = MOVES[event.key];
    if (at && event.target === element && (move || event.key === ' ')) {
      event.preventDefault();
      event.stopPropagation();
      if (!move || event.shiftKey) remember();
      last = at;
      if (move) at = { x: within(at.x + (move[0] * diameter()) / 2, canvas.width), y: within(at.y + (move[1] * diameter()) / 2, canvas.height) };
      if (!move || event.shiftKey) stroke(at);
      last = null;
      showCursor();
    } else if (event.key === '[' || event.key === ']') {
      size.value = Number(size.value) + (event.key === ']' ? 2 : -2);
      moveCursor();
    } else if (event.key === 'e' && !event.ctrlKey) {
      toggleEraser();
    } else if (event.key === 'z' && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      undo();
    }
  }

  return {
    element,
    show(url) {
      if (image.src !== url) image.src = url;
    },
    /** A PNG file as data URL; null where nothing is painted. */
    mask() {
      if (!canvas.width) return null;
      const painted = pen.getImageData(0, 0, canvas.width, canvas.height).data.some((value, i) => i % 4 === 3 && value > 0);
      if (!painted) return null;
      const out = h('canvas', { width: canvas.width, height: canvas.height });
      const flat = out.getContext('2d');
      flat.drawImage(canvas, 0, 0);
      flat.globalCompositeOperation = 'source-in';
      flat.fillStyle = '#fff';
      flat.fillRect(0, 0, out.width, out.height);
      flat.globalCompositeOperation = 'destination-over';
      flat.fillStyle = '#000';
      flat.fillRect(0, 0, out.width, out.height);
      return out.toDataURL('image/png');
    },
  };
}
