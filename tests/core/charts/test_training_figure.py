"""Training is shown by round, with fitted and later rows told apart, in up to four panels."""

from tests import page_fixtures
from trueline.core.charts.training_figure import list_measures, render_training_figures

LOSS = {"loss/fit": {1: 2.0, 2: 1.0}, "loss/later": {1: 2.0, 2: 1.5}}


def test_a_learner_with_a_loss_only_has_one_chart_of_two_named_lines() -> None:
    (figure,) = render_training_figures(LOSS)
    assert figure.count('role="img"') == 1
    assert "train (rows it is fitted on) 1; validation (later rows) 1.50." in figure
    assert "<h4>" not in figure


def test_a_network_has_four_panels_in_one_figure_with_its_loss_first() -> None:
    (figure,) = render_training_figures(page_fixtures.plots().curves)
    assert figure.count("<h4>") == figure.count('role="img"') == 4
    assert figure.index("<h4>Loss") < figure.index("<h4>Binary accuracy") < figure.index("<h4>Recall")
    assert "comparison learner network" in figure
    assert list_measures(page_fixtures.plots().curves, "network/")[0] == "loss"


def test_one_round_is_no_curve() -> None:
    assert render_training_figures({"loss/fit": {1: 2.0}, "loss/later": {1: 2.0}}) == []
    assert render_training_figures({}) == []


def test_a_round_that_one_curve_lacks_is_left_open() -> None:
    (figure,) = render_training_figures({"loss/fit": {1: 2.0, 2: 1.0, 3: 0.5}, "loss/later": {1: 2.0, 3: 1.5}})
    assert "validation (later rows) –" in figure
