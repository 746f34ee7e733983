package org.xncaps.demo.testing;

import android.Manifest;
import android.app.Activity;
import android.app.AlertDialog;
import android.app.Application;
import android.content.Context;
import android.content.Intent;
import android.os.BatteryManager;
import android.os.Looper;
import android.os.PowerManager;
import android.view.View;
import android.widget.TextView;
import org.junit.rules.ExternalResource;
import org.robolectric.Robolectric;
import org.robolectric.RuntimeEnvironment;
import org.robolectric.Shadows;
import org.robolectric.android.controller.ActivityController;
import org.robolectric.shadows.ShadowDialog;
import org.xncaps.demo.R;
import org.xncaps.demo.camera.CameraActivity;
import org.xncaps.demo.models.Settings;
import org.xncaps.demo.ui.ResultSheet;

/** The camera screen with a fake camera, a warm phone and the permission granted. */
public final class CameraScreen extends ExternalResource {
  public Application application;
  public FakeFrames camera;
  public float[][] digits;
  public ActivityController<CameraActivity> controller;
  public CameraActivity activity;

  @Override
  protected void before() throws Exception {
    application = RuntimeEnvironment.getApplication();
    camera = FakeFrames.install(application);
    digits = TestModels.rows("digits.inputs.f32", TestModels.PIXELS);
    Shadows.shadowOf(application).grantPermissions(Manifest.permission.CAMERA);
    setBattery(new Intent().putExtra(BatteryManager.EXTRA_TEMPERATURE, 315));
    setHeat(PowerManager.THERMAL_STATUS_MODERATE);
  }

  @Override
  protected void after() {
    if (controller != null) {
      controller.close();
    }
    Screens.awaitModelsClosed();
  }

  public void setBattery(Intent extras) {
    application.sendStickyBroadcast(
        new Intent(Intent.ACTION_BATTERY_CHANGED)
            .putExtras(extras)
            .putExtra(BatteryManager.EXTRA_LEVEL, 80));
  }

  public void setHeat(int status) {
    PowerManager power = (PowerManager) application.getSystemService(Context.POWER_SERVICE);
    Shadows.shadowOf(power).setCurrentThermalStatus(status);
  }

  public CameraActivity start() {
    if (controller != null) {
      controller.close(); // the screen of before
    }
    controller = Robolectric.buildActivity(CameraActivity.class).setup();
    activity = controller.get();
    return activity;
  }

  /** Turns the phone: the activity is made anew. */
  public void recreate() {
    controller.recreate();
    activity = controller.get();
  }

  /** Chooses files with these contents as the models; null for the app's own, and for no second. */
  public void use(byte[] first, byte[] second) throws Exception {
    Settings settings = Settings.load(application).withThreads(1);
    if (first != null) {
      settings = settings.withModel(TestModels.added("first.tflite", first));
    }
    if (second != null) {
      settings = settings.withSecond(TestModels.added("second.tflite", second));
    }
    settings.save(application);
  }

  /** The words in the box for problems; empty while it is hidden. */
  public String problem() {
    View box = activity.findViewById(R.id.problem);
    TextView text = activity.findViewById(R.id.problem_text);
    return box.getVisibility() == View.VISIBLE ? text.getText().toString() : "";
  }

  public void awaitProblem(String words) throws Exception {
    Screens.await("words: " + words, () -> problem().contains(words));
  }

  public ResultSheet sheet() {
    return activity.findViewById(R.id.sheet);
  }

  public String text(int id) {
    return activity.<TextView>findViewById(id).getText().toString();
  }

  public String status() {
    Shadows.shadowOf(Looper.getMainLooper()).idleFor(java.time.Duration.ofSeconds(1));
    return text(R.id.status);
  }

  /** Sends the digit until the model has answered more than once. */
  public void awaitResult(float[] digit) throws Exception {
    Screens.await("the model", () -> text(R.id.runtime).length() > 0);
    Screens.await(
        "a result",
        () -> {
          camera.last().send(digit, 1); // as large as the input: the very pixels go in
          return sheet().shown() != null && sheet().shown().count > 1;
        });
  }

  /** Waits until every frame that was taken is answered on the screen. */
  public void awaitAnswered() throws Exception {
    Screens.await("the frame in flight", () -> activity.pipeline().gate().isFree());
    Shadows.shadowOf(Looper.getMainLooper()).idle(); // it was told before the gate opened
  }

  /** The dialog that a click on a control opens. */
  public AlertDialog dialog(int control) {
    return dialog(activity, control);
  }

  public AlertDialog dialog(Activity on, int control) {
    on.findViewById(control).performClick();
    Shadows.shadowOf(Looper.getMainLooper()).idle();
    return (AlertDialog) ShadowDialog.getLatestDialog();
  }

  /** Says OK to a dialog. */
  public void press(AlertDialog dialog) {
    dialog.getButton(AlertDialog.BUTTON_POSITIVE).performClick();
    Shadows.shadowOf(Looper.getMainLooper()).idle();
  }
}
