/** Atelier as LangChain4j sees it. */
@NullMarked
package dev.atelier.langchain4j;

import org.jspecify.annotations.NullMarked;
