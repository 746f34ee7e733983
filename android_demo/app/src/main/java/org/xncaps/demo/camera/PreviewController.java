package org.xncaps.demo.camera;

import android.app.Activity;
import android.content.Context;
import android.graphics.SurfaceTexture;
import android.hardware.display.DisplayManager;
import android.os.Handler;
import android.view.TextureView;
import org.xncaps.demo.R;

/** The preview's surface, and the screen's rotation that it and the frames have to follow. */
public final class PreviewController
    implements TextureView.SurfaceTextureListener, DisplayManager.DisplayListener {
  /** Told on the main thread. */
  public interface Listener {
    void onSurface();

    void onSurfaceGone();

    void onRotation(int degrees);
  }

  private final Activity activity;
  private final TextureView view;
  private final Listener listener;
  private PreviewGeometry geometry;

  public PreviewController(Activity activity, Listener listener) {
    this.activity = activity;
    this.listener = listener;
    view = activity.findViewById(R.id.preview);
    view.setSurfaceTextureListener(this);
  }

  public void resume(Handler main) {
    displays().registerDisplayListener(this, main);
  }

  public void pause() {
    displays().unregisterDisplayListener(this);
  }

  private DisplayManager displays() {
    return (DisplayManager) activity.getSystemService(Context.DISPLAY_SERVICE);
  }

  public boolean isAvailable() {
    return view.isAvailable();
  }

  public SurfaceTexture surface() {
    return view.getSurfaceTexture();
  }

  /** The screen's rotation: 0, 90, 180 or 270 degrees. */
  @SuppressWarnings("deprecation") // getDisplay() came with Android 11
  public int degrees() {
    return 90 * activity.getWindowManager().getDefaultDisplay().getRotation();
  }

  public void show(PreviewGeometry shown) {
    geometry = shown;
    update();
  }

  private void update() {
    if (geometry != null && view.getWidth() > 0 && view.getHeight() > 0) {
      view.setTransform(geometry.transform(view.getWidth(), view.getHeight(), degrees()));
    }
  }

  @Override
  public void onSurfaceTextureAvailable(SurfaceTexture texture, int width, int height) {
    listener.onSurface();
  }

  @Override
  public void onSurfaceTextureSizeChanged(SurfaceTexture texture, int width, int height) {
    update();
  }

  @Override
  public boolean onSurfaceTextureDestroyed(SurfaceTexture texture) {
    listener.onSurfaceGone();
    return true;
  }

  @Override
  public void onSurfaceTextureUpdated(SurfaceTexture texture) {}

  /** Turning by 180 degrees changes no configuration: this is the only word of it. */
  @Override
  public void onDisplayChanged(int display) {
    listener.onRotation(degrees());
    update();
  }

  @Override
  public void onDisplayAdded(int display) {}

  @Override
  public void onDisplayRemoved(int display) {}
}
