package org.xncaps.core;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import java.io.File;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.Test;

/** Shares equal Python's (tests/golden/formats/scores.json); smoothing, agreement, the best. */
public final class ScoresTest {
  private static Map<String, Object> output(Object kind, Object temperature, Object threshold) {
    Map<String, Object> out = new HashMap<>();
    out.put("scores", kind);
    out.put("temperature", temperature);
    out.put("threshold", threshold);
    return out;
  }

  @Test
  public void everyGoldenCaseEqualsPython() throws Exception {
    File file = new File(System.getProperty("golden"), "../formats/scores.json");
    String text = new String(Files.readAllBytes(file.toPath()), StandardCharsets.UTF_8);
    Map<String, Object> golden = Json.object(Json.parse(text), "scores.json");
    double tolerance = ((Number) golden.get("tolerance")).doubleValue();
    List<Map<String, Object>> cases = Golden.rows(golden, "cases");
    assertTrue(cases.size() > 5);
    for (Map<String, Object> row : cases) {
      Scores scores = Scores.of(row);
      double[] shares = scores.shares(Golden.floats(row.get("outputs")));
      List<?> expected = (List<?>) row.get("shares");
      double sum = 0;
      for (int i = 0; i < shares.length; i++) {
        assertEquals(row.toString(), ((Number) expected.get(i)).doubleValue(), shares[i], tolerance);
        sum += shares[i];
      }
      assertEquals(1, sum, 1e-12);
      String[] labels = new String[shares.length];
      Arrays.fill(labels, "");
      TopK.Entry best = TopK.of(shares, Arrays.asList(labels), 1).get(0);
      assertEquals(row.toString(), Golden.integer(row, "best"), best.index);
      assertEquals(row.toString(), row.get("none_of_these"), scores.isNone(best.share));
    }
  }

  @Test
  public void whatContradictsItselfIsRefusedByName() {
    Object[][] bad = {
      {"scores", "votes", null, null}, {"temperature", "logits", 0.0, null},
      {"temperature", "logits", "warm", null}, {"threshold", null, null, 1.5},
      {"threshold", null, null, -0.1},
    };
    for (Object[] row : bad) {
      IllegalArgumentException error =
          assertThrows(
              IllegalArgumentException.class, () -> Scores.of(output(row[1], row[2], row[3])));
      assertTrue(error.getMessage(), error.getMessage().startsWith(row[0] + ": expected"));
    }
    for (float value : new float[] {Float.NaN, Float.POSITIVE_INFINITY}) {
      IllegalStateException error =
          assertThrows(
              IllegalStateException.class, () -> Scores.UNKNOWN.shares(new float[] {1, value}));
      assertTrue(error.getMessage(), error.getMessage().startsWith("expected finite scores"));
    }
  }

  @Test
  public void smoothingHalvesInAThirdOfASecond() {
    SmoothedShares smoothed = new SmoothedShares();
    assertEquals(1, smoothed.add(new double[] {1, 0}, 0)[0], 0);
    double[] half = smoothed.add(new double[] {0, 1}, 300_000_000L);
    assertEquals(0.5, half[0], 1e-12);
    assertEquals(0.5, half[1], 1e-12);
    smoothed.clear();
    assertEquals(0, smoothed.add(new double[] {0, 1}, 400_000_000L)[0], 0);
    assertEquals("another model", 3, smoothed.add(new double[] {0, 1, 0}, 400_000_001L).length);
  }

  @Test
  public void agreementCountsTheLastHundred() {
    Agreement agreement = new Agreement();
    agreement.add("a", "b");
    agreement.add("a", "a");
    assertEquals(1, agreement.same());
    assertEquals(2, agreement.frames());
    for (int i = 0; i < 99; i++) {
      agreement.add("a", "a");
    }
    assertEquals(100, agreement.frames());
    assertEquals("the first is forgotten", 100, agreement.same());
  }
}
