package org.xncaps.core;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;

/** Picks the best classes of a score vector. */
public final class TopK {
  /** One class with its score. */
  public static final class Entry {
    public final int index;
    public final String label;
    public final float score;

    Entry(int index, String label, float score) {
      this.index = index;
      this.label = label;
      this.score = score;
    }
  }

  private TopK() {}

  /** What a full bar stands for: the highest score, at least 1. */
  public static float scale(float[] scores) {
    float highest = 1;
    for (float score : scores) {
      highest = score > highest ? score : highest; // false for NaN
    }
    return highest;
  }

  /**
   * The k highest scores that are not below the threshold, best first; of equal scores the class
   * of the lower number comes first. NaN is never a result.
   */
  public static List<Entry> of(float[] scores, List<String> labels, int k, float threshold) {
    if (scores.length != labels.size()) {
      throw new IllegalArgumentException(
          "expected " + labels.size() + " scores, got " + scores.length);
    }
    List<Entry> all = new ArrayList<>();
    for (int i = 0; i < scores.length; i++) {
      if (scores[i] >= threshold) { // false for NaN
        all.add(new Entry(i, labels.get(i), scores[i]));
      }
    }
    Collections.sort(
        all,
        new Comparator<Entry>() {
          @Override
          public int compare(Entry a, Entry b) {
            int byScore = Float.compare(b.score, a.score);
            return byScore != 0 ? byScore : Integer.compare(a.index, b.index);
          }
        });
    return Collections.unmodifiableList(new ArrayList<>(all.subList(0, Math.min(k, all.size()))));
  }
}
