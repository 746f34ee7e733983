package org.xncaps.core;

/** Frames a second over the last two seconds. Not safe for use by two threads at once. */
public final class FrameRate {
  private static final long WINDOW = 2_000_000_000L;

  private final long[] times = new long[256];
  private int count;

  /** @param nanos a clock that never runs backwards */
  public void frame(long nanos) {
    times[count++ % times.length] = nanos;
  }

  /** 0 while fewer than two frames lie in the window. */
  public double perSecond(long now) {
    int seen = 0;
    long oldest = now;
    long newest = now;
    for (int i = 1; i <= Math.min(count, times.length); i++) {
      long time = times[(count - i) % times.length];
      if (now - time > WINDOW) {
        break;
      }
      newest = seen == 0 ? time : newest;
      oldest = time;
      seen++;
    }
    return seen < 2 || newest == oldest ? 0 : (seen - 1) * 1e9 / (newest - oldest);
  }
}
