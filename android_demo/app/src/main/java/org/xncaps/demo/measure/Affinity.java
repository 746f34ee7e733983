package org.xncaps.demo.measure;

import java.io.IOException;
import java.util.List;

/** Binds the calling thread, and the threads that it starts, to some of the cores. */
public final class Affinity {
  private Affinity() {}

  public static void set(List<Integer> cpus) throws IOException {
    long mask = 0;
    for (int cpu : cpus) {
      mask |= 1L << cpu;
    }
    try {
      System.loadLibrary("xncaps_affinity");
    } catch (UnsatisfiedLinkError e) {
      throw new IOException("cpus: no library for this device: " + e.getMessage(), e);
    }
    int error = setMask(mask);
    if (error != 0) {
      String name = error == 22 ? ", EINVAL: none of them is there" : error == 1 ? ", EPERM" : "";
      throw new IOException("cpus " + cpus + ": the system refused (errno " + error + name + ")");
    }
  }

  private static native int setMask(long mask);
}
