package org.xncaps.core;

import java.util.Arrays;

/** The last so many durations, in nanoseconds. Not safe for use by two threads at once. */
public final class LatencyStats {
  private final long[] ring;
  private long added;

  public LatencyStats(int capacity) {
    if (capacity < 1) {
      throw new IllegalArgumentException("expected a capacity of at least 1, got " + capacity);
    }
    ring = new long[capacity];
  }

  public void add(long nanos) {
    ring[(int) (added++ % ring.length)] = nanos;
  }

  /** How many durations are kept: all so far, at most the capacity. */
  public int count() {
    return (int) Math.min(added, ring.length);
  }

  public double medianMillis() {
    return percentileMillis(50);
  }

  public double p90Millis() {
    return percentileMillis(90);
  }

  /** Milliseconds, NaN while empty. */
  public double percentileMillis(double percent) {
    long[] kept = Arrays.copyOf(ring, count());
    Arrays.sort(kept);
    return percentile(kept, percent) / 1e6;
  }

  /** Of sorted values, linear between neighbours (NumPy's default); NaN of none. */
  public static double percentile(long[] sorted, double percent) {
    if (sorted.length == 0) {
      return Double.NaN;
    }
    double rank = percent / 100 * (sorted.length - 1);
    int low = (int) Math.floor(rank);
    int high = Math.min(low + 1, sorted.length - 1);
    return sorted[low] + (rank - low) * (sorted[high] - sorted[low]);
  }
}
