package org.xncaps.demo.camera;

import android.graphics.SurfaceTexture;
import org.xncaps.core.YuvFrame;
import org.xncaps.demo.models.Problem;

/** One screen's wish for a camera, for the camera's thread to fulfil. */
final class CameraSource implements FrameSource {
  private final CameraThread camera;
  final boolean front;
  final SurfaceTexture preview;
  /** The view has let go of the preview: whoever is done with it last releases it. */
  boolean orphaned;
  private final Listener listener;
  private volatile boolean closed;
  volatile int displayRotation;
  volatile boolean torch;
  volatile boolean frozen;
  volatile float zoom = 1;

  CameraSource(
      CameraThread camera, boolean front, SurfaceTexture preview, int displayRotation,
      Listener listener) {
    this.camera = camera;
    this.front = front;
    this.preview = preview;
    this.displayRotation = displayRotation;
    this.listener = listener;
  }

  @Override
  public void start() {
    camera.want(this);
  }

  @Override
  public void setDisplayRotation(int degrees) {
    displayRotation = degrees;
  }

  @Override
  public void setTorch(boolean on) {
    torch = on;
    camera.refresh(this);
  }

  @Override
  public void setFrozen(boolean on) {
    frozen = on;
    camera.refresh(this);
  }

  @Override
  public void setZoom(float ratio) {
    zoom = ratio;
    camera.refresh(this);
  }

  @Override
  public void retry(boolean byUser) {
    camera.retry(byUser);
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      camera.unwant(this);
    }
  }

  // --- on the camera's thread; a closed source passes nothing on

  void frame(YuvFrame frame, int degrees) {
    if (!closed) {
      listener.onFrame(frame, degrees);
    }
  }

  void opened(PreviewGeometry geometry, Abilities abilities) {
    if (!closed) {
      listener.onPreview(geometry);
      listener.onAbilities(abilities);
    }
  }

  void problem(Problem problem) {
    if (!closed) {
      listener.onProblem(problem);
    }
  }
}
