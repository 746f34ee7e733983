package org.xncaps.core;

/**
 * Shares of the last frames, each counting half as much as one that came a third of a second later,
 * so that the word on the screen neither flickers nor lags. Not safe for use by two threads at once.
 */
public final class SmoothedShares {
  private static final double HALF_LIFE_NANOS = 0.3e9;

  private double[] smooth = {};
  private long last;

  /** The smoothed shares after one more frame; valid until the next call. They add up to 1. */
  public double[] add(double[] shares, long nanos) {
    if (smooth.length != shares.length) {
      smooth = shares.clone();
      last = nanos;
      return smooth;
    }
    double keep = Math.pow(0.5, Math.max(0, nanos - last) / HALF_LIFE_NANOS);
    for (int i = 0; i < smooth.length; i++) {
      smooth[i] = keep * smooth[i] + (1 - keep) * shares[i];
    }
    last = nanos;
    return smooth;
  }

  /** Forgets: the next frame shows something else, or a still picture. */
  public void clear() {
    smooth = new double[0];
  }
}
