package org.xncaps.demo.measure;

import java.io.IOException;
import java.nio.ByteBuffer;
import org.xncaps.core.measure.Job;
import org.xncaps.demo.models.ModelStore;

/** Where a job's models and their inputs come from. */
interface JobFiles {
  ModelStore.Loaded model(Job.Entry entry) throws IOException;

  /** Input tensors one after the other; null where there are none. */
  ByteBuffer inputs(Job.Entry entry) throws IOException;
}
