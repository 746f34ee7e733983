package org.xncaps.core;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/**
 * Inputs of a model and what has to come out, packed beside it by the build out of FILE.expected.npz:
 * a line of JSON, then the inputs of all rows, then their outputs as float32, little-endian.
 */
public final class StoredCheck {
  /** Outputs against the stored ones. */
  public static final class Verdict {
    public final boolean good;
    public final int rows;
    /** Rows that are further away than the tolerance, or not finite. */
    public final int over;
    public final int equalTop1;
    public final double maxError;
    public final double meanError;

    Verdict(int rows, int over, int allowed, int equalTop1, double maxError, double meanError) {
      this.good = over <= allowed;
      this.rows = rows;
      this.over = over;
      this.equalTop1 = equalTop1;
      this.maxError = maxError;
      this.meanError = meanError;
    }
  }

  private static final int LONGEST_HEAD = 4096;

  public final int rows;
  /** The largest difference of an output that is none. */
  public final double tolerance;
  /** How many of the rows may be further away. */
  public final int allowed;
  /** Of the inputs, for people. */
  public final String source;

  private final TensorSpec input;
  private final TensorSpec output;
  private final boolean pixels;
  private final ByteBuffer content;
  private final int start;

  private StoredCheck(byte[] all, int end, ClassifierModel model) {
    Map<String, Object> head =
        Json.object(Json.parse(new String(all, 0, end, StandardCharsets.UTF_8)), "check");
    rows = whole(head, "rows", 1);
    allowed = whole(head, "allowed", 0);
    tolerance = ((Number) known(head, "tolerance", Number.class)).doubleValue();
    source = (String) known(head, "source", String.class);
    Object kind = known(head, "inputs", String.class);
    pixels = "uint8".equals(kind);
    if (!pixels && !"float32".equals(kind)) {
      throw new IllegalArgumentException("check: inputs: expected uint8 or float32, got " + kind);
    }
    input = model.input.tensor;
    output = model.output;
    long expected = rows * ((long) input.elements() * (pixels ? 1 : 4) + 4L * output.elements());
    start = end + 1;
    if (all.length - start != expected) {
      throw new IllegalArgumentException(
          "check: expected " + expected + " bytes for this model, got " + (all.length - start));
    }
    content = ByteBuffer.wrap(all).order(ByteOrder.LITTLE_ENDIAN);
  }

  /** @throws IllegalArgumentException where it is none, or another model's */
  public static StoredCheck parse(byte[] all, ClassifierModel model) {
    for (int end = 0; end < Math.min(all.length, LONGEST_HEAD); end++) {
      if (all[end] == '\n') {
        return new StoredCheck(all, end, model);
      }
    }
    throw new IllegalArgumentException("check: expected a line of JSON first");
  }

  private static Object known(Map<String, Object> head, String name, Class<?> type) {
    Object value = head.get(name);
    if (!type.isInstance(value)) {
      throw new IllegalArgumentException(
          "check: " + name + ": expected a " + type.getSimpleName() + ", got " + value);
    }
    return value;
  }

  private static int whole(Map<String, Object> head, String name, long least) {
    long value = ((Number) known(head, name, Long.class)).longValue();
    if (value < least || value > 1000) {
      throw new IllegalArgumentException(
          "check: " + name + ": expected " + least + " to 1000, got " + value);
    }
    return (int) value;
  }

  /** The inputs of all rows as the model's tensor takes them, one after the other. */
  public ByteBuffer inputs() {
    int count = rows * input.elements();
    ByteBuffer out =
        ByteBuffer.allocateDirect(rows * input.byteSize()).order(ByteOrder.nativeOrder());
    for (int i = 0; i < count; i++) {
      float value =
          pixels ? content.get(start + i) & 255 : content.getFloat(start + 4 * i);
      if (input.type == ElementType.FLOAT32) {
        out.putFloat(value);
      } else {
        int low = input.type == ElementType.INT8 ? -128 : 0;
        long quantised = Math.round(Math.rint(value / input.scale)) + input.zeroPoint;
        out.put((byte) Math.max(low, Math.min(low + 255, quantised)));
      }
    }
    out.rewind();
    return out;
  }

  private float expected(int row, int index) {
    int at = start + rows * input.elements() * (pixels ? 1 : 4);
    return content.getFloat(at + 4 * (row * output.elements() + index));
  }

  /** @param outputs of all rows as the model's tensor gives them, one after the other */
  public Verdict judge(byte[] outputs) {
    if (outputs.length != rows * output.byteSize()) {
      throw new IllegalArgumentException(
          "outputs: expected " + rows * output.byteSize() + " bytes, got " + outputs.length);
    }
    int over = 0;
    int equal = 0;
    double largest = 0;
    double sum = 0;
    for (int row = 0; row < rows; row++) {
      ByteBuffer own =
          ByteBuffer.wrap(outputs, row * output.byteSize(), output.byteSize())
              .slice().order(ByteOrder.nativeOrder());
      float[] got = output.read(own);
      double error = 0;
      int best = 0;
      int wanted = 0;
      for (int i = 0; i < got.length; i++) {
        double difference = Math.abs(got[i] - expected(row, i));
        error = Math.max(error, difference); // NaN stays NaN
        sum += difference;
        best = got[i] > got[best] ? i : best;
        wanted = expected(row, i) > expected(row, wanted) ? i : wanted;
      }
      over += error <= tolerance ? 0 : 1;
      equal += best == wanted ? 1 : 0;
      largest = Math.max(largest, error);
    }
    return new Verdict(
        rows, over, allowed, equal, largest, sum / ((double) rows * output.elements()));
  }
}
