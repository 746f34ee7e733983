package org.xncaps.demo.measure;

import android.content.Context;
import org.xncaps.demo.R;

/** What a job does, for who waits for it. */
final class ProgressWords {
  private ProgressWords() {}

  static String of(Context context, String state, int done, int total, String model) {
    String now;
    switch (state) {
      case "measuring":
        now = context.getString(R.string.benchmark_measuring, done, total);
        break;
      case "warming":
        now = context.getString(R.string.benchmark_warming, model);
        break;
      case "cooling":
        now = context.getString(R.string.benchmark_cooling);
        break;
      default:
        now = context.getString(R.string.benchmark_loading);
    }
    return now + "\n" + context.getString(R.string.benchmark_keep);
  }
}
