package dev.atelier.model;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.PriorityQueue;

/**
 * Byte-pair encoding (Sennrich et al. 2016, arXiv 1508.07909): neighbouring symbols are merged, the pair of lowest rank
 * first and from left to right, until no known pair is left. Merging through a queue takes n·log n steps for a word of
 * n symbols where the textbook's repeated scans take n², so a very long "word" is no way to stall the program.
 */
final class BytePairMerges {
    private static final int CONSUMED = -1;

    private final Map<Integer, Integer> mergedByPair = new HashMap<>();

    /** Merges must be added in order of rank, each with a higher {@code merged} id than the one before. */
    void add(int left, int right, int merged) {
        mergedByPair.put(pair(left, right), merged);
    }

    /** Merges {@code symbols}, which serves as scratch space. */
    int[] apply(int[] symbols) {
        Word word = new Word(symbols);
        while (!word.candidates.isEmpty()) {
            long candidate = word.candidates.remove();
            word.merge((int) candidate, (int) (candidate >>> Integer.SIZE));
        }
        return Arrays.stream(symbols).filter(symbol -> symbol != CONSUMED).toArray();
    }

    // ids are below 2^16; a consumed symbol makes a pair that no table holds
    private static int pair(int left, int right) {
        return left << 16 | right;
    }

    /** One word being merged: its remaining symbols form a doubly linked list. */
    private final class Word {
        private final int[] symbols;
        private final int[] previous;
        private final int[] next;

        // merged id above, position of the left symbol below: the lowest rank comes first, then the leftmost
        private final PriorityQueue<Long> candidates = new PriorityQueue<>();

        Word(int[] symbols) {
            this.symbols = symbols;
            previous = new int[symbols.length];
            next = new int[symbols.length];
            for (int i = 0; i < symbols.length; i++) {
                previous[i] = i - 1;
                next[i] = i + 1;
            }
            for (int i = 0; i < symbols.length; i++) {
                offer(i);
            }
        }

        private int mergeAt(int position) {
            if (position < 0 || next[position] >= symbols.length) {
                return CONSUMED;
            }
            return mergedByPair.getOrDefault(pair(symbols[position], symbols[next[position]]), CONSUMED);
        }

        private void offer(int position) {
            int merged = mergeAt(position);
            if (merged != CONSUMED) {
                candidates.add((long) merged << Integer.SIZE | position);
            }
        }

        private void merge(int position, int merged) {
            if (mergeAt(position) != merged) {
                return; // a neighbour was merged away since this candidate was queued
            }
            int right = next[position];
            symbols[position] = merged;
            symbols[right] = CONSUMED;
            next[position] = next[right];
            if (next[right] < symbols.length) {
                previous[next[right]] = position;
            }
            offer(previous[position]);
            offer(position);
        }
    }
}
