package dev.atelier.diffusion;

import static dev.atelier.diffusion.SamplerTrait.BROWNIAN_NOISE;
import static dev.atelier.diffusion.SamplerTrait.CFG_PLUS_PLUS;
import static dev.atelier.diffusion.SamplerTrait.CHURN;
import static dev.atelier.diffusion.SamplerTrait.DISCARDS_PENULTIMATE;
import static dev.atelier.diffusion.SamplerTrait.ETA;
import static dev.atelier.diffusion.SamplerTrait.NOISE;
import static dev.atelier.diffusion.SamplerTrait.OWN_LEVELS;
import static dev.atelier.diffusion.SamplerTrait.SECOND_ORDER;
import static dev.atelier.diffusion.SamplerTrait.USES_ENSD;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * The samplers under the names that AUTOMATIC1111 gives them, in its order and with its defaults; behind them, those that
 * ComfyUI has besides, under the names that they have in AUTOMATIC1111's descendants.
 */
@SuppressWarnings("ImmutableEnumChecker") // the list comes from List.of, the set from Set.of
public enum SamplerName {
    DPM_PLUS_PLUS_2M("DPM++ 2M", List.of("k_dpmpp_2m"), Scheduler.KARRAS),
    DPM_PLUS_PLUS_SDE("DPM++ SDE", List.of("k_dpmpp_sde"), Scheduler.KARRAS, SECOND_ORDER, BROWNIAN_NOISE, ETA, NOISE),
    DPM_PLUS_PLUS_2M_SDE("DPM++ 2M SDE", List.of("k_dpmpp_2m_sde"), Scheduler.EXPONENTIAL, BROWNIAN_NOISE, ETA, NOISE),
    DPM_PLUS_PLUS_2M_SDE_HEUN(
            "DPM++ 2M SDE Heun", List.of("k_dpmpp_2m_sde_heun"), Scheduler.EXPONENTIAL, BROWNIAN_NOISE, ETA, NOISE),
    DPM_PLUS_PLUS_2S_ANCESTRAL(
            "DPM++ 2S a", List.of("k_dpmpp_2s_a"), Scheduler.KARRAS, SECOND_ORDER, USES_ENSD, ETA, NOISE),
    DPM_PLUS_PLUS_3M_SDE(
            "DPM++ 3M SDE",
            List.of("k_dpmpp_3m_sde"),
            Scheduler.EXPONENTIAL,
            DISCARDS_PENULTIMATE,
            BROWNIAN_NOISE,
            ETA,
            NOISE),
    EULER_ANCESTRAL("Euler a", List.of("k_euler_a", "k_euler_ancestral"), Scheduler.AUTOMATIC, USES_ENSD, ETA),
    EULER("Euler", List.of("k_euler"), Scheduler.AUTOMATIC, CHURN, NOISE),
    LMS("LMS", List.of("k_lms"), Scheduler.AUTOMATIC),
    HEUN("Heun", List.of("k_heun"), Scheduler.AUTOMATIC, SECOND_ORDER, CHURN, NOISE),
    DPM2("DPM2", List.of("k_dpm_2"), Scheduler.KARRAS, DISCARDS_PENULTIMATE, SECOND_ORDER, CHURN, NOISE),
    DPM2_ANCESTRAL(
            "DPM2 a",
            List.of("k_dpm_2_a"),
            Scheduler.KARRAS,
            DISCARDS_PENULTIMATE,
            SECOND_ORDER,
            USES_ENSD,
            ETA,
            NOISE),
    DPM_FAST("DPM fast", List.of("k_dpm_fast"), Scheduler.AUTOMATIC, OWN_LEVELS, USES_ENSD, ETA, NOISE),
    DPM_ADAPTIVE("DPM adaptive", List.of("k_dpm_ad"), Scheduler.AUTOMATIC, OWN_LEVELS, USES_ENSD, ETA),
    RESTART("Restart", List.of("restart"), Scheduler.KARRAS, SECOND_ORDER),
    DDIM("DDIM", List.of("ddim"), Scheduler.AUTOMATIC, OWN_LEVELS, ETA),
    DDIM_CFG_PLUS_PLUS("DDIM CFG++", List.of("ddim_cfgpp"), Scheduler.AUTOMATIC, OWN_LEVELS, CFG_PLUS_PLUS, ETA),
    PLMS("PLMS", List.of("plms"), Scheduler.AUTOMATIC, OWN_LEVELS),
    UNIPC("UniPC", List.of("unipc"), Scheduler.AUTOMATIC, OWN_LEVELS),
    LCM("LCM", List.of("k_lcm"), Scheduler.AUTOMATIC),
    HEUN_PLUS_PLUS("HeunPP2", List.of("heunpp2"), Scheduler.AUTOMATIC, CHURN, NOISE),
    IPNDM("IPNDM", List.of("ipndm"), Scheduler.AUTOMATIC),
    IPNDM_V("IPNDM_V", List.of("ipndm_v"), Scheduler.AUTOMATIC),
    DEIS("DEIS", List.of("deis"), Scheduler.AUTOMATIC),
    DDPM("DDPM", List.of("ddpm"), Scheduler.AUTOMATIC),
    EULER_CFG_PLUS_PLUS("Euler CFG++", List.of("euler_cfg_pp"), Scheduler.AUTOMATIC, CFG_PLUS_PLUS),
    EULER_ANCESTRAL_CFG_PLUS_PLUS(
            "Euler a CFG++",
            List.of("euler_ancestral_cfg_pp"),
            Scheduler.AUTOMATIC,
            CFG_PLUS_PLUS,
            USES_ENSD,
            ETA,
            NOISE),
    DPM_PLUS_PLUS_2M_CFG_PLUS_PLUS("DPM++ 2M CFG++", List.of("dpmpp_2m_cfg_pp"), Scheduler.KARRAS, CFG_PLUS_PLUS),
    TCD("TCD", List.of("tcd"), Scheduler.SGM_UNIFORM, USES_ENSD, ETA, NOISE);

    // CFG++ guides from 0 to 1; AUTOMATIC1111 maps the usual scales to it, so that 12.5 is 1
    private static final double CFG_PLUS_PLUS_UNIT = 12.5;

    private final String label;

    private final List<String> aliases;
    private final Scheduler defaultScheduler;
    private final Set<SamplerTrait> traits;

    SamplerName(String label, List<String> aliases, Scheduler defaultScheduler, SamplerTrait... traits) {
        this.label = label;
        this.aliases = aliases;
        this.defaultScheduler = defaultScheduler;
        this.traits = Set.of(traits);
    }

    /** The name in menus, requests and infotext. */
    public String label() {
        return label;
    }

    /** What AUTOMATIC1111's API lists beside the name. Requests cannot use them there, nor here. */
    public List<String> aliases() {
        return aliases;
    }

    /** What the scheduler {@code Automatic} means for this sampler. */
    public Scheduler defaultScheduler() {
        return defaultScheduler;
    }

    public boolean has(SamplerTrait trait) {
        return traits.contains(trait);
    }

    /** The sampler with default settings, where it adds no noise with them: a draw would fail. */
    public Sampler sampler(NoiseSchedule schedule) {
        return sampler(schedule, SamplerOptions.DEFAULT, StepNoise.NONE);
    }

    Sampler sampler(NoiseSchedule schedule, SamplerOptions options, StepNoise source) {
        double tmax = options.tmax() == 0 ? Double.POSITIVE_INFINITY : options.tmax();
        Churn churn = new Churn(options.churn(), options.tmin(), tmax, options.noise(), source);
        FreshNoise noise = new FreshNoise(eta(options), has(NOISE) ? options.noise() : 1, source);
        return switch (this) {
            case DPM_PLUS_PLUS_2M -> new DpmPlusPlus2M();
            case DPM_PLUS_PLUS_SDE -> new DpmPlusPlusSde(noise);
            case DPM_PLUS_PLUS_2M_SDE -> new DpmPlusPlus2MSde(DpmPlusPlus2MSde.Correction.MIDPOINT, noise);
            case DPM_PLUS_PLUS_2M_SDE_HEUN -> new DpmPlusPlus2MSde(DpmPlusPlus2MSde.Correction.HEUN, noise);
            case DPM_PLUS_PLUS_2S_ANCESTRAL -> new DpmPlusPlus2SAncestral(noise);
            case DPM_PLUS_PLUS_3M_SDE -> new DpmPlusPlus3MSde(noise);
            case EULER_ANCESTRAL, DDIM -> new EulerAncestral(noise);
            case EULER -> new Euler(churn);
            case LMS -> new LinearMultistep();
            case HEUN -> new Heun(churn);
            case DPM2 -> new Dpm2(churn);
            case DPM2_ANCESTRAL -> new Dpm2Ancestral(noise);
            case DPM_FAST -> new DpmFast(noise);
            case DPM_ADAPTIVE -> new DpmAdaptive(noise);
            case RESTART -> new Restart(source);
            case DDIM_CFG_PLUS_PLUS, EULER_ANCESTRAL_CFG_PLUS_PLUS -> new DdimCfgPlusPlus(noise);
            case EULER_CFG_PLUS_PLUS -> new DdimCfgPlusPlus(new FreshNoise(0, 1, source));
            case DPM_PLUS_PLUS_2M_CFG_PLUS_PLUS -> new DpmPlusPlus2MCfgPlusPlus();
            case PLMS -> new Plms();
            case UNIPC -> new UniPc(options.uniPc());
            case LCM -> new Lcm(source);
            case HEUN_PLUS_PLUS -> new HeunPlusPlus(churn);
            case IPNDM -> new ImprovedPndm(false);
            case IPNDM_V -> new ImprovedPndm(true);
            case DEIS -> new Deis();
            case DDPM -> new EulerAncestral(new FreshNoise(1, 1, source));
            case TCD -> new Tcd(noise, schedule);
        };
    }

    /** η of a run: the request's, or the sampler's own. */
    double eta(SamplerOptions options) {
        return options.eta() != null ? options.eta() : defaultEta();
    }

    double defaultEta() {
        return switch (this) {
            case DDIM, DDIM_CFG_PLUS_PLUS -> 0;
            case TCD -> 0.3;
            default -> 1;
        };
    }

    /** The guidance that a CFG scale means for this sampler. */
    double guidance(double cfgScale) {
        return has(CFG_PLUS_PLUS) ? cfgScale / CFG_PLUS_PLUS_UNIT : cfgScale;
    }

    LatentSpace space() {
        return switch (this) {
            case DDIM, DDIM_CFG_PLUS_PLUS, PLMS, UNIPC -> LatentSpace.VARIANCE_PRESERVING;
            default -> LatentSpace.VARIANCE_EXPLODING;
        };
    }

    /** The noise levels that this sampler takes the network to know. */
    NoiseSchedule schedule(NoiseSchedule trained) {
        return this == LCM ? trained.distilled() : trained;
    }

    /** What this sampler takes the network's output for. */
    Denoiser denoiser(Denoiser network, NoiseSchedule schedule) {
        return this == LCM ? new ConsistencyDenoiser(network, schedule) : network;
    }

    static Optional<SamplerName> find(String label) {
        return Arrays.stream(values()).filter(name -> name.label.equals(label)).findFirst();
    }

    static String known() {
        return Arrays.stream(values()).map(SamplerName::label).collect(Collectors.joining(", "));
    }
}
