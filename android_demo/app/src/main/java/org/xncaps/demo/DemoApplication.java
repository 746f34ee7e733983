package org.xncaps.demo;

import android.app.Application;
import android.content.Context;
import android.hardware.camera2.CameraManager;
import org.xncaps.demo.camera.CameraThread;
import org.xncaps.demo.camera.FrameSource;

/** Holds what makes frames: the camera on a phone, a stand-in in tests. */
public class DemoApplication extends Application implements FrameSource.Provider {
  private FrameSource.Factory factory;

  @Override
  public void onCreate() {
    super.onCreate();
    factory = new CameraThread((CameraManager) getSystemService(Context.CAMERA_SERVICE));
  }

  @Override
  public FrameSource.Factory frameSources() {
    return factory;
  }

  public void setFrameSources(FrameSource.Factory other) {
    factory = other;
  }
}
