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

  /** The largest box in the middle of width x height whose sides are as aspectWidth : aspectHeight. */
  public static Box centered(int width, int height, int aspectWidth, int aspectHeight) {
    long acrossAll = (long) width * aspectHeight;
    long downAll = (long) height * aspectWidth;
    int boxWidth = acrossAll > downAll ? (int) Math.max(1, downAll / aspectHeight) : width;
    int boxHeight = downAll > acrossAll ? (int) Math.max(1, acrossAll / aspectWidth) : height;
    return new Box((width - boxWidth) / 2, (height - boxHeight) / 2, boxWidth, boxHeight);
  }
}
