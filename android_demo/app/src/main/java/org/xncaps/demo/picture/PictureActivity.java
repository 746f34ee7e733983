package org.xncaps.demo.picture;

import android.app.Activity;
import android.content.Intent;
import android.content.res.Configuration;
import android.graphics.Bitmap;
import android.net.Uri;
import android.os.Build;
import android.os.Bundle;
import android.provider.MediaStore;
import android.widget.ImageView;
import java.util.Collections;
import java.util.List;
import org.xncaps.demo.R;
import org.xncaps.demo.models.Classifier;
import org.xncaps.demo.models.ModelResult;
import org.xncaps.demo.models.ModelStore;
import org.xncaps.demo.models.Pipeline;
import org.xncaps.demo.models.Problem;
import org.xncaps.demo.models.Settings;
import org.xncaps.demo.ui.OnMainThread;
import org.xncaps.demo.ui.Page;
import org.xncaps.demo.ui.ProblemView;
import org.xncaps.demo.ui.ResultSheet;
import org.xncaps.demo.ui.Sharing;

/** One picture, picked here or shared by another app, and what the camera's model says of it. */
public final class PictureActivity extends Activity implements OnMainThread.Screen {
  private static final int OPEN = 1;
  private static final String URI = "uri";

  private ProblemView problems;
  private ResultSheet sheet;
  private ImageView shown;
  private Settings settings;
  private Pipeline pipeline;
  private Uri uri;
  private List<ModelResult> latest;

  @Override
  protected void onCreate(Bundle saved) {
    super.onCreate(saved);
    Page page = new Page(this, R.layout.picture, R.string.picture_title);
    page.action(
        R.drawable.ic_share, R.string.share_hint, view -> Sharing.share(this, latest, settings));
    problems = new ProblemView(this);
    sheet = findViewById(R.id.sheet);
    if (getResources().getConfiguration().orientation == Configuration.ORIENTATION_LANDSCAPE) {
      sheet.fixOpen();
    } else {
      sheet.setOpen(true);
    }
    shown = findViewById(R.id.shown);
    shown.setOnClickListener(view -> open());
    uri = saved == null ? shared(getIntent()) : saved.<Uri>getParcelable(URI);
    if (uri == null && saved == null) {
      open();
    }
  }

  /** The picture that another app shares with this one; null where there is none. */
  private static Uri shared(Intent intent) {
    Object stream =
        Intent.ACTION_SEND.equals(intent.getAction())
            ? intent.getParcelableExtra(Intent.EXTRA_STREAM) : null;
    return stream instanceof Uri ? (Uri) stream : null;
  }

  /** The system's photo picker, or before Android 13 its screen for files. */
  private void open() {
    Intent pick =
        Build.VERSION.SDK_INT >= Build.VERSION_CODES.TIRAMISU
            ? new Intent(MediaStore.ACTION_PICK_IMAGES)
            : new Intent(Intent.ACTION_OPEN_DOCUMENT)
                .addCategory(Intent.CATEGORY_OPENABLE)
                .setType("image/*");
    startActivityForResult(pick, OPEN);
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
    settings = Settings.load(this);
    problems.hide();
    sheet.showLoading();
    pipeline =
        new Pipeline(
            new ModelStore(this), Collections.singletonList(settings.model), settings,
            new OnMainThread(this));
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
    problems.hide();
    Uri now = uri;
    pipeline.offer(
        () -> {
          Bitmap bitmap = PictureDecoder.decode(getContentResolver(), now);
          runOnUiThread(
              () -> {
                shown.setImageBitmap(bitmap);
                shown.setContentDescription(getString(R.string.picture_shown));
              });
          return PictureDecoder.pixels(bitmap);
        });
  }

  @Override
  public void onModels(List<Classifier> loaded, Problem problem) {
    if (problem != null) {
      problems.show(problem);
    }
    for (Classifier running : loaded) {
      sheet.showModel(running);
      if (uri == null) {
        sheet.showHint(R.string.picture_none);
      }
    }
  }

  @Override
  public void onResults(List<ModelResult> results, double framesPerSecond) {
    latest = results;
    problems.hide();
    sheet.show(results.get(0), settings);
  }

  @Override
  public void onPipelineProblem(Problem problem) {
    problems.show(problem);
  }

  @Override
  public Pipeline pipeline() {
    return pipeline;
  }
}
