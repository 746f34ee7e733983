package org.xncaps.core;

import java.nio.ByteBuffer;

/**
 * A camera frame of Android's format YUV_420_888: full luma, chroma of half the width and height.
 * Rows may be padded (row strides) and chroma bytes interleaved (pixel stride 2, as in NV12/NV21).
 * The buffers are read at absolute positions, so their position and limit do not matter.
 */
public final class YuvFrame {
  public final int width;
  public final int height;
  private final ByteBuffer luma;
  private final ByteBuffer blue;
  private final ByteBuffer red;
  private final int lumaRow;
  private final int chromaRow;
  private final int chromaPixel;

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

  /** How many bytes {@link #compact} needs. */
  public int compactBytes() {
    return width * height + 2 * ((width + 1) / 2) * ((height + 1) / 2);
  }

  /** A copy without padding in the first {@link #compactBytes} bytes of a buffer. */
  public YuvFrame compact(ByteBuffer into) {
    int chromaWidth = (width + 1) / 2;
    int chromaHeight = (height + 1) / 2;
    int blueAt = width * height;
    int redAt = blueAt + chromaWidth * chromaHeight;
    copy(luma, lumaRow, 1, slice(into, 0, blueAt), width, height);
    copy(blue, chromaRow, chromaPixel, slice(into, blueAt, redAt), chromaWidth, chromaHeight);
    copy(red, chromaRow, chromaPixel, slice(into, redAt, compactBytes()), chromaWidth, chromaHeight);
    return new YuvFrame(
        width, height, slice(into, 0, blueAt), slice(into, blueAt, redAt),
        slice(into, redAt, compactBytes()), width, chromaWidth, 1);
  }

  private static ByteBuffer slice(ByteBuffer buffer, int from, int to) {
    ByteBuffer part = buffer.duplicate();
    part.limit(to);
    part.position(from);
    return part.slice();
  }

  private static void copy(
      ByteBuffer from, int rowStride, int pixelStride, ByteBuffer to, int columns, int rows) {
    byte[] row = new byte[(columns - 1) * pixelStride + 1];
    for (int y = 0; y < rows; y++) {
      ByteBuffer line = from.duplicate();
      line.limit(y * rowStride + row.length);
      line.position(y * rowStride);
      line.get(row);
      for (int x = 0; x < columns && pixelStride > 1; x++) {
        row[x] = row[x * pixelStride];
      }
      to.put(row, 0, columns);
    }
  }

  /** The part inside the box: colours by JFIF's (full range BT.601) formula, or the luma alone. */
  public Picture toPicture(Box box, int channels) {
    byte[] out = new byte[box.width * box.height * channels];
    for (int y = 0; y < box.height; y++) {
      if (channels == 1) {
        greyRow(box, y, out);
      } else {
        colorRow(box, y, out);
      }
    }
    return new Picture(box.width, box.height, channels, out);
  }

  private void greyRow(Box box, int y, byte[] out) {
    int from = (box.top + y) * lumaRow + box.left;
    for (int x = 0; x < box.width; x++) {
      out[y * box.width + x] = luma.get(from + x);
    }
  }

  private void colorRow(Box box, int y, byte[] out) {
    int row = box.top + y;
    int to = y * box.width * 3;
    for (int x = box.left; x < box.left + box.width; x++) {
      int chroma = (row >> 1) * chromaRow + (x >> 1) * chromaPixel;
      int l = (luma.get(row * lumaRow + x) & 255) << 16;
      int u = (blue.get(chroma) & 255) - 128;
      int v = (red.get(chroma) & 255) - 128;
      // 1.402, 0.344136, 0.714136 and 1.772 in units of 1/65536, rounded
      out[to++] = clamp(l + 91881 * v + 32768 >> 16);
      out[to++] = clamp(l - 22553 * u - 46802 * v + 32768 >> 16);
      out[to++] = clamp(l + 116130 * u + 32768 >> 16);
    }
  }

  private static byte clamp(int value) {
    return (byte) (value < 0 ? 0 : value > 255 ? 255 : value);
  }
}
