package org.xncaps.demo.ui;

import android.app.Activity;
import android.view.View;
import android.widget.ImageButton;
import android.widget.TextView;
import org.xncaps.demo.R;

/** What every screen but the camera's has: a header with the way back, clear of the edges. */
public final class Page {
  private final Activity activity;

  public Page(Activity activity, int layout, int title) {
    this.activity = activity;
    activity.setContentView(layout);
    Edges.reach(activity);
    Edges.pad(activity.findViewById(R.id.root), true, true, true, true);
    activity.<TextView>findViewById(R.id.title).setText(title);
    activity.findViewById(R.id.back).setOnClickListener(view -> activity.finish());
  }

  /** Shows the button at the end of the header. */
  public void action(int icon, int words, View.OnClickListener onClick) {
    ImageButton button = activity.findViewById(R.id.header_action);
    button.setImageResource(icon);
    button.setContentDescription(activity.getString(words));
    button.setOnClickListener(onClick);
    button.setVisibility(View.VISIBLE);
  }

  public void noAction() {
    activity.findViewById(R.id.header_action).setVisibility(View.GONE);
  }
}
