package org.xncaps.core;

/**
 * Resizes by the triangle filter that widens when it shrinks (Pillow's BILINEAR): a camera picture
 * of 480 pixels becomes 28 without losing thin strokes between the samples.
 */
final class Resampler {
  private final int[] first;
  private final float[][] weights;

  /** For one axis, from {@code in} samples to {@code out}. */
  private Resampler(int in, int out) {
    first = new int[out];
    weights = new float[out][];
    double scale = (double) in / out;
    double reach = Math.max(scale, 1);
    for (int i = 0; i < out; i++) {
      double center = (i + 0.5) * scale;
      int from = Math.max(0, (int) (center - reach + 0.5));
      int to = Math.min(in, (int) (center + reach + 0.5));
      first[i] = from;
      weights[i] = triangle(from, to, center, reach);
    }
  }

  private static float[] triangle(int from, int to, double center, double reach) {
    double[] raw = new double[to - from];
    double sum = 0;
    for (int k = 0; k < raw.length; k++) {
      raw[k] = Math.max(0, 1 - Math.abs((from + k - center + 0.5) / reach));
      sum += raw[k];
    }
    float[] normal = new float[raw.length];
    for (int k = 0; k < raw.length; k++) {
      normal[k] = (float) (raw[k] / sum);
    }
    return normal;
  }

  /** The picture as [height, width, channels] floats of 0 to 255. */
  static float[] resize(Picture picture, int width, int height) {
    Resampler across = new Resampler(picture.width, width);
    Resampler down = new Resampler(picture.height, height);
    int channels = picture.channels;
    float[] rows = new float[picture.height * width * channels];
    for (int y = 0; y < picture.height; y++) {
      across.row(picture, y, rows);
    }
    return down.columns(rows, width * channels);
  }

  private void row(Picture picture, int y, float[] out) {
    int channels = picture.channels;
    int to = y * first.length * channels;
    for (int x = 0; x < first.length; x++) {
      for (int c = 0; c < channels; c++) {
        int from = (y * picture.width + first[x]) * channels + c;
        float sum = 0;
        for (float weight : weights[x]) {
          sum += weight * (picture.bytes[from] & 255);
          from += channels;
        }
        out[to++] = sum;
      }
    }
  }

  private float[] columns(float[] rows, int rowLength) {
    float[] out = new float[first.length * rowLength];
    for (int y = 0; y < first.length; y++) {
      int to = y * rowLength;
      for (int k = 0; k < weights[y].length; k++) {
        int from = (first[y] + k) * rowLength;
        float weight = weights[y][k];
        for (int i = 0; i < rowLength; i++) {
          out[to + i] += weight * rows[from + i];
        }
      }
    }
    return out;
  }
}
