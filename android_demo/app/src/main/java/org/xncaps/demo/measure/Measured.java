package org.xncaps.demo.measure;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.xncaps.core.LatencyStats;
import org.xncaps.core.StoredCheck;

/** What was measured of one model. */
final class Measured {
  final String reference;
  /** Model's name in the result: the file's, without its ending. */
  final String name;
  StoredCheck check;
  StoredCheck.Verdict verdict;
  /** Why it has no times; null where it has. */
  String error;
  /** What the runner told of it: bytes, sha256, runtime, load_ns ... */
  Map<String, Object> facts;
  final List<Long> starts = new ArrayList<>();
  final List<long[]> turns = new ArrayList<>();
  final List<Long> own = new ArrayList<>();

  Measured(String reference, String name) {
    this.reference = reference;
    this.name = name;
  }

  void take(List<?> turn) {
    starts.add((Long) turn.get(0));
    turns.add((long[]) turn.get(1));
    for (long nanos : (long[]) turn.get(2)) {
      own.add(nanos);
    }
  }

  /** Whether both are of one task, as far as that can be told: as many classes. */
  boolean isComparableWith(Measured other) {
    return facts.get("classes").equals(other.facts.get("classes"));
  }

  boolean isTimed() {
    return error == null && !turns.isEmpty();
  }

  boolean isVerified() {
    return verdict != null && verdict.good;
  }

  /** All times, shortest first, nanoseconds. */
  long[] sorted() {
    int count = 0;
    for (long[] turn : turns) {
      count += turn.length;
    }
    long[] all = new long[count];
    int at = 0;
    for (long[] turn : turns) {
      System.arraycopy(turn, 0, all, at, turn.length);
      at += turn.length;
    }
    Arrays.sort(all);
    return all;
  }

  double medianMillis() {
    return LatencyStats.percentile(sorted(), 50) / 1e6;
  }

  double p90Millis() {
    return LatencyStats.percentile(sorted(), 90) / 1e6;
  }
}
