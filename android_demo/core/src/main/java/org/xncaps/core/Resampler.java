package org.xncaps.core;

/**
 * One axis of resizing by the triangle filter that widens when it shrinks (Pillow's BILINEAR): a
 * camera picture of 480 pixels becomes 28 without losing thin strokes between the samples. The
 * weights are computed once, in groups of four with zeros behind the last, so that the loops that use
 * them have no short inner loop; using them allocates nothing.
 */
final class Resampler {
  private static final int GROUP = 4;

  final int in;
  final int out;
  /** How many samples an output reads, a multiple of GROUP; some of them with weight 0. */
  final int taps;
  /** The first sample of each output, and how many have a weight. */
  private final int[] first;
  private final int[] count;
  private final float[] weights;

  Resampler(int in, int out) {
    this.in = in;
    this.out = out;
    first = new int[out];
    count = new int[out];
    double scale = (double) in / out;
    double reach = Math.max(scale, 1);
    int most = 0;
    for (int i = 0; i < out; i++) {
      double center = (i + 0.5) * scale;
      first[i] = Math.max(0, (int) (center - reach + 0.5));
      count[i] = Math.min(in, (int) (center + reach + 0.5)) - first[i];
      most = Math.max(most, count[i]);
    }
    taps = (most + GROUP - 1) / GROUP * GROUP;
    weights = new float[out * taps];
    for (int i = 0; i < out; i++) {
      triangle(i, (i + 0.5) * scale, reach);
    }
  }

  private void triangle(int i, double center, double reach) {
    double sum = 0;
    for (int k = 0; k < count[i]; k++) {
      sum += Math.max(0, 1 - Math.abs((first[i] + k - center + 0.5) / reach));
    }
    for (int k = 0; k < count[i]; k++) {
      double raw = Math.max(0, 1 - Math.abs((first[i] + k - center + 0.5) / reach));
      weights[i * taps + k] = (float) (raw / sum);
    }
  }

  /** One past the last sample that output i reads with a weight. */
  int end(int i) {
    return first[i] + count[i];
  }

  /**
   * All outputs of samples[offset, offset + in) to row[at, at + out). Up to taps samples behind those
   * are read, with weight 0: they have to be there, and finite.
   */
  void across(float[] samples, int offset, float[] row, int at) {
    if (taps == GROUP) {
      for (int i = 0; i < out; i++) {
        int s = offset + first[i];
        int w = i * GROUP;
        row[at + i] =
            weights[w] * samples[s] + weights[w + 1] * samples[s + 1]
                + weights[w + 2] * samples[s + 2] + weights[w + 3] * samples[s + 3];
      }
      return;
    }
    for (int i = 0; i < out; i++) {
      int s = offset + first[i];
      float sum = 0;
      for (int w = i * taps; w < (i + 1) * taps; w++) {
        sum += weights[w] * samples[s++];
      }
      row[at + i] = sum;
    }
  }

  /** Output i of whole rows of samples; sample number y is rows[y % rows.length]. */
  void down(int i, float[][] rows, int length, float[] mixed) {
    for (int k = 0; k < count[i]; k += GROUP) {
      int w = i * taps + k;
      mix(
          sample(rows, i, k), weights[w], sample(rows, i, k + 1), weights[w + 1],
          sample(rows, i, k + 2), weights[w + 2], sample(rows, i, k + 3), weights[w + 3],
          length, k > 0, mixed);
    }
  }

  private float[] sample(float[][] rows, int i, int k) {
    return rows[(first[i] + Math.min(k, count[i] - 1)) % rows.length];
  }

  private static void mix(
      float[] a, float wa, float[] b, float wb, float[] c, float wc, float[] d, float wd,
      int length, boolean add, float[] mixed) {
    if (add) {
      for (int x = 0; x < length; x++) {
        mixed[x] += wa * a[x] + wb * b[x] + wc * c[x] + wd * d[x];
      }
    } else {
      for (int x = 0; x < length; x++) {
        mixed[x] = wa * a[x] + wb * b[x] + wc * c[x] + wd * d[x];
      }
    }
  }
}
