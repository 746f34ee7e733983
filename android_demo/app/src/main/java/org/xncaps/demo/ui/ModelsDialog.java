package org.xncaps.demo.ui;

import android.app.Activity;
import android.app.AlertDialog;
import android.content.DialogInterface;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.xncaps.demo.R;
import org.xncaps.demo.models.ModelStore;
import org.xncaps.demo.models.Settings;

/** Lists the models of the app and those picked before, for the first and the second place. */
public final class ModelsDialog {
  /** Told of the choice. */
  public interface Listener {
    /** @param reference empty for no second model */
    void onModel(boolean second, String reference);

    void onOpenFile(boolean second);
  }

  private final List<CharSequence> titles = new ArrayList<>();
  private final List<Runnable> actions = new ArrayList<>();
  private final Listener listener;

  private ModelsDialog(Listener listener) {
    this.listener = listener;
  }

  public static AlertDialog show(
      Activity activity, ModelStore store, Settings now, Listener listener) {
    final ModelsDialog dialog = new ModelsDialog(listener);
    List<String> known = new ArrayList<>();
    try {
      known.addAll(store.assets());
    } catch (IOException e) {
      android.util.Log.w("xncaps", "assets", e); // files can still be opened
    }
    for (String picked : new String[] {now.model, now.second}) {
      if (!picked.isEmpty() && !known.contains(picked)) {
        known.add(picked);
      }
    }
    for (boolean second : new boolean[] {false, true}) {
      int head = second ? R.string.models_second : R.string.models_first;
      for (String reference : known) {
        dialog.addModel(activity.getString(head) + ": " + store.nameOf(reference), second, reference);
      }
      if (second) {
        dialog.addModel(activity.getString(head) + ": " + activity.getString(R.string.models_none),
            true, "");
      }
      dialog.addOpen(
          activity.getString(second ? R.string.models_open_second : R.string.models_open_first),
          second);
    }
    return new AlertDialog.Builder(activity)
        .setTitle(R.string.models)
        .setItems(
            dialog.titles.toArray(new CharSequence[0]),
            new DialogInterface.OnClickListener() {
              @Override
              public void onClick(DialogInterface shown, int which) {
                dialog.actions.get(which).run();
              }
            })
        .setNegativeButton(R.string.cancel, null)
        .show();
  }

  private void addModel(CharSequence title, final boolean second, final String reference) {
    titles.add(title);
    actions.add(
        new Runnable() {
          @Override
          public void run() {
            listener.onModel(second, reference);
          }
        });
  }

  private void addOpen(CharSequence title, final boolean second) {
    titles.add(title);
    actions.add(
        new Runnable() {
          @Override
          public void run() {
            listener.onOpenFile(second);
          }
        });
  }
}
