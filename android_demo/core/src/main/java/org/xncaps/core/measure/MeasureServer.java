package org.xncaps.core.measure;

import java.io.Closeable;
import java.io.File;
import java.io.IOException;
import java.util.Map;

/**
 * Waits for one host and serves it (docs/adb-protocol.md). Others are told that it is busy, those
 * that may not measure that they may not; without a host, or with one that is silent, it ends.
 */
public final class MeasureServer implements Closeable {
  /** The first one was of files in a folder that adb's shell made. */
  public static final int PROTOCOL = 2;
  public static final long SILENCE_MILLIS = 60_000;

  /** Told when it is over, on one of the server's threads. */
  public interface Listener {
    /** @param why it ended other than by the host's wish; null else */
    void onEnd(String why);
  }

  private final Endpoint endpoint;
  private final File root;
  private final Work work;
  private final Map<String, Object> app;
  private final Listener listener;
  private final Silence silence;
  private Endpoint.Peer host; // guarded by this
  private boolean closed; // guarded by this
  private String why; // guarded by this

  /**
   * @param root where the host's files lie in a folder of their own
   * @param app what the app says of itself
   * @param silenceMillis how long the host may be silent
   */
  public MeasureServer(
      Endpoint endpoint, File root, Work work, Map<String, Object> app, long silenceMillis,
      Listener listener) {
    this.endpoint = endpoint;
    this.root = root;
    this.work = work;
    this.app = app;
    this.listener = listener;
    this.silence = new Silence(silenceMillis, this::onSilence);
  }

  /** Deletes what a run left whose app was killed. */
  public static void clean(File root) {
    Session.delete(root);
  }

  /** Begins to wait, on a thread of its own. */
  public void start() {
    long now = System.nanoTime();
    silence.start(() -> now);
    new Thread(this::accept, "measure").start();
  }

  private void accept() {
    try {
      while (true) {
        Endpoint.Peer peer = endpoint.accept();
        try {
          meet(peer);
        } catch (IOException e) { // gone already: the next one may be the host
          Wire.closeQuietly(peer);
        }
      }
    } catch (IOException e) {
      end("no host can connect: " + e.getMessage()); // or closed, which needs no word
    }
  }

  private void meet(Endpoint.Peer peer) throws IOException {
    String refusal = null;
    synchronized (this) {
      if (!peer.trusted()) {
        refusal = "permission: expected a process that holds android.permission.DUMP";
      } else if (host != null) {
        refusal = "busy: another host measures";
      } else if (closed) {
        refusal = "ended: start the screen again";
      } else {
        host = peer;
      }
    }
    if (refusal != null) {
      new Wire(peer.input(), peer.output()).fail(refusal);
      Wire.closeQuietly(peer);
      return;
    }
    new Thread(() -> serve(peer), "measure-host").start();
  }

  private void serve(Endpoint.Peer peer) {
    String ended;
    File folder = new File(root, "host");
    try {
      if (!folder.mkdirs()) {
        throw new IOException("expected to make the folder " + folder);
      }
      Wire wire = new Wire(peer.input(), peer.output());
      ended = new Session(wire, folder, work, silence, Session.hello(app)).serve();
    } catch (IOException e) {
      ended = e.getMessage();
    }
    Wire.closeQuietly(peer);
    end(ended);
  }

  private void onSilence() {
    Endpoint.Peer silent;
    synchronized (this) {
      silent = host;
      why = "silence: expected a host within " + SILENCE_MILLIS / 1000 + " s";
    }
    if (silent == null) {
      end(null);
      return;
    }
    try {
      new Wire(silent.input(), silent.output()).fail("silence: expected a frame in time");
    } catch (IOException e) {
      java.util.logging.Logger.getLogger("xncaps").fine("silence: " + e);
    }
    Wire.closeQuietly(silent); // its session ends with its connection
  }

  private void end(String reason) {
    String told;
    synchronized (this) {
      if (closed) {
        return;
      }
      closed = true;
      told = why != null ? why : reason;
    }
    silence.close();
    Wire.closeQuietly(endpoint);
    listener.onEnd(told);
  }

  /** Ends it, and the host's session; the listener is not told. */
  @Override
  public void close() {
    Endpoint.Peer open;
    synchronized (this) {
      closed = true;
      open = host;
    }
    silence.close();
    work.cancel();
    Wire.closeQuietly(endpoint);
    if (open != null) {
      Wire.closeQuietly(open);
    }
  }
}
