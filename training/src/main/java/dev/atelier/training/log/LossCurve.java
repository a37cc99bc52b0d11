package dev.atelier.training.log;

import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Font;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.geom.Path2D;
import java.awt.image.BufferedImage;
import java.util.List;
import java.util.Locale;

/** Losses over the steps as a picture: means of up to 200 stretches, on a logarithmic scale. */
public final class LossCurve {
    private static final System.Logger LOG = System.getLogger(LossCurve.class.getName());

    private static final int WIDTH = 800;
    private static final int HEIGHT = 400;
    private static final int LEFT = 60;
    private static final int RIGHT = WIDTH - 20;
    private static final int TOP = 20;
    private static final int BOTTOM = HEIGHT - 40;
    private static final int STRETCHES = 200;

    private final double[] means;
    private final double least;
    private final double most;
    private final int steps;

    /** @param losses of all steps; above 0 */
    public LossCurve(List<Double> losses) {
        steps = losses.size();
        means = new double[Math.min(STRETCHES, steps)];
        double low = Double.MAX_VALUE;
        double high = Double.MIN_VALUE;
        for (int i = 0; i < means.length; i++) {
            int from = (int) ((long) steps * i / means.length);
            int to = (int) ((long) steps * (i + 1) / means.length);
            means[i] = losses.subList(from, to).stream()
                    .mapToDouble(Double::doubleValue)
                    .average()
                    .orElseThrow();
            low = Math.min(low, means[i]);
            high = Math.max(high, means[i]);
        }
        least = low;
        most = high;
    }

    private double x(int point) {
        return LEFT + (double) (RIGHT - LEFT) * point / Math.max(1, means.length - 1);
    }

    private double y(int point) {
        double height = most > least ? Math.log(means[point] / least) / Math.log(most / least) : 0.5;
        return BOTTOM - (BOTTOM - TOP) * height;
    }

    private static String shortened(double loss) {
        return String.format(Locale.ROOT, "%.3g", loss);
    }

    /** An SVG document. */
    public String svg() {
        StringBuilder points = new StringBuilder();
        for (int i = 0; i < means.length; i++) {
            points.append(String.format(Locale.ROOT, "%.1f,%.1f ", x(i), y(i)));
        }
        return String.format(
                Locale.ROOT,
                """
                <svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="13">
                <rect width="100%%" height="100%%" fill="white"/>
                <path d="M%d %dV%d H%d" fill="none" stroke="black"/>
                <text x="%d" y="%d" text-anchor="end">%s</text>
                <text x="%d" y="%d" text-anchor="end">%s</text>
                <text x="%d" y="%d">0</text>
                <text x="%d" y="%d" text-anchor="end">step %d</text>
                <polyline points="%s" fill="none" stroke="#2060c0" stroke-width="2"/>
                </svg>
                """,
                WIDTH,
                HEIGHT,
                LEFT,
                TOP,
                BOTTOM,
                RIGHT,
                LEFT - 8,
                TOP + 5,
                shortened(most),
                LEFT - 8,
                BOTTOM + 4,
                shortened(least),
                LEFT,
                BOTTOM + 20,
                RIGHT,
                BOTTOM + 20,
                steps,
                points.toString().strip());
    }

    /** The same picture in pixels. */
    public BufferedImage image() {
        BufferedImage image = new BufferedImage(WIDTH, HEIGHT, BufferedImage.TYPE_INT_RGB);
        Graphics2D graphics = image.createGraphics();
        graphics.setRenderingHint(RenderingHints.KEY_ANTIALIASING, RenderingHints.VALUE_ANTIALIAS_ON);
        graphics.setColor(Color.WHITE);
        graphics.fillRect(0, 0, WIDTH, HEIGHT);
        graphics.setColor(Color.BLACK);
        graphics.drawLine(LEFT, TOP, LEFT, BOTTOM);
        graphics.drawLine(LEFT, BOTTOM, RIGHT, BOTTOM);
        label(graphics);
        Path2D curve = new Path2D.Double();
        for (int i = 0; i < means.length; i++) {
            if (i == 0) {
                curve.moveTo(x(i), y(i));
            } else {
                curve.lineTo(x(i), y(i));
            }
        }
        graphics.setColor(new Color(0x2060c0));
        graphics.setStroke(new BasicStroke(2));
        graphics.draw(curve);
        graphics.dispose();
        return image;
    }

    @SuppressWarnings("CatchingUnchecked") // what the JDK throws without fonts differs from platform to platform
    private void label(Graphics2D graphics) {
        try {
            graphics.setFont(new Font(Font.SANS_SERIF, Font.PLAIN, 13));
            write(graphics, shortened(most), LEFT - 8, TOP + 5);
            write(graphics, shortened(least), LEFT - 8, BOTTOM + 4);
            graphics.drawString("0", LEFT, BOTTOM + 20);
            write(graphics, "step " + steps, RIGHT, BOTTOM + 20);
        } catch (RuntimeException | Error e) {
            LOG.log(System.Logger.Level.DEBUG, "a machine without fonts: the curve has no numbers", e);
        }
    }

    /** Ends at {@code x}. */
    private static void write(Graphics2D graphics, String text, int x, int y) {
        graphics.drawString(text, x - graphics.getFontMetrics().stringWidth(text), y);
    }
}
