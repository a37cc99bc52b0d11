package dev.atelier.training;

import dev.atelier.engine.torch.Adapter;
import dev.atelier.training.setting.Section;
import dev.atelier.training.setting.Setting;
import java.nio.file.Path;
import java.util.List;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/** What of a model is trained. */
public sealed interface TrainingMethod {
    /** Whether the text encoders change. */
    boolean trainsText();

    /** Factors of the learning rate of the UNet's blocks, see {@link BlockValues}; empty for all alike. */
    default String blockRates() {
        return "";
    }

    /** All of the UNet, and of the text encoders if asked for. */
    @Section("What is trained")
    record Weights(
            @Setting(
                    value = "text-encoder",
                    help = "Train the text encoder as well. Faces gain most from it.",
                    also = "train_text_encoder")
            boolean textEncoder,

            @Setting(
                    value = "block-lr",
                    label = "FACTORS",
                    help =
                            "Factors of the learning rate of the UNet's blocks, with commas: 12 on the way down, 1 in the middle,"
                                    + " 12 on the way up; for XL 9, 1 and 9. Default: all alike.")
            String blockRates)
            implements TrainingMethod {
        @Override
        public boolean trainsText() {
            return textEncoder;
        }
    }

    /**
     * LoRAs of layers.
     *
     * @param rank how many numbers pass between the two factors
     * @param convolutionRank the rank at convolutions of 3 × 3; 0 to leave them and what else is in residual blocks alone
     */
    @Section("What is trained")
    record Lora(
            @Setting(
                    value = "algorithm",
                    label = "NAME",
                    help =
                            "lora; dora, which keeps the length of a weight's rows apart from their direction; or LyCORIS' loha or lokr,"
                                    + " which say more with as many numbers.",
                    standard = "lora",
                    also = {"algo", "use_dora=dora", "dora_wd=dora"})
            Adapter.Form form,

            @Setting(
                    value = "rank",
                    label = "N",
                    help = "The size of the LoRA: 4 to 128.",
                    standard = "16",
                    also = "network_dim")
            int rank,

            @Setting(
                    value = "alpha",
                    label = "X",
                    help =
                            "The LoRA counts alpha / rank. Default: the rank, so that it counts fully. kohya's default is 1; with"
                                    + " 1 use its learning rates.",
                    also = "network_alpha")
            @Nullable
            Double givenAlpha,

            @Setting(
                    value = "conv-rank",
                    label = "N",
                    help = "Change convolutions too (LoCon), at this rank.",
                    standard = "0",
                    also = "conv_dim")
            int convolutionRank,

            @Setting(
                    value = "conv-alpha",
                    label = "X",
                    help = "Alpha of the convolutions. Default: the same share of their rank as elsewhere.",
                    also = "conv_alpha")
            @Nullable
            Double givenConvolutionAlpha,

            @Setting(
                    value = "factor",
                    label = "N",
                    help =
                            "Of lokr: how large the smaller factor of each weight's Kronecker product is at most; -1 for as"
                                    + " large as can be.",
                    standard = "-1")
            int factor,

            @Setting(
                    value = "attention-only",
                    help =
                            "Change only the four projections of each attention, as diffusers' scripts do. Otherwise all of the"
                                    + " transformers, as kohya's.")
            boolean attentionOnly,

            @Setting(
                    value = "unet-only",
                    help = "Leave the text encoder alone; what it makes of captions is then computed once.",
                    also = "network_train_unet_only")
            boolean unetOnly,

            @Setting(value = "text-only", help = "Leave the UNet alone.", also = "network_train_text_encoder_only")
            boolean textOnly,

            @Setting(
                    value = "block-lr",
                    label = "FACTORS",
                    help =
                            "Factors of the learning rate of the UNet's blocks, with commas: 12 on the way down, 1 in the middle,"
                                    + " 12 on the way up; for XL 9, 1 and 9. Default: all alike.")
            String blockRates,

            @Setting(
                    value = "block-ranks",
                    label = "RANKS",
                    help =
                            "Ranks of the LoRAs in the UNet's blocks, in the same order; 0 for none. Default: --rank in all.",
                    also = "block_dims")
            String blockRanks,

            @Setting(
                    value = "lora-plus",
                    label = "RATIO",
                    help = "Let the second factor of each LoRA learn so many times as fast (LoRA+); 16 in the paper.",
                    standard = "1",
                    also = "loraplus_lr_ratio")
            double plus,

            @Setting(
                    value = "lora-dropout",
                    label = "SHARE",
                    help = "How often a number within the LoRA is left out of a step.",
                    standard = "0",
                    also = {"network_dropout", "lora_dropout"})
            double dropout,

            @Setting(
                    value = "rank-dropout",
                    label = "SHARE",
                    help =
                            "How often one of its ranks is left out, for a whole picture; of loha and lokr a row of the change.",
                    standard = "0",
                    also = "rank_dropout")
            double rankDropout,

            @Setting(
                    value = "module-dropout",
                    label = "SHARE",
                    help = "How often the LoRA of a whole layer is left out.",
                    standard = "0",
                    also = "module_dropout")
            double moduleDropout,

            @Setting(
                    value = "limit-norm",
                    label = "X",
                    help = "Shrink each layer's LoRA to this norm after each step; 0 for never.",
                    standard = "0",
                    also = "scale_weight_norms")
            double normLimit,

            @Setting(
                    value = "from",
                    label = "FILE",
                    help = "A file of the same --algorithm in kohya's naming to go on from. Default: a new one.",
                    also = "network_weights")
            @Nullable
            Path from)
            implements TrainingMethod {
        public Lora {
            if (rank < 1 || convolutionRank < 0 || (givenAlpha != null && !(givenAlpha > 0))) {
                throw new IllegalArgumentException(
                        "a LoRA's rank and alpha are above 0, not %d and %s".formatted(rank, givenAlpha));
            }
            for (double each : new double[] {dropout, rankDropout, moduleDropout}) {
                if (!(each >= 0 && each < 1)) {
                    throw new IllegalArgumentException("dropout is at least 0 and below 1, not " + each);
                }
            }
            if (isOfWholeWeights() && (dropout > 0 || plus != 1)) {
                throw new IllegalArgumentException(
                        "--lora-dropout and --lora-plus are for --algorithm lora and dora; with loha and lokr LyCORIS takes them and does nothing");
            }
            if (unetOnly && textOnly) {
                throw new IllegalArgumentException("--unet-only and --text-only together leave nothing to train");
            }
        }

        /** Whether a change is computed as large as the layer's weight. */
        boolean isOfWholeWeights() {
            return form == Adapter.Form.LOHA || form == Adapter.Form.LOKR;
        }

        double alpha() {
            return givenAlpha != null ? givenAlpha : rank;
        }

        double convolutionAlpha() {
            return givenConvolutionAlpha != null ? givenConvolutionAlpha : alpha() * convolutionRank / rank;
        }

        @Override
        public boolean trainsText() {
            return !unetOnly;
        }
    }

    /** Vectors of a new word, textual inversion. */
    @Section("The new word")
    record Word(
            @Setting(
                    value = "word",
                    label = "WORD",
                    help = "The new word, as captions write it.",
                    also = {"placeholder_token", "token_string"})
            String word,

            @Setting(
                    value = "init",
                    label = "WORDS",
                    help = "What it means at first: a word that is known.",
                    also = {"initializer_token", "init_word"})
            String initial,

            @Setting(
                    value = "vectors",
                    label = "N",
                    help = "How many tokens the word counts for: 1 to 75.",
                    standard = "1",
                    also = {"num_vectors", "num_vectors_per_token"})
            int vectors,

            @Setting(
                    value = "from",
                    label = "FILE",
                    help = "A word's file to go on from, with as many --vectors; in place of --init.",
                    also = "weights")
            @Nullable
            Path from,

            @Setting(value = "keep-norm", help = "Keep the vectors about as long as those of other words.")
            boolean keepNorm,

            @Setting(
                    value = "template",
                    label = "WHAT",
                    help =
                            "Caption pictures by sentences about the word, a different one each time: object (\"a photo of a"
                                    + " WORD\") or style (\"a painting in the style of WORD\"). Default: their own captions.",
                    also = {"learnable_property", "use_object_template=object", "use_style_template=style"})
            @Nullable
            Template template)
            implements TrainingMethod {
        public Word {
            if (word.isBlank() || (initial.isBlank() && from == null) || vectors < 1 || vectors > 75) {
                throw new IllegalArgumentException(
                        "--word and --init (or --from), a new word and what to start from, have to be given, and 1 to 75 vectors, not \"%s\", \"%s\" and %d"
                                .formatted(word, initial, vectors));
            }
        }

        @Override
        public boolean trainsText() {
            return true;
        }

        /** What stands below a picture with this caption. */
        String caption(String own, RandomGenerator random) {
            return template == null ? own : template.about(word, random);
        }
    }

    /** Sentences about a word, like those of the textual inversion paper (Gal et al. 2022, "An Image is Worth One Word"). */
    enum Template {
        OBJECT,
        STYLE;

        private static final List<String> LOOKS = List.of(
                "", "cropped ", "close-up ", "bright ", "dark ", "good ", "small ", "large ", "nice ", "weird ");
        private static final List<String> OBJECTS =
                List.of("photo of a", "photo of the", "photo of my", "photo of one", "rendering of a");
        private static final List<String> STYLES = List.of("painting", "rendering", "picture", "rendition");

        String about(String word, RandomGenerator random) {
            String look = LOOKS.get(random.nextInt(LOOKS.size()));
            return switch (this) {
                case OBJECT -> "a %s%s %s".formatted(look, OBJECTS.get(random.nextInt(OBJECTS.size())), word);
                case STYLE ->
                    "a %s%s in the style of %s".formatted(look, STYLES.get(random.nextInt(STYLES.size())), word);
            };
        }
    }
}
