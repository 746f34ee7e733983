package org.xncaps.demo.picture;

import android.app.Activity;
import android.content.Intent;
import android.graphics.Bitmap;
import android.net.Uri;
import android.os.Bundle;
import android.view.View;
import android.widget.ImageView;
import java.io.IOException;
import java.util.List;
import org.xncaps.demo.R;
import org.xncaps.demo.models.Classifier;
import org.xncaps.demo.models.ModelResult;
import org.xncaps.demo.models.ModelStore;
import org.xncaps.demo.models.Pipeline;
import org.xncaps.demo.models.Problem;
import org.xncaps.demo.models.Settings;
import org.xncaps.demo.ui.OnMainThread;
import org.xncaps.demo.ui.ResultsScreen;
import org.xncaps.demo.ui.Sharing;

/** The gallery screen: classifies one picture with the models that the camera screen uses. */
public final class PictureActivity extends Activity implements OnMainThread.Screen {
  private static final int OPEN = 1;
  private static final String URI = "uri";

  private ResultsScreen screen;
  private ImageView shown;
  private Settings settings;
  private Pipeline pipeline;
  private Uri uri;
  private List<ModelResult> latest;
  private Problem modelProblem; // stays while another model answers

  @Override
  protected void onCreate(Bundle saved) {
    super.onCreate(saved);
    setContentView(R.layout.picture);
    settings = Settings.load(this);
    screen = new ResultsScreen(this);
    shown = findViewById(R.id.shown);
    findViewById(R.id.open)
        .setOnClickListener(
            new View.OnClickListener() {
              @Override
              public void onClick(View view) {
                open();
              }
            });
    findViewById(R.id.share)
        .setOnClickListener(
            new View.OnClickListener() {
              @Override
              public void onClick(View view) {
                Sharing.share(PictureActivity.this, latest);
              }
            });
    uri = saved == null ? null : saved.<Uri>getParcelable(URI);
    if (saved == null) {
      open();
    }
  }

  private void open() {
    startActivityForResult(
        new Intent(Intent.ACTION_OPEN_DOCUMENT)
            .addCategory(Intent.CATEGORY_OPENABLE)
            .setType("image/*"),
        OPEN);
  }

  @Override
  protected void onSaveInstanceState(Bundle out) {
    super.onSaveInstanceState(out);
    out.putParcelable(URI, uri);
  }

  @Override
  protected void onActivityResult(int request, int result, Intent data) {
    super.onActivityResult(request, result, data);
    if (result == RESULT_OK && data != null && data.getData() != null) {
      uri = data.getData();
      classify(); // before onStart this waits for it
    }
  }

  @Override
  protected void onStart() {
    super.onStart();
    modelProblem = null;
    screen.problem.hide();
    screen.showLoading(settings);
    pipeline = new Pipeline(new ModelStore(this), settings, new OnMainThread(this));
    pipeline.start();
    classify();
  }

  @Override
  protected void onStop() {
    pipeline.close();
    pipeline = null;
    super.onStop();
  }

  private void classify() {
    if (uri == null || pipeline == null) {
      return;
    }
    pipeline.offer(
        new Pipeline.PictureSource() {
          @Override
          public org.xncaps.core.Picture load() throws IOException {
            final Bitmap bitmap = PictureDecoder.decode(getContentResolver(), uri);
            runOnUiThread(
                new Runnable() {
                  @Override
                  public void run() {
                    shown.setImageBitmap(bitmap);
                    shown.setContentDescription(getString(R.string.picture_shown));
                  }
                });
            return PictureDecoder.pixels(bitmap);
          }
        });
  }

  @Override
  public void onModels(List<Classifier> loaded, Problem problem) {
    screen.showModels(loaded);
    modelProblem = problem;
    showModelProblem();
  }

  @Override
  public void onResults(List<ModelResult> results, double framesPerSecond) {
    latest = results;
    showModelProblem(); // in place of one with an earlier picture
    screen.showResults(results, settings);
  }

  @Override
  public void onPipelineProblem(Problem problem) {
    screen.problem.show(problem);
  }

  private void showModelProblem() {
    if (modelProblem == null) {
      screen.problem.hide();
    } else {
      screen.problem.show(modelProblem);
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
