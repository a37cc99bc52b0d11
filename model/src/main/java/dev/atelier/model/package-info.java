/**
 * The networks, each written once against {@link dev.atelier.model.Ops}, with the hyper-parameters of the known
 * architectures, the CLIP tokenizer, and {@link dev.atelier.model.DiffusionModel}, which is all that the pipelines
 * see of an engine. A network says what is computed and never on what: no tensor library, no sampler and no prompt
 * grammar belongs here.
 */
@NullMarked
package dev.atelier.model;

import org.jspecify.annotations.NullMarked;
