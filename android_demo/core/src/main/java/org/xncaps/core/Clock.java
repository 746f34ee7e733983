package org.xncaps.core;

/** The clock of every duration: it never runs backwards, and runs in tests as on a phone. */
public final class Clock {
  private Clock() {}

  public static long nanos() {
    return System.nanoTime();
  }

  public static long millis() {
    return System.nanoTime() / 1_000_000;
  }
}
