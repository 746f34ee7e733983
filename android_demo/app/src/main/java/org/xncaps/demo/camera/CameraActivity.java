package org.xncaps.demo.camera;

import android.app.Activity;
import android.app.AlertDialog;
import android.content.Intent;
import android.os.Bundle;
import android.os.Handler;
import android.os.Looper;
import android.view.View;
import java.util.List;
import org.xncaps.core.YuvFrame;
import org.xncaps.demo.DemoApplication;
import org.xncaps.demo.R;
import org.xncaps.demo.measure.DeviceStatus;
import org.xncaps.demo.models.Classifier;
import org.xncaps.demo.models.ModelResult;
import org.xncaps.demo.models.ModelStore;
import org.xncaps.demo.models.Pipeline;
import org.xncaps.demo.models.Problem;
import org.xncaps.demo.models.Settings;
import org.xncaps.demo.picture.PictureActivity;
import org.xncaps.demo.ui.ModelPicker;
import org.xncaps.demo.ui.ModelsDialog;
import org.xncaps.demo.ui.OnMainThread;
import org.xncaps.demo.ui.ResultsScreen;
import org.xncaps.demo.ui.SettingsDialog;
import org.xncaps.demo.ui.Sharing;

/** The camera screen: views only. Camera and inference run on threads of their own. */
public final class CameraActivity extends Activity
    implements OnMainThread.Screen, FrameSource.Listener, PreviewController.Listener,
        ModelsDialog.Listener, SettingsDialog.Listener {
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
  private List<ModelResult> latest;
  private double framesPerSecond;
  private AlertDialog dialog;

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
      dialog = ModelsDialog.show(this, store, settings, this);
    } else if (id == R.id.settings) {
      dialog = SettingsDialog.show(this, settings, this);
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

  @Override
  protected void onDestroy() {
    if (dialog != null) {
      dialog.dismiss(); // its window would outlive this screen's
    }
    super.onDestroy();
  }

  private void begin() {
    screen.problem.hide();
    screen.showLoading(settings);
    latest = null; // of the models before
    framesPerSecond = 0;
    pipeline = new Pipeline(store, settings, new OnMainThread(this));
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
    ModelPicker.open(this, second);
  }

  @Override
  protected void onActivityResult(int request, int result, Intent data) {
    super.onActivityResult(request, result, data);
    ModelPicker.onResult(this, request, result, data, this);
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

  // --- from the inference thread, by way of OnMainThread

  @Override
  public void onModels(List<Classifier> loaded, Problem problem) {
    screen.showModels(loaded);
    if (problem != null) {
      showProblem(problem);
    }
  }

  @Override
  public void onResults(List<ModelResult> results, double rate) {
    latest = results;
    framesPerSecond = rate;
    screen.showResults(results, settings);
  }

  @Override
  public void onPipelineProblem(Problem problem) {
    showProblem(problem);
  }

  // --- preview and status

  private void showStatus() {
    String device = DeviceStatus.read(this).words(this);
    screen.showStatus(
        getString(R.string.status, getString(R.string.rate, framesPerSecond), device));
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

  @Override
  public Pipeline pipeline() {
    return pipeline;
  }

  /** For tests. */
  public ResultsScreen screen() {
    return screen;
  }
}
