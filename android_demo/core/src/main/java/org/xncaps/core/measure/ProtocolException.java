package org.xncaps.core.measure;

import java.io.IOException;

/** The other end did not speak the protocol; the message is what it is told. */
public final class ProtocolException extends IOException {
  private static final long serialVersionUID = 1L;

  public ProtocolException(String message) {
    super(message);
  }
}
