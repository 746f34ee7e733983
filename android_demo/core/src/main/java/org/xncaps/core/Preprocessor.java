package org.xncaps.core;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Turns a picture or a camera frame into a model's input: the largest centred part of the input's
 * shape, upright, resized, grey where the model has one channel, inverted and scaled as the
 * model's metadata says. Not safe for use by two threads at once.
 */
public final class Preprocessor {
  private final InputSpec spec;
  private final ByteBuffer buffer;

  public Preprocessor(InputSpec spec) {
    this.spec = spec;
    this.buffer =
        ByteBuffer.allocateDirect(spec.tensor.byteSize()).order(ByteOrder.nativeOrder());
  }

  /** The input for a picture that has to be turned clockwise by degrees; valid until the next call. */
  public ByteBuffer apply(Picture picture, int degrees) {
    return finish(picture.crop(cropOf(picture.width, picture.height, degrees)), degrees);
  }

  /** The input for a camera frame that has to be turned clockwise by degrees. */
  public ByteBuffer apply(YuvFrame frame, int degrees) {
    Box box = cropOf(frame.width, frame.height, degrees);
    return finish(frame.toPicture(box, spec.channels()), degrees);
  }

  /** The part that is looked at, in the coordinates of the frame as it comes. */
  public Box cropOf(int width, int height, int degrees) {
    boolean swaps = Orientation.swaps(degrees);
    return Box.centered(
        width, height,
        swaps ? spec.height() : spec.width(), swaps ? spec.width() : spec.height());
  }

  private ByteBuffer finish(Picture part, int degrees) {
    boolean swaps = Orientation.swaps(degrees);
    int width = swaps ? spec.height() : spec.width();
    int height = swaps ? spec.width() : spec.height();
    float[] pixels = Resampler.resize(part, width, height);
    pixels = Orientation.turn(pixels, width, height, part.channels, degrees);
    buffer.clear();
    if (part.channels == 3 && spec.channels() == 1) {
      putGrey(pixels);
    } else if (part.channels == 1 && spec.channels() == 3) {
      putRepeated(pixels);
    } else {
      for (int i = 0; i < pixels.length; i++) {
        put(pixels[i], i % spec.channels());
      }
    }
    buffer.flip();
    return buffer;
  }

  private void putGrey(float[] pixels) {
    for (int i = 0; i < pixels.length; i += 3) {
      put(0.299f * pixels[i] + 0.587f * pixels[i + 1] + 0.114f * pixels[i + 2], 0);
    }
  }

  private void putRepeated(float[] pixels) {
    for (float pixel : pixels) {
      for (int c = 0; c < 3; c++) {
        put(pixel, c);
      }
    }
  }

  private void put(float pixel, int channel) {
    float value = spec.invert ? 255 - pixel : pixel;
    spec.tensor.put(buffer, (value - spec.mean(channel)) / spec.std(channel));
  }
}
