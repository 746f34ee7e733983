package org.xncaps.demo.ui;

import android.app.Activity;
import android.app.AlertDialog;
import android.content.DialogInterface;
import android.view.View;
import android.widget.ArrayAdapter;
import android.widget.Spinner;
import android.widget.Switch;
import java.util.ArrayList;
import java.util.List;
import org.xncaps.demo.R;
import org.xncaps.demo.models.Settings;

/** Threads, delegate, number of results and threshold. */
public final class SettingsDialog {
  /** Told of the new settings when the user says OK. */
  public interface Listener {
    void onSettings(Settings settings);
  }

  private SettingsDialog() {}

  public static AlertDialog show(Activity activity, final Settings now, final Listener listener) {
    View content = activity.getLayoutInflater().inflate(R.layout.settings, null);
    final Spinner threads = fill(content, R.id.threads, 1, Settings.MOST_THREADS, 1, now.threads);
    final Spinner results =
        fill(content, R.id.results_count, 1, Settings.MOST_RESULTS, 1, now.results);
    final Spinner threshold = fill(content, R.id.threshold, 0, 90, 10, now.thresholdPercent);
    final Switch delegate = content.findViewById(R.id.delegate);
    delegate.setChecked(now.delegate);
    return new AlertDialog.Builder(activity)
        .setTitle(R.string.settings)
        .setView(content)
        .setNegativeButton(R.string.cancel, null)
        .setPositiveButton(
            R.string.ok,
            new DialogInterface.OnClickListener() {
              @Override
              public void onClick(DialogInterface dialog, int which) {
                listener.onSettings(
                    now.withRunning(
                        (Integer) threads.getSelectedItem(), delegate.isChecked(),
                        (Integer) results.getSelectedItem(),
                        (Integer) threshold.getSelectedItem()));
              }
            })
        .show();
  }

  private static Spinner fill(View content, int id, int low, int high, int step, int now) {
    List<Integer> values = new ArrayList<>();
    int selected = 0;
    for (int value = low; value <= high; value += step) {
      if (value <= now) {
        selected = values.size();
      }
      values.add(value);
    }
    Spinner spinner = content.findViewById(id);
    spinner.setAdapter(
        new ArrayAdapter<>(
            content.getContext(), android.R.layout.simple_spinner_dropdown_item, values));
    spinner.setSelection(selected);
    return spinner;
  }
}
