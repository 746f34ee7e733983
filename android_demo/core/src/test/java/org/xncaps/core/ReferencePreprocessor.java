package org.xncaps.core;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * What Preprocessor computes, one obvious step after the other: the part as bytes, resized as floats
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
    Box box = new Preprocessor(spec).cropOf(width, height, degrees, 1);
    byte[] part = new byte[box.width * box.height * 3];
    for (int y = 0; y < box.height; y++) {
      color(box, y, width, planes, part);
    }
    boolean swaps = Orientation.swaps(degrees);
    int outWidth = swaps ? spec.height() : spec.width();
    int outHeight = swaps ? spec.width() : spec.height();
    float[] pixels = resize(part, box.width, box.height, outWidth, outHeight);
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

  private static float[][] weights(int in, int out, int[] first) {
    double scale = (double) in / out;
    double reach = Math.max(scale, 1);
    float[][] weights = new float[out][];
    for (int i = 0; i < out; i++) {
      double center = (i + 0.5) * scale;
      first[i] = Math.max(0, (int) (center - reach + 0.5));
      double[] raw = new double[Math.min(in, (int) (center + reach + 0.5)) - first[i]];
      double sum = 0;
      for (int k = 0; k < raw.length; k++) {
        raw[k] = Math.max(0, 1 - Math.abs((first[i] + k - center + 0.5) / reach));
        sum += raw[k];
      }
      weights[i] = new float[raw.length];
      for (int k = 0; k < raw.length; k++) {
        weights[i][k] = (float) (raw[k] / sum);
      }
    }
    return weights;
  }

  private static float[] resize(byte[] part, int width, int height, int outWidth, int outHeight) {
    int[] firstColumn = new int[outWidth];
    float[][] across = weights(width, outWidth, firstColumn);
    float[] rows = new float[height * outWidth * 3];
    for (int y = 0; y < height; y++) {
      int to = y * outWidth * 3;
      for (int x = 0; x < outWidth; x++) {
        for (int c = 0; c < 3; c++) {
          int from = (y * width + firstColumn[x]) * 3 + c;
          float sum = 0;
          for (float weight : across[x]) {
            sum += weight * (part[from] & 255);
            from += 3;
          }
          rows[to++] = sum;
        }
      }
    }
    int[] firstRow = new int[outHeight];
    float[][] down = weights(height, outHeight, firstRow);
    int length = outWidth * 3;
    float[] out = new float[outHeight * length];
    for (int y = 0; y < outHeight; y++) {
      for (int k = 0; k < down[y].length; k++) {
        int from = (firstRow[y] + k) * length;
        for (int i = 0; i < length; i++) {
          out[y * length + i] += down[y][k] * rows[from + i];
        }
      }
    }
    return out;
  }

  private static float[] turn(float[] pixels, int width, int height, int degrees) {
    if (degrees == 0) {
      return pixels;
    }
    float[] out = new float[pixels.length];
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

  private ByteBuffer write(float[] pixels) {
    ByteBuffer out =
        ByteBuffer.allocateDirect(spec.tensor.byteSize()).order(ByteOrder.nativeOrder());
    for (int i = 0; i < pixels.length; i++) {
      float pixel = spec.invert ? 255 - pixels[i] : pixels[i];
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
