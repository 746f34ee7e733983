package org.xncaps.demo.camera;

import android.graphics.SurfaceTexture;
import org.xncaps.core.YuvFrame;
import org.xncaps.demo.models.Problem;

/** Something that delivers frames to classify: the camera, or a test's stand-in. */
public interface FrameSource {
  /** What the opened camera can do. */
  final class Abilities {
    public final boolean torch;
    /** Whether there is a camera on the other side. */
    public final boolean otherSide;
    /** How far it zooms; 1 for not at all. */
    public final float mostZoom;

    public Abilities(boolean torch, boolean otherSide, float mostZoom) {
      this.torch = torch;
      this.otherSide = otherSide;
      this.mostZoom = mostZoom;
    }
  }

  /** Told of frames and of failures, on a thread of the source's own. */
  interface Listener {
    /**
     * The frame's memory belongs to the source and is valid during the call only.
     *
     * @param degrees by how much the frame has to be turned clockwise to stand upright
     */
    void onFrame(YuvFrame frame, int degrees);

    void onPreview(PreviewGeometry geometry);

    void onAbilities(Abilities abilities);

    void onProblem(Problem problem);
  }

  /** Makes a source of frames for one visit to a screen. */
  interface Factory {
    /** Whether a source can only be made once the preview has a surface. */
    boolean needsPreview();

    /** Lets go of a preview's texture, once no source writes to it. */
    void release(SurfaceTexture texture);

    /** @param preview where the pictures are shown */
    FrameSource create(
        boolean front, SurfaceTexture preview, int displayRotation, Listener listener);
  }

  /** The application, as the screens know it. */
  interface Provider {
    Factory frameSources();
  }

  /** Starts delivering; called once. */
  void start();

  /** The screen was turned: 0, 90, 180 or 270 degrees. */
  void setDisplayRotation(int degrees);

  void setTorch(boolean on);

  /** Whether picture and frames stand still. */
  void setFrozen(boolean on);

  /** @param ratio 1 for the whole picture */
  void setZoom(float ratio);

  /**
   * Tries again after a failure.
   *
   * @param byUser whether the user asked for it; else this screen came to the front of others, and a
   *     camera that another app had may be free
   */
  void retry(boolean byUser);

  /** Stops; from now on nothing is told to the listener. Waits for nothing. Idempotent. */
  void close();
}
