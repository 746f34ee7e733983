package org.xncaps.core;

/** What two models said of the same frames, the last hundred of them. */
public final class Agreement {
  private static final int KEPT = 100;

  private final boolean[] same = new boolean[KEPT];
  private int frames;

  /** @param first the class that the one model says, @param second the other's, by name */
  public void add(String first, String second) {
    same[frames++ % KEPT] = first.equals(second);
  }

  /** How many frames are counted: all so far, at most a hundred. */
  public int frames() {
    return Math.min(frames, KEPT);
  }

  /** On how many of them the two said the same. */
  public int same() {
    int count = 0;
    for (int i = 0; i < frames(); i++) {
      count += same[i] ? 1 : 0;
    }
    return count;
  }
}
