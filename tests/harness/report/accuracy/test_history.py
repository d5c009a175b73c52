"""The curves of one training."""

from samfit.harness.record.history import History
from samfit.harness.report.accuracy.history import draw_history


def test_curves_say_what_each_line_is():
    validations = [{"step": 20, "iou": 0.4}, {"step": 40, "iou": 0.5}]
    history = History(losses=[1.0] * 40, validations=validations, best_step=40)
    legends = [axes.get_legend().get_texts() for axes in draw_history(history, "iou").axes]
    assert [[text.get_text() for text in texts] for texts in legends] == [
        ["each step", "mean of 2 steps"], ["validation", "best, which is kept"],
    ]  # fmt: skip


def test_the_best_baseline_is_drawn_beside_validation():
    history = History(losses=[1.0], validations=[{"step": 1, "iou": 0.4}], best_step=1)
    history.baselines = {"all_background": 0.0, "all_foreground": 0.3}
    axes = draw_history(history, "iou").axes[1]
    (line,) = [line for line in axes.lines if line.get_label() == "calling everything foreground"]
    assert list(line.get_ydata()) == [0.3, 0.3]
