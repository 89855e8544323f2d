"""What is no longer as it was when the rules and models were made, and since when.

- `measure`: how far apart two counts of the same bins are, and what chance gives.
- `baseline`: how features, outcomes and rules were spread in a window.
- `watch`: the same counted day by day, as rows come in.
- `findings`: what has drifted, since when, and what has too few events to tell.
- `calibration`: whether scores mean what they say, by labels that are known by now.
"""
