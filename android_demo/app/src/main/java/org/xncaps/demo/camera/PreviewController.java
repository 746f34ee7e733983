package org.xncaps.demo.camera;

import android.app.Activity;
import android.content.Context;
import android.graphics.SurfaceTexture;
import android.hardware.display.DisplayManager;
import android.os.Handler;
import android.view.TextureView;
import android.view.View;
import android.view.ViewGroup;
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

  /** Of the corners of what covers the picture's lower end (drawable/sheet.xml). */
  private static final float ROUND_DP = 28;

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
    // none where controls lie beside the picture
    ViewGroup lower = activity.findViewById(R.id.lower);
    if (lower != null) {
      lower.addOnLayoutChangeListener(
          (v, l, t, r, b, ol, ot, or, ob) -> {
            leaveRoom(lower);
            centre(lower);
          });
    }
    reticle.addOnLayoutChangeListener((v, l, t, r, b, ol, ot, or, ob) -> update());
  }

  /**
   * Keeps what covers the picture's lower end out of the reticle's room, however large the font: the
   * rest of it is scrolled to. On small screens half of what is left below the name has to do.
   */
  private void leaveRoom(ViewGroup lower) {
    int room = Math.min(Math.round(reticle.side()), lower.getHeight() / 2);
    if (room != lower.getPaddingTop()) {
      lower.post(() -> lower.setPadding(0, room, 0, 0)); // not within a layout
    }
  }

  /**
   * Moves the picture, and the reticle with it, up into the room between the model's name and the
   * controls, so that both stay in sight; at most so far that no gap shows above what covers the
   * lower end.
   */
  private void centre(ViewGroup lower) {
    int corner = Math.round(ROUND_DP * activity.getResources().getDisplayMetrics().density);
    int covered = lower.getTop() + lower.getChildAt(lower.getChildCount() - 1).getTop() + corner;
    int top = activity.findViewById(R.id.top).getBottom();
    int bottom = lower.getTop() + lower.getChildAt(0).getTop();
    float up = (view.getHeight() - top - bottom) / 2f;
    float shift = -Math.max(0, Math.min(up, view.getHeight() - covered));
    view.setTranslationY(shift);
    reticle.setTranslationY(shift);
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
