package org.xncaps.demo.ui;

import android.app.Activity;
import android.view.View;
import android.widget.TextView;
import org.xncaps.demo.R;
import org.xncaps.demo.models.Classifier;

/** The model's name over the picture, with its classes, its size and its head as chips. */
public final class ModelHead {
  private final TextView name;
  private final TextView[] chips;

  public ModelHead(Activity activity) {
    name = activity.findViewById(R.id.model_name);
    chips = new TextView[] {
      activity.findViewById(R.id.chip_classes), activity.findViewById(R.id.chip_size),
      activity.findViewById(R.id.chip_head)
    };
    clear("");
  }

  /** Only these words: no model, or two. */
  public void clear(String words) {
    name.setText(words);
    for (TextView chip : chips) {
      chip.setVisibility(View.GONE);
    }
  }

  public void show(Classifier running) {
    name.setText(Words.purpose(running.title));
    chips[0].setText(Words.classes(name.getContext(), running.model));
    chips[1].setText(Words.bytes(name.getContext(), running.bytes));
    chips[2].setText(Words.head(name.getContext(), running.model));
    for (TextView chip : chips) {
      chip.setVisibility(View.VISIBLE);
    }
    chips[2].setVisibility(running.model.oneBit() ? View.VISIBLE : View.GONE);
  }
}
