package org.xncaps.demo.camera;

import org.xncaps.core.YuvFrame;
import org.xncaps.demo.models.Problem;

/** Something that delivers frames to classify: the camera, or a test's stand-in. */
public interface FrameSource {
  /** Told of frames and of failures, on a thread of the source's own. */
  interface Listener {
    /**
     * The frame's memory belongs to the source and is valid during the call only.
     *
     * @param degrees by how much the frame has to be turned clockwise to stand upright
     */
    void onFrame(YuvFrame frame, int degrees);

    void onPreview(PreviewGeometry geometry);

    void onProblem(Problem problem);
  }

  /** Starts delivering; called once. */
  void start();

  /** The screen was turned: 0, 90, 180 or 270 degrees. */
  void setDisplayRotation(int degrees);

  /** Stops and lets go of everything; when it returns, no frame comes any more. Idempotent. */
  void close();
}
