package org.xncaps.demo.camera;

import android.hardware.camera2.CameraAccessException;
import android.hardware.camera2.CameraDevice;

/** Which of the camera service's errors pass by themselves. */
final class CameraErrors {
  private CameraErrors() {}

  /** In use by another app, too many open, or a device that has to be opened anew. */
  static boolean mayReturn(int error) {
    return error == CameraDevice.StateCallback.ERROR_CAMERA_IN_USE
        || error == CameraDevice.StateCallback.ERROR_MAX_CAMERAS_IN_USE
        || error == CameraDevice.StateCallback.ERROR_CAMERA_DEVICE;
  }

  static boolean mayReturn(Exception error) {
    if (!(error instanceof CameraAccessException)) {
      return false;
    }
    int reason = ((CameraAccessException) error).getReason();
    return reason == CameraAccessException.CAMERA_IN_USE
        || reason == CameraAccessException.MAX_CAMERAS_IN_USE
        || reason == CameraAccessException.CAMERA_DISCONNECTED;
  }

  static String words(int error) {
    String[] names = {"", "in use", "too many in use", "disabled", "device", "service"};
    return "camera error " + error + (error < names.length && error > 0 ? ": " + names[error] : "");
  }
}
