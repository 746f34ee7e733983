package org.xncaps.demo.camera;

import android.Manifest;
import android.app.Activity;
import android.content.Intent;
import android.content.pm.PackageManager;
import android.net.Uri;
import android.os.Bundle;
import android.view.View;
import org.xncaps.demo.R;
import org.xncaps.demo.models.Problem;
import org.xncaps.demo.ui.ProblemView;

/** Asks for the camera once, and says what can be done where it was refused. */
public final class CameraPermission {
  public static final int REQUEST = 1;
  private static final String ASKED = "asked";
  private static final String[] CAMERA = {Manifest.permission.CAMERA};

  private final Activity activity;
  private boolean asked;

  public CameraPermission(Activity activity, Bundle saved) {
    this.activity = activity;
    asked = saved != null && saved.getBoolean(ASKED);
  }

  public void save(Bundle out) {
    out.putBoolean(ASKED, asked);
  }

  public boolean granted() {
    return activity.checkSelfPermission(CAMERA[0]) == PackageManager.PERMISSION_GRANTED;
  }

  /** The first time asks; after that explains. */
  public void request(ProblemView problem) {
    if (asked) {
      explain(problem);
    } else {
      asked = true;
      activity.requestPermissions(CAMERA, REQUEST);
    }
  }

  public void explain(ProblemView problem) {
    final boolean canAsk = activity.shouldShowRequestPermissionRationale(CAMERA[0]);
    problem.show(
        new Problem(R.string.camera_refused, R.string.camera_refused_advice, null),
        canAsk ? R.string.grant : R.string.app_settings,
        new View.OnClickListener() {
          @Override
          public void onClick(View view) {
            if (canAsk) {
              activity.requestPermissions(CAMERA, REQUEST);
            } else {
              activity.startActivity(
                  new Intent(
                      android.provider.Settings.ACTION_APPLICATION_DETAILS_SETTINGS,
                      Uri.fromParts("package", activity.getPackageName(), null)));
            }
          }
        });
  }
}
