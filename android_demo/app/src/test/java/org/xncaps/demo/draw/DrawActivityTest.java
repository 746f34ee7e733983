package org.xncaps.demo.draw;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;

import android.os.SystemClock;
import android.view.MotionEvent;
import android.widget.TextView;
import org.junit.After;
import org.junit.Test;
import org.junit.runner.RunWith;
import org.robolectric.Robolectric;
import org.robolectric.RobolectricTestRunner;
import org.robolectric.android.controller.ActivityController;
import org.xncaps.core.Picture;
import org.xncaps.demo.R;
import org.xncaps.demo.testing.Screens;
import org.xncaps.demo.testing.TestModels;
import org.xncaps.demo.ui.ResultSheet;

/** A finger draws, the model of digits answers. */
@RunWith(RobolectricTestRunner.class)
public final class DrawActivityTest {
  private final ActivityController<DrawActivity> controller =
      Robolectric.buildActivity(DrawActivity.class);

  @After
  public void leave() {
    controller.close();
    Screens.awaitModelsClosed();
  }

  private void touch(int action, float x, float y) {
    DrawView paper = controller.get().findViewById(R.id.paper);
    float side = Math.min(paper.getWidth(), paper.getHeight());
    long now = SystemClock.uptimeMillis();
    MotionEvent event =
        MotionEvent.obtain(
            now, now, action, (paper.getWidth() - side) / 2 + x * side,
            (paper.getHeight() - side) / 2 + y * side, 0);
    paper.onTouchEvent(event);
    event.recycle();
  }

  private void drawOne() {
    touch(MotionEvent.ACTION_DOWN, 0.5f, 0.2f);
    for (int i = 1; i <= 10; i++) {
      touch(MotionEvent.ACTION_MOVE, 0.5f, 0.2f + 0.06f * i);
    }
    touch(MotionEvent.ACTION_UP, 0.5f, 0.8f);
  }

  private String text(int id) {
    return controller.get().<TextView>findViewById(id).getText().toString();
  }

  private ResultSheet sheet() {
    return controller.get().findViewById(R.id.sheet);
  }

  @Test
  public void aStrokeIsAnsweredAndClearAsksForAnother() throws Exception {
    controller.setup();
    Screens.await("the model", () -> text(R.id.best).equals("Draw a digit"));
    drawOne();
    // the first answer is of a dot, the last of the whole stroke
    Screens.await(
        "a one",
        () -> sheet().shown() != null && "1".equals(sheet().shown().top.get(0).label));
    controller.get().findViewById(R.id.clear).performClick();
    assertEquals("Draw a digit", text(R.id.best));
    assertTrue(controller.get().<DrawView>findViewById(R.id.paper).isBlank());
    drawOne();
    Screens.await("an answer", () -> sheet().shown() != null);
  }

  @Test
  public void whatIsDrawnBeforeTheModelIsThereIsAnsweredThen() throws Exception {
    controller.setup();
    drawOne();
    Screens.await("an answer", () -> sheet().shown() != null);
  }

  @Test
  public void theLargerModelOfDigitsIsTaken() throws Exception {
    TestModels.added("tiny.tflite", TestModels.bytes("tiny_fused.tflite")); // as large: first wins
    TestModels.added("broken.tflite", new byte[] {1, 2, 3});
    controller.setup();
    Screens.await("the model", () -> text(R.id.runtime).length() > 0);
    assertTrue(text(R.id.runtime), text(R.id.runtime).contains("digits.tflite"));
  }

  /** Wherever and however small it is drawn, the model gets it in the middle. */
  @Test
  public void theDrawingIsCentred() {
    controller.setup();
    touch(MotionEvent.ACTION_DOWN, 0.1f, 0.1f);
    touch(MotionEvent.ACTION_MOVE, 0.3f, 0.3f);
    Picture picture = controller.get().<DrawView>findViewById(R.id.paper).picture();
    double sum = 0;
    double x = 0;
    double y = 0;
    for (int row = 0; row < picture.height; row++) {
      for (int column = 0; column < picture.width; column++) {
        double ink = 255 - picture.at(column, row, 0);
        sum += ink;
        x += ink * (column + 0.5);
        y += ink * (row + 0.5);
      }
    }
    assertTrue(sum > 0);
    assertEquals(picture.width / 2.0, x / sum, 1);
    assertEquals(picture.height / 2.0, y / sum, 1);
  }
}
