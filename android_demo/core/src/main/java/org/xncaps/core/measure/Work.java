package org.xncaps.core.measure;

import java.io.File;
import java.io.IOException;

/** What carries out jobs. */
public interface Work {
  /**
   * Carries out a job; ends with one RESULT, whatever happens to its models.
   *
   * @param folder where the files are that the job names
   * @throws IOException if the messages cannot be sent
   */
  void run(Job job, File folder, Sink sink) throws IOException;

  /** Ends the job after the run that is going on. From any thread. */
  void cancel();
}
