package org.xncaps.demo.camera;

import android.graphics.ImageFormat;
import android.graphics.Rect;
import android.graphics.SurfaceTexture;
import android.hardware.camera2.CameraAccessException;
import android.hardware.camera2.CameraCharacteristics;
import android.hardware.camera2.CameraManager;
import android.hardware.camera2.CameraMetadata;
import android.hardware.camera2.params.StreamConfigurationMap;
import android.os.Build;
import android.util.Range;
import android.util.Size;

/** Which camera to open, with streams of what sizes, and what it can do. */
final class CameraChoice {
  static final int NO_AUTOFOCUS = -1;
  /** Large enough for every model's input, small enough to copy at 30 frames a second. */
  private static final Size FRAMES = new Size(640, 480);
  /** Every camera, of the level LEGACY too, gives a preview of up to this beside such frames. */
  private static final Size LARGEST_PREVIEW = new Size(1440, 1080);

  final String id;
  final boolean front;
  final int sensorOrientation;
  /** Of the stream to the models. */
  final Size frames;
  /** Of the stream to the screen. */
  final Size preview;
  /** One of CONTROL_AF_MODE_*, or NO_AUTOFOCUS. */
  final int autofocus;
  final boolean torch;
  final float mostZoom;
  final boolean zoomsByRatio;
  final Rect sensor;
  boolean otherSide;

  private CameraChoice(String id, CameraCharacteristics about, StreamConfigurationMap streams) {
    this.id = id;
    Integer facing = about.get(CameraCharacteristics.LENS_FACING);
    Integer orientation = about.get(CameraCharacteristics.SENSOR_ORIENTATION);
    front = facing != null && facing == CameraMetadata.LENS_FACING_FRONT;
    sensorOrientation = orientation == null ? 90 : orientation;
    frames = nearest(streams.getOutputSizes(ImageFormat.YUV_420_888), FRAMES);
    preview = preview(streams.getOutputSizes(SurfaceTexture.class), frames);
    autofocus = autofocus(about.get(CameraCharacteristics.CONTROL_AF_AVAILABLE_MODES));
    torch = Boolean.TRUE.equals(about.get(CameraCharacteristics.FLASH_INFO_AVAILABLE));
    sensor = about.get(CameraCharacteristics.SENSOR_INFO_ACTIVE_ARRAY_SIZE);
    Range<Float> ratios =
        Build.VERSION.SDK_INT >= Build.VERSION_CODES.R
            ? about.get(CameraCharacteristics.CONTROL_ZOOM_RATIO_RANGE) : null;
    Float digital = about.get(CameraCharacteristics.SCALER_AVAILABLE_MAX_DIGITAL_ZOOM);
    zoomsByRatio = ratios != null;
    mostZoom =
        ratios != null ? ratios.getUpper() : digital != null && sensor != null ? digital : 1;
  }

  /**
   * The first camera on the wanted side, else the first of all; null where there is none. Asks the
   * camera service: not for the main thread.
   */
  static CameraChoice find(CameraManager manager, boolean wantFront)
      throws CameraAccessException {
    CameraChoice same = null;
    CameraChoice other = null;
    for (String id : manager.getCameraIdList()) {
      CameraCharacteristics about = manager.getCameraCharacteristics(id);
      StreamConfigurationMap streams =
          about.get(CameraCharacteristics.SCALER_STREAM_CONFIGURATION_MAP);
      Size[] sizes = streams == null ? null : streams.getOutputSizes(ImageFormat.YUV_420_888);
      if (sizes == null || sizes.length == 0) {
        continue; // a depth camera
      }
      CameraChoice found = new CameraChoice(id, about, streams);
      if (found.front == wantFront) {
        same = same == null ? found : same;
      } else {
        other = other == null ? found : other;
      }
    }
    CameraChoice chosen = same == null ? other : same;
    if (chosen != null) {
      chosen.otherSide = same != null && other != null;
    }
    return chosen;
  }

  private static int autofocus(int[] modes) {
    int best = NO_AUTOFOCUS;
    for (int mode : modes == null ? new int[0] : modes) {
      if (mode == CameraMetadata.CONTROL_AF_MODE_CONTINUOUS_PICTURE
          || mode == CameraMetadata.CONTROL_AF_MODE_AUTO && best == NO_AUTOFOCUS) {
        best = mode;
      }
    }
    return best;
  }

  /** The largest of the frames' shape that is guaranteed; where there is none, the frames' size. */
  private static Size preview(Size[] sizes, Size frames) {
    Size best = null;
    for (Size size : sizes == null ? new Size[0] : sizes) {
      boolean sameShape =
          size.getWidth() * frames.getHeight() == size.getHeight() * frames.getWidth();
      if (sameShape && size.getWidth() <= LARGEST_PREVIEW.getWidth()
          && size.getHeight() <= LARGEST_PREVIEW.getHeight()
          && (best == null || size.getWidth() > best.getWidth())) {
        best = size;
      }
    }
    return best == null ? frames : best;
  }

  private static Size nearest(Size[] sizes, Size wanted) {
    Size best = sizes[0];
    for (Size size : sizes) {
      if (distance(size, wanted) < distance(best, wanted)) {
        best = size;
      }
    }
    return best;
  }

  private static int distance(Size a, Size b) {
    return Math.abs(a.getWidth() - b.getWidth()) + Math.abs(a.getHeight() - b.getHeight());
  }
}
