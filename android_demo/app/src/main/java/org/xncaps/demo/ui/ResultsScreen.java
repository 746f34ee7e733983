package org.xncaps.demo.ui;

import android.app.Activity;
import android.view.View;
import android.widget.TextView;
import java.util.List;
import org.xncaps.demo.R;
import org.xncaps.demo.models.Classifier;
import org.xncaps.demo.models.ModelResult;
import org.xncaps.demo.models.Settings;

/** The part of a screen that camera and gallery share: panels, status and problems. */
public final class ResultsScreen {
  public final ProblemView problem;
  private final ResultPanel[] panels;
  private final TextView status;

  public ResultsScreen(Activity activity) {
    problem = new ProblemView(activity);
    panels = new ResultPanel[] {
      activity.findViewById(R.id.panel_first), activity.findViewById(R.id.panel_second)
    };
    status = activity.findViewById(R.id.status);
  }

  public void showLoading(Settings settings) {
    panels[0].setVisibility(View.VISIBLE);
    panels[0].showLoading();
    panels[1].setVisibility(settings.second.isEmpty() ? View.GONE : View.VISIBLE);
    panels[1].showLoading();
  }

  public void showModels(List<Classifier> loaded) {
    for (int i = 0; i < panels.length; i++) {
      panels[i].setVisibility(i < loaded.size() ? View.VISIBLE : View.GONE);
      if (i < loaded.size()) {
        Classifier classifier = loaded.get(i);
        panels[i].showModel(classifier.model, classifier.runtime, classifier.delegateFailure);
      }
    }
  }

  public void showResults(List<ModelResult> results, Settings settings) {
    for (int i = 0; i < panels.length && i < results.size(); i++) {
      panels[i].setVisibility(View.VISIBLE);
      panels[i].showResult(results.get(i), settings);
    }
  }

  public void showStatus(String words) {
    status.setText(words);
  }

  public ResultPanel panel(int index) {
    return panels[index];
  }
}
