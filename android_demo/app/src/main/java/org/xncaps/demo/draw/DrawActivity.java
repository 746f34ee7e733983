package org.xncaps.demo.draw;

import android.os.Bundle;
import android.view.View;
import java.util.List;
import org.xncaps.core.ClassifierModel;
import org.xncaps.core.ModelException;
import org.xncaps.core.Picture;
import org.xncaps.demo.R;
import org.xncaps.demo.models.Classifier;
import org.xncaps.demo.models.Explanations;
import org.xncaps.demo.models.ModelResult;
import org.xncaps.demo.models.ModelStore;
import org.xncaps.demo.models.Problem;
import org.xncaps.demo.ui.StillActivity;

/** A finger writes a digit, and the model of digits answers while it writes. */
public final class DrawActivity extends StillActivity {
  private DrawView paper;
  private boolean asked;
  private boolean changed;

  @Override
  protected void onCreate(Bundle saved) {
    super.onCreate(saved);
    create(R.layout.draw, R.string.draw);
    paper = findViewById(R.id.paper);
    paper.setOnDrawn(this::ask);
    findViewById(R.id.clear).setOnClickListener(this::clear);
  }

  private void clear(View view) {
    paper.clear();
    changed = false;
    sheet.showHint(R.string.draw_hint);
  }

  @Override
  protected void onStart() {
    super.onStart();
    asked = false;
    try {
      String reference = digits(new ModelStore(this));
      if (reference == null) {
        problems.show(new Problem(R.string.draw_none, R.string.draw_none_advice, null));
        sheet.showHint(R.string.draw_none);
        return;
      }
      load(reference);
    } catch (ModelException e) {
      problems.show(Explanations.of(e));
    }
  }

  /** The first model of one channel and ten classes, the largest picture first; null for none. */
  private static String digits(ModelStore store) throws ModelException {
    String best = null;
    int size = 0;
    for (String reference : store.all()) {
      ClassifierModel model;
      try {
        model = store.describe(reference);
      } catch (ModelException e) {
        android.util.Log.i("xncaps", "not for drawing: " + reference, e);
        continue;
      }
      if (model.input.channels() == 1 && model.classes() == 10 && model.input.height() > size) {
        best = reference;
        size = model.input.height();
      }
    }
    return best;
  }

  /** One question at a time; the newest drawing is asked about when the answer is there. */
  private void ask() {
    if (asked || pipeline() == null || paper.isBlank()) {
      changed = true;
      return;
    }
    asked = true;
    changed = false;
    Picture picture = paper.picture();
    pipeline().offer(() -> picture);
  }

  @Override
  public void onModels(List<Classifier> loaded, Problem problem) {
    super.onModels(loaded, problem);
    if (!loaded.isEmpty()) {
      sheet.showHint(R.string.draw_hint);
    }
    ask();
  }

  @Override
  public void onResults(List<ModelResult> results, double framesPerSecond) {
    asked = false;
    if (paper.isBlank()) {
      return; // cleared meanwhile
    }
    sheet.show(results.get(0), settings);
    if (changed) {
      ask();
    }
  }

  @Override
  public void onPipelineProblem(Problem problem) {
    asked = false;
    super.onPipelineProblem(problem);
  }
}
