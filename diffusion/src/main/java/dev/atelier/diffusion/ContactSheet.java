package dev.atelier.diffusion;

import java.awt.Color;
import java.awt.Font;
import java.awt.FontMetrics;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.image.BufferedImage;
import java.util.ArrayList;
import java.util.List;

/**
 * Pictures in rows and columns, with words above and beside them.
 *
 * @param columns a label for each column
 * @param rows a label for each row
 * @param cells row after row
 * @param margin between the pictures, in pixels
 */
public record ContactSheet(List<String> columns, List<String> rows, List<BufferedImage> cells, int margin) {
    /** As AUTOMATIC1111's limit. */
    private static final long MOST_PIXELS = 200_000_000;

    private static final int LEAST_TEXT = 11;
    private static final Color INK = new Color(0x222222);

    /** @throws IllegalArgumentException if it would be too large */
    public BufferedImage draw() {
        int width = cells.stream().mapToInt(BufferedImage::getWidth).max().orElseThrow();
        int height = cells.stream().mapToInt(BufferedImage::getHeight).max().orElseThrow();
        Font font = new Font(Font.SANS_SERIF, Font.PLAIN, Math.max(LEAST_TEXT, width / 20));
        FontMetrics metrics = metrics(font);
        int pad = font.getSize() / 2;
        boolean above = columns.stream().anyMatch(label -> !label.isEmpty());
        boolean beside = rows.stream().anyMatch(label -> !label.isEmpty());
        int left = beside ? width * 3 / 4 : 0;
        int lines = columns.stream()
                .mapToInt(label -> wrapped(label, metrics, width - pad).size())
                .max()
                .orElse(0);
        int top = above ? lines * metrics.getHeight() + 2 * pad : 0;
        long sheetWidth = left + (long) columns.size() * (width + margin) - margin;
        long sheetHeight = top + (long) rows.size() * (height + margin) - margin;
        if (sheetWidth * sheetHeight > MOST_PIXELS) {
            throw new IllegalArgumentException("a grid of %d × %d pixels is too large; the most are %d million pixels"
                    .formatted(sheetWidth, sheetHeight, MOST_PIXELS / 1_000_000));
        }
        BufferedImage sheet = new BufferedImage((int) sheetWidth, (int) sheetHeight, BufferedImage.TYPE_INT_RGB);
        Graphics2D graphics = sheet.createGraphics();
        graphics.setRenderingHint(RenderingHints.KEY_TEXT_ANTIALIASING, RenderingHints.VALUE_TEXT_ANTIALIAS_ON);
        graphics.setColor(Color.WHITE);
        graphics.fillRect(0, 0, sheet.getWidth(), sheet.getHeight());
        graphics.setColor(INK);
        graphics.setFont(font);
        for (int column = 0; above && column < columns.size(); column++) {
            List<String> label = wrapped(columns.get(column), metrics, width - pad);
            write(graphics, label, left + column * (width + margin), 0, width, top);
        }
        for (int row = 0; beside && row < rows.size(); row++) {
            List<String> label = wrapped(rows.get(row), metrics, left - 2 * pad);
            write(graphics, label, 0, top + row * (height + margin), left, height);
        }
        for (int i = 0; i < cells.size(); i++) {
            int x = left + i % columns.size() * (width + margin);
            int y = top + i / columns.size() * (height + margin);
            graphics.drawImage(cells.get(i), x, y, null);
        }
        graphics.dispose();
        return sheet;
    }

    private static FontMetrics metrics(Font font) {
        Graphics2D graphics = new BufferedImage(1, 1, BufferedImage.TYPE_INT_RGB).createGraphics();
        try {
            return graphics.getFontMetrics(font);
        } finally {
            graphics.dispose();
        }
    }

    /** In the middle of a box. */
    private static void write(Graphics2D graphics, List<String> lines, int x, int y, int width, int height) {
        FontMetrics metrics = graphics.getFontMetrics();
        int baseline = y + (height - lines.size() * metrics.getHeight()) / 2 + metrics.getAscent();
        for (String line : lines) {
            graphics.drawString(line, x + (width - metrics.stringWidth(line)) / 2, baseline);
            baseline += metrics.getHeight();
        }
    }

    /** At blanks where there are, and within words that are too long. */
    private static List<String> wrapped(String text, FontMetrics metrics, int width) {
        List<String> lines = new ArrayList<>();
        String line = "";
        for (String word : text.split(" ")) {
            String longer = line.isEmpty() ? word : line + " " + word;
            if (!line.isEmpty() && metrics.stringWidth(longer) > width) {
                lines.add(line);
                longer = word;
            }
            while (longer.length() > 1 && metrics.stringWidth(longer) > width) {
                int fitting = longer.length() - 1;
                while (fitting > 1 && metrics.stringWidth(longer.substring(0, fitting)) > width) {
                    fitting--;
                }
                lines.add(longer.substring(0, fitting));
                longer = longer.substring(fitting);
            }
            line = longer;
        }
        lines.add(line);
        return lines;
    }
}
