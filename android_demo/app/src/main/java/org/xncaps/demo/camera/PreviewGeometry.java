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
    boolean swaps = Orientation.swaps(displayRotation);
    float shownWidth = swaps ? height : width;
    float shownHeight = swaps ? width : height;
    float scale = Math.max(viewWidth / shownWidth, viewHeight / shownHeight);
    matrix.postScale(scale, scale, centerX, centerY);
    return matrix;
  }
}
