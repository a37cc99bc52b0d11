package dev.atelier.training.setting;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/** Makes a component of a record an option that users give: on the command line, in a file, or by {@link Settings#with}. */
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.RECORD_COMPONENT)
public @interface Setting {
    /** Its name: {@code batch} is {@code --batch} on the command line. */
    String value();

    /** What it does, for users. */
    String help();

    /** What stands for its value in the help; switches have none. */
    String label() default "";

    /** The value if none is given. Where it is empty, the help says what happens then. */
    String standard() default "";

    /**
     * Its names in kohya's and diffusers' scripts. A switch that is one value of it here stands with that value:
     * {@code use_ema=0.9999}.
     */
    String[] also() default {};
}
