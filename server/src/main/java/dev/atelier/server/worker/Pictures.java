package dev.atelier.server.worker;

import java.awt.image.BufferedImage;

/** Pictures that a request handed in, by the key under which they are stored. */
@FunctionalInterface
interface Pictures {
    BufferedImage read(String key);
}
