package org.xncaps.demo.camera;

import android.graphics.Matrix;
import android.graphics.RectF;
import org.xncaps.core.Orientation;

/** How a camera's buffers lie in the preview, so that they fill it undistorted and upright. */
public final class PreviewGeometry {
  private final int bufferWidth;
  private final int bufferHeight;
  private final int sensorOrientation;

  public PreviewGeometry(int bufferWidth, int bufferHeight, int sensorOrientation) {
    this.bufferWidth = bufferWidth;
    this.bufferHeight = bufferHeight;
    this.sensorOrientation = sensorOrientation;
  }

  /**
   * A TextureView stretches the buffer, upright for the device's natural orientation, over itself.
   * This undoes the stretching, turns by the screen's rotation and fills the view, centred.
   */
  public Matrix transform(int viewWidth, int viewHeight, int displayRotation) {
    boolean sensorSwaps = Orientation.swaps(sensorOrientation);
    float width = sensorSwaps ? bufferHeight : bufferWidth;
    float height = sensorSwaps ? bufferWidth : bufferHeight;
    float centerX = viewWidth / 2f;
    float centerY = viewHeight / 2f;
    Matrix matrix = new Matrix();
    matrix.setRectToRect(
        new RectF(0, 0, viewWidth, viewHeight),
        new RectF(
            centerX - width / 2, centerY - height / 2, centerX + width / 2, centerY + height / 2),
        Matrix.ScaleToFit.FILL);
    matrix.postRotate(-displayRotation, centerX, centerY);
    float scale = scale(viewWidth, viewHeight, displayRotation);
    matrix.postScale(scale, scale, centerX, centerY);
    return matrix;
  }

  /** By how much the buffer's pixels grow to fill the view. */
  private float scale(int viewWidth, int viewHeight, int displayRotation) {
    boolean swaps = Orientation.swaps(sensorOrientation) != Orientation.swaps(displayRotation);
    float shownWidth = swaps ? bufferHeight : bufferWidth;
    float shownHeight = swaps ? bufferWidth : bufferHeight;
    return Math.max(viewWidth / shownWidth, viewHeight / shownHeight);
  }

  /**
   * How much of the sides of the largest square in the buffer a centred square in the view covers.
   *
   * @param side of the square in the view, in its pixels
   * @return above 0 and at most 1
   */
  public float share(int viewWidth, int viewHeight, int displayRotation, float side) {
    float square =
        Math.min(bufferWidth, bufferHeight) * scale(viewWidth, viewHeight, displayRotation);
    return Math.max(0.01f, Math.min(1, side / square));
  }
}
