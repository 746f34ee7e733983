package org.xncaps.demo;

import android.app.Activity;
import android.content.Intent;
import android.net.Uri;
import android.os.Bundle;
import android.os.Handler;
import android.os.Looper;
import android.view.View;
import java.util.List;
import org.xncaps.core.YuvFrame;

/** The camera screen: views only. Camera and inference run on threads of their own. */
public final class MainActivity extends Activity
    implements Pipeline.Listener, FrameSource.Listener, PreviewController.Listener,
        ModelsDialog.Listener, SettingsDialog.Listener {
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
  private PreviewController preview;
  private CameraPermission permission;
  private Settings settings;
  private boolean resumed;
  private volatile Pipeline pipeline; // read by the camera's thread
  private FrameSource source;
  private List<LaneResult> latest;
  private double framesPerSecond;

  @Override
  protected void onCreate(Bundle saved) {
    super.onCreate(saved);
    setContentView(R.layout.main);
    permission = new CameraPermission(this, saved);
    store = new ModelStore(this);
    settings = Settings.load(this);
    screen = new ResultsScreen(this);
    preview = new PreviewController(this, this);
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
    permission.save(out);
  }

  @Override
  protected void onResume() {
    super.onResume();
    resumed = true;
    preview.resume(main);
    main.post(refreshStatus);
    begin();
  }

  @Override
  protected void onPause() {
    resumed = false;
    main.removeCallbacks(refreshStatus);
    preview.pause();
    end();
    super.onPause();
  }

  private void begin() {
    screen.problem.hide();
    screen.showLoading(settings);
    pipeline = new Pipeline(store, settings, this);
    pipeline.start();
    if (permission.granted()) {
      openSource();
    } else {
      permission.request(screen.problem);
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
        factory.create(settings.front, preview.surface(), preview.degrees(), this);
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

  // --- permission

  @Override
  public void onRequestPermissionsResult(int request, String[] permissions, int[] grants) {
    if (request != CameraPermission.REQUEST) {
      return;
    }
    if (permission.granted()) {
      screen.problem.hide();
      openSource(); // before onResume this does nothing, and onResume opens it
    } else {
      permission.explain(screen.problem);
    }
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
            preview.show(shown);
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

  @Override
  public void onSurface() {
    if (permission.granted()) {
      openSource();
    }
  }

  @Override
  public void onSurfaceGone() {
    closeSource();
  }

  @Override
  public void onRotation(int degrees) {
    if (source != null) {
      source.setDisplayRotation(degrees);
    }
  }

  /** For tests. */
  Pipeline pipeline() {
    return pipeline;
  }

  /** For tests. */
  ResultsScreen screen() {
    return screen;
  }
}
