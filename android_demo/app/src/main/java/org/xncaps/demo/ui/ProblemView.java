package org.xncaps.demo.ui;

import android.app.Activity;
import android.view.View;
import android.widget.Button;
import android.widget.TextView;
import org.xncaps.demo.R;
import org.xncaps.demo.models.Problem;

/** The box on a screen that says what is wrong, and the button that may mend it. */
public final class ProblemView {
  private final View box;
  private final TextView text;
  private final Button action;
  private Problem shown;

  public ProblemView(Activity activity) {
    box = activity.findViewById(R.id.problem);
    text = activity.findViewById(R.id.problem_text);
    action = activity.findViewById(R.id.problem_action);
  }

  public void show(Problem problem) {
    shown = problem;
    text.setText(problem.words(box.getContext()));
    action.setVisibility(View.GONE);
    box.setVisibility(View.VISIBLE);
  }

  public void show(Problem problem, int actionLabel, View.OnClickListener onAction) {
    show(problem);
    action.setText(actionLabel);
    action.setOnClickListener(onAction);
    action.setVisibility(View.VISIBLE);
  }

  /** Hides this problem, if it is the one that is shown. */
  public void hide(int what) {
    if (shown != null && shown.what() == what) {
      hide();
    }
  }

  public void hide() {
    shown = null;
    box.setVisibility(View.GONE);
  }
}
