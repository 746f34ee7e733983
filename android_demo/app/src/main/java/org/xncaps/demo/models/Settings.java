package org.xncaps.demo.models;

import android.content.Context;
import android.content.SharedPreferences;

/** What the user chose; immutable, kept in the app's preferences. */
public final class Settings {
  public static final int MOST_THREADS = 4;
  public static final int MOST_RESULTS = 10;

  public final int threads;
  public final boolean delegate;
  /** How many bars are shown. */
  public final int results;
  /** The best share below which a model without a threshold of its own is not sure, in percent. */
  public final int thresholdPercent;
  public final boolean front;
  /** The model in use, as ModelStore names it; empty for the first of the app. */
  public final String model;
  /** The one that it is compared with; empty for the next of the app. */
  public final String second;

  private Settings(
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
        kept.getInt("threads", 2), kept.getBoolean("delegate", true), kept.getInt("results", 5),
        kept.getInt("threshold", 30), kept.getBoolean("front", false),
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

  /** Whether models that run by the one settings have to be opened anew for the other. */
  public boolean needsOtherRuntime(Settings other) {
    return threads != other.threads || delegate != other.delegate || !model.equals(other.model)
        || !second.equals(other.second);
  }

  public Settings withThreads(int threads) {
    return new Settings(threads, delegate, results, thresholdPercent, front, model, second);
  }

  public Settings withDelegate(boolean delegate) {
    return new Settings(threads, delegate, results, thresholdPercent, front, model, second);
  }

  public Settings withResults(int results) {
    return new Settings(threads, delegate, results, thresholdPercent, front, model, second);
  }

  public Settings withThreshold(int percent) {
    return new Settings(threads, delegate, results, percent, front, model, second);
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
