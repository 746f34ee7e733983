package org.xncaps.demo;

import android.app.Activity;
import android.view.View;
import android.widget.TextView;
import java.util.List;

/** The part of a screen that camera and gallery share: panels, status and problems. */
final class ResultsScreen {
  final ProblemView problem;
  private final ResultPanel[] panels;
  private final TextView status;

  ResultsScreen(Activity activity) {
    problem = new ProblemView(activity);
    panels = new ResultPanel[] {
      activity.findViewById(R.id.panel_first), activity.findViewById(R.id.panel_second)
    };
    status = activity.findViewById(R.id.status);
  }

  void showLoading(Settings settings) {
    panels[0].setVisibility(View.VISIBLE);
    panels[0].showLoading();
    panels[1].setVisibility(settings.second.isEmpty() ? View.GONE : View.VISIBLE);
    panels[1].showLoading();
  }

  void showModels(List<Classifier> loaded) {
    for (int i = 0; i < panels.length; i++) {
      panels[i].setVisibility(i < loaded.size() ? View.VISIBLE : View.GONE);
      if (i < loaded.size()) {
        Classifier classifier = loaded.get(i);
        panels[i].showModel(classifier.model, classifier.runtime, classifier.delegateFailure);
      }
    }
  }

  void showResults(List<LaneResult> results, Settings settings) {
    for (int i = 0; i < panels.length && i < results.size(); i++) {
      panels[i].setVisibility(View.VISIBLE);
      panels[i].showResult(results.get(i), settings);
    }
  }

  void showStatus(String words) {
    status.setText(words);
  }

  ResultPanel panel(int index) {
    return panels[index];
  }
}
