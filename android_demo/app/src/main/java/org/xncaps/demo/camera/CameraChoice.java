package org.xncaps.demo.camera;

import android.graphics.ImageFormat;
import android.hardware.camera2.CameraAccessException;
import android.hardware.camera2.CameraCharacteristics;
import android.hardware.camera2.CameraManager;
import android.hardware.camera2.params.StreamConfigurationMap;
import android.util.Size;

/** Which camera to open, and with frames of what size. */
public final class CameraChoice {
  /** Large enough for every model's input, small enough to copy at 30 frames a second. */
  private static final int WANTED_WIDTH = 640;
  private static final int WANTED_HEIGHT = 480;

  public final String id;
  public final boolean front;
  public final int sensorOrientation;
  public final Size size;

  private CameraChoice(String id, boolean front, int sensorOrientation, Size size) {
    this.id = id;
    this.front = front;
    this.sensorOrientation = sensorOrientation;
    this.size = size;
  }

  /** The first camera on the wanted side, else the first of all; null where there is none. */
  public static CameraChoice find(CameraManager manager, boolean wantFront) throws CameraAccessException {
    CameraChoice other = null;
    for (String id : manager.getCameraIdList()) {
      CameraCharacteristics about = manager.getCameraCharacteristics(id);
      StreamConfigurationMap streams =
          about.get(CameraCharacteristics.SCALER_STREAM_CONFIGURATION_MAP);
      Integer facing = about.get(CameraCharacteristics.LENS_FACING);
      Integer orientation = about.get(CameraCharacteristics.SENSOR_ORIENTATION);
      Size[] sizes = streams == null ? null : streams.getOutputSizes(ImageFormat.YUV_420_888);
      if (sizes == null || sizes.length == 0) {
        continue; // a depth camera
      }
      boolean front = facing != null && facing == CameraCharacteristics.LENS_FACING_FRONT;
      CameraChoice found =
          new CameraChoice(id, front, orientation == null ? 90 : orientation, nearest(sizes));
      if (front == wantFront) {
        return found;
      }
      other = other == null ? found : other;
    }
    return other;
  }

  private static Size nearest(Size[] sizes) {
    Size best = sizes[0];
    for (Size size : sizes) {
      if (distance(size) < distance(best)) {
        best = size;
      }
    }
    return best;
  }

  private static long distance(Size size) {
    return Math.abs(size.getWidth() - WANTED_WIDTH) + Math.abs(size.getHeight() - WANTED_HEIGHT);
  }
}
