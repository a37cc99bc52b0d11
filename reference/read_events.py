#!/usr/bin/env python3
"""Whether TensorBoard reads the event files of a training as they are meant: scalars and steps as in the tables beside them, times within
the training's, and nothing twice where it was stopped and went on.

Usage (needs tensorboard): read_events.py STATE-FOLDER
"""
import csv
import pathlib
import sys

import numpy
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

COLUMNS = {"loss/current": "loss", "lr": "learning_rate", "norm/gradient": "gradient_norm"}


def main(state):
    for table in sorted(pathlib.Path(state).glob("*-loss.csv")):
        events = EventAccumulator(str(table.parent / "events" / table.stem), size_guidance={"scalars": 0}).Reload()
        rows = list(csv.DictReader(table.open()))
        files = list((table.parent / "events" / table.stem).iterdir())
        assert set(events.Tags()["scalars"]) == set(COLUMNS), events.Tags()
        for tag, column in COLUMNS.items():
            scalars = events.Scalars(tag)
            assert [s.step for s in scalars] == [int(row["step"]) for row in rows], (tag, len(scalars), len(rows))
            numpy.testing.assert_allclose([s.value for s in scalars], [float(row[column]) for row in rows], rtol=6e-4, atol=6e-7)
            times = [s.wall_time for s in scalars]
            assert times == sorted(times) and times[-1] <= max(file.stat().st_mtime for file in files) + 1, tag
            started = min(float(file.name.split(".")[3]) for file in files)
            assert times[0] >= started, (times[0], started)
        print(f"{table.name}: {len(rows)} steps in {len(files)} files, {times[-1] - times[0]:.1f} s")


if __name__ == "__main__":
    main(*sys.argv[1:])
