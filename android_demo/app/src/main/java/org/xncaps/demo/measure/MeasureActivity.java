package org.xncaps.demo.measure;

import android.app.Activity;
import android.content.Intent;
import android.os.Bundle;
import android.view.View;
import android.view.WindowManager;
import android.widget.Button;
import android.widget.CheckBox;
import android.widget.LinearLayout;
import android.widget.ProgressBar;
import android.widget.TextView;
import java.io.IOException;
import java.text.SimpleDateFormat;
import java.util.ArrayList;
import java.util.Date;
import java.util.List;
import java.util.Locale;
import org.xncaps.core.ModelException;
import org.xncaps.demo.R;
import org.xncaps.demo.models.Explanations;
import org.xncaps.demo.models.ModelStore;
import org.xncaps.demo.models.Problem;
import org.xncaps.demo.models.Settings;
import org.xncaps.demo.ui.Page;
import org.xncaps.demo.ui.ProblemView;
import org.xncaps.demo.ui.Words;

/** How long the chosen models take on this device, one beside the other, without a computer. */
public final class MeasureActivity extends Activity implements OwnMeasurement.Listener {
  private static final String CHOSEN = "chosen";
  /** Medians that are nearer are said to be the same. */
  private static final double TELLABLE = 1.05;

  private Page page;
  private ProblemView problems;
  private TextView headline;
  private ProgressBar bar;
  private Button action;
  private LinearLayout list;
  private List<String> references = new ArrayList<>();
  private OwnMeasurement measurement;

  @Override
  protected void onCreate(Bundle saved) {
    super.onCreate(saved);
    page = new Page(this, R.layout.measure, R.string.measure);
    problems = new ProblemView(this);
    headline = findViewById(R.id.measure_headline);
    bar = findViewById(R.id.measure_bar);
    action = findViewById(R.id.list_action);
    list = findViewById(R.id.list);
    try {
      references = new ModelStore(this).all();
      addModels(saved == null ? references : saved.getStringArrayList(CHOSEN));
    } catch (ModelException e) {
      problems.show(Explanations.of(e));
    }
    measurement = (OwnMeasurement) getLastNonConfigurationInstance();
    showState();
    if (measurement != null) {
      measurement.setListener(this);
    }
  }

  private void addModels(List<String> chosen) throws ModelException {
    ModelStore store = new ModelStore(this);
    for (String reference : references) {
      View card = getLayoutInflater().inflate(R.layout.measured, list, false);
      CheckBox choice = card.findViewById(R.id.measured_choice);
      String size = Words.bytes(this, store.load(reference).bytes.capacity());
      choice.setText(getString(R.string.measure_model, store.title(reference), size));
      choice.setChecked(chosen.contains(reference));
      choice.setId(View.generateViewId()); // each keeps its own state
      card.setTag(choice);
      list.addView(card);
    }
  }

  private CheckBox choice(int index) {
    return (CheckBox) list.getChildAt(index).getTag();
  }

  private ArrayList<String> chosen() {
    ArrayList<String> found = new ArrayList<>();
    for (int i = 0; i < list.getChildCount(); i++) {
      if (choice(i).isChecked()) {
        found.add(references.get(i));
      }
    }
    return found;
  }

  @Override
  protected void onSaveInstanceState(Bundle out) {
    super.onSaveInstanceState(out);
    out.putStringArrayList(CHOSEN, chosen());
  }

  /** A measurement goes on while the screen is turned. */
  @Override
  public Object onRetainNonConfigurationInstance() {
    return measurement;
  }

  @Override
  protected void onStop() {
    super.onStop();
    if (measurement != null && !isChangingConfigurations()) {
      measurement.cancel(); // not in front: the system slows the app down, and times would lie
    }
  }

  @Override
  protected void onDestroy() {
    if (measurement != null) {
      measurement.setListener(null);
    }
    super.onDestroy();
  }

  private boolean isRunning() {
    return measurement != null && !measurement.isDone();
  }

  private void showState() {
    boolean running = isRunning();
    if (running) {
      getWindow().addFlags(WindowManager.LayoutParams.FLAG_KEEP_SCREEN_ON);
    } else {
      getWindow().clearFlags(WindowManager.LayoutParams.FLAG_KEEP_SCREEN_ON);
    }
    bar.setVisibility(running ? View.VISIBLE : View.GONE);
    for (int i = 0; i < list.getChildCount(); i++) {
      choice(i).setEnabled(!running);
    }
    action.setText(
        running ? R.string.measure_stop
            : measurement == null ? R.string.measure_start : R.string.measure_again);
    action.setOnClickListener(view -> act());
    if (measurement == null) {
      headline.setText(R.string.measure_hint);
    }
  }

  private void act() {
    if (isRunning()) {
      measurement.cancel();
      return;
    }
    List<String> chosen = chosen();
    if (chosen.isEmpty()) {
      problems.show(new Problem(R.string.measure_none, R.string.measure_none_advice, null));
      return;
    }
    problems.hide();
    for (int i = 0; i < list.getChildCount(); i++) {
      list.getChildAt(i).findViewById(R.id.measured).setVisibility(View.GONE);
    }
    measurement = new OwnMeasurement(this, chosen, Settings.load(this));
    measurement.setListener(this);
    page.noAction();
    bar.setProgress(0);
    headline.setText(R.string.benchmark_loading);
    showState();
    measurement.start();
  }

  @Override
  public void onProgress(String state, int done, int total, String model) {
    bar.setMax(Math.max(1, total));
    bar.setProgress(done);
    headline.setText(ProgressWords.of(this, state, done, total, model));
  }

  @Override
  public void onDone() {
    showState();
    double longest = 0;
    for (Measured model : measurement.models) {
      longest = model.isTimed() ? Math.max(longest, model.p90Millis()) : longest;
    }
    for (Measured model : measurement.models) {
      show(list.getChildAt(references.indexOf(model.reference)), model, longest);
    }
    headline.setText(
        measurement.error() != null
            ? getString(R.string.benchmark_ended, measurement.error()) : verdict());
    if (measurement.result() != null) {
      page.action(R.drawable.ic_share, R.string.measure_share, view -> share());
    }
  }

  /** The fastest beside the slowest of those that are of one task with the first. */
  private String verdict() {
    Measured fastest = null;
    Measured slowest = null;
    for (Measured model : measurement.models) {
      if (model.isTimed() && (fastest == null || model.isComparableWith(fastest))) {
        double median = model.medianMillis();
        fastest = fastest == null || median < fastest.medianMillis() ? model : fastest;
        slowest = slowest == null || median > slowest.medianMillis() ? model : slowest;
      }
    }
    if (fastest == slowest) {
      return getString(R.string.measure_done);
    }
    double ratio = slowest.medianMillis() / fastest.medianMillis();
    ModelStore store = new ModelStore(this);
    String first = Words.kind(store.title(fastest.reference));
    String last = Words.kind(store.title(slowest.reference));
    return ratio < TELLABLE
        ? getString(R.string.measure_same, first, last)
        : getString(R.string.measure_fastest, first, ratio, last);
  }

  private void show(View card, Measured model, double longest) {
    if (card == null) {
      return; // the file was removed meanwhile
    }
    card.findViewById(R.id.measured).setVisibility(View.VISIBLE);
    TimesView times = card.findViewById(R.id.measured_times);
    TextView words = card.findViewById(R.id.measured_words);
    TextView verified = card.findViewById(R.id.measured_verified);
    times.setVisibility(model.isTimed() ? View.VISIBLE : View.GONE);
    if (model.isTimed()) {
      times.show(model.medianMillis(), model.p90Millis(), longest);
      words.setText(
          getString(
              R.string.measure_times, model.medianMillis(), model.p90Millis(),
              model.sorted().length));
    } else {
      String why = model.error == null ? getString(R.string.measure_untimed) : model.error;
      words.setText(getString(R.string.measure_failed, why));
    }
    verified.setText(verification(model));
  }

  private String verification(Measured model) {
    if (model.verdict == null) {
      return getString(R.string.measure_unverified);
    }
    return getString(
        model.verdict.good ? R.string.measure_verified : R.string.measure_wrong,
        model.verdict.rows - model.verdict.over, model.verdict.rows);
  }

  private void share() {
    String day = new SimpleDateFormat("yyyyMMdd-HHmmss", Locale.ROOT).format(new Date());
    try {
      Intent send =
          SharedResults.share(this, "xncaps-" + day + ".json", measurement.result());
      startActivity(Intent.createChooser(send, getString(R.string.share)));
    } catch (IOException e) {
      problems.show(
          new Problem(R.string.measure_unwritten, R.string.measure_unwritten_advice, e.getMessage()));
    }
  }
}
