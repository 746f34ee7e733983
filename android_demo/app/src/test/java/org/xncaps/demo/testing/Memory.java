package org.xncaps.demo.testing;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What the process holds outside of Java's heap: where interpreters, frames and bitmaps would leak. */
public final class Memory {
  private static final Pattern MAPPING = Pattern.compile("^[0-9a-f]+-([0-9a-f]+) .*");
  /** HotSpot puts a heap of 1 GB (pom.xml) below 4 GiB, where nothing else lies. */
  private static final long HEAP_END = 1L << 32;

  private Memory() {}

  /** Resident kilobytes outside of the heap, after what nobody holds was let go. */
  public static long outsideHeapKilobytes() throws IOException, InterruptedException {
    for (int i = 0; i < 2; i++) { // the second takes what finalizers and cleaners let go
      System.gc();
      Thread.sleep(50);
    }
    long outside = 0;
    long heap = 0;
    boolean inHeap = false;
    for (String line : Files.readAllLines(Paths.get("/proc/self/smaps"))) {
      Matcher mapping = MAPPING.matcher(line);
      if (mapping.matches()) {
        long end = Long.parseUnsignedLong(mapping.group(1), 16);
        inHeap = Long.compareUnsigned(end, HEAP_END) <= 0;
      } else if (line.startsWith("Rss:")) {
        long kilobytes = Long.parseLong(line.replaceAll("[^0-9]", ""));
        heap += inHeap ? kilobytes : 0;
        outside += inHeap ? 0 : kilobytes;
      }
    }
    if (heap == 0) {
      throw new IllegalStateException("expected Java's heap below 4 GiB");
    }
    return outside;
  }

  public static long heapKilobytes() {
    Runtime runtime = Runtime.getRuntime();
    return (runtime.totalMemory() - runtime.freeMemory()) / 1024;
  }
}
