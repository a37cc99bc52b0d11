// The same request in several languages. Nothing here is sent: it is text to copy.

const without = (body) => Object.fromEntries(Object.entries(body).filter(([, value]) => value !== null && value !== undefined));
const json = (value) => JSON.stringify(value, null, 2);
const shell = (text) => `'${text.replaceAll("'", "'\\''")}'`;
const java = (text) => JSON.stringify(text ?? '');

/** The fields of AUTOMATIC1111's API. */
function webui(body) {
  const fields = {
    prompt: body.prompt, negative_prompt: body.negativePrompt, steps: body.steps, sampler_name: body.sampler, scheduler: body.scheduler,
    cfg_scale: body.cfgScale, seed: body.seed, width: body.width, height: body.height, batch_size: body.batchSize, n_iter: body.batchCount,
    override_settings: without({ sd_model_checkpoint: body.model, CLIP_stop_at_last_layers: body.clipSkip > 1 ? body.clipSkip : null }),
  };
  if (body.hires) Object.assign(fields, { enable_hr: true, hr_upscaler: body.hires.upscaler, hr_scale: body.hires.scale, hr_second_pass_steps: body.hires.steps, denoising_strength: body.hires.denoisingStrength });
  if (body.tiling) fields.tiling = true;
  if (body.variation) Object.assign(fields, { subseed: body.variation.seed, subseed_strength: body.variation.strength });
  if (body.refiner) Object.assign(fields, { refiner_checkpoint: body.refiner.model, refiner_switch_at: body.refiner.at });
  if (body.vae) fields.override_settings.sd_vae = body.vae;
  if (body.cacheInterval) Object.assign(fields.override_settings, { deepcache_enable: true, deepcache_full_run_step_rate: body.cacheInterval });
  if (body.mergedTokens) fields.override_settings.token_merging_ratio = body.mergedTokens;
  if (body.controls) {
    fields.alwayson_scripts = { ControlNet: { args: body.controls.map((control) => without({ enabled: true, model: control.model, module: control.module, image: control.image, weight: control.weight, guidance_start: control.start, guidance_end: control.end, control_mode: control.mode })) } };
  }
  if (body.start) {
    Object.assign(fields, { init_images: [body.start.image], denoising_strength: body.start.denoisingStrength });
    const mask = body.start.mask;
    if (mask) Object.assign(fields, { mask: mask.image, mask_blur: mask.blur, inpainting_fill: ['fill', 'original', 'latent noise', 'latent nothing'].indexOf(mask.content), inpainting_mask_invert: mask.inverted ? 1 : 0, inpaint_full_res: mask.padding !== null, inpaint_full_res_padding: mask.padding ?? 0 });
  }
  return fields;
}

const route = (body) => (body.start ? 'img2img' : 'txt2img');

export const calls = {
  curl: {
    label: 'curl',
    text: (body, origin) => `curl -s ${origin}/api/v1/pictures \\\n  -H 'Content-Type: application/json' \\\n  -d ${shell(json(without(body)))}\n\n# then, with the id of the job in the answer:\ncurl -s ${origin}/api/v1/jobs/JOB\ncurl -s ${origin}/api/v1/jobs/JOB/images/0 -o picture.png`,
  },
  webui: {
    label: 'AUTOMATIC1111',
    text: (body, origin) => `curl -s ${origin}/sdapi/v1/${route(body)} \\\n  -H 'Content-Type: application/json' \\\n  -d ${shell(json(webui(body)))}`,
  },
  js: {
    label: 'JavaScript',
    text: (body, origin) => `const server = '${origin}/api/v1';
const { job } = await (await fetch(\`\${server}/pictures\`, {
  method: 'POST',
  body: JSON.stringify(${json(without(body)).replaceAll('\n', '\n  ')}),
})).json();

let state;
do {
  await new Promise((resolve) => setTimeout(resolve, 500));
  state = await (await fetch(\`\${server}/jobs/\${job}\`)).json();
} while (state.finishedAt === null);
console.log(state.images.map((image) => image.url));`,
  },
  novita: {
    label: 'Novita SDK',
    text: (body, origin) => `import { NovitaSDK, TaskStatus } from 'novita-sdk';

const novita = new NovitaSDK('YOUR KEY');
novita.setBaseUrl('${origin}');
const { task_id } = await novita.txt2Img(${json({ request: without({ model_name: body.model ?? 'MODEL', prompt: body.prompt, negative_prompt: body.negativePrompt || null, width: body.width, height: body.height, image_num: body.batchSize, steps: body.steps, guidance_scale: body.cfgScale, sampler_name: body.sampler, seed: body.seed, clip_skip: body.clipSkip > 1 ? body.clipSkip : null }) })});
let progress;
do {
  await new Promise((resolve) => setTimeout(resolve, 500));
  progress = await novita.progress({ task_id });
} while (progress.task.status === TaskStatus.QUEUED || progress.task.status === TaskStatus.PROCESSING);
console.log(progress.images.map((image) => image.image_url));`,
  },
  java: {
    label: 'Java',
    text: (body, origin) => `HttpClient client = HttpClient.newHttpClient();
HttpRequest request = HttpRequest.newBuilder(URI.create("${origin}/api/v1/pictures"))
        .POST(BodyPublishers.ofString("""
                ${JSON.stringify(without(body), null, 2).replaceAll('\\', '\\\\').replaceAll('"""', '\\"""').replaceAll('\n', '\n                ')}
                """))
        .build();
System.out.println(client.send(request, BodyHandlers.ofString()).body());`,
  },
  library: {
    label: 'Java, in process',
    text: (body) => `try (Atelier atelier = Atelier.open(Path.of(${java(body.model ?? 'MODEL.safetensors')}))) {
    GenerationRequest request = GenerationRequest.of(${java(body.prompt)})
            .negativePrompt(${java(body.negativePrompt)})
            .sampler(${java(body.scheduler === 'Automatic' ? body.sampler : `${body.sampler} ${body.scheduler}`)})
            .steps(${body.steps})
            .cfgScale(${body.cfgScale})
            .size(${body.width}, ${body.height})${body.seed === -1 ? '' : `\n            .seed(${body.seed}L)`}${body.clipSkip > 1 ? `\n            .clipSkip(${body.clipSkip})` : ''}${body.batchSize > 1 ? `\n            .batchSize(${body.batchSize})` : ''}${body.hires ? `\n            .hiresFix(HiresFix.by(${body.hires.scale}))` : ''};
    for (GeneratedImage image : atelier.generate(request)) {
        PngFile.write(Path.of(image.seed() + ".png"), image);
    }
}`,
  },
};
