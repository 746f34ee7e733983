package org.xncaps.core.measure;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertNull;
import static org.junit.Assert.assertTrue;

import java.io.File;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.After;
import org.junit.Before;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;
import org.xncaps.core.measure.Frame.Kind;

/** Hosts that behave and hosts that do not (docs/adb-protocol.md), over loopback. */
public final class MeasureServerTest {
  private static final String ONE =
      "{\"models\":[{\"file\":\"m\",\"inputs\":\"in\"}],\"outputs\":true,"
          + "\"turns\":[[0,3],[-1,1],[0,2]]}";

  @Rule public final TemporaryFolder folder = new TemporaryFolder();

  private final LinkedBlockingQueue<String> ended = new LinkedBlockingQueue<>();
  private final List<Socket> sockets = new ArrayList<>();
  private final Loopback.Echo work = new Loopback.Echo();
  private Loopback endpoint;
  private MeasureServer server;

  @Before
  public void setUp() throws Exception {
    endpoint = new Loopback();
  }

  @After
  public void tearDown() throws Exception {
    for (Socket socket : sockets) {
      socket.close();
    }
    server.close();
  }

  private void start(long silenceMillis) {
    server =
        new MeasureServer(
            endpoint, folder.getRoot(), work, Collections.singletonMap("id", "x"), silenceMillis,
            why -> ended.add(String.valueOf(why)));
    server.start();
  }

  private Wire connect() throws Exception {
    Socket socket = new Socket(InetAddress.getLoopbackAddress(), endpoint.port());
    socket.setSoTimeout(20_000);
    sockets.add(socket);
    return new Wire(socket.getInputStream(), socket.getOutputStream());
  }

  private Wire greeted() throws Exception {
    Wire wire = connect();
    Frame hello = wire.next();
    assertEquals(Kind.HELLO, hello.kind);
    assertEquals(2L, wire.json(hello).get("protocol"));
    wire.send(Kind.HELLO, Collections.singletonMap("protocol", 2));
    return wire;
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static String refusal(Wire wire) throws Exception {
    Frame frame = wire.next();
    while (frame.kind != Kind.FAIL) {
      wire.content(frame);
      frame = wire.next();
    }
    return new String(wire.content(frame), StandardCharsets.UTF_8);
  }

  private static void put(Wire wire, String name, byte[] content) throws Exception {
    wire.send(Kind.PUT, name, content);
    Frame answer = wire.next();
    assertEquals(Kind.OKAY, answer.kind);
    assertEquals(name, answer.name);
    wire.content(answer);
  }

  private String ended() throws Exception {
    String why = ended.poll(20, TimeUnit.SECONDS);
    assertFalse("it ends", why == null);
    return why;
  }

  @Test
  public void aHostPutsFilesAndHasItsJobsCarriedOut() throws Exception {
    start(20_000);
    Wire wire = greeted();
    put(wire, "m", new byte[100_000]);
    put(wire, "in", new byte[] {1, 2, 3});
    for (int job = 0; job < 2; job++) {
      wire.send(Kind.JOB, "", bytes(ONE));
      assertEquals(Kind.STATUS, next(wire).kind);
      Frame output = wire.next();
      assertEquals("m", output.name);
      assertArrayEquals(new byte[] {1, 2, 3}, wire.content(output));
      Map<String, Object> partial = wire.json(wire.next());
      List<?> turns = (List<?>) ((List<?>) partial.get("turns")).get(0);
      assertEquals(2, turns.size());
      assertEquals(3, ((List<?>) ((List<?>) turns.get(0)).get(1)).size());
      assertEquals("done", wire.json(wire.next()).get("state"));
    }
    assertTrue(new File(folder.getRoot(), "host/m").exists());
    wire.send(Kind.END, "", new byte[0]);
    assertEquals(Kind.OKAY, next(wire).kind);
    assertFalse("the files are deleted", new File(folder.getRoot(), "host").exists());
    assertNull(wire.next());
    assertEquals("null", ended());
    assertEquals("the files are deleted", 0, folder.getRoot().list().length);
  }

  private static Frame next(Wire wire) throws Exception {
    Frame frame = wire.next();
    wire.content(frame);
    return frame;
  }

  @Test
  public void aSecondHostIsToldThatItIsBusy() throws Exception {
    start(20_000);
    Wire first = greeted();
    assertEquals("busy: another host measures", refusal(connect()));
    put(first, "m", new byte[1]); // and the first one is served on
  }

  @Test
  public void aHostWithoutPermissionIsToldSo() throws Exception {
    endpoint.trusted = false;
    start(20_000);
    assertTrue(refusal(connect()).startsWith("permission: expected"));
    endpoint.trusted = true;
    greeted();
  }

  @Test
  public void anotherVersionIsRefused() throws Exception {
    start(20_000);
    Wire wire = connect();
    next(wire);
    wire.send(Kind.HELLO, Collections.singletonMap("protocol", 1));
    assertEquals("protocol: expected version 2, got 1", refusal(wire));
    assertEquals("protocol: expected version 2, got 1", ended());
  }

  @Test
  public void aSilentHostIsSentAway() throws Exception {
    start(2_000); // its greeting takes part of it, beside other work much
    Wire wire = greeted();
    assertTrue(refusal(wire).startsWith("silence: "));
    assertTrue(ended().startsWith("silence: "));
    assertNull(folder.getRoot().list().length == 0 ? null : "files are left");
  }

  @Test
  public void withoutAHostItEnds() throws Exception {
    start(200);
    assertTrue(ended().startsWith("silence: expected a host"));
  }

  @Test
  public void aJobMayTakeLongerThanTheSilence() throws Exception {
    work.hold = new CountDownLatch(1);
    start(1_500);
    Wire wire = greeted();
    put(wire, "m", new byte[1]);
    put(wire, "in", new byte[1]);
    wire.send(Kind.JOB, "", bytes(ONE));
    Thread.sleep(2_500);
    work.hold.countDown();
    for (Kind kind : new Kind[] {Kind.STATUS, Kind.OUTPUT, Kind.PARTIAL, Kind.RESULT}) {
      assertEquals(kind, next(wire).kind);
    }
  }

  @Test
  public void aHostThatGoesAwayEndsItsJob() throws Exception {
    work.hold = new CountDownLatch(1);
    start(20_000);
    Wire wire = greeted();
    put(wire, "m", new byte[1]);
    put(wire, "in", new byte[1]);
    wire.send(Kind.JOB, "", bytes(ONE));
    next(wire);
    sockets.get(0).close();
    ended();
    assertTrue(work.cancelled);
    assertEquals(0, folder.getRoot().list().length);
  }

  /** The host sends a large file on and hears why nobody wants it. */
  @Test
  public void aFileThatCannotBeWrittenIsSaid() throws Exception {
    start(20_000);
    Wire wire = greeted();
    put(wire, "m", new byte[1]);
    assertTrue(new File(folder.getRoot(), "host/taken").mkdir());
    wire.send(Kind.PUT, "taken", new byte[5_000_000]);
    String why = refusal(wire);
    assertTrue(why, why.startsWith("storage: taken: "));
    assertEquals(why, ended());
  }

  @Test
  public void whatIsNoJobAndWhatComesTwiceIsRefused() throws Exception {
    work.hold = new CountDownLatch(1);
    start(20_000);
    Wire wire = greeted();
    put(wire, "m", new byte[1]);
    put(wire, "in", new byte[1]);
    wire.send(Kind.JOB, "", bytes(ONE));
    next(wire);
    wire.send(Kind.JOB, "", bytes(ONE));
    assertTrue(refusal(wire).startsWith("busy: expected the job to end first"));
    ended();
  }

  /** Heads of a stranger: nothing is allocated for them, and the host is told why. */
  @Test
  public void headsAreChecked() throws Exception {
    Object[][] bad = {
      {"JOB ", 0, "", Long.MAX_VALUE, "JOB: expected at most"},
      {"PUT ", 0, "", -1L, "PUT: expected at most"},
      {"PUT ", 101, "", 1L, "PUT: expected a name of at most 100 bytes"},
      {"PUT ", 1 << 30, "", 1L, "PUT: expected a name of at most 100 bytes"},
      {"PUT ", 4, "../x", 1L, "PUT: expected a name of A-Z"},
      {"WHAT", 0, "", 0L, "frame: expected a known kind"},
      {"RSLT", 0, "", 0L, "frame: expected PUT or JOB, got RESULT"},
      {"PUT ", 0, "", 0L, "PUT: expected at most 256 named files"},
      {"PUT ", 1, "m", 1L, "PUT m: its SHA-256 is another"},
      {"JOB ", 0, "", 2L, "JOB : its SHA-256 is another"},
    };
    for (Object[] row : bad) {
      endpoint = new Loopback();
      start(20_000);
      Wire wire = greeted();
      OutputStream out = sockets.get(sockets.size() - 1).getOutputStream();
      byte[] name = bytes((String) row[2]);
      ByteBuffer head = ByteBuffer.allocate(48 + name.length + 2);
      head.put(bytes((String) row[0])).putInt((Integer) row[1]).putLong((Long) row[3]);
      head.position(48);
      head.put(name);
      out.write(head.array());
      String why = refusal(wire);
      assertTrue(why, why.startsWith((String) row[4]));
      assertEquals(why, ended());
      server.close();
    }
  }

  @Test
  public void jobsThatCannotBeAreRefusedWithTheirField() throws Exception {
    String[][] bad = {
      {"[]", "job: expected an object"},
      {"{\"models\":[]}", "models: expected a list of 1 to 64"},
      {"{\"models\":[{\"file\":\"../../m\"}]}", "file: expected"},
      {"{\"models\":[{\"file\":\".m\"}]}", "file: expected"},
      {"{\"models\":[{}]}", "models: expected either file or asset"},
      {"{\"models\":[{\"file\":\"m\",\"asset\":\"m\"}]}", "models: expected either file or asset"},
      {"{\"models\":[{\"file\":\"m\"},{\"file\":\"m\"}]}", "models: expected names that differ"},
      {"{\"models\":[{\"file\":\"m\"}],\"threads\":0}", "threads: expected"},
      {"{\"models\":[{\"file\":\"m\"}],\"warm_up_runs\":1.5}", "warm_up_runs: expected"},
      {"{\"models\":[{\"file\":\"m\"}],\"delegate\":1}", "delegate: expected"},
      {"{\"models\":[{\"file\":\"m\"}],\"seconds\":-1}", "seconds: expected"},
      {"{\"models\":[{\"file\":\"m\"}],\"cpus\":[64]}", "cpus: expected"},
      {"{\"models\":[{\"file\":\"m\"}],\"turns\":[[1,2]]}", "turns: expected [model, runs]"},
      {"{\"models\":[{\"file\":\"m\"}],\"turns\":[[0,0]]}", "turns: expected [model, runs]"},
      {"{\"models\":[{\"file\":\"m\"}],\"turns\":[0]}", "turns: expected [model, runs]"},
      {"{\"models\":[{\"file\":\"m\"}],\"turns\":7}", "turns: expected a list"},
      {"{\"models\":[{\"file\":\"m\"}],\"what\":1}", "expected known fields, got [what]"},
    };
    for (String[] row : bad) {
      endpoint = new Loopback();
      start(20_000);
      Wire wire = greeted();
      wire.send(Kind.JOB, "", bytes(row[0]));
      String why = refusal(wire);
      assertTrue(row[0] + ": " + why, why.startsWith(row[1]));
      server.close();
    }
  }
}
