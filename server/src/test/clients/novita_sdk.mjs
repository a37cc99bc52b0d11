// novita-sdk (npm) against a running server: node novita_sdk.mjs URL KEY
import sdk from "novita-sdk";
const [url, key] = process.argv.slice(2);
const novita = new sdk.NovitaSDK(key);
novita.setBaseUrl(url);

function check(name, condition, shown) {
  console.log(`${condition ? "ok    " : "FAILED"} ${name}: ${shown}`);
  if (!condition) process.exitCode = 1;
}

async function wait(submitted) {
  for (;;) {
    const result = await novita.progress({ task_id: submitted.task_id });
    if (["TASK_STATUS_SUCCEED", "TASK_STATUS_FAILED"].includes(result.task.status)) return result;
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}

async function picture(result) {
  const answer = await fetch(result.images[0].image_url);
  return Buffer.from(await answer.arrayBuffer());
}

const size = (png) => `${png.readUInt32BE(16)}x${png.readUInt32BE(20)}`;

const models = await novita.getModels({ pagination: { limit: 10 }, filter: { types: "checkpoint" } });
check("getModels", models.models.length > 0, models.models.map((model) => model.sd_name).join(", "));
const model_name = models.models[models.models.length - 1].sd_name;
const common = {
  model_name, prompt: "a red circle", negative_prompt: "", image_num: 1, steps: 4, seed: 7,
  guidance_scale: 7, sampler_name: "Euler a",
};

const drawn = await wait(await novita.txt2Img({ request: { ...common, width: 128, height: 128 } }));
const png = await picture(drawn);
check("txt2Img", size(png) === "128x128", `${drawn.task.status}, ${size(png)}, seed ${drawn.extra.seed}`);

const changed = await wait(await novita.img2Img({
  request: { ...common, width: 256, height: 128, image_base64: png.toString("base64"), strength: 0.5 },
}));
check("img2Img", size(await picture(changed)) === "256x128", changed.task.status);

const mended = await wait(await novita.inpainting({
  request: { ...common, image_base64: png.toString("base64"), mask_image_base64: png.toString("base64") },
}));
check("inpainting", size(await picture(mended)) === "128x128", mended.task.status);

const refused = await novita.txt2Img({ request: { ...common, width: 64, height: 128 } }).catch((error) => error);
check("bad input", refused.code === 400 && refused.reason === "INVALID_REQUEST_BODY", refused.msg);
