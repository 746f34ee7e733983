package org.xncaps.core;

import java.util.Map;

/**
 * One scale for the scores of every head: shares from 0 to 1 that add up to 1, and 'none of these'.
 * The formula is that of docs/metadata.md; Python's is xncaps_files.scores, and both are held to
 * tests/golden/formats/scores.json.
 */
public final class Scores {
  /** Of a probability whose logarithm is taken. */
  private static final double SMALLEST = 1e-12;

  /** For files that do not say what their outputs are. */
  public static final Scores UNKNOWN = new Scores(null, null, null);

  /** lengths, logits, probabilities, or null. */
  public final String kind;
  /** Null where none was fitted. */
  public final Double temperature;
  /** The highest share below which a picture is of none of the classes; null says that never. */
  public final Double threshold;

  private Scores(String kind, Double temperature, Double threshold) {
    this.kind = kind;
    this.temperature = temperature;
    this.threshold = threshold;
  }

  /**
   * @param output the object "output" of xncaps.json
   * @throws IllegalArgumentException that names what contradicts docs/metadata.md
   */
  public static Scores of(Map<String, Object> output) {
    Object kind = output.get("scores");
    if (kind != null && !"lengths".equals(kind) && !"logits".equals(kind)
        && !"probabilities".equals(kind)) {
      throw new IllegalArgumentException(
          "scores: expected lengths, logits or probabilities, got " + kind);
    }
    Double temperature = number(output, "temperature");
    Double threshold = number(output, "threshold");
    if (temperature != null && !(temperature > 0)) {
      throw new IllegalArgumentException("temperature: expected above 0, got " + temperature);
    }
    if (threshold != null && !(threshold >= 0 && threshold <= 1)) {
      throw new IllegalArgumentException("threshold: expected 0 to 1, got " + threshold);
    }
    return new Scores((String) kind, temperature, threshold);
  }

  private static Double number(Map<String, Object> output, String name) {
    Object value = output.get(name);
    if (value == null) {
      return null;
    }
    double number = value instanceof Number ? ((Number) value).doubleValue() : Double.NaN;
    if (Double.isNaN(number) || Double.isInfinite(number)) {
      throw new IllegalArgumentException(name + ": expected a number, got " + value);
    }
    return number;
  }

  /**
   * The shares of a model's outputs, in their order.
   *
   * @throws IllegalStateException where an output is NaN or infinite: the file is broken
   */
  public double[] shares(float[] outputs) {
    boolean negative = false;
    for (float value : outputs) {
      if (Float.isNaN(value) || Float.isInfinite(value)) {
        throw new IllegalStateException("expected finite scores, got " + value);
      }
      negative |= value < 0;
    }
    double[] values = new double[outputs.length];
    for (int i = 0; i < values.length; i++) {
      values[i] = outputs[i];
    }
    if ("logits".equals(kind) || kind == null && negative) {
      return softmax(values);
    }
    if ("probabilities".equals(kind) && temperature != null) {
      for (int i = 0; i < values.length; i++) {
        values[i] = Math.log(Math.max(values[i], SMALLEST));
      }
      return softmax(values);
    }
    return temperature != null ? softmax(values) : shareOfSum(values);
  }

  /** Whether the best of these shares says that the picture is of none of the classes. */
  public boolean isNone(double highestShare) {
    return threshold != null && highestShare < threshold;
  }

  private double[] softmax(double[] values) {
    double highest = Double.NEGATIVE_INFINITY;
    for (double value : values) {
      highest = Math.max(highest, value);
    }
    double sum = 0;
    for (int i = 0; i < values.length; i++) {
      values[i] = Math.exp((values[i] - highest) / (temperature == null ? 1 : temperature));
      sum += values[i];
    }
    for (int i = 0; i < values.length; i++) {
      values[i] /= sum;
    }
    return values;
  }

  private static double[] shareOfSum(double[] values) {
    double sum = 0;
    for (double value : values) {
      sum += Math.max(0, value);
    }
    for (int i = 0; i < values.length; i++) {
      values[i] = sum > 0 ? Math.max(0, values[i]) / sum : 1.0 / values.length;
    }
    return values;
  }
}
