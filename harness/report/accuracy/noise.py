"""Whether methods differ by more than chance: by more than one of them does from seed to seed."""

from collections.abc import Sequence

from samfit.harness.report.accuracy.standings import Standings

SIGNIFICANCE = 0.01  # not 0.05: of seven tasks, one in three reports would then find a difference
CAVEAT = "That not all are alike does not tell two neighbours in the table apart. "


def noise(found: Standings) -> str:
    """In plain words, on how many tasks methods can be told apart."""
    if len(found.seeds) == 1:
        return (
            "Each method was trained with one seed: nothing can be said about which differences "
            "are chance. "
        )
    answers = [
        told_apart([one.scores([task]) for one in found.methods if one.scores([task])])
        for task in found.tasks
    ]
    known = [answer for answer in answers if answer is not None]
    if not known:
        return (
            "So few seeds of so few methods cannot show, whatever their scores, that methods "
            "differ by more than chance. "
        )
    tasks = f"{len(known)} task{'s' if len(known) > 1 else ''}"
    return (
        f"On {sum(known)} of {tasks} methods can be told apart beyond the noise of seeds "
        f"(Kruskal-Wallis test over seeds, p < {SIGNIFICANCE:g}). {CAVEAT}"
    )


def told_apart(scores: Sequence[Sequence[float]]) -> bool | None:
    """Whether the scores of methods, one a seed, differ by more than seeds make them differ.

    Kruskal and Wallis's test asks whether a method's scores lie together among those of all. It
    looks at ranks only: whether scores are normally distributed, three of them cannot tell. None
    if even methods whose scores lie wholly apart would not pass it, being too few.
    """
    from scipy.stats import kruskal  # slow to import

    ranks = iter(range(sum(map(len, scores))))
    apart = [[next(ranks) for _ in one] for one in scores]
    if len(scores) < 2 or kruskal(*apart).pvalue >= SIGNIFICANCE:
        return None
    if len({score for one in scores for score in one}) == 1:
        return False  # the test is undefined
    return bool(kruskal(*scores).pvalue < SIGNIFICANCE)
