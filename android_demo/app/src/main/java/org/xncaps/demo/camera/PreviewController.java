package org.xncaps.demo.camera;

import android.app.Activity;
import android.content.Context;
import android.graphics.SurfaceTexture;
import android.hardware.display.DisplayManager;
import android.os.Handler;
import android.view.TextureView;
import org.xncaps.demo.R;
import org.xncaps.demo.ui.ReticleView;

/** The preview's surface, and the screen's rotation that it and the frames have to follow. */
final class PreviewController
    implements TextureView.SurfaceTextureListener, DisplayManager.DisplayListener {
  /** Told on the main thread. */
  interface Listener {
    void onSurface();

    /** The listener releases the texture, once nothing writes to it. */
    void onSurfaceGone(SurfaceTexture texture);

    void onRotation(int degrees);
  }

  private final Activity activity;
  private final TextureView view;
  private final ReticleView reticle;
  private final Listener listener;
  private PreviewGeometry geometry;
  private volatile float share = 1; // read by the camera's thread

  PreviewController(Activity activity, Listener listener) {
    this.activity = activity;
    this.listener = listener;
    view = activity.findViewById(R.id.preview);
    reticle = activity.findViewById(R.id.reticle);
    view.setSurfaceTextureListener(this);
    view.addOnLayoutChangeListener((v, l, t, r, b, ol, ot, or, ob) -> update());
    reticle.addOnLayoutChangeListener((v, l, t, r, b, ol, ot, or, ob) -> update());
  }

  void resume(Handler main) {
    displays().registerDisplayListener(this, main);
  }

  void pause() {
    displays().unregisterDisplayListener(this);
  }

  private DisplayManager displays() {
    return (DisplayManager) activity.getSystemService(Context.DISPLAY_SERVICE);
  }

  boolean isAvailable() {
    return view.isAvailable();
  }

  SurfaceTexture surface() {
    return view.getSurfaceTexture();
  }

  /** How much of the largest square in a frame lies in the reticle. */
  float share() {
    return share;
  }

  /** The screen's rotation: 0, 90, 180 or 270 degrees. */
  @SuppressWarnings("deprecation") // getDisplay() came with Android 11
  int degrees() {
    return 90 * activity.getWindowManager().getDefaultDisplay().getRotation();
  }

  void show(PreviewGeometry shown) {
    geometry = shown;
    update();
  }

  private void update() {
    if (geometry != null && view.getWidth() > 0 && view.getHeight() > 0) {
      view.setTransform(geometry.transform(view.getWidth(), view.getHeight(), degrees()));
      share = geometry.share(view.getWidth(), view.getHeight(), degrees(), reticle.side());
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
    listener.onSurfaceGone(texture);
    return false; // the camera may still write to it
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
