package org.xncaps.demo.testing;

import android.graphics.SurfaceTexture;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.xncaps.core.YuvFrame;
import org.xncaps.demo.DemoApplication;
import org.xncaps.demo.R;
import org.xncaps.demo.camera.FrameSource;
import org.xncaps.demo.camera.PreviewGeometry;
import org.xncaps.demo.models.Problem;

/** A camera without a camera: frames come when the test says so, on a thread like the camera's. */
public final class FakeFrames implements DemoApplication.FrameSourceFactory {
  public final List<Source> made = new ArrayList<>();
  public boolean none;

  public static FakeFrames install(android.app.Application application) {
    FakeFrames fake = new FakeFrames();
    ((DemoApplication) application).setFrameSources(fake);
    return fake;
  }

  @Override
  public boolean needsPreview() {
    return false;
  }

  @Override
  public FrameSource create(
      boolean front, SurfaceTexture preview, int rotation, FrameSource.Listener listener) {
    if (none) {
      listener.onProblem(new Problem(R.string.camera_none, R.string.camera_none_advice, null));
      return null;
    }
    Source source = new Source(front, listener);
    made.add(source);
    return source;
  }

  public Source last() {
    return made.get(made.size() - 1);
  }

  public int open() {
    int open = 0;
    for (Source source : made) {
      open += source.started && !source.closed ? 1 : 0;
    }
    return open;
  }

  /** One visit's source. */
  public static final class Source implements FrameSource {
    public final boolean front;
    public final Listener listener;
    public volatile boolean started;
    public volatile boolean closed;

    Source(boolean front, Listener listener) {
      this.front = front;
      this.listener = listener;
    }

    @Override
    public void start() {
      started = true;
      listener.onPreview(new PreviewGeometry(640, 480, 90));
    }

    @Override
    public void setDisplayRotation(int degrees) {}

    @Override
    public void close() {
      closed = true;
    }

    /** A frame with the digit in ink on paper, 8 x 8 pixels each of size x size. */
    public void send(float[] digit, int size) throws InterruptedException {
      if (!started || closed) {
        throw new IllegalStateException("expected an open source");
      }
      Thread thread = new Thread(() -> listener.onFrame(frame(digit, size), 0), "fake camera");
      thread.start();
      thread.join();
    }
  }

  public static YuvFrame frame(float[] digit, int size) {
    int side = 8 * size;
    ByteBuffer luma = ByteBuffer.allocateDirect(side * side);
    for (int y = 0; y < side; y++) {
      for (int x = 0; x < side; x++) {
        luma.put(y * side + x, (byte) (255 - Math.round(digit[y / size * 8 + x / size])));
      }
    }
    ByteBuffer chroma = ByteBuffer.allocateDirect(side * side / 4);
    for (int i = 0; i < chroma.capacity(); i++) {
      chroma.put(i, (byte) 128);
    }
    return new YuvFrame(side, side, luma, chroma, chroma, side, side / 2, 1);
  }
}
