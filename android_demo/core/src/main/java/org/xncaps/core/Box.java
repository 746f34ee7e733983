package org.xncaps.core;

/** A rectangle of whole pixels. */
public final class Box {
  public final int left;
  public final int top;
  public final int width;
  public final int height;

  public Box(int left, int top, int width, int height) {
    if (left < 0 || top < 0 || width < 1 || height < 1) {
      throw new IllegalArgumentException(
          "expected a box of at least one pixel, got "
              + left + ", " + top + ", " + width + " x " + height);
    }
    this.left = left;
    this.top = top;
    this.width = width;
    this.height = height;
  }
}
