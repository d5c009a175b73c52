from synthetic_records import measured, on_cards, predicted, scored

from samfit.harness.report.page.summary import summary


def test_it_counts_methods_that_fit_common_cards():
    records = [
        on_cards(predicted("cad", 4, 6), "RTX 3070", "RTX 3090"),
        on_cards(predicted("lora", 4, 30)),
        on_cards(predicted("lora", 4, 3, attention="sdpa"), "RTX 3070", "RTX 3090"),
        on_cards(predicted("full", 4, 31.26), "RTX 3090"),
        on_cards(predicted("cad", 4, 0.1, backbone="vit_tiny"), "RTX 3070"),
    ]
    what = "3 methods train vit_b at 1024 × 1024 with a batch of 4 as published"
    assert summary(records) == [
        f"On a card of 8 GB (RTX 3070), 1 of {what}, 2 with levers.",
        f"On a card of 24 GB (RTX 3090), 2 of {what}, 3 with levers.",
        "With a batch of 4, Cad needs least memory as published (6.00 GiB allocated, predicted), "
        "Full most (31.3 GiB).",
    ]
    for other in (measured, predicted):  # without cards
        assert summary([other("cad"), other("lora")]) == []


def test_it_names_the_method_with_the_best_masks():
    before = scored("decoder", score=0.25, epochs=0)
    once = [before, scored("cad", score=0.5), scored("lora", score=0.6)]
    assert summary(once) == [
        "Of 2 methods, trained alike in miniature on one generated task with one seed, Lora has "
        "the best masks: IoU 0.60, measured; without adaptation it is 0.25."
    ]
    more = [scored(name, seed=1, score=0.75) for name in ("cad", "lora")]
    (sentence,) = summary([*once, *more])
    assert "with 2 seeds" in sentence and "0.68" in sentence
    assert summary(once[:2]) == [], "one method is no comparison"
