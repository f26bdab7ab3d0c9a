"""Writes learn_oracle.txt: a made-up task of 8 features, and what NumPy says about head A in its plainest form.

usage: python learn_oracle.py > learn_oracle.txt     (numpy, scipy)
Leave-one-out is done by leaving out: for every row, all sums and the inverse are made anew. Lines: "row LABEL
x1 .. x8", "query x1 .. x8", then for block, lambda on the grid "loo BLOCK LAMBDA beta log_loss accuracy", then
"best BLOCK LAMBDA", then for each query "probabilities p_1 .. p_3" (labels in byte order).
"""
import numpy as np
from scipy.optimize import minimize_scalar

random = np.random.default_rng(3)
LABELS, DIM = ["blue", "green", "red"], 8
counts = {"blue": 14, "green": 9, "red": 17}
centres = {c: random.integers(-25, 26, DIM) for c in LABELS}
rows = [(c, np.clip(centres[c] + random.integers(-40, 41, DIM), -127, 127)) for c in LABELS for _ in range(counts[c])]
rows = [rows[i] for i in random.permutation(len(rows))]
y = np.array([LABELS.index(c) for c, _ in rows])
X = np.array([x for _, x in rows])
queries = random.integers(-60, 61, (6, DIM))
n, C = len(y), len(LABELS)
BLOCKS = {"last": slice(0, 4), "layer4": slice(4, 8), "both": slice(0, 8)}
LAMBDAS = 10.0 ** np.arange(-5, 2.01, 0.5)
log_prior = np.log(np.bincount(y) / n)


def sums(X, y):
    mu = np.array([X[y == c].mean(0) for c in range(C)])
    return mu, sum(np.outer(x - mu[c], x - mu[c]) for x, c in zip(X, y))


def distances(x, mu, M):
    return np.array([(x - m) @ np.linalg.solve(M, x - m) for m in mu])


def loss(beta, D):
    z = -beta / 2 * D + log_prior
    z = z - z.max(1, keepdims=True)
    return float(np.mean(np.log(np.exp(z).sum(1)) - z[np.arange(len(D)), y]))


for c, x in rows:
    print("row", c, *x)
for q in queries:
    print("query", *q)
best = None
for block, cut in BLOCKS.items():
    Z = X[:, cut].astype(float)
    tau = np.trace((Z - Z.mean(0)).T @ (Z - Z.mean(0))) / Z.shape[1]
    for lam in LAMBDAS:
        D = []
        for i in range(n):
            keep = np.arange(n) != i
            mu, Sw = sums(Z[keep], y[keep])
            D.append(distances(Z[i], mu, Sw + lam * tau * np.eye(Z.shape[1])))
        D = np.array(D)
        middle = np.log(10 / (np.abs(D).mean() / 2))
        fit = minimize_scalar(lambda b: loss(np.exp(b), D), bounds=(middle - 7, middle + 7), method="bounded", options={"xatol": 1e-12})
        beta = np.exp(fit.x)
        accuracy = float(((-beta / 2 * D + log_prior).argmax(1) == y).mean())
        print("loo", block, repr(float(lam)), repr(float(beta)), repr(float(fit.fun)), repr(accuracy))
        if best is None or fit.fun < best[0]:
            best = (fit.fun, block, lam, beta)
_, block, lam, beta = best
print("best", block, repr(float(lam)))
Z, Q = X[:, BLOCKS[block]].astype(float), queries[:, BLOCKS[block]].astype(float)
mu, Sw = sums(Z, y)
tau = np.trace((Z - Z.mean(0)).T @ (Z - Z.mean(0))) / Z.shape[1]
for q in Q:
    z = -beta / 2 * distances(q, mu, Sw + lam * tau * np.eye(Z.shape[1])) + log_prior
    e = np.exp(z - z.max())
    print("probabilities", *(repr(float(x)) for x in e / e.sum()))
