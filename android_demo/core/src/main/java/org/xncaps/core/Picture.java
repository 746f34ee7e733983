package org.xncaps.core;

/** A picture in memory: rows from top to bottom, channels interleaved, bytes of 0 to 255. */
public final class Picture {
  public final int width;
  public final int height;
  public final int channels;
  final byte[] bytes;

  /**
   * @param channels 1 (grey) or 3 (red, green, blue)
   * @param bytes width * height * channels of them; kept, not copied
   */
  public Picture(int width, int height, int channels, byte[] bytes) {
    if (channels != 1 && channels != 3) {
      throw new IllegalArgumentException("expected 1 or 3 channels, got " + channels);
    }
    if (width < 1 || height < 1 || bytes.length != width * height * channels) {
      throw new IllegalArgumentException(
          "expected " + width + " x " + height + " x " + channels + " bytes, got " + bytes.length);
    }
    this.width = width;
    this.height = height;
    this.channels = channels;
    this.bytes = bytes;
  }

  /** From packed colours 0xAARRGGBB; what is transparent is laid on white, as on paper. */
  public static Picture ofColors(int width, int height, int[] colors) {
    byte[] bytes = new byte[width * height * 3];
    for (int i = 0; i < width * height; i++) {
      int color = colors[i];
      int alpha = color >>> 24;
      bytes[3 * i] = onWhite(color >> 16 & 255, alpha);
      bytes[3 * i + 1] = onWhite(color >> 8 & 255, alpha);
      bytes[3 * i + 2] = onWhite(color & 255, alpha);
    }
    return new Picture(width, height, 3, bytes);
  }

  private static byte onWhite(int value, int alpha) {
    return (byte) (alpha == 255 ? value : (value * alpha + 255 * (255 - alpha) + 127) / 255);
  }

  /** The value, 0 to 255, of one channel of one pixel. */
  public int at(int x, int y, int channel) {
    return bytes[(y * width + x) * channels + channel] & 255;
  }

  /** Row y of the part inside the box, channels interleaved, or its grey. */
  void row(Box box, int y, boolean grey, int[] out) {
    int at = ((box.top + y) * width + box.left) * channels;
    if (grey && channels == 3) {
      for (int x = 0; x < box.width; x++) {
        out[x] = luma(bytes[at++] & 255, bytes[at++] & 255, bytes[at++] & 255);
      }
      return;
    }
    for (int i = 0; i < box.width * channels; i++) {
      out[i] = bytes[at++] & 255;
    }
  }

  /** 0.299, 0.587 and 0.114 in units of 1/65536, as Pillow rounds them. */
  private static int luma(int red, int green, int blue) {
    return 19595 * red + 38470 * green + 7471 * blue + 32768 >> 16;
  }
}
