/** LoRA files of all families: reading them, finding the weights they change, and changing those lazily. */
@NullMarked
package dev.atelier.merge.lora;

import org.jspecify.annotations.NullMarked;
