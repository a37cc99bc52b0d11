package dev.atelier.cli;

import java.awt.Color;
import java.awt.Font;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;
import javax.imageio.ImageIO;

/**
 * A table of numbers as a picture: rows with labels, a colour for each number on a logarithmic scale, and the number in
 * it. Zero is "=", a number that is not there is an empty cell.
 *
 * @param values in percent, row by row
 */
record HeatMap(String title, List<String> columns, List<String> rows, List<List<OptionalDouble>> values) {
    private static final int CELL_WIDTH = 104;
    private static final int CELL_HEIGHT = 22;
    private static final int LEFT = 170;
    private static final int TOP = 74;
    private static final int MARGIN = 16;

    /** Five colours of matplotlib's viridis, from little to much: ordered in brightness, also for the colour-blind. */
    private static final int[] VIRIDIS = {0x440154, 0x3B528B, 0x21918C, 0x5EC962, 0xFDE725};

    private static final double SMALLEST = 0.01;
    private static final double LARGEST = 100;
    private static final Color EQUAL = new Color(0xEEEEEE);
    private static final Color INK = new Color(0x222222);

    /** Something to paint: a rectangle, or a text that starts, is centred or ends at a point. */
    private sealed interface Mark {
        record Box(int x, int y, int width, int height, Color fill) implements Mark {}

        record Text(int x, int y, Anchor anchor, int size, Color colour, String text) implements Mark {}
    }

    private enum Anchor {
        START,
        MIDDLE,
        END
    }

    int width() {
        return LEFT + columns.size() * CELL_WIDTH + MARGIN;
    }

    int height() {
        return TOP + rows.size() * CELL_HEIGHT + 56;
    }

    private List<Mark> marks() {
        List<Mark> marks = new ArrayList<>();
        marks.add(new Mark.Box(0, 0, width(), height(), Color.WHITE));
        marks.add(new Mark.Text(MARGIN, 30, Anchor.START, 16, INK, title));
        for (int column = 0; column < columns.size(); column++) {
            int middle = LEFT + column * CELL_WIDTH + CELL_WIDTH / 2;
            marks.add(new Mark.Text(middle, TOP - 8, Anchor.MIDDLE, 12, INK, columns.get(column)));
        }
        for (int row = 0; row < rows.size(); row++) {
            int y = TOP + row * CELL_HEIGHT;
            marks.add(new Mark.Text(LEFT - 10, y + 15, Anchor.END, 12, INK, rows.get(row)));
            for (int column = 0; column < columns.size(); column++) {
                OptionalDouble value = values.get(row).get(column);
                if (value.isPresent()) {
                    addCell(marks, LEFT + column * CELL_WIDTH, y, value.getAsDouble());
                }
            }
        }
        addLegend(marks, TOP + rows.size() * CELL_HEIGHT + 20);
        return marks;
    }

    private static void addCell(List<Mark> marks, int x, int y, double percent) {
        Color fill = colour(percent);
        marks.add(new Mark.Box(x + 1, y + 1, CELL_WIDTH - 2, CELL_HEIGHT - 2, fill));
        marks.add(new Mark.Text(x + CELL_WIDTH / 2, y + 15, Anchor.MIDDLE, 11, inkOn(fill), percent(percent)));
    }

    private static void addLegend(List<Mark> marks, int y) {
        int steps = 100;
        int step = 3;
        for (int i = 0; i < steps; i++) {
            double percent = SMALLEST * Math.pow(LARGEST / SMALLEST, (i + 0.5) / steps);
            marks.add(new Mark.Box(LEFT + i * step, y, step, 12, colour(percent)));
        }
        for (int decade = 0; decade <= 4; decade++) {
            String label = percent(SMALLEST * Math.pow(10, decade));
            marks.add(new Mark.Text(LEFT + decade * steps * step / 4, y + 26, Anchor.MIDDLE, 11, INK, label));
        }
    }

    static String percent(double percent) {
        if (percent == 0) {
            return "=";
        }
        if (!Double.isFinite(percent)) {
            return Double.isNaN(percent) ? "NaN" : "∞";
        }
        if (percent < 0.001 || percent >= 10_000) {
            return String.format(Locale.ROOT, "%.0e %%", percent);
        }
        return String.format(Locale.ROOT, percent < 0.1 ? "%.3f %%" : percent < 10 ? "%.2f %%" : "%.0f %%", percent);
    }

    private static Color colour(double percent) {
        if (percent == 0) {
            return EQUAL;
        }
        double position = Double.isNaN(percent)
                ? 1
                : Math.clamp(Math.log(percent / SMALLEST) / Math.log(LARGEST / SMALLEST), 0, 1);
        double scaled = position * (VIRIDIS.length - 1);
        int below = Math.min((int) scaled, VIRIDIS.length - 2);
        double share = scaled - below;
        Color low = new Color(VIRIDIS[below]);
        Color high = new Color(VIRIDIS[below + 1]);
        return new Color(
                mix(low.getRed(), high.getRed(), share),
                mix(low.getGreen(), high.getGreen(), share),
                mix(low.getBlue(), high.getBlue(), share));
    }

    private static int mix(int low, int high, double share) {
        return (int) Math.round(low + share * (high - low));
    }

    /** Black or white, whichever contrasts more with the fill (by the luma of ITU-R BT.601). */
    private static Color inkOn(Color fill) {
        double luma = 0.299 * fill.getRed() + 0.587 * fill.getGreen() + 0.114 * fill.getBlue();
        return luma > 140 ? INK : Color.WHITE;
    }

    byte[] svg() {
        StringBuilder svg = new StringBuilder();
        svg.append("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %1$d %2$d\""
                .formatted(width(), height()));
        svg.append(" font-family=\"sans-serif\">\n");
        for (Mark mark : marks()) {
            svg.append(
                    switch (mark) {
                        case Mark.Box box ->
                            "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" fill=\"%s\"/>%n"
                                    .formatted(box.x, box.y, box.width, box.height, hex(box.fill));
                        case Mark.Text text ->
                            "<text x=\"%d\" y=\"%d\" text-anchor=\"%s\" font-size=\"%d\" fill=\"%s\">%s</text>%n"
                                    .formatted(
                                            text.x,
                                            text.y,
                                            text.anchor.name().toLowerCase(Locale.ROOT),
                                            text.size,
                                            hex(text.colour),
                                            escaped(text.text));
                    });
        }
        return svg.append("</svg>\n").toString().getBytes(StandardCharsets.UTF_8);
    }

    byte[] png() throws IOException {
        int scale = 2; // for screens of today
        BufferedImage image = new BufferedImage(scale * width(), scale * height(), BufferedImage.TYPE_INT_RGB);
        Graphics2D graphics = image.createGraphics();
        graphics.scale(scale, scale);
        graphics.setRenderingHint(RenderingHints.KEY_TEXT_ANTIALIASING, RenderingHints.VALUE_TEXT_ANTIALIAS_ON);
        for (Mark mark : marks()) {
            switch (mark) {
                case Mark.Box box -> {
                    graphics.setColor(box.fill);
                    graphics.fillRect(box.x, box.y, box.width, box.height);
                }
                case Mark.Text text -> {
                    graphics.setColor(text.colour);
                    graphics.setFont(new Font(Font.SANS_SERIF, Font.PLAIN, text.size));
                    int length = graphics.getFontMetrics().stringWidth(text.text);
                    int back = switch (text.anchor) {
                        case START -> 0;
                        case MIDDLE -> length / 2;
                        case END -> length;
                    };
                    graphics.drawString(text.text, text.x - back, text.y);
                }
            }
        }
        graphics.dispose();
        ByteArrayOutputStream png = new ByteArrayOutputStream();
        ImageIO.write(image, "png", png);
        return png.toByteArray();
    }

    private static String hex(Color colour) {
        return "#%06x".formatted(colour.getRGB() & 0xFFFFFF);
    }

    private static String escaped(String text) {
        return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;");
    }
}
