package dev.atelier.server.http;

import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.eclipse.jetty.http.HttpParser;
import org.eclipse.jetty.io.EndPoint;
import org.eclipse.jetty.server.Connector;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.internal.HttpConnection;
import org.eclipse.jetty.util.NanoTime;
import org.eclipse.jetty.util.component.LifeCycle;

/**
 * Ends connections on which the head of a request comes by the letter. For Jetty each letter is a sign of life, and the time
 * that a connection may be idle begins anew.
 *
 * @param longest that a head may take
 */
record SlowHeaders(Duration longest) implements LifeCycle.Listener {
    @Override
    public void lifeCycleStarted(LifeCycle server) {
        for (Connector connector : ((Server) server).getConnectors()) {
            sweep(connector);
        }
    }

    private void sweep(Connector connector) {
        connector.getConnectedEndPoints().stream().filter(this::isSlow).forEach(EndPoint::close);
        connector.getScheduler().schedule(() -> sweep(connector), longest.toMillis() / 4, TimeUnit.MILLISECONDS);
    }

    private boolean isSlow(EndPoint end) {
        if (!(end.getConnection() instanceof HttpConnection connection)) {
            return false;
        }
        HttpParser parser = connection.getParser();
        return parser.inHeaderState()
                && !parser.isState(HttpParser.State.START)
                && NanoTime.since(parser.getBeginNanoTime()) > longest.toNanos();
    }
}
