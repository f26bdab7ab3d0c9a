"""What a user would try without ctt, tuned by cross-validation:

tfidf_svc    word 1-2-grams and character 3-5-grams within words, sublinear tf-idf, LinearSVC
logistic     the same encoder's embeddings (last layer, fp32), LogisticRegression

C by accuracy in 3 folds of at most TUNED_ROWS_MAX train rows, then a fit to all of them. And two plain scope scores on the embeddings:
the greatest probability of that LogisticRegression, and the relative Mahalanobis distance (Ren et al. 2021) with Ledoit-Wolf covariances.
"""
import pathlib
import tempfile
import warnings

import numpy as np
from sklearn.covariance import LedoitWolf
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, roc_auc_score
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_union
from sklearn.svm import LinearSVC

TUNED_ROWS_MAX = 3000
FOLDS = 3
SVC_CS = (0.1, 0.3, 1)
LOGISTIC_CS = (1, 10, 100)


def svc(c):
    return LinearSVC(C=c)


def logistic(c):
    return LogisticRegression(C=c, max_iter=300)


def best_c(make, cs, x, y, folds):
    """x(fitted, others) -> the two matrices of those rows."""
    right = dict.fromkeys(cs, 0)
    for fitted, others in folds:
        if len(set(y[fitted])) < 2:
            continue
        a, b = x(fitted, others)
        for c in cs:
            right[c] += np.sum(make(c).fit(a, y[fitted]).predict(b) == y[others])
    return max(cs, key=lambda c: right[c])  # The first, so the simplest, of equals.


def folds_of(y):
    rows = np.random.RandomState(0).permutation(len(y))[:TUNED_ROWS_MAX]
    if max(np.unique(y[rows], return_counts=True)[1]) < FOLDS:
        return []
    splits = StratifiedKFold(FOLDS, shuffle=True, random_state=0).split(rows, y[rows])
    return [(rows[fitted], rows[others]) for fitted, others in splits]


def words(texts_fitted, texts):
    union = make_union(TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, dtype=np.float32),
                       TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), sublinear_tf=True, dtype=np.float32))
    return union.fit_transform(texts_fitted), union.transform(texts)


def figures(truth, answers):
    return {"accuracy": float(np.mean(truth == answers)),
            "macro_f1": float(f1_score(truth, answers, average="macro", labels=sorted(set(truth)), zero_division=0))}


def ece(truth, probabilities, labels):
    top, bins = probabilities.max(1), 15
    right = labels[probabilities.argmax(1)] == truth
    at = np.minimum((top * bins).astype(int), bins - 1)
    return float(sum(abs(np.sum(top[at == b]) - np.sum(right[at == b])) for b in range(bins)) / len(truth))


def tfidf_svc(texts, y, test_texts, test_y):
    def parts(fitted, others):
        return words(texts[fitted], texts[others])

    c = best_c(svc, SVC_CS, parts, y, folds_of(y))
    a, b = words(texts, test_texts)
    return {"C": c, **figures(test_y, svc(c).fit(a, y).predict(b))}


def fitted_logistic(x, y):
    c = best_c(logistic, LOGISTIC_CS, lambda fitted, others: (x[fitted], x[others]), y, folds_of(y))
    return c, logistic(c).fit(x, y)


def judged_logistic(c, model, test_x, test_y):
    probabilities = model.predict_proba(test_x)
    answers = model.classes_[probabilities.argmax(1)]
    return {"C": c, **figures(test_y, answers), "ece": ece(test_y, probabilities, model.classes_)}


def relative_mahalanobis(x, y, queries):
    means = np.stack([x[y == label].mean(0) for label in np.unique(y)])
    within = LedoitWolf(assume_centered=True).fit(x - means[np.unique(y, return_inverse=True)[1]]).precision_
    total = LedoitWolf().fit(x)

    def distance(points, centre, precision):
        d = points - centre
        return np.einsum("ij,jk,ik->i", d, precision, d)

    nearest = np.min([distance(queries, mean, within) for mean in means], axis=0)
    return distance(queries, total.location_, total.precision_) - nearest


def scope_figures(kept, rejected):
    """Scores, greater in scope, of labelled texts and of texts of no label."""
    auroc = roc_auc_score(np.r_[np.ones(len(kept)), np.zeros(len(rejected))], np.r_[kept, rejected])
    return {"auroc": float(auroc), "fpr95": float(np.mean(rejected >= np.quantile(kept, 0.05)))}


def embedded(product, path):
    with tempfile.TemporaryDirectory() as folder:
        output = pathlib.Path(folder) / "embeddings.npy"
        product.embeddings(path, output)
        return np.load(output)


def columns(rows):
    return np.array([row["text"] for row in rows], dtype=object), np.array([row["label"] for row in rows])


def measure(product, task):
    """`product` embeds with engine f32."""
    warnings.simplefilter("ignore")  # Labels with fewer rows than folds; fits that stop at max_iter.
    (texts, y), (test_texts, test_y) = columns(task.rows("train")), columns(task.rows("test"))
    x, test_x = (embedded(product, task.folder / f"{part}.jsonl") for part in ("train", "test"))
    c, model = fitted_logistic(x, y)
    result = {"logistic": judged_logistic(c, model, test_x, test_y), "tfidf_svc": tfidf_svc(texts, y, test_texts, test_y)}
    if task.has_oos:
        others = embedded(product, task.folder / "oos.jsonl")
        result["scope"] = {
            "maximum_probability": scope_figures(model.predict_proba(test_x).max(1), model.predict_proba(others).max(1)),
            "relative_mahalanobis": scope_figures(relative_mahalanobis(x, y, test_x), relative_mahalanobis(x, y, others))}
    return {**result, "labels": len(set(y)), "train": len(y), "test": len(test_y)}
