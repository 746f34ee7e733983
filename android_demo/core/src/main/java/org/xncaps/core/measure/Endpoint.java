package org.xncaps.core.measure;

import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;

/** Where hosts connect: an abstract local socket on Android, loopback in tests. */
public interface Endpoint extends Closeable {
  /** Waits for the next; an IOException once the endpoint is closed. */
  Peer accept() throws IOException;

  /** One connection. */
  interface Peer extends Closeable {
    InputStream input() throws IOException;

    OutputStream output() throws IOException;

    /** Whether the process at the other end may measure. */
    boolean trusted() throws IOException;
  }
}
