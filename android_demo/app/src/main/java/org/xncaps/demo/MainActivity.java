package org.xncaps.demo;

import android.Manifest;
import android.app.Activity;
import android.content.Context;
import android.content.Intent;
import android.content.pm.PackageManager;
import android.graphics.SurfaceTexture;
import android.hardware.display.DisplayManager;
import android.net.Uri;
import android.os.Bundle;
import android.os.Handler;
import android.os.Looper;
import android.view.TextureView;
import android.view.View;
import java.util.List;
import org.xncaps.core.YuvFrame;

/** The camera screen: views only. Camera and inference run on threads of their own. */
public final class MainActivity extends Activity
    implements Pipeline.Listener, FrameSource.Listener, TextureView.SurfaceTextureListener,
        DisplayManager.DisplayListener, ModelsDialog.Listener, SettingsDialog.Listener {
  private static final int ASK_CAMERA = 1;
  private static final int OPEN_FIRST = 2;
  private static final int OPEN_SECOND = 3;
  private static final long STATUS_MILLIS = 1000;

  private final Handler main = new Handler(Looper.getMainLooper());
  private final Runnable refreshStatus =
      new Runnable() {
        @Override
        public void run() {
          showStatus();
          main.postDelayed(this, STATUS_MILLIS);
        }
      };
  private ModelStore store;
  private ResultsScreen screen;
  private TextureView preview;
  private Settings settings;
  private boolean resumed;
  private boolean asked;
  private Pipeline pipeline;
  private FrameSource source;
  private PreviewGeometry geometry;
  private List<LaneResult> latest;
  private double framesPerSecond;

  @Override
  protected void onCreate(Bundle saved) {
    super.onCreate(saved);
    setContentView(R.layout.main);
    asked = saved != null && saved.getBoolean("asked");
    store = new ModelStore(this);
    settings = Settings.load(this);
    screen = new ResultsScreen(this);
    preview = findViewById(R.id.preview);
    preview.setSurfaceTextureListener(this);
    bindControls();
  }

  private void bindControls() {
    final View.OnClickListener clicks =
        new View.OnClickListener() {
          @Override
          public void onClick(View view) {
            onControl(view.getId());
          }
        };
    for (int id : new int[] {R.id.flip, R.id.models, R.id.settings, R.id.picture, R.id.share}) {
      findViewById(id).setOnClickListener(clicks);
    }
  }

  private void onControl(int id) {
    if (id == R.id.flip) {
      onSettings(settings.withFront(!settings.front));
    } else if (id == R.id.models) {
      ModelsDialog.show(this, store, settings, this);
    } else if (id == R.id.settings) {
      SettingsDialog.show(this, settings, this);
    } else if (id == R.id.picture) {
      startActivity(new Intent(this, PictureActivity.class));
    } else {
      Sharing.share(this, latest);
    }
  }

  @Override
  protected void onSaveInstanceState(Bundle out) {
    super.onSaveInstanceState(out);
    out.putBoolean("asked", asked);
  }

  @Override
  protected void onResume() {
    super.onResume();
    resumed = true;
    ((DisplayManager) getSystemService(Context.DISPLAY_SERVICE))
        .registerDisplayListener(this, main);
    main.post(refreshStatus);
    begin();
  }

  @Override
  protected void onPause() {
    resumed = false;
    main.removeCallbacks(refreshStatus);
    ((DisplayManager) getSystemService(Context.DISPLAY_SERVICE)).unregisterDisplayListener(this);
    end();
    super.onPause();
  }

  private void begin() {
    screen.problem.hide();
    screen.showLoading(settings);
    pipeline = new Pipeline(store, settings, this);
    pipeline.start();
    if (checkSelfPermission(Manifest.permission.CAMERA) == PackageManager.PERMISSION_GRANTED) {
      openSource();
    } else if (!asked) {
      asked = true;
      requestPermissions(new String[] {Manifest.permission.CAMERA}, ASK_CAMERA);
    } else {
      showRefused();
    }
  }

  private void end() {
    closeSource();
    if (pipeline != null) {
      pipeline.close();
      pipeline = null;
    }
  }

  private void restart() {
    if (resumed) {
      end();
      begin();
    }
  }

  private void openSource() {
    DemoApplication.FrameSourceFactory factory =
        ((DemoApplication) getApplication()).frameSources();
    if (!resumed || source != null || factory.needsPreview() && !preview.isAvailable()) {
      return;
    }
    source =
        factory.create(settings.front, preview.getSurfaceTexture(), displayDegrees(), this);
    if (source != null) {
      source.start();
    }
  }

  private void closeSource() {
    if (source != null) {
      source.close();
      source = null;
    }
  }

  @SuppressWarnings("deprecation") // getDisplay() came with Android 11
  private int displayDegrees() {
    return 90 * getWindowManager().getDefaultDisplay().getRotation();
  }

  // --- permission

  @Override
  public void onRequestPermissionsResult(int request, String[] permissions, int[] grants) {
    if (request != ASK_CAMERA) {
      return;
    }
    boolean granted = grants.length > 0 && grants[0] == PackageManager.PERMISSION_GRANTED;
    if (granted) {
      screen.problem.hide();
      openSource(); // before onResume this does nothing, and onResume opens it
    } else {
      showRefused();
    }
  }

  private void showRefused() {
    final boolean canAsk = shouldShowRequestPermissionRationale(Manifest.permission.CAMERA);
    screen.problem.show(
        new Problem(R.string.camera_refused, R.string.camera_refused_advice, null),
        canAsk ? R.string.grant : R.string.app_settings,
        new View.OnClickListener() {
          @Override
          public void onClick(View view) {
            if (canAsk) {
              requestPermissions(new String[] {Manifest.permission.CAMERA}, ASK_CAMERA);
            } else {
              startActivity(
                  new Intent(
                      android.provider.Settings.ACTION_APPLICATION_DETAILS_SETTINGS,
                      Uri.fromParts("package", getPackageName(), null)));
            }
          }
        });
  }

  // --- choices

  @Override
  public void onSettings(Settings changed) {
    settings = changed;
    settings.save(this);
    restart();
  }

  @Override
  public void onModel(boolean second, String reference) {
    onSettings(second ? settings.withSecond(reference) : settings.withModel(reference));
  }

  @Override
  public void onOpenFile(boolean second) {
    Intent open =
        new Intent(Intent.ACTION_OPEN_DOCUMENT).addCategory(Intent.CATEGORY_OPENABLE).setType("*/*");
    startActivityForResult(open, second ? OPEN_SECOND : OPEN_FIRST);
  }

  @Override
  protected void onActivityResult(int request, int result, Intent data) {
    super.onActivityResult(request, result, data);
    Uri uri = data == null ? null : data.getData();
    if (result != RESULT_OK || uri == null) {
      return;
    }
    try {
      getContentResolver()
          .takePersistableUriPermission(uri, Intent.FLAG_GRANT_READ_URI_PERMISSION);
    } catch (SecurityException e) {
      // Some providers grant for this run only: the model works now and is asked for again later.
      android.util.Log.i("xncaps", "not persistable: " + uri, e);
    }
    onModel(request == OPEN_SECOND, uri.toString());
  }

  // --- from the camera's thread

  @Override
  public void onFrame(YuvFrame frame, int degrees) {
    Pipeline now = pipeline;
    if (now != null) {
      now.offer(frame, degrees);
    }
  }

  @Override
  public void onPreview(final PreviewGeometry shown) {
    runOnUiThread(
        new Runnable() {
          @Override
          public void run() {
            geometry = shown;
            updatePreview();
          }
        });
  }

  @Override
  public void onProblem(final Problem problem) {
    runOnUiThread(
        new Runnable() {
          @Override
          public void run() {
            if (resumed) {
              showProblem(problem);
            }
          }
        });
  }

  private void showProblem(Problem problem) {
    if (problem.what() != R.string.camera_failed) {
      screen.problem.show(problem);
      return;
    }
    screen.problem.show(
        problem,
        R.string.retry,
        new View.OnClickListener() {
          @Override
          public void onClick(View view) {
            restart();
          }
        });
  }

  // --- from the inference thread

  @Override
  public void onModels(
      final Pipeline from, final List<Classifier> loaded, final Problem problem) {
    runOnUiThread(
        new Runnable() {
          @Override
          public void run() {
            if (from != pipeline) {
              return; // of models that were chosen before
            }
            screen.showModels(loaded);
            if (problem != null) {
              showProblem(problem);
            }
          }
        });
  }

  @Override
  public void onResults(
      final Pipeline from, final List<LaneResult> results, final double rate) {
    runOnUiThread(
        new Runnable() {
          @Override
          public void run() {
            if (from == pipeline) {
              latest = results;
              framesPerSecond = rate;
              screen.showResults(results, settings);
            }
          }
        });
  }

  @Override
  public void onProblem(final Pipeline from, final Problem problem) {
    runOnUiThread(
        new Runnable() {
          @Override
          public void run() {
            if (from == pipeline) {
              showProblem(problem);
            }
          }
        });
  }

  // --- preview and status

  private void showStatus() {
    String device = DeviceStatus.read(this).words(this);
    screen.showStatus(getString(R.string.rate, framesPerSecond) + " · " + device);
  }

  private void updatePreview() {
    if (geometry != null && preview.getWidth() > 0 && preview.getHeight() > 0) {
      preview.setTransform(
          geometry.transform(preview.getWidth(), preview.getHeight(), displayDegrees()));
    }
  }

  @Override
  public void onSurfaceTextureAvailable(SurfaceTexture texture, int width, int height) {
    if (checkSelfPermission(Manifest.permission.CAMERA) == PackageManager.PERMISSION_GRANTED) {
      openSource();
    }
  }

  @Override
  public void onSurfaceTextureSizeChanged(SurfaceTexture texture, int width, int height) {
    updatePreview();
  }

  @Override
  public boolean onSurfaceTextureDestroyed(SurfaceTexture texture) {
    closeSource();
    return true;
  }

  @Override
  public void onSurfaceTextureUpdated(SurfaceTexture texture) {}

  /** Turning by 180 degrees changes no configuration: this is the only word of it. */
  @Override
  public void onDisplayChanged(int display) {
    if (source != null) {
      source.setDisplayRotation(displayDegrees());
    }
    updatePreview();
  }

  @Override
  public void onDisplayAdded(int display) {}

  @Override
  public void onDisplayRemoved(int display) {}

  /** For tests. */
  Pipeline pipeline() {
    return pipeline;
  }

  /** For tests. */
  ResultsScreen screen() {
    return screen;
  }
}
