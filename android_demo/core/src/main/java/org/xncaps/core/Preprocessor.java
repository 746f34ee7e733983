package org.xncaps.core;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.Arrays;

/**
 * Turns a picture or a camera frame into a model's input: the largest centred part of the input's
 * shape, upright, resized, grey where the model has one channel, inverted and scaled as the
 * model's metadata says. Frames of one size need no memory after the first. Not safe for use by two
 * threads at once.
 */
public final class Preprocessor {
  /** Where the rows come from. */
  private interface Rows {
    void row(Box box, int y, float[] out);
  }

  private final InputSpec spec;
  private final ByteBuffer buffer;
  private final FloatBuffer view;
  private final float[] floats;
  private final byte[] bytes;
  /** The value of a grey level is factor * level + offset, by channel; in steps of an integer type. */
  private final float[] factor;
  private final float[] offset;

  private int frameWidth;
  private int frameHeight;
  private int frameDegrees = -1;
  private float frameShare;
  private Box box = new Box(0, 0, 1, 1);
  private Resampler across = new Resampler(1, 1);
  private Resampler down = new Resampler(1, 1);
  /** The last rows of the part, as many as an output row is mixed from. */
  private float[][] rows = {{}};
  private float[] mixed = {};
  private float[] resized = {};
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
    factor = new float[spec.channels()];
    offset = new float[spec.channels()];
    for (int c = 0; c < factor.length; c++) {
      double step = spec.std(c) * (real ? 1.0 : spec.tensor.scale);
      double zero = real ? 0 : spec.tensor.zeroPoint + (spec.tensor.type == ElementType.INT8 ? 128 : 0);
      factor[c] = (float) ((spec.invert ? -1 : 1) / step);
      offset[c] = (float) (((spec.invert ? 255 : 0) - spec.mean(c)) / step + zero);
    }
  }

  /** The input for a picture that has to be turned clockwise by degrees; valid until the next call. */
  public ByteBuffer apply(Picture picture, int degrees) {
    setBox(picture.width, picture.height, degrees, 1);
    return apply(picture::row, picture.channels, degrees);
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

  private void frameRow(Box box, int y, float[] out) {
    frame.row(box, y, spec.channels(), out);
  }

  /** The part that is looked at, in the coordinates of the frame as it comes. */
  public Box cropOf(int width, int height, int degrees, float share) {
    if (!(share > 0 && share <= 1)) {
      throw new IllegalArgumentException("expected a share above 0, at most 1, got " + share);
    }
    boolean swaps = Orientation.swaps(degrees);
    Box all =
        Box.centered(
            width, height,
            swaps ? spec.height() : spec.width(), swaps ? spec.width() : spec.height());
    int partWidth = Math.max(1, Math.round(all.width * share));
    int partHeight = Math.max(1, Math.round(all.height * share));
    return new Box(
        all.left + (all.width - partWidth) / 2, all.top + (all.height - partHeight) / 2, partWidth,
        partHeight);
  }

  private void setBox(int width, int height, int degrees, float share) {
    if (width == frameWidth && height == frameHeight && degrees == frameDegrees
        && share == frameShare) {
      return;
    }
    box = cropOf(width, height, degrees, share);
    boolean swaps = Orientation.swaps(degrees);
    across = new Resampler(box.width, swaps ? spec.height() : spec.width());
    down = new Resampler(box.height, swaps ? spec.width() : spec.height());
    frameWidth = width;
    frameHeight = height;
    frameDegrees = degrees;
    frameShare = share;
  }

  private ByteBuffer apply(Rows from, int channels, int degrees) {
    int length = box.width * channels;
    if (rows.length != down.taps || rows[0].length != length) {
      rows = new float[down.taps][length];
      mixed = new float[length + across.taps];
      resized = new float[across.out * channels];
    }
    int next = 0;
    for (int y = 0; y < down.out; y++) {
      for (; next < down.end(y); next++) {
        from.row(box, next, rows[next % rows.length]);
      }
      down.down(y, rows, length, mixed);
      for (int c = 0; c < channels; c++) {
        across.across(mixed, c * box.width, resized, c * across.out);
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
    if (channels == 3 && spec.channels() == 1) {
      for (int x = 0; x < width; x++) {
        resized[x] =
            0.299f * resized[x] + 0.587f * resized[width + x] + 0.114f * resized[2 * width + x];
      }
    }
    int start = degrees == 90 ? height - 1 - y : degrees == 180 ? (height - y) * width - 1
        : degrees == 270 ? (width - 1) * height + y : y * width;
    int right = degrees == 90 ? height : degrees == 180 ? -1 : degrees == 270 ? -height : 1;
    int own = spec.channels();
    for (int c = 0; c < own; c++) {
      int from = channels == own ? c * width : 0;
      if (floats.length > 0) {
        putFloats(from, start * own + c, right * own, factor[c], offset[c]);
      } else {
        putBytes(from, start * own + c, right * own, factor[c], offset[c]);
      }
    }
  }

  private void putFloats(int from, int to, int step, float factor, float offset) {
    for (int x = 0; x < across.out; x++) {
      floats[to + x * step] = factor * resized[from + x] + offset;
    }
  }

  private void putBytes(int from, int to, int step, float factor, float offset) {
    int base = spec.tensor.type == ElementType.INT8 ? 128 : 0;
    float half = offset + 0.5f;
    for (int x = 0; x < across.out; x++) {
      int q = (int) (factor * resized[from + x] + half);
      bytes[to + x * step] = (byte) (Math.max(0, Math.min(255, q)) - base);
    }
  }
}
