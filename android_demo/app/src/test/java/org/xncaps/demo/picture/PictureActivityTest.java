package org.xncaps.demo.picture;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertNull;
import static org.junit.Assert.assertTrue;

import android.app.Activity;
import android.content.ContentResolver;
import android.content.Intent;
import android.graphics.Bitmap;
import android.graphics.Canvas;
import android.net.Uri;
import android.provider.MediaStore;
import android.view.View;
import android.widget.ImageView;
import android.widget.TextView;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import org.junit.After;
import org.junit.Test;
import org.junit.runner.RunWith;
import org.robolectric.Robolectric;
import org.robolectric.RobolectricTestRunner;
import org.robolectric.RuntimeEnvironment;
import org.robolectric.Shadows;
import org.robolectric.android.controller.ActivityController;
import org.robolectric.annotation.Config;
import org.robolectric.annotation.GraphicsMode;
import org.xncaps.demo.R;
import org.xncaps.demo.models.ModelResult;
import org.xncaps.demo.models.Settings;
import org.xncaps.demo.testing.Screens;
import org.xncaps.demo.testing.TestModels;
import org.xncaps.demo.ui.ResultSheet;

/** The gallery screen: real decoding, real models. */
@RunWith(RobolectricTestRunner.class)
public final class PictureActivityTest {
  private static final Uri PICKED = Uri.parse("content://gallery/picture");

  private ActivityController<PictureActivity> controller;

  @After
  public void tearDown() {
    if (controller != null) {
      controller.close();
    }
    Screens.awaitModelsClosed();
  }

  private void offer(byte[] content) {
    ContentResolver resolver = RuntimeEnvironment.getApplication().getContentResolver();
    Shadows.shadowOf(resolver)
        .registerInputStreamSupplier(PICKED, () -> new ByteArrayInputStream(content));
  }

  public static byte[] png(float[] digit) {
    Bitmap bitmap = Bitmap.createBitmap(8, 8, Bitmap.Config.ARGB_8888);
    for (int i = 0; i < 64; i++) {
      int grey = 255 - Math.round(digit[i]); // ink on paper
      bitmap.setPixel(i % 8, i / 8, 0xFF000000 | grey << 16 | grey << 8 | grey);
    }
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    bitmap.compress(Bitmap.CompressFormat.PNG, 100, out);
    return out.toByteArray();
  }

  private static void useTinyModel() throws Exception {
    String model = TestModels.added("m.tflite", TestModels.bytes("tiny_fused.tflite"));
    Settings.load(RuntimeEnvironment.getApplication())
        .withThreads(1).withModel(model).save(RuntimeEnvironment.getApplication());
  }

  private PictureActivity pick() throws Exception {
    useTinyModel();
    controller = Robolectric.buildActivity(PictureActivity.class).setup();
    PictureActivity activity = controller.get();
    Intent open = Shadows.shadowOf(activity).getNextStartedActivity();
    assertEquals("the photo picker", MediaStore.ACTION_PICK_IMAGES, open.getAction());
    Shadows.shadowOf(activity)
        .receiveResult(open, Activity.RESULT_OK, new Intent().setData(PICKED));
    return activity;
  }

  private static ModelResult awaitResult(PictureActivity activity) throws Exception {
    ResultSheet sheet = activity.findViewById(R.id.sheet);
    Screens.await("a result", () -> sheet.shown() != null);
    return sheet.shown();
  }

  private static void assertSays(PictureActivity activity, int row) throws Exception {
    float[] expected = TestModels.rows("tiny_fused.outputs.f32", TestModels.CLASSES)[row];
    assertEquals(
        String.valueOf(TestModels.best(expected)), awaitResult(activity).top.get(0).label);
    TextView share = activity.findViewById(R.id.best_share);
    assertEquals(TestModels.percent(expected) + " %", share.getText().toString());
  }

  @Test
  public void picturesAreClassifiedAsByPython() throws Exception {
    offer(png(TestModels.rows("digits.inputs.f32", TestModels.PIXELS)[2]));
    PictureActivity activity = pick();
    assertSays(activity, 2);
    ImageView shown = activity.findViewById(R.id.shown);
    assertEquals(activity.getString(R.string.picture_shown), shown.getContentDescription());
    activity.findViewById(R.id.header_action).performClick();
    assertEquals(
        Intent.ACTION_CHOOSER, Shadows.shadowOf(activity).getNextStartedActivity().getAction());
  }

  @Test
  public void whatTheModelDoesNotSeeIsDarker() throws Exception {
    Bitmap white = Bitmap.createBitmap(300, 100, Bitmap.Config.ARGB_8888);
    white.eraseColor(0xFFFFFFFF);
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    white.compress(Bitmap.CompressFormat.PNG, 100, out);
    offer(out.toByteArray());
    PictureActivity activity = pick();
    awaitResult(activity);
    ImageView shown = activity.findViewById(R.id.shown);
    Bitmap drawn =
        Bitmap.createBitmap(shown.getWidth(), shown.getHeight(), Bitmap.Config.ARGB_8888);
    shown.draw(new Canvas(drawn));
    int width = shown.getWidth() - 2 * shown.getPaddingLeft();
    int middle = shown.getHeight() / 2;
    assertEquals(0xFFFFFFFF, drawn.getPixel(shown.getWidth() / 2, middle));
    for (int x : new int[] {width / 6, width * 5 / 6}) { // the middles of the outer thirds
      int red = drawn.getPixel(shown.getPaddingLeft() + x, middle) >> 16 & 255;
      assertEquals(255 * 0.6, red, 2);
    }
  }

  @Test
  @Config(sdk = 28)
  @GraphicsMode(GraphicsMode.Mode.LEGACY)
  public void beforeAndroid13TheSystemsScreenForFilesOpens() {
    controller = Robolectric.buildActivity(PictureActivity.class).create(); // never started
    Intent open = Shadows.shadowOf(controller.get()).getNextStartedActivity();
    assertEquals(Intent.ACTION_OPEN_DOCUMENT, open.getAction());
    assertEquals("image/*", open.getType());
  }

  @Test
  public void picturesThatAnotherAppSharesAreClassified() throws Exception {
    useTinyModel();
    offer(png(TestModels.rows("digits.inputs.f32", TestModels.PIXELS)[4]));
    Intent shared =
        new Intent(Intent.ACTION_SEND).setType("image/png").putExtra(Intent.EXTRA_STREAM, PICKED);
    controller = Robolectric.buildActivity(PictureActivity.class, shared).setup();
    assertNull("nothing to pick", Shadows.shadowOf(controller.get()).getNextStartedActivity());
    assertSays(controller.get(), 4);
  }

  @Test
  public void whatIsNoPictureIsSaidAndAnotherWorks() throws Exception {
    offer("not a picture".getBytes("UTF-8"));
    PictureActivity activity = pick();
    View box = activity.findViewById(R.id.problem);
    TextView text = activity.findViewById(R.id.problem_text);
    Screens.await("words", () -> box.getVisibility() == View.VISIBLE);
    assertTrue(text.getText().toString().contains("cannot be read"));
    offer(png(TestModels.rows("digits.inputs.f32", TestModels.PIXELS)[0]));
    activity.findViewById(R.id.shown).performClick();
    Shadows.shadowOf(activity)
        .receiveResult(
            Shadows.shadowOf(activity).getNextStartedActivity(), Activity.RESULT_OK,
            new Intent().setData(PICKED));
    awaitResult(activity);
    assertEquals(View.GONE, box.getVisibility());
  }

  @Test
  public void turningKeepsThePicture() throws Exception {
    offer(png(TestModels.rows("digits.inputs.f32", TestModels.PIXELS)[1]));
    assertSays(pick(), 1);
    controller.recreate();
    assertSays(controller.get(), 1);
  }

  @Test
  public void everyExifOrientationIsStoodUpright() throws Exception {
    // 2 x 1: red, blue; EXIF says how it was held
    for (int orientation = 1; orientation <= 8; orientation++) {
      Bitmap bitmap = Bitmap.createBitmap(32, 16, Bitmap.Config.ARGB_8888);
      bitmap.eraseColor(0xFF0000FF);
      for (int y = 0; y < 16; y++) {
        for (int x = 0; x < 16; x++) {
          bitmap.setPixel(x, y, 0xFFFF0000);
        }
      }
      ByteArrayOutputStream out = new ByteArrayOutputStream();
      bitmap.compress(Bitmap.CompressFormat.JPEG, 100, out);
      offer(withOrientation(out.toByteArray(), orientation));
      Bitmap upright =
          PictureDecoder.decode(
              RuntimeEnvironment.getApplication().getContentResolver(), PICKED);
      boolean swaps = orientation > 4;
      assertEquals("width at " + orientation, swaps ? 16 : 32, upright.getWidth());
      // where red comes to lie: left, right, right, left, top, top, bottom, bottom
      int[][] red = {{4, 8}, {28, 8}, {28, 8}, {4, 8}, {8, 4}, {8, 4}, {8, 28}, {8, 28}};
      int[] at = red[orientation - 1];
      int color = upright.getPixel(at[0], at[1]);
      assertTrue(
          "orientation " + orientation + " " + Integer.toHexString(color),
          (color >> 16 & 255) > 200 && (color & 255) < 60);
    }
  }

  /** Puts an APP1 segment with the one tag behind the JPEG's start. */
  private static byte[] withOrientation(byte[] jpeg, int orientation) {
    byte[] tiff = {
      'E', 'x', 'i', 'f', 0, 0, 'M', 'M', 0, 42, 0, 0, 0, 8, 0, 1,
      0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, (byte) orientation, 0, 0, 0, 0, 0, 0
    };
    byte[] out = new byte[jpeg.length + 4 + tiff.length];
    out[0] = jpeg[0];
    out[1] = jpeg[1];
    out[2] = (byte) 0xFF;
    out[3] = (byte) 0xE1;
    out[4] = 0;
    out[5] = (byte) (2 + tiff.length);
    System.arraycopy(tiff, 0, out, 6, tiff.length);
    System.arraycopy(jpeg, 2, out, 6 + tiff.length, jpeg.length - 2);
    return out;
  }
}
