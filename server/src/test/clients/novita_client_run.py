# novita_client (PyPI) against a running server: python novita_client_run.py URL KEY
import base64
import io
import sys
import time

import novita_client as n
from PIL import Image

url, key = sys.argv[1:]
client = n.NovitaClient(key, url)
failed = False


def check(name, condition, shown):
    global failed
    failed |= not condition
    print("ok    " if condition else "FAILED", f"{name}: {shown}")


def picture(result):
    return Image.open(io.BytesIO(base64.b64decode(result.images_encoded[0])))


models = client.models_v3()
check("models_v3", len(models) > 0, [model.sd_name for model in models])
page = client.query_model_v3(limit=1, types="checkpoint")
check("query_model_v3", len(page.models) > 0, len(page.models))
name = models[0].sd_name

drawn = picture(client.txt2img_v3(
    model_name=name, prompt="a red circle", width=128, height=128, steps=4, seed=7, image_num=1, guidance_scale=7,
    sampler_name="Euler a"))
check("txt2img_v3", drawn.size == (128, 128) and drawn.format == "JPEG", (drawn.size, drawn.format))
changed = picture(client.img2img_v3(
    input_image=drawn, model_name=name, prompt="a blue circle", width=256, height=128, steps=4, seed=7,
    guidance_scale=7, image_num=1, sampler_name="Euler a"))
check("img2img_v3", changed.size == (256, 128), changed.size)
mended = picture(client.inpainting(
    image=drawn, mask=drawn.convert("L"), model_name=name, prompt="a green circle", steps=4, guidance_scale=7,
    image_num=1, seed=7, sampler_name="Euler a"))
check("inpainting", mended.size == (128, 128), mended.size)
user = client.user_info()
check("user_info", user.credit_balance is not None, user)
loras = client.query_model_v3(limit=1, types="lora")
check("query_model_v3 of another kind", loras.models is not None, len(loras.models))
training = client.create_training_subject(
    name="circle", base_model=name, images=[drawn], width=64, height=64, instance_prompt="a circle", class_prompt="person",
    max_train_steps=1, learning_rate="1e-4", lora_r=4, lora_alpha=4)
while (state := client.query_training_subject_status(training)).task_status in ("QUEUING", "TRAINING"):
    time.sleep(0.5)
check("create_training_subject", state.task_status == "SUCCESS", [model.model_name for model in state.models])
check("list_training", any(task.task_id == training for task in client.list_training()), "listed")
try:
    client.txt2img_v3(
        model_name="no such model", prompt="x", width=128, height=128, steps=4, image_num=1, guidance_scale=7,
        sampler_name="Euler a")
    check("bad input", False, "was let through")
except n.NovitaResponseError as refused:
    check("bad input", True, refused)
sys.exit(failed)
