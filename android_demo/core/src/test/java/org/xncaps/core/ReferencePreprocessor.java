package org.xncaps.core;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * What Preprocessor computes, one obvious step after the other: the part as bytes, resized
 * with weights made anew, turned, written value by value. The speed of the real one is told against
 * it.
 */
final class ReferencePreprocessor {
  private final InputSpec spec;

  ReferencePreprocessor(InputSpec spec) {
    this.spec = spec;
  }

  /** Three channels from planes without padding. */
  ByteBuffer apply(int width, int height, ByteBuffer[] planes, int degrees) {
    boolean swaps = Orientation.swaps(degrees);
    int outWidth = swaps ? spec.height() : spec.width();
    int outHeight = swaps ? spec.width() : spec.height();
    Part part = Part.centered(width, height, outWidth, outHeight, 1);
    int[] firstColumn = new int[outWidth];
    int[][] across = weights(width, part.left, part.right, firstColumn);
    int[] firstRow = new int[outHeight];
    int[][] down = weights(height, part.top, part.bottom, firstRow);
    int left = firstColumn[0];
    int top = firstRow[0];
    Box box =
        new Box(
            left, top, firstColumn[outWidth - 1] + across[outWidth - 1].length - left,
            firstRow[outHeight - 1] + down[outHeight - 1].length - top);
    byte[] pixels = new byte[box.width * box.height * 3];
    for (int y = 0; y < box.height; y++) {
      color(box, y, width, planes, pixels);
    }
    if (swaps) { // the rows of the upright picture first
      pixels = shrinkDown(pixels, box.width, top, firstRow, down);
      pixels = shrinkAcross(pixels, box.width, outHeight, left, firstColumn, across);
    } else {
      pixels = shrinkAcross(pixels, box.width, box.height, left, firstColumn, across);
      pixels = shrinkDown(pixels, outWidth, top, firstRow, down);
    }
    return write(turn(pixels, outWidth, outHeight, degrees));
  }

  private static void color(Box box, int y, int width, ByteBuffer[] planes, byte[] out) {
    int row = box.top + y;
    int to = y * box.width * 3;
    for (int x = box.left; x < box.left + box.width; x++) {
      int chroma = (row >> 1) * ((width + 1) / 2) + (x >> 1);
      int l = (planes[0].get(row * width + x) & 255) << 16;
      int u = (planes[1].get(chroma) & 255) - 128;
      int v = (planes[2].get(chroma) & 255) - 128;
      out[to++] = clamp(l + 91881 * v + 32768 >> 16);
      out[to++] = clamp(l - 22553 * u - 46802 * v + 32768 >> 16);
      out[to++] = clamp(l + 116130 * u + 32768 >> 16);
    }
  }

  private static byte clamp(int value) {
    return (byte) (value < 0 ? 0 : value > 255 ? 255 : value);
  }

  private static int[][] weights(int in, float from, float to, int[] first) {
    int[][] weights = new int[first.length][];
    double scale = (double) (to - from) / first.length;
    double reach = Math.max(scale, 1);
    for (int i = 0; i < first.length; i++) {
      double center = from + (i + 0.5) * scale;
      first[i] = Math.max(0, (int) (center - reach + 0.5));
      double[] raw = new double[Math.min(in, (int) (center + reach + 0.5)) - first[i]];
      double sum = 0;
      for (int k = 0; k < raw.length; k++) {
        raw[k] = Math.max(0, 1 - Math.abs((first[i] + k - center + 0.5) / reach));
        sum += raw[k];
      }
      weights[i] = new int[raw.length];
      for (int k = 0; k < raw.length; k++) {
        weights[i][k] = (int) Math.round(raw[k] / sum * (1 << 22));
      }
    }
    return weights;
  }

  private static byte[] shrinkAcross(
      byte[] pixels, int width, int height, int left, int[] first, int[][] weights) {
    byte[] out = new byte[height * first.length * 3];
    int to = 0;
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < first.length; x++) {
        for (int c = 0; c < 3; c++) {
          int from = (y * width + first[x] - left) * 3 + c;
          int sum = 1 << 21;
          for (int weight : weights[x]) {
            sum += weight * (pixels[from] & 255);
            from += 3;
          }
          out[to++] = (byte) (sum >> 22);
        }
      }
    }
    return out;
  }

  private static byte[] shrinkDown(
      byte[] pixels, int width, int top, int[] first, int[][] weights) {
    int length = width * 3;
    byte[] out = new byte[first.length * length];
    int[] sums = new int[length];
    for (int y = 0; y < first.length; y++) {
      java.util.Arrays.fill(sums, 1 << 21);
      for (int k = 0; k < weights[y].length; k++) {
        int from = (first[y] - top + k) * length;
        for (int i = 0; i < length; i++) {
          sums[i] += weights[y][k] * (pixels[from + i] & 255);
        }
      }
      for (int i = 0; i < length; i++) {
        out[y * length + i] = (byte) (sums[i] >> 22);
      }
    }
    return out;
  }

  private static byte[] turn(byte[] pixels, int width, int height, int degrees) {
    if (degrees == 0) {
      return pixels;
    }
    byte[] out = new byte[pixels.length];
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        int to =
            degrees == 90 ? x * height + height - 1 - y
                : degrees == 180 ? (height - 1 - y) * width + width - 1 - x
                : (width - 1 - x) * height + y;
        System.arraycopy(pixels, (y * width + x) * 3, out, to * 3, 3);
      }
    }
    return out;
  }

  private ByteBuffer write(byte[] pixels) {
    ByteBuffer out =
        ByteBuffer.allocateDirect(spec.tensor.byteSize()).order(ByteOrder.nativeOrder());
    for (int i = 0; i < pixels.length; i++) {
      int level = pixels[i] & 255;
      int pixel = spec.invert ? 255 - level : level;
      float value = (pixel - spec.mean(i % 3)) / spec.std(i % 3);
      if (spec.tensor.type == ElementType.FLOAT32) {
        out.putFloat(value);
      } else {
        int low = spec.tensor.type == ElementType.INT8 ? -128 : 0;
        int q = (int) Math.rint(value / spec.tensor.scale) + spec.tensor.zeroPoint;
        out.put((byte) Math.max(low, Math.min(low + 255, q)));
      }
    }
    out.flip();
    return out;
  }
}
