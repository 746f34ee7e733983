package org.xncaps.core;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertNull;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import org.junit.Test;

/** Statistics, top-k, orientation, gate and the specs' own checks. */
public final class CoreTest {
  private static String message(Class<? extends Throwable> type, org.junit.function.ThrowingRunnable r) {
    return String.valueOf(assertThrows(type, r).getMessage());
  }

  @Test
  public void percentilesEqualNumpys() throws IOException {
    for (Map<String, Object> row : Golden.rows(Golden.json("statistics.json"), "latency")) {
      LatencyStats stats = new LatencyStats(100);
      List<?> nanos = (List<?>) row.get("nanos");
      for (Object value : nanos) {
        stats.add((Long) value);
      }
      assertEquals(Math.min(100, nanos.size()), stats.count());
      double expected = ((Number) row.get("millis")).doubleValue();
      double percent = ((Number) row.get("percent")).doubleValue();
      assertEquals(expected, stats.percentileMillis(percent), 1e-9 * Math.abs(expected));
    }
  }

  @Test
  public void emptyStatisticsAreNotANumber() {
    assertTrue(Double.isNaN(new LatencyStats(3).medianMillis()));
    assertThrows(IllegalArgumentException.class, () -> new LatencyStats(0));
  }

  @Test
  public void topKEqualsNumpys() throws IOException {
    for (Map<String, Object> row : Golden.rows(Golden.json("statistics.json"), "top")) {
      float[] scores = Golden.floats(row.get("scores"));
      double[] shares = new double[scores.length];
      List<String> labels = new ArrayList<>();
      for (int i = 0; i < scores.length; i++) {
        labels.add("c" + i);
        shares[i] = scores[i];
      }
      List<Long> got = new ArrayList<>();
      float threshold = ((Number) row.get("threshold")).floatValue();
      for (TopK.Entry entry : TopK.of(shares, labels, Golden.integer(row, "k"))) {
        assertEquals("c" + entry.index, entry.label);
        assertEquals(scores[entry.index], entry.share, 0);
        if (entry.share >= threshold) {
          got.add((long) entry.index);
        }
      }
      assertEquals(row.get("top"), got);
    }
  }

  @Test
  public void topKChecksLabels() {
    List<String> labels = Arrays.asList("a", "b");
    String words = message(IllegalArgumentException.class, () -> TopK.of(new double[1], labels, 1));
    assertTrue(words, words.contains("expected 2 shares, got 1"));
  }

  @Test
  public void uprightAnglesOfBothCameras() {
    int[][] rows = { // sensor, display, back, front
      {90, 0, 90, 90}, {90, 90, 0, 180}, {90, 180, 270, 270}, {90, 270, 180, 0},
      {270, 0, 270, 270}, {270, 90, 180, 0}, {270, 180, 90, 90}, {270, 270, 0, 180},
      {0, 0, 0, 0}, {0, 270, 90, 270}, {180, 90, 90, 270},
    };
    for (int[] row : rows) {
      assertEquals(Arrays.toString(row), row[2], Orientation.toUpright(row[0], row[1], false));
      assertEquals(Arrays.toString(row), row[3], Orientation.toUpright(row[0], row[1], true));
    }
    String words = message(IllegalArgumentException.class, () -> Orientation.swaps(45));
    assertTrue(words, words.contains("got 45"));
  }

  @Test
  public void quarterTurnsOfASmallPicture() throws Exception {
    Picture picture = new Picture(3, 2, 1, new byte[] {1, 2, 3, 4, 5, 6});
    float[][] turned = {
      {1, 2, 3, 4, 5, 6}, {4, 1, 5, 2, 6, 3}, {6, 5, 4, 3, 2, 1}, {3, 6, 2, 5, 1, 4}
    };
    for (int i = 0; i < 4; i++) {
      int[] shape = i % 2 == 0 ? new int[] {1, 2, 3, 1} : new int[] {1, 3, 2, 1};
      TensorSpec tensor = new TensorSpec(shape, ElementType.FLOAT32, 0, 0);
      InputSpec spec = new InputSpec(tensor, new float[] {0}, new float[] {1}, false);
      assertArrayEquals(
          turned[i], tensor.read(new Preprocessor(spec).apply(picture, 90 * i)), 0);
    }
  }

  @Test
  public void partsLieInTheMiddle() {
    Part part = Part.centered(641, 480, 1, 1, 1);
    assertArrayEquals(
        new float[] {80.5f, 0, 560.5f, 480},
        new float[] {part.left, part.top, part.right, part.bottom}, 0);
    Part half = Part.centered(480, 640, 2, 1, 0.5f);
    assertArrayEquals(
        new float[] {120, 260, 360, 380},
        new float[] {half.left, half.top, half.right, half.bottom}, 0);
    assertThrows(IllegalArgumentException.class, () -> new Box(-1, 0, 1, 1));
  }

  @Test
  public void gateLetsOneThrough() throws Exception {
    final FrameGate gate = new FrameGate();
    final int threads = 8;
    final int tries = 20_000;
    final int[] inside = new int[1];
    final boolean[] broken = new boolean[1];
    final CountDownLatch done = new CountDownLatch(threads);
    for (int t = 0; t < threads; t++) {
      new Thread(
              () -> {
                for (int i = 0; i < tries; i++) {
                  if (gate.tryEnter()) {
                    broken[0] |= ++inside[0] != 1;
                    inside[0]--;
                    gate.leave();
                  }
                }
                done.countDown();
              })
          .start();
    }
    done.await();
    assertFalse(broken[0]);
    assertEquals((long) threads * tries, gate.accepted() + gate.dropped());
    assertThrows(IllegalStateException.class, gate::leave);
  }

  @Test
  public void frameRateOfTheLastTwoSeconds() {
    FrameRate rate = new FrameRate();
    assertEquals(0, rate.perSecond(0), 0);
    for (int i = 0; i < 400; i++) {
      rate.frame(i * 50_000_000L);
    }
    assertEquals(20, rate.perSecond(399 * 50_000_000L), 1e-9);
    assertEquals("nothing lately", 0, rate.perSecond(Long.MAX_VALUE / 2), 0);
  }

  @Test
  public void inputsQuantiseAndSaturate() throws Exception {
    TensorSpec tensor = new TensorSpec(new int[] {1, 1, 5, 1}, ElementType.INT8, 0.5f, 3);
    InputSpec spec = new InputSpec(tensor, new float[] {100}, new float[] {1}, false);
    Picture picture = new Picture(5, 1, 1, new byte[] {100, 101, 99, (byte) 255, 0});
    ByteBuffer buffer = new Preprocessor(spec).apply(picture, 0);
    byte[] steps = new byte[5];
    buffer.get(steps);
    assertArrayEquals(new byte[] {3, 5, 1, 127, -128}, steps);
    assertArrayEquals(new float[] {0, 1, -1, 62, -65.5f}, tensor.read(buffer), 0);
  }

  @Test
  public void specsSayWhatTheyExpect() {
    TensorSpec flat = new TensorSpec(new int[] {1, 784}, ElementType.FLOAT32, 0, 0);
    String words =
        message(
            ModelException.class,
            () -> new InputSpec(flat, new float[] {0}, new float[] {1}, false));
    assertTrue(words, words.contains("[1, height, width, 1 or 3], got float32[1, 784]"));
    TensorSpec picture = new TensorSpec(new int[] {1, 8, 8, 3}, ElementType.FLOAT32, 0, 0);
    words =
        message(
            ModelException.class,
            () -> new InputSpec(picture, new float[] {0, 0}, new float[] {1}, false));
    assertTrue(words, words.contains("mean: expected 1 or 3 values, got 2"));
    words =
        message(
            ModelException.class,
            () -> new InputSpec(picture, new float[] {0}, new float[] {0}, false));
    assertTrue(words, words.contains("std: expected positive values, got 0"));
    words =
        message(
            IllegalArgumentException.class,
            () -> new TensorSpec(new int[] {1}, ElementType.INT8, 0, 0));
    assertTrue(words, words.contains("positive scale"));
    words =
        message(
            IllegalArgumentException.class,
            () ->
                new YuvFrame(
                    4, 4, ByteBuffer.allocate(16), ByteBuffer.allocate(3), ByteBuffer.allocate(4),
                    4, 2, 1));
    assertTrue(words, words.contains("plane U: expected at least 4 bytes, got 3"));
    words = message(IllegalArgumentException.class, () -> new Picture(2, 2, 2, new byte[8]));
    assertTrue(words, words.contains("1 or 3 channels, got 2"));
  }
}
