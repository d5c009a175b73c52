"""The curves of one training: losses and validation, step by step."""

import numpy as np
from matplotlib.figure import Figure

from samfit.harness.metrics import METRICS
from samfit.harness.metrics.baselines import BASELINES
from samfit.harness.record.history import History
from samfit.harness.report.kit.style import BLUE, MUTED, ORANGE, VERMILLION, styled

SMOOTHED_OVER = 0.05  # of the steps


@styled
def draw_history(history: History, metric: str) -> Figure:
    """The loss of each step with its running mean, and the validation ``metric`` below."""
    rows = 2 if history.validations else 1
    figure = Figure(figsize=(6.4, 2.4 * rows), layout="constrained")
    axes = figure.subplots(rows, 1, sharex=True, squeeze=False)[:, 0]
    steps = np.arange(1, len(history.losses) + 1)
    width = max(1, round(SMOOTHED_OVER * len(steps)))
    axes[0].plot(steps, history.losses, color=BLUE, alpha=0.3, linewidth=0.8, label="each step")
    smooth = np.convolve(history.losses, np.ones(width) / width, mode="valid")
    axes[0].plot(steps[width - 1 :], smooth, color=BLUE, label=f"mean of {width} steps")
    axes[0].set_ylabel("training loss")
    if history.validations:
        at = [scores["step"] for scores in history.validations]
        values, title = [scores[metric] for scores in history.validations], METRICS[metric].title
        axes[1].plot(at, values, color=VERMILLION, marker="o", markersize=3, label="validation")
        best = {"color": MUTED, "linewidth": 0.8, "linestyle": ":", "label": "best, which is kept"}
        axes[1].axvline(history.best_step, **best)
        axes[1].set_ylabel(title)
        if history.baselines:
            name = max(history.baselines, key=lambda each: history.baselines[each])
            to_beat = {"color": ORANGE, "linewidth": 0.8, "linestyle": "--"}
            axes[1].axhline(history.baselines[name], label=BASELINES[name], **to_beat)
    for one in axes:
        one.legend(frameon=False)
    axes[-1].set_xlabel("step")
    return figure
