package org.xncaps.demo.ui;

import android.app.Activity;
import android.app.AlertDialog;
import android.view.View;
import android.widget.SeekBar;
import android.widget.Switch;
import android.widget.TextView;
import java.util.function.Consumer;
import java.util.function.IntFunction;
import org.xncaps.demo.R;
import org.xncaps.demo.models.Settings;

/** Threads, bars, threshold and delegate. Each change acts at once, while the dialog is open. */
public final class SettingsDialog {
  private static final int THRESHOLD_STEP = 5;
  private static final int MOST_THRESHOLD = 95;

  private final View content;
  private final Consumer<Settings> listener;
  private Settings now;

  private SettingsDialog(View content, Settings now, Consumer<Settings> listener) {
    this.content = content;
    this.now = now;
    this.listener = listener;
  }

  public static AlertDialog show(
      Activity activity, Settings now, Consumer<Settings> listener) {
    View content = activity.getLayoutInflater().inflate(R.layout.settings, null);
    SettingsDialog dialog = new SettingsDialog(content, now, listener);
    dialog.bar(
        R.id.threads, R.id.threads_label, R.string.settings_threads, 1, 1, Settings.MOST_THREADS,
        now.threads, value -> dialog.now.withThreads(value));
    dialog.bar(
        R.id.results_count, R.id.results_label, R.string.settings_results, 1, 1,
        Settings.MOST_RESULTS, now.results, value -> dialog.now.withResults(value));
    dialog.bar(
        R.id.threshold, R.id.threshold_label, R.string.settings_threshold, 0, THRESHOLD_STEP,
        MOST_THRESHOLD, now.thresholdPercent, value -> dialog.now.withThreshold(value));
    Switch delegate = content.findViewById(R.id.delegate);
    delegate.setChecked(now.delegate);
    delegate.setOnCheckedChangeListener(
        (view, on) -> dialog.change(dialog.now.withDelegate(on)));
    return new AlertDialog.Builder(activity)
        .setTitle(R.string.settings)
        .setView(content)
        .setPositiveButton(R.string.done, null)
        .show();
  }

  private void change(Settings changed) {
    now = changed;
    listener.accept(changed);
  }

  private void bar(
      int id, int label, int words, int low, int step, int high, int value,
      IntFunction<Settings> with) {
    SeekBar bar = content.findViewById(id);
    TextView text = content.findViewById(label);
    bar.setMax((high - low) / step);
    bar.setProgress((value - low) / step);
    text.setText(content.getContext().getString(words, value));
    bar.setOnSeekBarChangeListener(
        new SeekBar.OnSeekBarChangeListener() {
          @Override
          public void onProgressChanged(SeekBar changed, int progress, boolean byUser) {
            text.setText(content.getContext().getString(words, low + step * progress));
            change(with.apply(low + step * progress));
          }

          @Override
          public void onStartTrackingTouch(SeekBar touched) {}

          @Override
          public void onStopTrackingTouch(SeekBar left) {}
        });
  }
}
