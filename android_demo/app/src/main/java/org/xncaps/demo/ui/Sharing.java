package org.xncaps.demo.ui;

import android.app.Activity;
import android.content.Intent;
import android.os.Build;
import android.widget.Toast;
import java.util.ArrayList;
import java.util.List;
import org.xncaps.core.ResultText;
import org.xncaps.demo.R;
import org.xncaps.demo.models.ModelResult;
import org.xncaps.demo.models.Settings;

/** Hands results to another app as text, with their JSON in it. */
public final class Sharing {
  private Sharing() {}

  public static void share(Activity activity, List<ModelResult> results, Settings settings) {
    if (results == null || results.isEmpty()) {
      Toast.makeText(activity, R.string.nothing_to_share, Toast.LENGTH_SHORT).show();
      return;
    }
    List<ResultText.Answer> answers = new ArrayList<>();
    for (ModelResult result : results) {
      answers.add(result.shared(settings));
    }
    String device =
        Build.MANUFACTURER + " " + Build.MODEL + ", Android " + Build.VERSION.RELEASE;
    Intent send =
        new Intent(Intent.ACTION_SEND)
            .setType("text/plain")
            .putExtra(Intent.EXTRA_SUBJECT, activity.getString(R.string.share_subject))
            .putExtra(Intent.EXTRA_TEXT, ResultText.share(answers, device));
    activity.startActivity(Intent.createChooser(send, activity.getString(R.string.share)));
  }
}
