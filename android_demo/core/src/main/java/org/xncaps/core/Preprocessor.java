package org.xncaps.core;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;

/**
 * Turns a picture or a camera frame into a model's input: the largest centred part of the input's
 * shape, upright, grey where the model has one channel, resized to bytes, inverted and scaled as the
 * model's metadata says. Of a picture that is what Python's xncaps_files.pictures.fit makes of it, to
 * the bit. Frames of one size need no memory after the first. Not safe for use by two threads at once.
 */
public final class Preprocessor {
  private static final int LEVELS = 256;

  /** Where the rows come from. */
  private interface Rows {
    void row(Box box, int y, int[] out);
  }

  private final InputSpec spec;
  private final ByteBuffer buffer;
  private final FloatBuffer view;
  private final float[] floats;
  private final byte[] bytes;
  /** The input's value of each grey level, by channel; of the one that the input's type takes. */
  private final float[][] floatOf;
  private final byte[][] byteOf;

  private int frameWidth;
  private int frameHeight;
  private int frameDegrees = -1;
  private float frameShare;
  /** What is read of the frame as it comes: the part, and what its edges look at beyond it. */
  private Box box = new Box(0, 0, 1, 1);
  private Resampler across = new Resampler(1, 0, 1, 1, false);
  private Resampler down = new Resampler(1, 0, 1, 1, false);
  /** The last rows, as many as an output row is mixed from. */
  private int[][] rows = {{}};
  private int[] wide = {};
  private int[] resized = {};
  private YuvFrame frame;
  private final Rows frameRows = this::frameRow;

  public Preprocessor(InputSpec spec) {
    this.spec = spec;
    this.buffer =
        ByteBuffer.allocateDirect(spec.tensor.byteSize()).order(ByteOrder.nativeOrder());
    this.view = buffer.asFloatBuffer();
    boolean real = spec.tensor.type == ElementType.FLOAT32;
    floats = new float[real ? spec.tensor.elements() : 0];
    bytes = new byte[real ? 0 : spec.tensor.elements()];
    floatOf = new float[spec.channels()][LEVELS];
    byteOf = new byte[spec.channels()][LEVELS];
    for (int c = 0; c < spec.channels(); c++) {
      for (int level = 0; level < LEVELS; level++) {
        floatOf[c][level] = ((spec.invert ? 255 - level : level) - spec.mean(c)) / spec.std(c);
        byteOf[c][level] = real ? 0 : quantised(floatOf[c][level]);
      }
    }
  }

  private byte quantised(float value) {
    int least = spec.tensor.type == ElementType.INT8 ? -128 : 0;
    double steps = Math.rint(value / spec.tensor.scale) + spec.tensor.zeroPoint;
    return (byte) Math.max(least, Math.min(least + 255, steps));
  }

  /** The input for a picture that has to be turned clockwise by degrees; valid until the next call. */
  public ByteBuffer apply(Picture picture, int degrees) {
    setBox(picture.width, picture.height, degrees, 1);
    boolean grey = spec.channels() == 1;
    return apply(
        (box, y, out) -> picture.row(box, y, grey, out), grey ? 1 : picture.channels, degrees);
  }

  public ByteBuffer apply(YuvFrame frame, int degrees) {
    return apply(frame, degrees, 1);
  }

  /**
   * The input for a camera frame that has to be turned clockwise by degrees.
   *
   * @param share how much of the sides of the largest part is looked at, above 0 and at most 1
   */
  public ByteBuffer apply(YuvFrame frame, int degrees, float share) {
    setBox(frame.width, frame.height, degrees, share);
    this.frame = frame;
    try {
      return apply(frameRows, spec.channels(), degrees);
    } finally {
      this.frame = null;
    }
  }

  private void frameRow(Box box, int y, int[] out) {
    frame.row(box, y, spec.channels(), out);
  }

  private void setBox(int width, int height, int degrees, float share) {
    if (width == frameWidth && height == frameHeight && degrees == frameDegrees
        && share == frameShare) {
      return;
    }
    boolean swaps = Orientation.swaps(degrees);
    Part part =
        Part.centered(
            swaps ? height : width, swaps ? width : height, spec.width(), spec.height(), share);
    // the picture's own axes, as the frame has them
    Resampler right =
        new Resampler(
            swaps ? height : width, part.left, part.right, spec.width(),
            degrees == 180 || degrees == 90);
    Resampler below =
        new Resampler(
            swaps ? width : height, part.top, part.bottom, spec.height(),
            degrees == 180 || degrees == 270);
    across = swaps ? below : right;
    down = swaps ? right : below;
    box = new Box(across.low, down.low, across.high - across.low, down.high - down.low);
    frameWidth = width;
    frameHeight = height;
    frameDegrees = degrees;
    frameShare = share;
  }

  /** Resizes the upright picture's rows first and then its columns, each rounded, as Pillow does. */
  private ByteBuffer apply(Rows from, int channels, int degrees) {
    boolean acrossFirst = !Orientation.swaps(degrees);
    int length = (acrossFirst ? across.out : box.width) * channels;
    int room = (box.width + across.taps) * channels;
    if (rows.length != down.taps || rows[0].length != length || wide.length != room) {
      rows = new int[down.taps][length];
      wide = new int[room];
      resized = new int[across.out * channels];
    }
    int next = 0;
    for (int y = 0; y < down.out; y++) {
      for (; next < down.end(y); next++) {
        int[] row = rows[next % rows.length];
        from.row(box, next, acrossFirst ? wide : row);
        if (acrossFirst) {
          across.across(wide, channels, row);
        }
      }
      down.down(y, rows, length, acrossFirst ? resized : wide);
      if (!acrossFirst) {
        across.across(wide, channels, resized);
      }
      finishRow(y, channels, degrees);
    }
    buffer.clear();
    if (floats.length > 0) {
      view.clear();
      view.put(floats);
    } else {
      buffer.put(bytes);
      buffer.clear();
    }
    return buffer;
  }

  /** Row y of the resized part, turned, as values of the input's type. */
  private void finishRow(int y, int channels, int degrees) {
    int width = across.out;
    int height = down.out;
    int start = degrees == 90 ? height - 1 - y : degrees == 180 ? (height - y) * width - 1
        : degrees == 270 ? (width - 1) * height + y : y * width;
    int right = degrees == 90 ? height : degrees == 180 ? -1 : degrees == 270 ? -height : 1;
    int own = spec.channels();
    for (int c = 0; c < own; c++) {
      int from = channels == own ? c : 0;
      if (floats.length > 0) {
        putFloats(floatOf[c], from, channels, start * own + c, right * own);
      } else {
        putBytes(byteOf[c], from, channels, start * own + c, right * own);
      }
    }
  }

  private void putFloats(float[] values, int from, int channels, int to, int step) {
    for (int x = 0; x < across.out; x++) {
      floats[to + x * step] = values[resized[from + x * channels]];
    }
  }

  private void putBytes(byte[] values, int from, int channels, int to, int step) {
    for (int x = 0; x < across.out; x++) {
      bytes[to + x * step] = values[resized[from + x * channels]];
    }
  }
}
