package org.xncaps.demo.camera;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertEquals;

import android.graphics.ImageFormat;
import android.media.Image;
import java.nio.ByteBuffer;
import java.util.Random;
import org.junit.Test;
import org.junit.runner.RunWith;
import org.robolectric.RobolectricTestRunner;
import org.xncaps.core.ElementType;
import org.xncaps.core.InputSpec;
import org.xncaps.core.Preprocessor;
import org.xncaps.core.TensorSpec;
import org.xncaps.core.YuvFrame;
import org.xncaps.demo.models.Frames;

/** Camera images with the strides that devices use become the frames that core/ is tested on. */
@RunWith(RobolectricTestRunner.class)
public final class FramesTest {
  private static final int WIDTH = 12;
  private static final int HEIGHT = 8;

  /** An image whose planes lie as they do on a device. */
  private static final class DeviceImage extends Image {
    final Plane[] planes;

    DeviceImage(Plane... planes) {
      this.planes = planes;
    }

    @Override
    public int getFormat() {
      return ImageFormat.YUV_420_888;
    }

    @Override
    public int getWidth() {
      return WIDTH;
    }

    @Override
    public int getHeight() {
      return HEIGHT;
    }

    @Override
    public long getTimestamp() {
      return 0;
    }

    @Override
    public int getTransform() {
      return 0;
    }

    @Override
    public int getScalingMode() {
      return 0;
    }

    @Override
    public Plane[] getPlanes() {
      return planes;
    }

    @Override
    public void close() {}
  }

  private static final class DevicePlane extends Image.Plane {
    final ByteBuffer bytes;
    final int row;
    final int pixel;

    /** The values in rows, row bytes apart, pixel bytes apart in a row; 0xAA between them. */
    DevicePlane(byte[][] values, int row, int pixel) {
      this.row = row;
      this.pixel = pixel;
      int width = values[0].length;
      bytes = ByteBuffer.allocateDirect((values.length - 1) * row + (width - 1) * pixel + 1);
      for (int i = 0; i < bytes.capacity(); i++) {
        bytes.put(i, (byte) 0xAA);
      }
      for (int y = 0; y < values.length; y++) {
        for (int x = 0; x < width; x++) {
          bytes.put(y * row + x * pixel, values[y][x]);
        }
      }
    }

    @Override
    public int getRowStride() {
      return row;
    }

    @Override
    public int getPixelStride() {
      return pixel;
    }

    @Override
    public ByteBuffer getBuffer() {
      return bytes;
    }
  }

  private static byte[][] noise(Random random, int width, int height) {
    byte[][] rows = new byte[height][width];
    for (byte[] row : rows) {
      random.nextBytes(row);
    }
    return rows;
  }

  private static float[] input(YuvFrame frame) throws Exception {
    TensorSpec tensor = new TensorSpec(new int[] {1, 4, 6, 3}, ElementType.FLOAT32, 0, 0);
    InputSpec spec = new InputSpec(tensor, new float[] {0}, new float[] {1}, false);
    float[] out = new float[4 * 6 * 3];
    new Preprocessor(spec).apply(frame, 0).asFloatBuffer().get(out);
    return out;
  }

  private static DeviceImage image(
      byte[][] luma, byte[][] blue, byte[][] red, int lumaRow, int chromaRow, int chromaPixel) {
    return new DeviceImage(
        new DevicePlane(luma, lumaRow, 1),
        new DevicePlane(blue, chromaRow, chromaPixel),
        new DevicePlane(red, chromaRow, chromaPixel));
  }

  @Test
  public void everyLayoutOfAnImageIsTheSameFrame() throws Exception {
    Random random = new Random(4);
    byte[][] luma = noise(random, WIDTH, HEIGHT);
    byte[][] blue = noise(random, WIDTH / 2, HEIGHT / 2);
    byte[][] red = noise(random, WIDTH / 2, HEIGHT / 2);
    float[] expected = input(Frames.view(image(luma, blue, red, WIDTH, WIDTH / 2, 1)));
    int[][] layouts = {{16, 8, 1}, {13, 13, 2}, {WIDTH, WIDTH, 2}, {64, 64, 2}};
    for (int[] layout : layouts) {
      DeviceImage image = image(luma, blue, red, layout[0], layout[1], layout[2]);
      assertArrayEquals(expected, input(Frames.view(image)), 0);
    }
  }

  @Test
  public void copyOutlivesTheImage() throws Exception {
    Random random = new Random(5);
    byte[][] luma = noise(random, WIDTH, HEIGHT);
    byte[][] blue = noise(random, WIDTH / 2, HEIGHT / 2);
    byte[][] red = noise(random, WIDTH / 2, HEIGHT / 2);
    DeviceImage image = image(luma, blue, red, 16, 16, 2);
    float[] expected = input(Frames.view(image));
    YuvFrame copy = new Frames().copy(Frames.view(image));
    for (Image.Plane plane : image.getPlanes()) { // the camera writes its next picture there
      for (int i = 0; i < plane.getBuffer().capacity(); i++) {
        plane.getBuffer().put(i, (byte) 7);
      }
    }
    assertArrayEquals(expected, input(copy), 0);
    assertEquals(WIDTH, copy.width);
  }
}
