"""From a run and faces to honest figures: probabilities, metrics with intervals, decision rules, ensembles."""
