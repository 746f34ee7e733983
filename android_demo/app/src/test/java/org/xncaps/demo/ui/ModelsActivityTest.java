package org.xncaps.demo.ui;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;

import android.app.Activity;
import android.content.Intent;
import android.net.Uri;
import android.view.View;
import android.widget.LinearLayout;
import android.widget.TextView;
import java.io.ByteArrayInputStream;
import java.io.File;
import java.io.InputStream;
import org.junit.After;
import org.junit.Test;
import org.junit.runner.RunWith;
import org.robolectric.Robolectric;
import org.robolectric.RobolectricTestRunner;
import org.robolectric.RuntimeEnvironment;
import org.robolectric.Shadows;
import org.robolectric.android.controller.ActivityController;
import org.xncaps.demo.R;
import org.xncaps.demo.models.Settings;
import org.xncaps.demo.testing.Screens;
import org.xncaps.demo.testing.TestModels;

/** The list of models: choosing, adding, removing; and the screen of versions and notices. */
@RunWith(RobolectricTestRunner.class)
public final class ModelsActivityTest {
  private static final Uri PICKED = Uri.parse("content://files/some/model.tflite");

  private ActivityController<ModelsActivity> controller;

  private ModelsActivity start() {
    controller = Robolectric.buildActivity(ModelsActivity.class).setup();
    return controller.get();
  }

  @After
  public void leave() {
    if (controller != null) {
      controller.close();
    }
  }

  private LinearLayout list() {
    return controller.get().findViewById(R.id.list);
  }

  private String text(int row, int id) {
    return list().getChildAt(row).<TextView>findViewById(id).getText().toString();
  }

  private void pick(InputStream content) {
    ModelsActivity activity = controller.get();
    Shadows.shadowOf(activity.getContentResolver()).registerInputStream(PICKED, content);
    activity.findViewById(R.id.list_action).performClick();
    Intent open = Shadows.shadowOf(activity).getNextStartedActivity();
    assertEquals(Intent.ACTION_OPEN_DOCUMENT, open.getAction());
    Shadows.shadowOf(activity)
        .receiveResult(open, Activity.RESULT_OK, new Intent().setData(PICKED));
  }

  private static Settings settings() {
    return Settings.load(RuntimeEnvironment.getApplication());
  }

  private static File[] copies() {
    return new File(RuntimeEnvironment.getApplication().getFilesDir(), "models").listFiles();
  }

  @Test
  public void modelsOfTheAppHaveTheirFactsAndTheCurrentIsMarked() {
    start();
    assertEquals(1, list().getChildCount());
    assertEquals("small_cnn_xnodr", text(0, R.id.card_name));
    assertTrue(
        text(0, R.id.card_text), text(0, R.id.card_text).startsWith("10 classes · "));
    assertTrue(text(0, R.id.card_text).contains("one-bit head"));
    View current = list().getChildAt(0).findViewById(R.id.card_current);
    assertEquals(View.VISIBLE, current.getVisibility());
    View remove = list().getChildAt(0).findViewById(R.id.card_remove);
    assertEquals("those of the app stay", View.GONE, remove.getVisibility());
  }

  @Test
  public void anAddedFileIsCopiedUsedKeptAndRemoved() throws Exception {
    start();
    pick(new ByteArrayInputStream(TestModels.bytes("tiny_fused.tflite")));
    Screens.await("the copy", () -> list().getChildCount() == 2);
    assertEquals("picked:model.tflite", settings().model);
    assertTrue(text(1, R.id.card_text), text(1, R.id.card_text).endsWith("Added by you"));
    assertEquals(1, copies().length);
    controller.recreate();
    assertEquals(2, list().getChildCount());
    View first = list().getChildAt(0).findViewById(R.id.card_current);
    assertEquals("another is in use", View.GONE, first.getVisibility());
    list().getChildAt(1).findViewById(R.id.card_remove).performClick();
    assertEquals(1, list().getChildCount());
    assertEquals("", settings().model);
    assertEquals(0, copies().length);
  }

  @Test
  public void whatIsNoModelIsExplainedAndLeavesNothing() throws Exception {
    start();
    byte[] cut = java.util.Arrays.copyOf(TestModels.bytes("tiny_fused.tflite"), 400);
    for (byte[] content : new byte[][] {"no model".getBytes("UTF-8"), {}, cut}) {
      pick(new ByteArrayInputStream(content));
      View problem = controller.get().findViewById(R.id.problem);
      Screens.await("words", () -> problem.getVisibility() == View.VISIBLE);
      assertEquals(1, list().getChildCount());
      assertEquals("", settings().model);
      assertEquals(0, copies().length);
    }
  }

  @Test
  public void aTouchChoosesAndGoesBack() throws Exception {
    TestModels.added("mine.tflite", TestModels.bytes("tiny_float.tflite"));
    ModelsActivity activity = start();
    list().getChildAt(1).performClick();
    assertEquals("picked:mine.tflite", settings().model);
    assertTrue(activity.isFinishing());
  }

  @Test
  public void aDamagedCopyIsListedWithWhatIsWrong() throws Exception {
    TestModels.added("bad.tflite", new byte[100]);
    start();
    assertEquals("bad.tflite", text(1, R.id.card_name));
    assertTrue(text(1, R.id.card_text).contains("no model, or it is damaged"));
  }

  @Test
  public void aboutNamesVersionRuntimeAndNotices() {
    try (ActivityController<AboutActivity> about =
        Robolectric.buildActivity(AboutActivity.class).setup()) {
      StringBuilder words = new StringBuilder();
      LinearLayout list = about.get().findViewById(R.id.list);
      for (int i = 0; i < list.getChildCount(); i++) {
        words.append(((TextView) list.getChildAt(i)).getText()).append('\n');
      }
      assertTrue(words.indexOf("xncaps 0.1.0") >= 0);
      assertTrue(words.indexOf("TensorFlow Lite 2.16.1") > 0);
      assertTrue(words.indexOf("xncaps delegate ") > 0);
      assertTrue(words.indexOf("Apache License") > 0);
      about.get().findViewById(R.id.back).performClick();
      assertTrue(about.get().isFinishing());
    }
  }
}
