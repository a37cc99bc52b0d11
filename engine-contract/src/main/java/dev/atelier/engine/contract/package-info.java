/**
 * The tests that every engine must pass, with the recorded numbers that it is held to. Used by the tests of the engines
 * and never shipped.
 */
@NullMarked
package dev.atelier.engine.contract;

import org.jspecify.annotations.NullMarked;
