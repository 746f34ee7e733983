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
public final class FakeFrames implements FrameSource.Factory {
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
    Source source = new Source(front, none, listener);
    made.add(source);
    return source;
  }

  @Override
  public void release(SurfaceTexture texture) {}

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
    private final boolean none;
    public volatile boolean torch;
    public volatile boolean frozen;
    public volatile float zoom = 1;
    public volatile int retries;
    public volatile boolean started;
    public volatile boolean closed;

    Source(boolean front, boolean none, Listener listener) {
      this.front = front;
      this.none = none;
      this.listener = listener;
    }

    @Override
    public void start() {
      started = true;
      if (none) {
        listener.onProblem(new Problem(R.string.camera_none, R.string.camera_none_advice, null));
      } else {
        listener.onAbilities(new Abilities(true, true, 4));
      }
    }

    @Override
    public void setDisplayRotation(int degrees) {}

    @Override
    public void setTorch(boolean on) {
      torch = on;
    }

    @Override
    public void setFrozen(boolean on) {
      frozen = on;
    }

    @Override
    public void setZoom(float ratio) {
      zoom = ratio;
    }

    @Override
    public void retry(boolean byUser) {
      retries++;
    }

    @Override
    public void close() {
      closed = true;
    }

    /** A frame with the digit in ink on paper, 8 x 8 pixels each of size x size. */
    public void send(float[] digit, int size) throws InterruptedException {
      send(frame(digit, size), 0);
    }

    public void send(YuvFrame frame, int degrees) throws InterruptedException {
      if (!started || closed) {
        throw new IllegalStateException("expected an open source");
      }
      Thread thread = new Thread(() -> listener.onFrame(frame, degrees), "fake camera");
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

  /** A frame as a camera's sensor, turned by 90 degrees, sees a picture of 480 x 640. */
  public static YuvFrame frame(android.graphics.Bitmap upright) {
    int width = 640;
    int height = 480;
    ByteBuffer luma = ByteBuffer.allocateDirect(width * height);
    ByteBuffer blue = ByteBuffer.allocateDirect(width * height / 4);
    ByteBuffer red = ByteBuffer.allocateDirect(width * height / 4);
    int[] colors = new int[width * height];
    upright.getPixels(colors, 0, height, 0, 0, height, width);
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        int color = colors[x * height + height - 1 - y];
        int r = color >> 16 & 255;
        int g = color >> 8 & 255;
        int b = color & 255;
        luma.put(y * width + x, (byte) Math.round(0.299f * r + 0.587f * g + 0.114f * b));
        if (x % 2 == 0 && y % 2 == 0) {
          int at = y / 2 * width / 2 + x / 2;
          blue.put(at, level(128 - 0.168736f * r - 0.331264f * g + 0.5f * b));
          red.put(at, level(128 + 0.5f * r - 0.418688f * g - 0.081312f * b));
        }
      }
    }
    return new YuvFrame(width, height, luma, blue, red, width, width / 2, 1);
  }

  private static byte level(float value) {
    return (byte) Math.max(0, Math.min(255, Math.round(value)));
  }
}
