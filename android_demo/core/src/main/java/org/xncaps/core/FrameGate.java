package org.xncaps.core;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;

/** Lets one frame through at a time: while one is being classified the others are dropped. */
public final class FrameGate {
  private final AtomicBoolean busy = new AtomicBoolean();
  private final AtomicLong accepted = new AtomicLong();
  private final AtomicLong dropped = new AtomicLong();

  /** True for the caller that may go on and has to call {@link #leave} whatever happens. */
  public boolean tryEnter() {
    boolean free = busy.compareAndSet(false, true);
    (free ? accepted : dropped).incrementAndGet();
    return free;
  }

  public void leave() {
    if (!busy.getAndSet(false)) {
      throw new IllegalStateException("expected leave() after tryEnter() alone");
    }
  }

  /** Whether no frame is being classified: what there is to say of the last one has been said. */
  public boolean isFree() {
    return !busy.get();
  }

  public long accepted() {
    return accepted.get();
  }

  public long dropped() {
    return dropped.get();
  }
}
