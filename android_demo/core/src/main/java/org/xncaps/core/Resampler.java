package org.xncaps.core;

/**
 * One axis of Pillow's resizing of bytes by BILINEAR, to the bit: a triangle that widens when it
 * shrinks, so that a camera picture of 480 pixels becomes 28 without losing thin strokes between the
 * samples; weights as whole numbers, every output rounded half up. The weights are computed once, in
 * groups of four with zeros behind the last, so that the loops that use them have no short inner
 * loop; using them allocates nothing.
 */
final class Resampler {
  private static final int GROUP = 4;
  /** A weight of 1 is 1 << BITS; weights add up to it, so that no sum of bytes overflows. */
  private static final int BITS = 22;
  private static final int HALF = 1 << BITS - 1;

  final int out;
  /** How many samples an output reads, a multiple of GROUP; some of them with weight 0. */
  final int taps;
  /** The first sample that any output reads, and one past the last. */
  final int low;
  final int high;
  /** The first sample of each output, counted from low, and how many have a weight. */
  private final int[] first;
  private final int[] count;
  private final int[] weights;

  /**
   * @param in how many samples there are
   * @param from where the part begins that becomes the outputs; its edge outputs look beyond it
   * @param to where it ends
   * @param mirrored whether the samples come in the opposite order of what from and to mean
   */
  Resampler(int in, float from, float to, int out, boolean mirrored) {
    this.out = out;
    first = new int[out];
    count = new int[out];
    double scale = (double) (to - from) / out;
    double reach = Math.max(scale, 1);
    int most = 0;
    int begin = in;
    int end = 0;
    for (int i = 0; i < out; i++) {
      double center = from + (i + 0.5) * scale;
      int start = Math.max(0, (int) (center - reach + 0.5));
      int stop = Math.min(in, (int) (center + reach + 0.5));
      int at = mirrored ? out - 1 - i : i;
      first[at] = mirrored ? in - stop : start;
      count[at] = stop - start;
      most = Math.max(most, count[at]);
      begin = Math.min(begin, first[at]);
      end = Math.max(end, first[at] + count[at]);
    }
    low = begin;
    high = end;
    taps = (most + GROUP - 1) / GROUP * GROUP;
    weights = new int[out * taps];
    for (int i = 0; i < out; i++) {
      int at = mirrored ? out - 1 - i : i;
      int start = mirrored ? in - first[at] - count[at] : first[at];
      first[at] -= low;
      triangle(at, start, from + (i + 0.5) * scale, reach, mirrored);
    }
  }

  /** Every operation and its order are Pillow's, so that no weight is rounded otherwise. */
  private void triangle(int at, int start, double center, double reach, boolean mirrored) {
    double[] raw = new double[count[at]];
    double sum = 0;
    for (int k = 0; k < raw.length; k++) {
      raw[k] = Math.max(0, 1 - Math.abs((k + start - center + 0.5) * (1 / reach)));
      sum += raw[k];
    }
    for (int k = 0; k < raw.length; k++) {
      int place = mirrored ? raw.length - 1 - k : k;
      weights[at * taps + place] = (int) (0.5 + raw[k] / sum * (1 << BITS));
    }
  }

  /** One past the last sample that output i reads with a weight, counted from low. */
  int end(int i) {
    return first[i] + count[i];
  }

  /**
   * All outputs of the samples [low, high), channels interleaved. Up to taps samples behind those are
   * read, with weight 0: they have to be there.
   */
  void across(int[] samples, int channels, int[] row) {
    if (taps == GROUP && channels == 3) { // a camera's frame for most models
      acrossColors(samples, row);
      return;
    }
    for (int i = 0; i < out; i++) {
      for (int c = 0; c < channels; c++) {
        int s = first[i] * channels + c;
        int sum = HALF;
        for (int w = i * taps; w < (i + 1) * taps; w++) {
          sum += weights[w] * samples[s];
          s += channels;
        }
        row[i * channels + c] = sum >> BITS;
      }
    }
  }

  private void acrossColors(int[] samples, int[] row) {
    for (int i = 0; i < out; i++) {
      int s = first[i] * 3;
      int w = i * GROUP;
      int a = weights[w];
      int b = weights[w + 1];
      int c = weights[w + 2];
      int d = weights[w + 3];
      int at = i * 3;
      row[at] =
          HALF + a * samples[s] + b * samples[s + 3] + c * samples[s + 6] + d * samples[s + 9]
              >> BITS;
      row[at + 1] =
          HALF + a * samples[s + 1] + b * samples[s + 4] + c * samples[s + 7] + d * samples[s + 10]
              >> BITS;
      row[at + 2] =
          HALF + a * samples[s + 2] + b * samples[s + 5] + c * samples[s + 8] + d * samples[s + 11]
              >> BITS;
    }
  }

  /** Output i of whole rows of samples; sample number y, counted from low, is rows[y % rows.length]. */
  void down(int i, int[][] rows, int length, int[] mixed) {
    for (int k = 0; k < count[i]; k += GROUP) {
      int w = i * taps + k;
      mix(
          sample(rows, i, k), weights[w], sample(rows, i, k + 1), weights[w + 1],
          sample(rows, i, k + 2), weights[w + 2], sample(rows, i, k + 3), weights[w + 3],
          length, k > 0, k + GROUP >= count[i] ? BITS : 0, mixed);
    }
  }

  private int[] sample(int[][] rows, int i, int k) {
    return rows[(first[i] + Math.min(k, count[i] - 1)) % rows.length];
  }

  private static void mix(
      int[] a, int wa, int[] b, int wb, int[] c, int wc, int[] d, int wd,
      int length, boolean add, int shift, int[] mixed) {
    if (add) {
      for (int x = 0; x < length; x++) {
        mixed[x] = mixed[x] + wa * a[x] + wb * b[x] + wc * c[x] + wd * d[x] >> shift;
      }
    } else {
      for (int x = 0; x < length; x++) {
        mixed[x] = HALF + wa * a[x] + wb * b[x] + wc * c[x] + wd * d[x] >> shift;
      }
    }
  }
}
