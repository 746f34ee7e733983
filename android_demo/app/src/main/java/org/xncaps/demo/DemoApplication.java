package org.xncaps.demo;

import android.app.Application;
import android.content.Context;
import android.graphics.SurfaceTexture;
import android.hardware.camera2.CameraAccessException;
import android.hardware.camera2.CameraManager;
import org.xncaps.demo.camera.CameraChoice;
import org.xncaps.demo.camera.CameraController;
import org.xncaps.demo.camera.FrameSource;
import org.xncaps.demo.models.Problem;

/** Holds what makes frames: the camera on a phone, a stand-in in tests. */
public class DemoApplication extends Application {
  /** Makes a source of frames for one visit to the camera screen. */
  public interface FrameSourceFactory {
    /** Whether a source can only be made once the preview has a surface. */
    boolean needsPreview();

    /** @return null where there is no camera, after the listener was told */
    FrameSource create(
        boolean front, SurfaceTexture preview, int displayRotation, FrameSource.Listener listener);
  }

  private FrameSourceFactory factory;

  @Override
  public void onCreate() {
    super.onCreate();
    factory = new Cameras((CameraManager) getSystemService(Context.CAMERA_SERVICE));
  }

  public FrameSourceFactory frameSources() {
    return factory;
  }

  public void setFrameSources(FrameSourceFactory other) {
    factory = other;
  }

  /** The device's cameras. */
  public static final class Cameras implements FrameSourceFactory {
    private final CameraManager manager;

    public Cameras(CameraManager manager) {
      this.manager = manager;
    }

    @Override
    public boolean needsPreview() {
      return true;
    }

    @Override
    public FrameSource create(
        boolean front, SurfaceTexture preview, int rotation, FrameSource.Listener listener) {
      try {
        CameraChoice choice = manager == null ? null : CameraChoice.find(manager, front);
        if (choice != null) {
          return new CameraController(manager, choice, preview, rotation, listener);
        }
        listener.onProblem(new Problem(R.string.camera_none, R.string.camera_none_advice, null));
      } catch (CameraAccessException | RuntimeException e) {
        // Makers' camera services throw much that is not documented; the app goes on without.
        android.util.Log.w("xncaps", "camera", e);
        listener.onProblem(
            new Problem(R.string.camera_failed, R.string.camera_failed_advice, e.toString()));
      }
      return null;
    }
  }
}
