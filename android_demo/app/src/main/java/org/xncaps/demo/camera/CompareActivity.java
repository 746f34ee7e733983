package org.xncaps.demo.camera;

import android.content.res.Configuration;
import android.os.Bundle;
import android.view.View;
import android.widget.PopupMenu;
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
import org.xncaps.demo.models.ModelStore;
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
    findViewById(R.id.more).setOnClickListener(this::choose);
    findViewById(R.id.more).setContentDescription(getString(R.string.compare_other));
  }

  /** Another model to compare with. */
  private void choose(View at) {
    PopupMenu menu = new PopupMenu(this, at);
    List<String> all = others();
    for (int i = 0; i < all.size(); i++) {
      menu.getMenu().add(0, i, i, ModelStore.nameOf(all.get(i)));
    }
    menu.setOnMenuItemClickListener(
        item -> {
          change(settings.withSecond(all.get(item.getItemId())));
          return true;
        });
    menu.show();
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
    List<String> others = others();
    if (others.isEmpty()) {
      return Arrays.asList(settings.model);
    }
    String other = others.contains(settings.second) ? settings.second : others.get(0);
    return Arrays.asList(settings.model, other);
  }

  @Override
  void showLoading() {
    running = new ArrayList<>();
    agreement = new Agreement();
    head.clear(getString(R.string.compare));
    verdict.setText("");
    for (View card : new View[] {first, second}) {
      card.<TextView>findViewById(R.id.contender_name).setText("");
      card.<TextView>findViewById(R.id.contender_best).setText(R.string.loading);
      card.<TextView>findViewById(R.id.contender_share).setText("");
      card.<TextView>findViewById(R.id.contender_times).setText("");
    }
  }

  @Override
  void showStatus(String words) {
    this.<TextView>findViewById(R.id.status).setText(words);
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
      card.<TextView>findViewById(R.id.contender_best).setText(R.string.looking);
    }
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
        .setText(notSure ? getString(R.string.not_sure) : result.top.get(0).label);
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
