package org.xncaps.core;

/** Which way is up: angles of sensor and screen. */
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

  private static void check(int degrees) {
    if (degrees != 0 && degrees != 90 && degrees != 180 && degrees != 270) {
      throw new IllegalArgumentException("expected 0, 90, 180 or 270 degrees, got " + degrees);
    }
  }
}
