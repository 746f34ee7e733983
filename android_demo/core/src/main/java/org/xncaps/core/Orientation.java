package org.xncaps.core;

/** Which way is up: angles of sensor and screen, and quarter turns of pixels. */
public final class Orientation {
  private Orientation() {}

  /**
   * By how many degrees, clockwise, a camera's frame has to be turned to stand upright on screen.
   *
   * @param sensor CameraCharacteristics.SENSOR_ORIENTATION
   * @param display the screen's rotation: 0, 90, 180 or 270
   */
  public static int toUpright(int sensor, int display, boolean front) {
    check(sensor);
    check(display);
    return (front ? sensor + display : sensor - display + 360) % 360;
  }

  /** Whether width and height change places. */
  public static boolean swaps(int degrees) {
    check(degrees);
    return degrees % 180 == 90;
  }

  /** Turns [height, width, channels] clockwise. */
  static float[] turn(float[] pixels, int width, int height, int channels, int degrees) {
    check(degrees);
    if (degrees == 0) {
      return pixels;
    }
    float[] out = new float[pixels.length];
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        int to = target(x, y, width, height, degrees) * channels;
        System.arraycopy(pixels, (y * width + x) * channels, out, to, channels);
      }
    }
    return out;
  }

  private static int target(int x, int y, int width, int height, int degrees) {
    switch (degrees) {
      case 90:
        return x * height + height - 1 - y;
      case 180:
        return (height - 1 - y) * width + width - 1 - x;
      default:
        return (width - 1 - x) * height + y;
    }
  }

  private static void check(int degrees) {
    if (degrees != 0 && degrees != 90 && degrees != 180 && degrees != 270) {
      throw new IllegalArgumentException("expected 0, 90, 180 or 270 degrees, got " + degrees);
    }
  }
}
