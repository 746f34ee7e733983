package org.xncaps.demo.ui;

import org.junit.Rule;
import org.junit.Test;
import org.junit.runner.RunWith;
import org.robolectric.RobolectricTestRunner;
import org.robolectric.RuntimeEnvironment;
import org.robolectric.annotation.Config;
import org.xncaps.demo.testing.CameraScreen;
import org.xncaps.demo.testing.Scenes;

/** Every screen as a picture, by how the device is held and set: to be looked at. */
@RunWith(RobolectricTestRunner.class)
public final class PicturesTest {
  @Rule public final CameraScreen screen = new CameraScreen();

  @Test
  public void light() throws Exception {
    new Scenes(screen, "").all();
  }

  @Test
  @Config(qualifiers = "+night")
  public void dark() throws Exception {
    new Scenes(screen, "-dark").all();
  }

  @Test
  @Config(qualifiers = "+land")
  public void landscape() throws Exception {
    new Scenes(screen, "-land").all();
  }

  @Test
  @Config(qualifiers = "w800dp-h1280dp-mdpi")
  public void tablet() throws Exception {
    new Scenes(screen, "-tablet").all();
  }

  @Test
  @Config(qualifiers = "w1280dp-h800dp-land-mdpi")
  public void tabletLandscape() throws Exception {
    new Scenes(screen, "-tablet-land").all();
  }

  @Test
  @Config(qualifiers = "+ar-ldrtl")
  public void rightToLeft() throws Exception {
    new Scenes(screen, "-rtl").all();
  }

  @Test
  @Config(qualifiers = "+ar-ldrtl-land-night")
  public void rightToLeftLandscapeDark() throws Exception {
    new Scenes(screen, "-rtl-land-dark").all();
  }

  @Test
  public void largestFont() throws Exception {
    withLargestFont("-large", false);
  }

  @Test
  @Config(qualifiers = "+land")
  public void largestFontLandscape() throws Exception {
    withLargestFont("-large-land", false);
  }

  @Test
  public void measuring() throws Exception {
    new Scenes(screen, "").measure();
  }

  /** The same in the narrowest room. */
  @Test
  @Config(qualifiers = "+ar-ldrtl-w320dp-h569dp")
  public void measuringRightToLeftWithTheLargestFont() throws Exception {
    withLargestFont("-large-rtl", true);
  }

  private void withLargestFont(String ending, boolean measure) throws Exception {
    RuntimeEnvironment.setFontScale(2);
    try {
      if (measure) {
        new Scenes(screen, ending).measure();
      } else {
        new Scenes(screen, ending).all();
      }
    } finally {
      RuntimeEnvironment.setFontScale(1);
    }
  }
}
