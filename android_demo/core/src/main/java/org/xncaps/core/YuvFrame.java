package org.xncaps.core;

import java.nio.ByteBuffer;

/**
 * A camera frame of Android's format YUV_420_888: full luma, chroma of half the width and height.
 * Rows may be padded (row strides) and chroma bytes interleaved (pixel stride 2, as in NV12/NV21).
 * What the buffers' position and limit are does not matter; reading moves them, so a frame is used by
 * one thread at a time.
 */
public final class YuvFrame {
  /** Levels of -256 to 767, cut to 0 to 255: no sum of luma and chroma lies outside. */
  private static final int[] LEVEL = new int[1024];
  /** A half, and the 256 levels that the table begins below 0. */
  private static final int ROUND = 32768 + (256 << 16);

  static {
    for (int i = 0; i < LEVEL.length; i++) {
      LEVEL[i] = Math.max(0, Math.min(255, i - 256));
    }
  }

  public final int width;
  public final int height;
  private final ByteBuffer luma;
  private final ByteBuffer blue;
  private final ByteBuffer red;
  private final int lumaRow;
  private final int chromaRow;
  private final int chromaPixel;
  private byte[] scratch = new byte[0];

  public YuvFrame(
      int width, int height, ByteBuffer luma, ByteBuffer blue, ByteBuffer red,
      int lumaRow, int chromaRow, int chromaPixel) {
    this.width = width;
    this.height = height;
    this.luma = luma;
    this.blue = blue;
    this.red = red;
    this.lumaRow = lumaRow;
    this.chromaRow = chromaRow;
    this.chromaPixel = chromaPixel;
    int chromaWidth = (width + 1) / 2;
    int chromaHeight = (height + 1) / 2;
    check("Y", luma, (height - 1) * lumaRow + width);
    int chroma = (chromaHeight - 1) * chromaRow + (chromaWidth - 1) * chromaPixel + 1;
    check("U", blue, chroma);
    check("V", red, chroma);
  }

  private static void check(String name, ByteBuffer plane, int least) {
    if (plane.capacity() < least) {
      throw new IllegalArgumentException(
          "plane " + name + ": expected at least " + least + " bytes, got " + plane.capacity());
    }
  }

  /** A frame without padding that has room for others of this size. */
  public static YuvFrame allocate(int width, int height) {
    int chromaWidth = (width + 1) / 2;
    int chroma = chromaWidth * ((height + 1) / 2);
    return new YuvFrame(
        width, height, ByteBuffer.allocate(width * height), ByteBuffer.allocate(chroma),
        ByteBuffer.allocate(chroma), width, chromaWidth, 1);
  }

  /** Copies the pixels into a frame of {@link #allocate} of the same size; allocates nothing. */
  public void copyTo(YuvFrame compact) {
    if (compact.width != width || compact.height != height || compact.chromaPixel != 1) {
      throw new IllegalArgumentException(
          "expected room for " + width + " x " + height + ", got " + compact.width + " x "
              + compact.height);
    }
    int chromaWidth = (width + 1) / 2;
    byte[] row = compact.scratch((chromaWidth - 1) * chromaPixel + 1);
    for (int y = 0; y < height; y++) {
      read(luma, y * lumaRow, compact.luma.array(), y * width, width);
    }
    for (int y = 0; y < (height + 1) / 2; y++) {
      copyChroma(blue, y, chromaWidth, row, compact.blue.array());
      copyChroma(red, y, chromaWidth, row, compact.red.array());
    }
  }

  private void copyChroma(ByteBuffer from, int y, int columns, byte[] row, byte[] to) {
    int at = y * columns;
    if (chromaPixel == 1) {
      read(from, y * chromaRow, to, at, columns);
      return;
    }
    read(from, y * chromaRow, row, 0, (columns - 1) * chromaPixel + 1);
    for (int x = 0; x < columns; x++) {
      to[at + x] = row[x * chromaPixel];
    }
  }

  private byte[] scratch(int size) {
    if (scratch.length < size) {
      scratch = new byte[size];
    }
    return scratch;
  }

  private static void read(ByteBuffer from, int at, byte[] to, int offset, int length) {
    from.clear();
    from.position(at);
    from.get(to, offset, length);
  }

  /**
   * Row y of the part inside the box, channels interleaved: the luma alone, or red, green and
   * blue by JFIF's (full range BT.601) formula, each rounded to 0 to 255.
   */
  void row(Box box, int y, int channels, int[] out) {
    int width = box.width;
    byte[] bytes = scratch(3 * this.width + 2);
    int row = box.top + y;
    read(luma, row * lumaRow + box.left, bytes, 0, width);
    if (channels == 1) {
      for (int x = 0; x < width; x++) {
        out[x] = bytes[x] & 255;
      }
      return;
    }
    int firstChroma = box.left >> 1;
    int lastChroma = (box.left + width - 1) >> 1;
    int span = (lastChroma - firstChroma) * chromaPixel + 1;
    int blueAt = this.width;
    int redAt = this.width + span;
    int from = (row >> 1) * chromaRow + firstChroma * chromaPixel;
    read(blue, from, bytes, blueAt, span);
    read(red, from, bytes, redAt, span);
    int x = 0;
    if ((box.left & 1) == 1) { // the second of its pair
      color(bytes, 0, blueAt, redAt, 1, out);
      x = 1;
      blueAt += chromaPixel;
      redAt += chromaPixel;
    }
    for (; x < width; x += 2, blueAt += chromaPixel, redAt += chromaPixel) {
      color(bytes, x, blueAt, redAt, Math.min(2, width - x), out);
    }
  }

  /** One or two pixels with the same chroma. */
  private static void color(byte[] bytes, int x, int blueAt, int redAt, int pixels, int[] out) {
    int u = (bytes[blueAt] & 255) - 128;
    int v = (bytes[redAt] & 255) - 128;
    // 1.402, 0.344136, 0.714136 and 1.772 in units of 1/65536, rounded
    int red = 91881 * v + ROUND;
    int green = -22553 * u - 46802 * v + ROUND;
    int blue = 116130 * u + ROUND;
    int l = (bytes[x] & 255) << 16;
    int at = 3 * x;
    out[at] = LEVEL[l + red >> 16];
    out[at + 1] = LEVEL[l + green >> 16];
    out[at + 2] = LEVEL[l + blue >> 16];
    if (pixels == 2) {
      l = (bytes[x + 1] & 255) << 16;
      out[at + 3] = LEVEL[l + red >> 16];
      out[at + 4] = LEVEL[l + green >> 16];
      out[at + 5] = LEVEL[l + blue >> 16];
    }
  }
}
