package org.xncaps.demo.camera;

import android.app.AlertDialog;
import android.content.res.Configuration;
import android.os.Bundle;
import android.view.View;
import android.widget.TextView;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.xncaps.core.Agreement;
import org.xncaps.core.ClassifierModel;
import org.xncaps.core.ModelException;
import org.xncaps.demo.R;
import org.xncaps.demo.models.Classifier;
import org.xncaps.demo.models.Explanations;
import org.xncaps.demo.models.ModelResult;
import org.xncaps.demo.models.Problem;
import org.xncaps.demo.ui.Edges;
import org.xncaps.demo.ui.ModelHead;
import org.xncaps.demo.ui.Words;

/** Two models on the same frames, and one line that says what the first makes of the second. */
public final class CompareActivity extends LiveActivity {
  private ModelHead head;
  private View first;
  private View second;
  private TextView verdict;
  private List<Classifier> running = new ArrayList<>();
  private Agreement agreement = new Agreement();
  private AlertDialog dialog;

  @Override
  protected void onCreate(Bundle saved) {
    super.onCreate(saved);
    create(saved, R.layout.compare);
    head = new ModelHead(this);
    first = findViewById(R.id.first);
    second = findViewById(R.id.second);
    verdict = findViewById(R.id.verdict);
    boolean upright =
        getResources().getConfiguration().orientation == Configuration.ORIENTATION_PORTRAIT;
    Edges.pad(findViewById(R.id.top), true, true, upright, false);
    Edges.pad(
        findViewById(upright ? R.id.comparison : R.id.side), false, !upright, !upright, true);
    View back = findViewById(R.id.back);
    back.setVisibility(View.VISIBLE);
    back.setOnClickListener(view -> finish());
    findViewById(R.id.more).setOnClickListener(this::choose);
    findViewById(R.id.more).setContentDescription(getString(R.string.compare_other));
  }

  /** Another model to compare with. */
  private void choose(View at) {
    List<String> all = others();
    String[] titles = new String[all.size()];
    for (int i = 0; i < titles.length; i++) {
      titles[i] = store.title(all.get(i));
    }
    dialog =
        new AlertDialog.Builder(this)
            .setTitle(R.string.compare_other)
            .setSingleChoiceItems(
                titles, all.indexOf(second(all)),
                (shown, index) -> {
                  change(settings.withSecond(all.get(index)));
                  shown.dismiss();
                })
            .show();
  }

  @Override
  protected void onDestroy() {
    if (dialog != null) {
      dialog.dismiss(); // its window would outlive this screen's
    }
    super.onDestroy();
  }

  /** The chosen one, or the next; null where there is none. */
  private String second(List<String> others) {
    return others.contains(settings.second) ? settings.second
        : others.isEmpty() ? null : others.get(0);
  }

  private String current() throws ModelException {
    return settings.model.isEmpty() ? store.assets().get(0) : settings.model;
  }

  /** All models but the current one. */
  List<String> others() {
    List<String> all = new ArrayList<>();
    try {
      all.addAll(store.all());
      all.remove(current());
    } catch (ModelException e) {
      showProblem(Explanations.of(e));
    }
    return all;
  }

  @Override
  List<String> references() {
    String other = second(others());
    return other == null ? Arrays.asList(settings.model) : Arrays.asList(settings.model, other);
  }

  @Override
  void showLoading() {
    running = new ArrayList<>();
    agreement = new Agreement();
    head.clear(getString(R.string.compare));
    verdict.setText("");
    for (View card : new View[] {first, second}) {
      card.<TextView>findViewById(R.id.contender_name).setText("");
    }
    say(R.string.loading);
  }

  @Override
  void showStatus(String words) {
    this.<TextView>findViewById(R.id.status).setText(words);
  }

  @Override
  void showSeeing(boolean seeing) {
    if (!seeing) {
      say(R.string.no_picture);
      verdict.setText("");
    }
  }

  /** The same of both models. */
  private void say(int words) {
    for (View card : new View[] {first, second}) {
      card.<TextView>findViewById(R.id.contender_best).setText(words);
      card.<TextView>findViewById(R.id.contender_share).setText("");
      card.<TextView>findViewById(R.id.contender_times).setText("");
    }
  }

  @Override
  void showAbilities(FrameSource.Abilities abilities) {}

  @Override
  public void onModels(List<Classifier> loaded, Problem problem) {
    running = loaded;
    if (problem != null) {
      showProblem(problem);
    } else if (loaded.size() < 2) {
      showProblem(new Problem(R.string.compare_none, R.string.compare_none_advice, null));
    }
    second.setVisibility(loaded.size() < 2 ? View.GONE : View.VISIBLE);
    for (int i = 0; i < loaded.size(); i++) {
      View card = i == 0 ? first : second;
      card.<TextView>findViewById(R.id.contender_name).setText(Words.kind(loaded.get(i).title));
    }
    say(waiting());
  }

  @Override
  public void onResults(List<ModelResult> results, double rate) {
    setRate(rate);
    for (int i = 0; i < results.size(); i++) {
      show(i == 0 ? first : second, results.get(i), running.get(i));
    }
    if (results.size() == 2) {
      agreement.add(results.get(0).answer, results.get(1).answer);
      verdict.setText(verdict(results.get(0), results.get(1)));
    }
  }

  private void show(View card, ModelResult result, Classifier by) {
    boolean notSure = result.notSure(settings);
    String share = Words.share(this, result.top.get(0).share);
    card.<TextView>findViewById(R.id.contender_best)
        .setText(notSure ? getString(R.string.not_sure) : Words.label(result.top.get(0).label));
    card.<TextView>findViewById(R.id.contender_share).setText(notSure ? "" : share);
    String size = Words.bytes(this, by.bytes);
    String time = getString(R.string.milliseconds, result.inferenceMedian);
    card.<TextView>findViewById(R.id.contender_times)
        .setText(
            getString(R.string.models_size, time, size, Words.head(this, result.model)));
  }

  /** What the first model is beside the second. */
  private String verdict(ModelResult one, ModelResult other) {
    double ratio = other.inferenceMedian / one.inferenceMedian;
    String speed =
        ratio >= 1.05 ? getString(R.string.verdict_faster, ratio)
            : ratio <= 1 / 1.05 ? getString(R.string.verdict_slower, 1 / ratio)
            : getString(R.string.verdict_as_fast);
    int less = running.get(1).bytes - running.get(0).bytes;
    String size =
        Math.abs(less) < 1000 ? getString(R.string.verdict_as_large)
            : getString(
                less > 0 ? R.string.verdict_smaller : R.string.verdict_larger,
                Words.bytes(this, Math.abs(less)));
    return getString(
        R.string.verdict, nameBeside(one.model, other.model), speed, size,
        getString(R.string.verdict_same, agreement.same(), agreement.frames()));
  }

  /** What tells the first from the second: its head, where that is another one. */
  private static String nameBeside(ClassifierModel one, ClassifierModel other) {
    String head = one.ops.head();
    return head == null || head.equals(other.ops.head()) ? one.name : head;
  }
}
