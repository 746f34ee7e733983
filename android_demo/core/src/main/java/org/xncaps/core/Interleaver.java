package org.xncaps.core;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;

/** The order in which models take turns: every one once a round, each round shuffled anew. */
public final class Interleaver {
  private final Random random;
  private final List<Integer> round = new ArrayList<>();

  public Interleaver(int models, long seed) {
    if (models < 1) {
      throw new IllegalArgumentException("expected at least 1 model, got " + models);
    }
    random = new Random(seed);
    for (int i = 0; i < models; i++) {
      round.add(i);
    }
  }

  /** The models of the next round, in their order. */
  public List<Integer> next() {
    Collections.shuffle(round, random);
    return Collections.unmodifiableList(new ArrayList<>(round));
  }
}
