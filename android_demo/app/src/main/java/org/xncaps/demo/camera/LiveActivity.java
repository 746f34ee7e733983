package org.xncaps.demo.camera;

import android.app.Activity;
import android.graphics.SurfaceTexture;
import android.os.Bundle;
import android.os.Handler;
import android.os.Looper;
import android.view.ScaleGestureDetector;
import android.view.View;
import android.view.WindowManager;
import java.util.List;
import org.xncaps.core.YuvFrame;
import org.xncaps.demo.R;
import org.xncaps.demo.measure.DeviceStatus;
import org.xncaps.demo.models.ModelStore;
import org.xncaps.demo.models.Pipeline;
import org.xncaps.demo.models.Problem;
import org.xncaps.demo.models.Settings;
import org.xncaps.demo.ui.Edges;
import org.xncaps.demo.ui.OnMainThread;
import org.xncaps.demo.ui.ProblemView;

/**
 * A screen with the camera's picture and models that look at it. The camera runs while the screen is
 * in front, the models besides: neither is made anew for the other's sake.
 */
abstract class LiveActivity extends Activity
    implements OnMainThread.Screen, FrameSource.Listener, PreviewController.Listener {
  private static final long STATUS_MILLIS = 1000;

  private final Handler main = new Handler(Looper.getMainLooper());
  private final Runnable refreshStatus =
      new Runnable() {
        @Override
        public void run() {
          String device = DeviceStatus.read(LiveActivity.this).words(LiveActivity.this);
          showStatus(getString(R.string.status, getString(R.string.rate, framesPerSecond), device));
          main.postDelayed(this, STATUS_MILLIS);
        }
      };
  ModelStore store;
  Settings settings;
  ProblemView problems;
  private PreviewController preview;
  private CameraPermission permission;
  private boolean resumed;
  private volatile Pipeline pipeline; // read by the camera's thread
  private volatile boolean frozen;
  private FrameSource source;
  private float zoom = 1;
  private float mostZoom = 1;
  private boolean torch;
  private boolean seeing;
  private double framesPerSecond;

  /** The references of the models that look at the frames. */
  abstract List<String> references();

  /** Models are being loaded. */
  abstract void showLoading();

  abstract void showStatus(String words);

  /** Torch or frozen have changed, by the user or with the camera. */
  void showControls() {}

  /** There is a camera's picture, or none: refused, in use by another app, broken. */
  abstract void showSeeing(boolean seeing);

  /** @param abilities of the opened camera */
  abstract void showAbilities(FrameSource.Abilities abilities);

  void create(Bundle saved, int layout) {
    setContentView(layout);
    Edges.reach(this);
    getWindow().addFlags(WindowManager.LayoutParams.FLAG_KEEP_SCREEN_ON);
    permission = new CameraPermission(this, saved);
    store = new ModelStore(this);
    problems = new ProblemView(this);
    preview = new PreviewController(this, this);
    zoomByPinching(findViewById(R.id.reticle));
  }

  private void zoomByPinching(View touched) {
    ScaleGestureDetector pinch =
        new ScaleGestureDetector(
            this,
            new ScaleGestureDetector.SimpleOnScaleGestureListener() {
              @Override
              public boolean onScale(ScaleGestureDetector by) {
                setZoom(zoom * by.getScaleFactor());
                return true;
              }
            });
    touched.setOnTouchListener((view, event) -> pinch.onTouchEvent(event));
  }

  void setZoom(float ratio) {
    zoom = Math.max(1, Math.min(mostZoom, ratio));
    if (source != null) {
      source.setZoom(zoom);
    }
  }

  @Override
  protected void onSaveInstanceState(Bundle out) {
    super.onSaveInstanceState(out);
    permission.save(out);
  }

  @Override
  protected void onResume() {
    super.onResume();
    resumed = true;
    settings = Settings.load(this);
    problems.hide();
    preview.resume(main);
    main.post(refreshStatus);
    startModels();
    setSeeing(permission.granted());
    if (permission.granted()) {
      startCamera();
    } else {
      permission.request(problems);
    }
  }

  @Override
  protected void onPause() {
    resumed = false;
    main.removeCallbacks(refreshStatus);
    preview.pause();
    stopCamera();
    stopModels();
    super.onPause();
  }

  /** Foldables and split screens: a camera goes to the screen that was touched last. */
  @Override
  public void onTopResumedActivityChanged(boolean top) { // from Android 10
    if (top && source != null) {
      source.retry(false);
    }
  }

  private void startModels() {
    showLoading();
    framesPerSecond = 0;
    pipeline = new Pipeline(store, references(), settings, new OnMainThread(this));
    pipeline.start();
  }

  private void stopModels() {
    if (pipeline != null) {
      pipeline.close();
      pipeline = null;
    }
  }

  private void startCamera() {
    FrameSource.Factory factory = ((FrameSource.Provider) getApplication()).frameSources();
    if (!resumed || source != null || factory.needsPreview() && !preview.isAvailable()) {
      return;
    }
    zoom = 1;
    source = factory.create(settings.front, preview.surface(), preview.degrees(), this);
    source.start();
  }

  private void stopCamera() {
    if (source != null) {
      source.close();
      source = null;
    }
    torch = false;
    frozen = false;
    showControls();
  }

  void setTorch(boolean on) {
    torch = on;
    if (source != null) {
      source.setTorch(on);
    }
    showControls();
  }

  boolean torch() {
    return torch;
  }

  /**
   * The picture stands still and no further frame is taken. The one that the models look at already
   * is of this picture: its answer still comes, as the last, so that picture and answer belong
   * together, and a picture that is frozen before its first answer gets one.
   */
  void setFrozen(boolean on) {
    frozen = on;
    if (source != null) {
      source.setFrozen(on);
    }
    showControls();
  }

  boolean frozen() {
    return frozen;
  }

  /** Without a picture there is nothing to aim at. */
  private void setSeeing(boolean on) {
    seeing = on;
    findViewById(R.id.reticle).setVisibility(on ? View.VISIBLE : View.INVISIBLE);
    showSeeing(on);
  }

  /** What is said until a model answers. */
  int waiting() {
    return seeing ? R.string.looking : R.string.no_picture;
  }

  /** Takes and keeps other settings; makes anew only what cannot go on under them. */
  void change(Settings changed) {
    Settings before = settings;
    settings = changed;
    changed.save(this);
    if (!resumed) {
      return;
    }
    if (before.needsOtherRuntime(changed)) {
      problems.hide();
      stopModels();
      startModels();
    }
    if (before.front != changed.front) {
      stopCamera();
      startCamera();
    }
  }

  // --- permission

  @Override
  public void onRequestPermissionsResult(int request, String[] permissions, int[] grants) {
    if (request != CameraPermission.REQUEST) {
      return;
    }
    setSeeing(permission.granted());
    if (permission.granted()) {
      problems.hide();
      startCamera(); // before onResume this does nothing, and onResume opens it
    } else {
      permission.explain(problems);
    }
  }

  // --- from the camera's thread

  @Override
  public void onFrame(YuvFrame frame, int degrees) {
    Pipeline now = pipeline;
    if (now != null && !frozen) {
      now.offer(frame, degrees, preview.share());
    }
  }

  @Override
  public void onPreview(PreviewGeometry shown) {
    runOnUiThread(
        () -> {
          if (resumed) {
            preview.show(shown);
            problems.hide(R.string.camera_failed); // it is back
            setSeeing(true);
          }
        });
  }

  @Override
  public void onAbilities(FrameSource.Abilities abilities) {
    runOnUiThread(
        () -> {
          mostZoom = abilities.mostZoom;
          showAbilities(abilities);
        });
  }

  @Override
  public void onProblem(Problem problem) {
    runOnUiThread(
        () -> {
          if (resumed) {
            setSeeing(false);
            showProblem(problem);
          }
        });
  }

  void showProblem(Problem problem) {
    if (problem.what() != R.string.camera_failed) {
      problems.show(problem);
      return;
    }
    problems.show(
        problem, R.string.retry,
        view -> {
          problems.hide();
          if (source != null) {
            source.retry(true);
          } else {
            startCamera();
          }
        });
  }

  // --- from the inference thread, by way of OnMainThread

  void setRate(double rate) {
    framesPerSecond = rate;
  }

  @Override
  public void onPipelineProblem(Problem problem) {
    showProblem(problem);
  }

  @Override
  public Pipeline pipeline() {
    return pipeline;
  }

  // --- preview

  @Override
  public void onSurface() {
    if (permission.granted()) {
      startCamera();
    }
  }

  @Override
  public void onSurfaceGone(SurfaceTexture texture) {
    stopCamera();
    ((FrameSource.Provider) getApplication()).frameSources().release(texture);
  }

  @Override
  public void onRotation(int degrees) {
    if (source != null) {
      source.setDisplayRotation(degrees);
    }
  }
}
