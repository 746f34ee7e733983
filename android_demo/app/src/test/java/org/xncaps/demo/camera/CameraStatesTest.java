package org.xncaps.demo.camera;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertTrue;

import android.hardware.camera2.CameraAccessException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.Test;
import org.junit.runner.RunWith;
import org.robolectric.RobolectricTestRunner;

/** Leaving, coming back and failing at every step of opening a camera. */
@RunWith(RobolectricTestRunner.class)
public final class CameraStatesTest implements CameraStates.Hardware<String, Integer> {
  private final List<String> log = new ArrayList<>();
  private final CameraStates<String, Integer> states = new CameraStates<>(this);
  private Exception openThrows;
  private Exception streamThrows;
  /** Devices that were opened and not closed. */
  private final List<Integer> open = new ArrayList<>();
  private int device;

  @Override
  public void open(String wanted) throws Exception {
    log.add("open " + wanted);
    if (openThrows != null) {
      throw openThrows;
    }
  }

  @Override
  public void close(Integer device) {
    log.add("close " + device);
    open.remove(device);
  }

  @Override
  public void discard(Integer device) {
    log.add("discard " + device);
    open.remove(device);
  }

  @Override
  public void stream(String wanted, Integer device) throws Exception {
    log.add("stream " + wanted);
    if (streamThrows != null) {
      throw streamThrows;
    }
  }

  @Override
  public void released(String wanted) {
    log.add("released " + wanted);
  }

  @Override
  public void failed(String wanted, String reason, boolean willRetry) {
    log.add("failed " + wanted + ": " + reason + (willRetry ? ", waits" : ""));
  }

  @Override
  public void idle() {
    log.add("idle");
  }

  private void opened() {
    open.add(++device);
    states.opened(device);
  }

  private void check(String... expected) {
    assertEquals(Arrays.asList(expected), log);
    log.clear();
  }

  private void startAndCheck() {
    states.want("a");
    opened();
    check("open a", "stream a");
    assertEquals(CameraStates.State.OPEN, states.state());
  }

  @Test
  public void opensStreamsAndCloses() {
    startAndCheck();
    states.want(null);
    check("close 1");
    assertFalse("the thread must not end yet", states.idle());
    states.closed();
    check("released a", "idle");
    assertTrue(states.idle());
  }

  /** The fault that made this class: the answer came to nobody, and the camera stayed open. */
  @Test
  public void leavingWhileItOpensClosesWhatIsOpenedThen() {
    states.want("a");
    states.want(null);
    check("open a");
    assertEquals(CameraStates.State.OPENING, states.state());
    assertFalse(states.idle());
    opened();
    check("close 1");
    states.closed();
    check("released a", "idle");
    assertTrue(open.isEmpty());
  }

  @Test
  public void comingBackWhileItOpensForTheSameGoesOn() {
    states.want("a");
    states.want(null);
    states.want("a");
    opened();
    check("open a", "stream a");
  }

  @Test
  public void anotherIsWantedWhileItOpens() {
    states.want("a");
    states.want("b");
    opened();
    check("open a", "close 1");
    states.closed();
    check("released a", "open b");
    opened();
    check("stream b");
  }

  @Test
  public void anotherIsWantedWhileItCloses() {
    startAndCheck();
    states.want(null);
    states.want("b");
    check("close 1");
    states.closed();
    check("released a", "open b");
  }

  @Test
  public void whatNeverCameToBeOpenedIsReleased() {
    startAndCheck();
    states.want("b");
    states.want("c");
    check("close 1", "released b");
    states.closed();
    check("released a", "open c");
  }

  @Test
  public void disconnectedBeforeItWasOpened() {
    states.want("a");
    states.lost(7, "disconnected", true);
    check("open a", "failed a: disconnected, waits", "close 7");
    states.closed();
    check();
    assertTrue(states.waiting());
    states.retry(false);
    check("open a");
  }

  @Test
  public void lostBeforeItWasOpenedAndNotWantedAnyMore() {
    states.want("a");
    states.want(null);
    states.lost(7, "camera error 1", true);
    check("open a", "close 7"); // nobody is told: nobody is there
    states.closed();
    check("released a", "idle");
  }

  @Test
  public void inUseWaitsAndOtherErrorsWaitForTheUser() {
    startAndCheck();
    states.lost(1, "camera error 3", false);
    check("failed a: camera error 3", "close 1");
    states.closed();
    states.retry(false);
    check();
    states.retry(true);
    check("open a");
    opened();
    check("stream a");
    states.retry(true);
    check(); // nothing to try
  }

  @Test
  public void aRefusalAtOnceIsTold() {
    openThrows = new CameraAccessException(CameraAccessException.MAX_CAMERAS_IN_USE, "full");
    states.want("a");
    assertTrue(log.get(1), log.get(1).startsWith("failed a: ") && log.get(1).endsWith("waits"));
    assertEquals(CameraStates.State.CLOSED, states.state());
    log.clear();
    openThrows = new SecurityException("not allowed");
    states.retry(false);
    check("open a", "failed a: java.lang.SecurityException: not allowed");
    states.want(null);
    check("released a", "idle");
  }

  @Test
  public void streamsThatCannotBeHadCloseTheDevice() {
    streamThrows = new IllegalArgumentException("size");
    states.want("a");
    opened();
    check(
        "open a", "stream a", "failed a: java.lang.IllegalArgumentException: size", "close 1");
    assertTrue(open.isEmpty());
  }

  @Test
  public void lateAnswersAreLetGo() {
    states.opened(9);
    check("discard 9");
    states.closed();
    states.lost(9, "disconnected", true);
    check();
  }

  /** Whatever comes in whatever order: at most one device is open, and none once nobody wants it. */
  @Test
  public void noOrderLeavesACameraOpen() {
    Random random = new Random(3);
    for (int round = 0; round < 2000; round++) {
      for (int i = 0; i < 12; i++) {
        randomStep(random);
        assertTrue("devices " + open, open.size() <= 1);
      }
      states.want(null);
      if (states.state() == CameraStates.State.OPENING) {
        opened();
      }
      if (states.state() == CameraStates.State.CLOSING) {
        states.closed();
      }
      assertTrue(round + ": " + log, states.idle() && open.isEmpty());
      assertEquals("idle", log.get(log.size() - 1));
      log.clear();
    }
  }

  private void randomStep(Random random) {
    boolean opening = states.state() == CameraStates.State.OPENING;
    switch (random.nextInt(6)) {
      case 0:
        states.want("w" + random.nextInt(3));
        break;
      case 1:
        states.want(null);
        break;
      case 2:
        if (opening) {
          opened();
        }
        break;
      case 3:
        if (opening || states.state() == CameraStates.State.OPEN) {
          states.lost(opening ? null : device, "lost", random.nextBoolean());
        }
        break;
      case 4:
        if (states.state() == CameraStates.State.CLOSING) {
          states.closed();
        }
        break;
      default:
        states.retry(random.nextBoolean());
    }
  }
}
