package dev.atelier.merge.lora;

import dev.atelier.checkpoint.Tensor;
import java.util.Map;

/**
 * What a LoRA holds for one layer.
 *
 * @param network whose layer it is: {@code unet}, {@code te1} or {@code te2}
 * @param layer the layer's path with underscores in the place of dots, as kohya writes it
 * @param parts the tensors, by kohya's and LyCORIS's names for them, such as {@code lora_up}
 * @param names what these tensors are called in the file
 */
record LoraModule(String network, String layer, Map<String, Tensor> parts, Map<String, String> names) {}
