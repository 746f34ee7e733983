package org.xncaps.demo.ui;

import android.content.Context;
import org.xncaps.core.ClassifierModel;
import org.xncaps.demo.R;
import org.xncaps.demo.models.Classifier;
import org.xncaps.demo.models.ModelResult;

/** Numbers and facts as words on the screen. */
public final class Words {
  private Words() {}

  /** A share of 0 to 1. */
  public static String share(Context context, double share) {
    return context.getString(R.string.percent, Math.round(100 * share));
  }

  public static String bytes(Context context, long bytes) {
    return bytes >= 1_000_000 ? context.getString(R.string.megabytes, bytes / 1e6)
        : context.getString(R.string.kilobytes, Math.max(1.0, bytes / 1e3));
  }

  public static String classes(Context context, ClassifierModel model) {
    return context.getResources()
        .getQuantityString(R.plurals.classes, model.classes(), model.classes());
  }

  public static String head(Context context, ClassifierModel model) {
    return context.getString(model.oneBit() ? R.string.one_bit : R.string.float_head);
  }

  /** Of a card's title what the model is for. */
  public static String purpose(String title) {
    int comma = title.indexOf(", ");
    return comma < 0 ? title : title.substring(0, comma);
  }

  /** Of a card's title what the model is. */
  public static String kind(String title) {
    int comma = title.indexOf(", ");
    return comma < 0 ? title : title.substring(comma + 2);
  }

  /** A class's name that may go on in the next line after each of its hyphens, not within a word. */
  public static String label(String name) {
    return name.replace("-", "-\u200b");
  }

  public static String times(Context context, ModelResult result) {
    return context.getString(
        R.string.times, result.preprocessMedian, result.preprocessP90, result.inferenceMedian,
        result.inferenceP90, result.count);
  }

  /** What runs the model, its file and input, and what is missing. */
  public static String runtime(Context context, Classifier running) {
    ClassifierModel model = running.model;
    int colors = model.input.channels() == 3 ? R.string.color
        : model.input.invert ? R.string.grey_inverted : R.string.grey;
    StringBuilder out = new StringBuilder(running.runtime).append('\n').append(
        context.getString(
            R.string.model_input, model.file, model.input.width(), model.input.height(),
            context.getString(colors)));
    if (running.delegateFailure != null) {
      out.append('\n').append(context.getString(R.string.delegate_failed, running.delegateFailure));
    }
    if (!model.hasMetadata) {
      out.append('\n').append(context.getString(R.string.no_metadata));
    } else if (!model.hasLabels) {
      out.append('\n').append(context.getString(R.string.no_labels));
    }
    return out.toString();
  }
}
