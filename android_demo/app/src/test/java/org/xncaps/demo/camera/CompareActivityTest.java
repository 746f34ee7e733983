package org.xncaps.demo.camera;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertTrue;

import android.app.AlertDialog;
import android.os.Looper;
import android.view.View;
import android.widget.ListView;
import android.widget.TextView;
import org.junit.After;
import org.junit.Rule;
import org.junit.Test;
import org.junit.runner.RunWith;
import org.robolectric.Robolectric;
import org.robolectric.RobolectricTestRunner;
import org.robolectric.RuntimeEnvironment;
import org.robolectric.Shadows;
import org.robolectric.android.controller.ActivityController;
import org.xncaps.demo.R;
import org.xncaps.demo.models.Settings;
import org.xncaps.demo.testing.CameraScreen;
import org.xncaps.demo.testing.Screens;
import org.xncaps.demo.testing.TestModels;
import org.xncaps.demo.ui.ReticleView;

/** Two models on the same frames, and what the line between them says. */
@RunWith(RobolectricTestRunner.class)
public final class CompareActivityTest {
  @Rule public final CameraScreen screen = new CameraScreen();
  private ActivityController<CompareActivity> controller;
  private CompareActivity activity;

  private void start() {
    controller = Robolectric.buildActivity(CompareActivity.class).setup();
    activity = controller.get();
  }

  @After
  public void leave() {
    controller.close();
  }

  private String text(int card, int id) {
    View in = card == 0 ? activity.findViewById(android.R.id.content) : activity.findViewById(card);
    return in.<TextView>findViewById(id).getText().toString();
  }

  private String problem() {
    return activity.findViewById(R.id.problem).getVisibility() == View.VISIBLE
        ? text(0, R.id.problem_text) : "";
  }

  @Test
  public void twoModelsAnswerAndOneLineComparesThem() throws Exception {
    screen.use(TestModels.bytes("tiny_fused.tflite"), TestModels.bytes("tiny_float.tflite"));
    start();
    Screens.await(
        "an answer",
        () -> {
          if (screen.camera.open() > 0) {
            screen.camera.last().send(screen.digits[3], 1);
          }
          return text(0, R.id.verdict).contains("frames");
        });
    float[] expected = TestModels.rows("tiny_fused.outputs.f32", TestModels.CLASSES)[3];
    assertEquals(String.valueOf(TestModels.best(expected)), text(R.id.first, R.id.contender_best));
    assertEquals(TestModels.percent(expected) + " %", text(R.id.first, R.id.contender_share));
    assertTrue(text(R.id.first, R.id.contender_times).endsWith("one-bit head"));
    assertTrue(text(R.id.second, R.id.contender_times).endsWith("no one-bit head"));
    String verdict = text(0, R.id.verdict);
    assertTrue(
        verdict,
        verdict.matches(
            "XnODR: (as fast|\\d+\\.\\d times (faster|slower)), \\d+ KB smaller,"
                + " same answer on (\\d+) of \\3 frames"));
  }

  @Test
  public void withoutAChoiceItIsTheNextOfTheApp() throws Exception {
    screen.use(TestModels.bytes("tiny_fused.tflite"), null);
    start();
    Screens.await("models", () -> !text(R.id.second, R.id.contender_name).isEmpty());
    assertEquals("small_cnn_xnodr", text(R.id.second, R.id.contender_name));
    assertEquals(1, activity.others().size());
  }

  @Test
  public void anotherIsChosenByNameAndKept() throws Exception {
    screen.use(TestModels.bytes("tiny_fused.tflite"), TestModels.bytes("tiny_float.tflite"));
    start();
    Screens.await("models", () -> !text(R.id.second, R.id.contender_name).isEmpty());
    AlertDialog dialog = screen.dialog(activity, R.id.more);
    ListView names = dialog.getListView();
    assertEquals("digits", names.getAdapter().getItem(0));
    assertEquals("second", names.getAdapter().getItem(1));
    assertEquals(1, names.getCheckedItemPosition());
    Shadows.shadowOf(names).performItemClick(0);
    Screens.await(
        "the other model",
        () -> text(R.id.second, R.id.contender_name).equals("small_cnn_xnodr"));
    assertFalse(dialog.isShowing());
    assertEquals("asset:digits.tflite", Settings.load(screen.application).second);
  }

  @Test
  public void theArrowLeadsBack() {
    start();
    activity.findViewById(R.id.back).performClick();
    assertTrue(activity.isFinishing());
  }

  @Test
  public void withoutACameraThereIsNothingToAimAt() throws Exception {
    screen.use(TestModels.bytes("tiny_fused.tflite"), TestModels.bytes("tiny_float.tflite"));
    screen.camera.none = true;
    start();
    Screens.await("words", () -> problem().contains("no camera"));
    Screens.await("models", () -> !text(R.id.second, R.id.contender_name).isEmpty());
    assertEquals("No picture", text(R.id.first, R.id.contender_best));
    assertEquals(View.INVISIBLE, activity.findViewById(R.id.reticle).getVisibility());
  }

  @Test
  public void oneModelAloneAsksForAnother() throws Exception {
    start();
    Screens.await("words", () -> problem().contains("A second model is needed"));
    assertEquals(View.GONE, activity.findViewById(R.id.second).getVisibility());
  }

  @Test
  public void aSecondThatCannotRunIsExplainedAndTheFirstAnswers() throws Exception {
    screen.use(TestModels.bytes("tiny_fused.tflite"), TestModels.bytes("composite.tflite"));
    start();
    Screens.await("words", () -> problem().contains("[STABLEHLO_COMPOSITE]"));
    Screens.await(
        "an answer",
        () -> {
          screen.camera.last().send(screen.digits[3], 1);
          return text(R.id.first, R.id.contender_best).matches("\\d");
        });
    assertEquals(View.GONE, activity.findViewById(R.id.second).getVisibility());
    assertEquals("", text(0, R.id.verdict));
  }

  private void say(int card, int id, String words) {
    activity.findViewById(card).<TextView>findViewById(id).setText(words);
  }

  private static int top(View view) {
    int[] at = new int[2];
    view.getLocationInWindow(at);
    return at[1];
  }

  /** Groceries have names of 38 letters. */
  @Test
  public void atTheLargestFontTheReticleIsInSightAndLongNamesAreWhole() throws Exception {
    RuntimeEnvironment.setFontScale(2);
    try {
      screen.use(TestModels.bytes("tiny_fused.tflite"), TestModels.bytes("tiny_float.tflite"));
      start();
      Shadows.shadowOf(Looper.getMainLooper()).idle();
      for (int card : new int[] {R.id.first, R.id.second}) {
        say(card, R.id.contender_name, "EfficientNet-Lite0 with an XnODR head");
        say(card, R.id.contender_best, "God-Morgon-Orange-Red-Grapefruit-Juice");
        say(card, R.id.contender_share, "100 %");
        say(card, R.id.contender_times, "60.5 ms · 4.4 MB · no one-bit head");
      }
      activity.<TextView>findViewById(R.id.verdict)
          .setText("XnODR: 1.4 times faster, 2.2 MB smaller, same answer on 100 of 100 frames");
      Shadows.shadowOf(Looper.getMainLooper()).idle();
      Screens.assertNoTextIsCut(activity.getWindow().getDecorView());
      ReticleView reticle = activity.findViewById(R.id.reticle);
      float middle = top(reticle) + reticle.getHeight() / 2f;
      float half = reticle.side() / 2;
      View name = activity.findViewById(R.id.top);
      assertTrue("below the name", middle - half >= top(name) + name.getHeight() - 1);
      assertTrue("above the sheet", middle + half <= top(activity.findViewById(R.id.comparison)) + 1);
    } finally {
      RuntimeEnvironment.setFontScale(1);
    }
  }
}
