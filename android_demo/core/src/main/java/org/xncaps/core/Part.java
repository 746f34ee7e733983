package org.xncaps.core;

/** The part of an upright picture that a model looks at, in pixels and fractions of them. */
final class Part {
  final float left;
  final float top;
  final float right;
  final float bottom;

  private Part(double left, double top, double width, double height) {
    this.left = (float) left;
    this.top = (float) top;
    this.right = (float) (left + width);
    this.bottom = (float) (top + height);
  }

  /**
   * The middle of width x height whose sides are as aspectWidth : aspectHeight, by the arithmetic of
   * Pillow's ImageOps.fit.
   *
   * @param share how much of the sides of the largest such part, above 0 and at most 1
   */
  static Part centered(int width, int height, int aspectWidth, int aspectHeight, float share) {
    if (!(share > 0 && share <= 1)) {
      throw new IllegalArgumentException("expected a share above 0, at most 1, got " + share);
    }
    double own = (double) width / height;
    double wanted = (double) aspectWidth / aspectHeight;
    double partWidth = share * (own > wanted ? wanted * height : width);
    double partHeight = share * (own < wanted ? width / wanted : height);
    return new Part(
        (width - partWidth) * 0.5, (height - partHeight) * 0.5, partWidth, partHeight);
  }
}
