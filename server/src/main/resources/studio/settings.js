// What Create is set to, and how that is said to the server.
import { store } from './store.js';

export const settings = store('atelier.create', {
  mode: 'txt2img',
  model: '',
  prompt: '',
  negativePrompt: '',
  sampler: 'DPM++ 2M',
  scheduler: 'Automatic',
  steps: 20,
  cfgScale: 7,
  seed: -1,
  width: 512,
  height: 512,
  sizeOf: null,
  batchSize: 1,
  batchCount: 1,
  clipSkip: 1,
  hires: false,
  hrUpscaler: 'Latent',
  hrScale: 2,
  hrSteps: 0,
  hrDenoising: 0.7,
  denoising: 0.75,
  resizeMode: 'Just resize',
  maskBlur: 4,
  maskMode: 'Inpaint masked',
  maskContent: 'original',
  inpaintArea: 'Whole picture',
  padding: 32,
  vae: '',
  tiling: false,
  variationSeed: -1,
  variationStrength: 0,
  refiner: '',
  refinerAt: 0.8,
  controlModel: '',
  controlModule: 'none',
  controlWeight: 1,
  controlStart: 0,
  controlEnd: 1,
  controlMode: 'Balanced',
  cacheInterval: 1,
  mergedTokens: 0,
});

/** The pictures to start from, which no storage would hold: data URLs, or null. */
export const pictures = { start: null, control: null, mask: () => null };

/** The body of POST /api/v1/pictures. */
export function request() {
  const s = settings.all();
  const body = {
    model: s.model.trim() || null,
    prompt: s.prompt,
    negativePrompt: s.negativePrompt,
    steps: s.steps,
    sampler: s.sampler,
    scheduler: s.scheduler,
    cfgScale: s.cfgScale,
    seed: s.seed,
    width: s.width,
    height: s.height,
    batchSize: s.batchSize,
    batchCount: s.batchCount,
    clipSkip: s.clipSkip,
  };
  if (s.mode === 'txt2img' && s.hires) {
    body.hires = { upscaler: s.hrUpscaler, scale: s.hrScale, steps: s.hrSteps, denoisingStrength: s.hrDenoising };
  }
  if (s.vae.trim()) body.vae = s.vae.trim();
  if (s.tiling) body.tiling = true;
  if (s.variationStrength > 0) body.variation = { seed: s.variationSeed, strength: s.variationStrength };
  if (s.refiner.trim()) body.refiner = { model: s.refiner.trim(), at: s.refinerAt };
  if (s.cacheInterval > 1) body.cacheInterval = s.cacheInterval;
  if (s.mergedTokens > 0) body.mergedTokens = s.mergedTokens;
  if (s.controlModel.trim()) {
    if (!pictures.control && s.mode === 'txt2img') throw new Error('Choose a control picture first, or leave the ControlNet empty.');
    body.controls = [{
      model: s.controlModel.trim(), image: pictures.control, module: s.controlModule, weight: s.controlWeight,
      start: s.controlStart, end: s.controlEnd, mode: s.controlMode,
    }];
  }
  if (s.mode !== 'txt2img') {
    if (!pictures.start) throw new Error('Choose a picture to start from first.');
    body.start = { image: pictures.start, denoisingStrength: s.denoising, resizeMode: s.resizeMode };
  }
  if (s.mode === 'inpaint') {
    const image = pictures.mask();
    if (!image) throw new Error('Paint over what is to be drawn anew first.');
    body.start.mask = {
      image,
      content: s.maskContent,
      blur: s.maskBlur,
      inverted: s.maskMode === 'Inpaint not masked',
      padding: s.inpaintArea === 'Only masked' ? s.padding : null,
    };
  }
  return body;
}

/** Takes over what /api/v1/infotext or a job's request says. */
export function adopt(other) {
  const changes = {};
  for (const name of ['model', 'prompt', 'negativePrompt', 'steps', 'sampler', 'scheduler', 'cfgScale', 'seed', 'width', 'height', 'clipSkip']) {
    if (other[name] !== null && other[name] !== undefined) changes[name] = other[name];
  }
  changes.variationStrength = other.variation?.strength ?? 0;
  if (other.variation) changes.variationSeed = other.variation.seed;
  changes.tiling = Boolean(other.tiling);
  changes.cacheInterval = other.cacheInterval ?? 1;
  changes.mergedTokens = other.mergedTokens ?? 0;
  changes.hires = Boolean(other.hires);
  if (other.hires) {
    changes.hrUpscaler = other.hires.upscaler;
    changes.hrScale = other.hires.scale;
    changes.hrSteps = other.hires.steps;
    changes.hrDenoising = other.hires.denoisingStrength;
  }
  settings.set(changes);
}
