package org.xncaps.demo.ui;

import android.app.Activity;
import android.content.Intent;
import android.net.Uri;

/** The system's screen for files, opened for the first or the second model. */
public final class ModelPicker {
  private static final int FIRST = 2;
  private static final int SECOND = 3;

  private ModelPicker() {}

  public static void open(Activity activity, boolean second) {
    Intent open =
        new Intent(Intent.ACTION_OPEN_DOCUMENT).addCategory(Intent.CATEGORY_OPENABLE).setType("*/*");
    activity.startActivityForResult(open, second ? SECOND : FIRST);
  }

  /** Passes on what was picked; nothing where the user went back, or where it was another request. */
  public static void onResult(
      Activity activity, int request, int result, Intent data, ModelsDialog.Listener listener) {
    Uri uri = data == null ? null : data.getData();
    if (result != Activity.RESULT_OK || uri == null || request != FIRST && request != SECOND) {
      return;
    }
    try {
      activity.getContentResolver()
          .takePersistableUriPermission(uri, Intent.FLAG_GRANT_READ_URI_PERMISSION);
    } catch (SecurityException e) {
      // Some providers grant for this run only: the model works now and is asked for again later.
      android.util.Log.i("xncaps", "not persistable: " + uri, e);
    }
    listener.onModel(request == SECOND, uri.toString());
  }
}
