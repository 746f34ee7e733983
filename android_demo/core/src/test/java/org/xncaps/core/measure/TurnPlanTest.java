package org.xncaps.core.measure;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertNotEquals;

import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import org.junit.Test;

/** Rounds of one turn a model, in an order that a seed fixes. */
public final class TurnPlanTest {
  @Test
  public void everyRoundHasEveryModelOnceInAnOrderOfItsOwn() {
    List<List<Integer>> turns = TurnPlan.turns(Arrays.asList(1000L, 1_000_000_000L), 5, 1);
    assertEquals(2 * TurnPlan.ROUNDS, turns.size());
    HashSet<Integer> first = new HashSet<>();
    for (int i = 0; i < turns.size(); i += 2) {
      assertNotEquals(turns.get(i).get(0), turns.get(i + 1).get(0));
      first.add(turns.get(i).get(0));
    }
    assertEquals("both orders", 2, first.size());
    assertEquals(turns, TurnPlan.turns(Arrays.asList(1000L, 1_000_000_000L), 5, 1));
    assertNotEquals(turns, TurnPlan.turns(Arrays.asList(1000L, 1_000_000_000L), 5, 2));
  }

  @Test
  public void slowModelsHaveFewerRunsATurnAndNeverNone() {
    assertEquals(16, TurnPlan.blockRuns(1000, 5));
    assertEquals(7, TurnPlan.blockRuns(10_000_000, 5)); // 5 s / 64 / 10 ms
    assertEquals(1, TurnPlan.blockRuns(10_000_000_000L, 5));
    assertEquals(16, TurnPlan.blockRuns(0, 5));
  }
}
