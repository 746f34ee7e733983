package org.xncaps.demo.picture;

import android.content.Intent;
import android.graphics.Bitmap;
import android.net.Uri;
import android.os.Build;
import android.os.Bundle;
import android.provider.MediaStore;
import android.widget.ImageView;
import java.util.List;
import org.xncaps.core.InputSpec;
import org.xncaps.demo.R;
import org.xncaps.demo.models.Classifier;
import org.xncaps.demo.models.ModelResult;
import org.xncaps.demo.models.Problem;
import org.xncaps.demo.ui.Sharing;
import org.xncaps.demo.ui.StillActivity;

/** One picture, picked here or shared by another app, and what the camera's model says of it. */
public final class PictureActivity extends StillActivity {
  private static final int OPEN = 1;
  private static final String URI = "uri";

  private ImageView shown;
  private Uri uri;
  private List<ModelResult> latest;

  @Override
  protected void onCreate(Bundle saved) {
    super.onCreate(saved);
    create(R.layout.picture, R.string.picture_title)
        .action(
            R.drawable.ic_share, R.string.share_hint,
            view -> Sharing.share(this, latest, settings));
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
    load(settings.model);
    classify();
  }

  private void classify() {
    if (uri == null || pipeline() == null) {
      return;
    }
    problems.hide();
    Uri now = uri;
    pipeline().offer(
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
    super.onModels(loaded, problem);
    if (!loaded.isEmpty()) {
      InputSpec input = loaded.get(0).model.input;
      shown.setForeground(new SeenPart(shown, (float) input.width() / input.height()));
      sheet.showHint(uri == null ? R.string.picture_none : R.string.looking);
    }
  }

  @Override
  public void onResults(List<ModelResult> results, double framesPerSecond) {
    latest = results;
    problems.hide();
    sheet.show(results.get(0), settings);
  }
}
