"""What is learned away from the path: labels, training sets, models and their worth, drift, backtests.

- `labels`: what is known about one event, and about all of them.
- `dataset`: training sets.
- `drift`: what is no longer as it was, and since when.
- `judged`: a past decided under a pack, as columns; `truth`: what is held to be true of it.
- `backtest`: what a pack would have caught, missed and refused, in events and in money.
- `tuning`: thresholds by what mistakes cost.
- `intervals`: how sure a figure is.
- `rows`: what a model learns from, in memory.
- `training`: a model of rows, by `boosting`, `calibrating`, `isolating`, `spreading`, `cards`.
- `evaluation`: what a model is worth on other rows, by `measures`.
- `trial`: a policy pack on old events under a `protocol`; `chronicle` puts them in order.

Nothing here runs in the process that judges. Files come in and go out through ports. LightGBM and
scikit-learn are loaded by the modules that train or measure, and by nothing that judges.
"""
