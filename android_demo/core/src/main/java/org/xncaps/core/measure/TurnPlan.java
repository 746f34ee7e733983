package org.xncaps.core.measure;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;

/**
 * The turns of a measurement that this device plans itself, as the host plans them: rounds in which
 * every model has one turn, in seeded random order, a turn being a block of runs.
 */
public final class TurnPlan {
  public static final int ROUNDS = 64;
  public static final int BLOCK_RUNS = 16;
  public static final int SETTLE_RUNS = 2;
  public static final String ORDER =
      "interleaved: each round gives every file one turn, in seeded random order";

  private TurnPlan() {}

  /** Timed runs of a turn of a model whose runs take so long: 64 of them fill the seconds. */
  static int blockRuns(long runNanos, double seconds) {
    double fits = seconds * 1e9 / ROUNDS / Math.max(1, runNanos);
    return (int) Math.max(1, Math.min(BLOCK_RUNS, fits));
  }

  /** Pairs [model, runs], as a job has them. */
  public static List<List<Integer>> turns(List<Long> runNanos, double seconds, long seed) {
    List<Integer> models = new ArrayList<>();
    for (int i = 0; i < runNanos.size(); i++) {
      models.add(i);
    }
    Random random = new Random(seed);
    List<List<Integer>> turns = new ArrayList<>();
    for (int round = 0; round < ROUNDS; round++) {
      Collections.shuffle(models, random);
      for (int model : models) {
        turns.add(Arrays.asList(model, blockRuns(runNanos.get(model), seconds)));
      }
    }
    return turns;
  }
}
