package org.xncaps.demo.measure;

import android.net.Uri;
import android.os.ParcelFileDescriptor;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.OutputStream;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.TimeUnit;

/**
 * What `adb shell content read` reads where the socket is refused: a pipe into which a job writes
 * its frames. Guarded by DUMP in the manifest.
 */
public final class ResultProvider extends ReadOnlyProvider {
  private static final long WAIT_SECONDS = 60;
  /** From the reader's call to the job's thread: one waits for the other. */
  private static final SynchronousQueue<ParcelFileDescriptor> READERS = new SynchronousQueue<>();

  /** The stream to the next reader. */
  static OutputStream awaitReader() throws IOException {
    try {
      ParcelFileDescriptor end = READERS.poll(WAIT_SECONDS, TimeUnit.SECONDS);
      if (end == null) {
        throw new IOException("expected a reader within " + WAIT_SECONDS + " s");
      }
      return new ParcelFileDescriptor.AutoCloseOutputStream(end);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    }
  }

  @Override
  public ParcelFileDescriptor openFile(Uri uri, String mode) throws FileNotFoundException {
    if (!"r".equals(mode)) {
      throw new FileNotFoundException("mode: expected r, got " + mode);
    }
    try {
      ParcelFileDescriptor[] pipe = ParcelFileDescriptor.createPipe();
      if (!READERS.offer(pipe[1], WAIT_SECONDS, TimeUnit.SECONDS)) {
        pipe[0].close();
        pipe[1].close();
        throw new FileNotFoundException("expected a job within " + WAIT_SECONDS + " s");
      }
      return pipe[0];
    } catch (FileNotFoundException e) {
      throw e;
    } catch (IOException e) {
      throw new FileNotFoundException(e.toString());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new FileNotFoundException("interrupted");
    }
  }

  @Override
  public String getType(Uri uri) {
    return "application/octet-stream";
  }
}
