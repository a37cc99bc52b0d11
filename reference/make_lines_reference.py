#!/usr/bin/env python3
"""What OpenCV makes of a picture: its Canny edges, and the lines that are darker than their surroundings, with the
operations and numbers of lineart_standard in AUTOMATIC1111's ControlNet extension; and its other processors without networks.

Usage: make_lines_reference.py OUT     (needs opencv-python-headless)
"""
import sys

import cv2
import numpy
from safetensors.numpy import save_file

random = numpy.random.default_rng(11)
picture = cv2.resize(random.integers(60, 256, (5, 7, 3), dtype=numpy.uint8), (70, 50), interpolation=cv2.INTER_CUBIC)
for _ in range(9):
    a, b = random.integers(0, 50, 2), random.integers(0, 70, 2)
    cv2.line(picture, (int(b[0]), int(a[0])), (int(b[1]), int(a[1])), random.integers(0, 90, 3).tolist(), 2)
cv2.circle(picture, (35, 25), 14, (20, 30, 40), 3)

smooth = cv2.GaussianBlur(picture.astype(numpy.float32), (0, 0), 6.0)
darker = numpy.clip(numpy.min(smooth - picture, axis=2), 0, 255)
darker = darker / max(16, float(numpy.median(darker[darker > 8]))) * 127
little, much = (cv2.GaussianBlur(picture.astype(numpy.float32), (0, 0), sigma) for sigma in (0.5, 5.0))
strokes = 2 * (255 - (255 - numpy.min(much - little, axis=2)).clip(0, 255).astype(numpy.uint8).astype(int))


def recoloured(conversion, channel, gamma):
    """The extension hands its RGB pictures to OpenCV as BGR."""
    level = cv2.cvtColor(picture, conversion)[:, :, channel].astype(numpy.float32) / 255.0
    return (level ** gamma * 255.0).clip(0, 255).astype(numpy.uint8)[None]


large = cv2.resize(picture, (210, 150), interpolation=cv2.INTER_NEAREST)
squares = cv2.resize(cv2.resize(large, (210 // 64, 150 // 64), interpolation=cv2.INTER_CUBIC), (210, 150),
                     interpolation=cv2.INTER_NEAREST)
more = {"canny_low": cv2.Canny(picture, 30, 90)[None],
        "scribble": numpy.where(strokes > 32, 255, 0).astype(numpy.uint8)[None],
        "scribble_12": numpy.where(strokes > 12, 255, 0).astype(numpy.uint8)[None],
        "threshold": numpy.where(picture.min(axis=2) > 127, 255, 0).astype(numpy.uint8)[None],
        "blur": cv2.GaussianBlur(picture, (0, 0), 1.5)[:, :, 0][None],
        "luminance": recoloured(cv2.COLOR_BGR2LAB, 0, 1.0), "luminance_gamma": recoloured(cv2.COLOR_BGR2LAB, 0, 0.8),
        "intensity": recoloured(cv2.COLOR_BGR2HSV, 2, 1.3),
        "smaller": cv2.resize(picture, (32, 21), interpolation=cv2.INTER_AREA).transpose(2, 0, 1),
        "squares": squares[::10, ::10].transpose(2, 0, 1)}
tensors = {"picture": picture.transpose(2, 0, 1), "lineart": numpy.clip(darker, 0, 255).astype(numpy.uint8)[None],
           "canny": cv2.Canny(picture, 100, 200)[None], **more}
save_file({name: numpy.ascontiguousarray(value) for name, value in tensors.items()}, sys.argv[1])
print({name: (value.shape, int(value.mean())) for name, value in tensors.items()}, cv2.__version__)
