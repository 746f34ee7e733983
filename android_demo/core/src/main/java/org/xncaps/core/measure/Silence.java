package org.xncaps.core.measure;

import java.io.Closeable;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/** Ends what was silent for too long; while nothing is expected it does not even wake up. */
final class Silence implements Closeable {
  private final ScheduledExecutorService timer =
      Executors.newSingleThreadScheduledExecutor(work -> {
        Thread thread = new Thread(work, "silence");
        thread.setDaemon(true);
        return thread;
      });
  private final long limitNanos;
  private final Runnable end;
  private int expected; // counts up with each start and stop, so that old tasks know they are old

  Silence(long limitMillis, Runnable end) {
    this.limitNanos = TimeUnit.MILLISECONDS.toNanos(limitMillis);
    this.end = end;
  }

  /** From now on something has to be heard; `heard` tells when it last was. */
  synchronized void start(LongSupplier heard) {
    expected++;
    arm(expected, System.nanoTime(), heard);
  }

  synchronized void stop() {
    expected++;
  }

  private synchronized void arm(int number, long since, LongSupplier heard) {
    long left = limitNanos - (System.nanoTime() - since);
    if (number != expected || timer.isShutdown()) {
      return;
    }
    if (left <= 0) {
      end.run();
      return;
    }
    timer.schedule(
        () -> arm(number, Math.max(since, heard.getAsLong()), heard), left, TimeUnit.NANOSECONDS);
  }

  @Override
  public synchronized void close() {
    timer.shutdownNow();
  }
}
