"""Writes learn_metrics.txt: made-up answers and what scikit-learn says about them.

usage: python learn_metrics.py > learn_metrics.txt     (numpy, scikit-learn)
Lines: "row TRUTH p_a p_b p_c" (labels a, b, c; truth d is unknown to the head), then "NAME value",
then "class LABEL support precision recall f1".
"""
import numpy as np
from sklearn.metrics import accuracy_score, f1_score, log_loss, precision_recall_fscore_support

random = np.random.default_rng(7)
LABELS, n = ["a", "b", "c"], 60
p = np.round(random.dirichlet([0.6] * 3, n), 6)
p = np.maximum(p, 1e-6)
p[:, 2] = 1 - p[:, 0] - p[:, 1]
truth = np.array([LABELS[random.choice(3, p=row / row.sum())] if i % 10 else "d" for i, row in enumerate(p)])
answer = np.array([LABELS[k] for k in p.argmax(1)])
for t, row in zip(truth, p):
    print("row", t, *(repr(float(x)) for x in row))
print("accuracy", repr(float(accuracy_score(truth, answer))))
print("macro_f1", repr(float(f1_score(truth, answer, labels=sorted(set(truth)), average="macro", zero_division=0))))
print("weighted_f1", repr(float(f1_score(truth, answer, average="weighted", zero_division=0))))
known = truth != "d"
total = log_loss(truth[known], p[known], labels=LABELS, normalize=False) - np.log(1e-15) * (~known).sum()
print("log_loss", repr(float(total / n)))
top, right = p.max(1), answer == truth
edges = np.linspace(0, 1, 16)
bins = np.clip(np.digitize(top, edges) - 1, 0, 14)
ece = sum((bins == b).mean() * abs(top[bins == b].mean() - right[bins == b].mean()) for b in set(bins))
print("ece", repr(float(ece)))
every = sorted(set(truth) | set(answer))
for label, pr, re, f1, support in zip(every, *precision_recall_fscore_support(truth, answer, labels=every, zero_division=0)):
    print("class", label, int(support), repr(float(pr)), repr(float(re)), repr(float(f1)))
