package org.xncaps.demo;

import android.app.Activity;
import android.view.View;
import android.widget.Button;
import android.widget.TextView;

/** The box on a screen that says what is wrong, and the button that may mend it. */
final class ProblemView {
  private final View box;
  private final TextView text;
  private final Button action;

  ProblemView(Activity activity) {
    box = activity.findViewById(R.id.problem);
    text = activity.findViewById(R.id.problem_text);
    action = activity.findViewById(R.id.problem_action);
  }

  void show(Problem problem) {
    text.setText(problem.words(box.getContext()));
    action.setVisibility(View.GONE);
    box.setVisibility(View.VISIBLE);
  }

  void show(Problem problem, int actionLabel, View.OnClickListener onAction) {
    show(problem);
    action.setText(actionLabel);
    action.setOnClickListener(onAction);
    action.setVisibility(View.VISIBLE);
  }

  void hide() {
    box.setVisibility(View.GONE);
  }
}
