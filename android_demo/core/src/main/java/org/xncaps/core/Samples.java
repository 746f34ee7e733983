package org.xncaps.core;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;

/** Durations that grow as they come, with their times; summed up at the end. */
public final class Samples {
  private long[] nanos = new long[64];
  private long[] atMillis = new long[64];
  private int count;

  /** @param atMillis when the run began, since the job's start */
  public void add(long duration, long at) {
    if (count == nanos.length) {
      nanos = Arrays.copyOf(nanos, 2 * count);
      atMillis = Arrays.copyOf(atMillis, 2 * count);
    }
    nanos[count] = duration;
    atMillis[count++] = at;
  }

  public int count() {
    return count;
  }

  public long totalNanos() {
    long sum = 0;
    for (int i = 0; i < count; i++) {
      sum += nanos[i];
    }
    return sum;
  }

  public long[] nanos() {
    return Arrays.copyOf(nanos, count);
  }

  public long[] atMillis() {
    return Arrays.copyOf(atMillis, count);
  }

  /** p50, p90, p99, min, mean and std (of the sample, n - 1) in milliseconds; null of none. */
  public Map<String, Object> summary() {
    if (count == 0) {
      return null;
    }
    long[] sorted = nanos();
    Arrays.sort(sorted);
    double mean = (double) totalNanos() / count;
    double squares = 0;
    for (long value : sorted) {
      squares += (value - mean) * (value - mean);
    }
    Map<String, Object> out = new LinkedHashMap<>();
    out.put("p50_ms", LatencyStats.percentile(sorted, 50) / 1e6);
    out.put("p90_ms", LatencyStats.percentile(sorted, 90) / 1e6);
    out.put("p99_ms", LatencyStats.percentile(sorted, 99) / 1e6);
    out.put("min_ms", sorted[0] / 1e6);
    out.put("mean_ms", mean / 1e6);
    out.put("std_ms", count < 2 ? 0.0 : Math.sqrt(squares / (count - 1)) / 1e6);
    return out;
  }
}
