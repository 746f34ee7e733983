package org.xncaps.demo.models;

import android.media.Image;
import org.xncaps.core.YuvFrame;

/** Camera images as frames, and copies of frames that outlive the image. Not thread-safe. */
public final class Frames {
  private YuvFrame copy;

  /** The image's own memory; valid until the image is closed. */
  public static YuvFrame view(Image image) {
    Image.Plane[] planes = image.getPlanes();
    return new YuvFrame(
        image.getWidth(), image.getHeight(),
        planes[0].getBuffer(), planes[1].getBuffer(), planes[2].getBuffer(),
        planes[0].getRowStride(), planes[1].getRowStride(), planes[1].getPixelStride());
  }

  /** A copy that is valid until the next call; its memory is made once for frames of one size. */
  public YuvFrame copy(YuvFrame frame) {
    if (copy == null || copy.width != frame.width || copy.height != frame.height) {
      copy = YuvFrame.allocate(frame.width, frame.height);
    }
    frame.copyTo(copy);
    return copy;
  }
}
