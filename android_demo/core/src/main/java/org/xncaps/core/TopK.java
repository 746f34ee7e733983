package org.xncaps.core;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** Picks the best classes of a vector of shares. */
public final class TopK {
  /** One class with its share. */
  public static final class Entry {
    public final int index;
    public final String label;
    public final double share;

    Entry(int index, String label, double share) {
      this.index = index;
      this.label = label;
      this.share = share;
    }
  }

  private TopK() {}

  /** The k highest shares, best first; of equal ones the class of the lower number comes first. */
  public static List<Entry> of(double[] shares, List<String> labels, int k) {
    if (shares.length != labels.size()) {
      throw new IllegalArgumentException(
          "expected " + labels.size() + " shares, got " + shares.length);
    }
    List<Entry> all = new ArrayList<>();
    for (int i = 0; i < shares.length; i++) {
      all.add(new Entry(i, labels.get(i), shares[i]));
    }
    all.sort((a, b) -> Double.compare(b.share, a.share)); // stable: equal ones keep their order
    return Collections.unmodifiableList(new ArrayList<>(all.subList(0, Math.min(k, all.size()))));
  }
}
