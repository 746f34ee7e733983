package org.xncaps.demo.ui;

import android.content.Context;
import android.util.AttributeSet;
import android.view.ViewGroup;
import android.widget.LinearLayout;
import android.widget.TextView;
import org.xncaps.core.ClassifierModel;
import org.xncaps.demo.R;
import org.xncaps.demo.models.ModelResult;
import org.xncaps.demo.models.Settings;

/** One model on the screen: its name, what runs it, its results and its times. */
public final class ResultPanel extends LinearLayout {
  private final TextView title;
  private final TextView runtime;
  private final BarsView bars;
  private final TextView times;

  public ResultPanel(Context context, AttributeSet attributes) {
    super(context, attributes);
    setOrientation(VERTICAL);
    title = line(18, R.color.ink);
    runtime = line(13, R.color.ink_soft);
    bars = new BarsView(context);
    addView(bars, ViewGroup.LayoutParams.MATCH_PARENT, ViewGroup.LayoutParams.WRAP_CONTENT);
    times = line(13, R.color.ink_soft);
    int space = Math.round(8 * getResources().getDisplayMetrics().density);
    times.setPadding(0, space / 2, 0, space);
  }

  private TextView line(int size, int color) {
    TextView view = new TextView(getContext());
    view.setTextSize(size);
    view.setTextColor(getContext().getColor(color));
    addView(view, ViewGroup.LayoutParams.MATCH_PARENT, ViewGroup.LayoutParams.WRAP_CONTENT);
    return view;
  }

  public void showLoading() {
    title.setText(R.string.loading);
    runtime.setText("");
    times.setText("");
    bars.show(java.util.Collections.<org.xncaps.core.TopK.Entry>emptyList(), 1);
  }

  public void showModel(ClassifierModel model, String runtimeName, String delegateFailure) {
    title.setText(model.name);
    String about =
        runtimeName + "\n"
            + getContext().getString(
                R.string.model_input, model.file, model.input.width(), model.input.height(),
                colors(model));
    if (delegateFailure != null) {
      about += "\n" + getContext().getString(R.string.delegate_failed, delegateFailure);
    }
    if (!model.hasMetadata) {
      about += "\n" + getContext().getString(R.string.no_metadata);
    } else if (!model.hasLabels) {
      about += "\n" + getContext().getString(R.string.no_labels);
    }
    if (!about.contentEquals(runtime.getText())) {
      runtime.setText(about);
    }
  }

  private String colors(ClassifierModel model) {
    int id = model.input.channels() == 3 ? R.string.color
        : model.input.invert ? R.string.grey_inverted : R.string.grey;
    return getContext().getString(id);
  }

  public void showResult(ModelResult result, Settings settings) {
    showModel(result.model, result.runtime, result.delegateFailure);
    bars.show(result.top, settings.results);
    String words =
        getContext().getString(
            R.string.times, result.preprocessMedian, result.preprocessP90, result.inferenceMedian,
            result.inferenceP90, result.count);
    boolean nothing = result.top.isEmpty();
    String empty = getContext().getString(R.string.nothing_above, settings.thresholdPercent);
    times.setText(nothing ? empty + "\n" + words : words);
    bars.setContentDescription(
        getContext().getString(
            R.string.result_spoken, result.model.name, nothing ? empty : bars.spoken()));
  }

  public CharSequence title() {
    return title.getText();
  }

  public CharSequence runtime() {
    return runtime.getText();
  }

  public CharSequence times() {
    return times.getText();
  }

  public BarsView bars() {
    return bars;
  }
}
