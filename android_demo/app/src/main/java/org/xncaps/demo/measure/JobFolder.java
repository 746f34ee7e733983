package org.xncaps.demo.measure;

import java.io.File;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import org.xncaps.core.measure.Job;
import org.xncaps.demo.models.ModelStore;

/** What a host sent, and the models of the APK. */
final class JobFolder implements JobFiles {
  private final ModelStore store;
  private final File folder;

  JobFolder(ModelStore store, File folder) {
    this.store = store;
    this.folder = folder;
  }

  @Override
  public ModelStore.Loaded model(Job.Entry entry) throws IOException {
    return entry.asset != null ? store.load(ModelStore.ASSET + entry.asset)
        : ModelStore.file(new File(folder, entry.file));
  }

  @Override
  public ByteBuffer inputs(Job.Entry entry) throws IOException {
    if (entry.inputs == null) {
      return null;
    }
    try (RandomAccessFile in = new RandomAccessFile(new File(folder, entry.inputs), "r")) {
      return in.getChannel().map(FileChannel.MapMode.READ_ONLY, 0, in.length());
    }
  }
}
