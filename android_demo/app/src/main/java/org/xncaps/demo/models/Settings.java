package org.xncaps.demo.models;

import android.content.Context;
import android.content.SharedPreferences;

/** What the user chose; immutable, kept in the app's preferences. */
public final class Settings {
  public static final int MOST_THREADS = 4;
  public static final int MOST_RESULTS = 10;

  public final int threads;
  public final boolean delegate;
  public final int results;
  /** Scores below it are not shown, in percent of 1. */
  public final int thresholdPercent;
  public final boolean front;
  /** asset:NAME or a content URI; empty for the first model of the assets. */
  public final String model;
  /** A second model on the same frames; empty for none. */
  public final String second;

  public Settings(
      int threads, boolean delegate, int results, int thresholdPercent, boolean front,
      String model, String second) {
    this.threads = clamp(threads, 1, MOST_THREADS);
    this.delegate = delegate;
    this.results = clamp(results, 1, MOST_RESULTS);
    this.thresholdPercent = clamp(thresholdPercent, 0, 100);
    this.front = front;
    this.model = model;
    this.second = second;
  }

  private static int clamp(int value, int low, int high) {
    return Math.max(low, Math.min(high, value));
  }

  public static Settings load(Context context) {
    SharedPreferences kept = preferences(context);
    return new Settings(
        kept.getInt("threads", 2), kept.getBoolean("delegate", true), kept.getInt("results", 3),
        kept.getInt("threshold", 10), kept.getBoolean("front", false),
        kept.getString("model", ""), kept.getString("second", ""));
  }

  public void save(Context context) {
    preferences(context).edit()
        .putInt("threads", threads).putBoolean("delegate", delegate).putInt("results", results)
        .putInt("threshold", thresholdPercent).putBoolean("front", front)
        .putString("model", model).putString("second", second)
        .apply();
  }

  private static SharedPreferences preferences(Context context) {
    return context.getSharedPreferences("settings", Context.MODE_PRIVATE);
  }

  public float threshold() {
    return thresholdPercent / 100f;
  }

  public Settings withRunning(int threads, boolean delegate, int results, int thresholdPercent) {
    return new Settings(threads, delegate, results, thresholdPercent, front, model, second);
  }

  public Settings withFront(boolean front) {
    return new Settings(threads, delegate, results, thresholdPercent, front, model, second);
  }

  public Settings withModel(String model) {
    return new Settings(threads, delegate, results, thresholdPercent, front, model, second);
  }

  public Settings withSecond(String second) {
    return new Settings(threads, delegate, results, thresholdPercent, front, model, second);
  }
}
