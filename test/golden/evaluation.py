#!/usr/bin/python3
"""evaluation.py > evaluation.json : scikit-learn's figures on small made-up predictions, for test/evaluation/quality.test.ts.

Scores are multiples of 1/20, so that many are equal and some fall on the threshold and on the edges of bins. Among the
labels are one that no text has, one that all texts have, and one whose scores are all the same. Where scikit-learn raises or
only warns (a label without positives or negatives), the figure is null here. What scikit-learn does not have (calibration
error) is written out with numpy."""
import json, sys, warnings
import numpy as np
import sklearn
from sklearn import metrics as sk

warnings.simplefilter("ignore")


def ranking(y, s):
    """AUC, average precision, best threshold and its F1; precision_recall_curve has all distinct scores as thresholds."""
    auc = float(sk.roc_auc_score(y, s)) if 0 < y.sum() < len(y) else None
    if y.sum() == 0:
        return dict(rocAuc=auc, averagePrecision=None, bestThreshold=None, bestF1=None)
    distinct = sorted(set(s.tolist()), reverse=True)
    f1 = [sk.f1_score(y, s >= t, zero_division=0) for t in distinct]
    k = int(np.argmax(np.array(f1)))        # the first, so the highest of those with the same F1
    below = distinct[k + 1] if k + 1 < len(distinct) else 0.0
    return dict(rocAuc=auc, averagePrecision=float(sk.average_precision_score(y, s)),
                bestThreshold=(distinct[k] + below) / 2, bestF1=float(f1[k]))


def calibration(y, s):
    b = np.minimum((s * 10).astype(int), 9)
    bins = [dict(count=int((b == k).sum()), meanScore=float(s[b == k].mean()) if (b == k).any() else None,
                 shareRight=float(y[b == k].mean()) if (b == k).any() else None) for k in range(10)]
    error = sum(x["count"] / len(s) * abs(x["meanScore"] - x["shareRight"]) for x in bins if x["count"])
    return dict(bins=bins, error=float(error))


def scores(y, p, average):
    pr, rc, f, _ = sk.precision_recall_fscore_support(y, p, average=average, zero_division=0)
    return dict(precision=float(pr), recall=float(rc), f1=float(f))


def mean(values):
    defined = [v for v in values if v is not None]
    return float(np.mean(defined)) if defined else None


def quality(y, s, p, thresholds, single):
    pr, rc, f, sup = sk.precision_recall_fscore_support(y, p, average=None, zero_division=0)
    labels = []
    for i in range(y.shape[1]):
        r = ranking(y[:, i], s[:, i])
        if single:
            r.update(bestThreshold=None, bestF1=None)
        labels.append(dict(label="abcdefgh"[i], support=int(sup[i]), predicted=int(p[:, i].sum()), threshold=thresholds[i],
                           precision=float(pr[i]), recall=float(rc[i]), f1=float(f[i]), **r,
                           brier=float(sk.brier_score_loss(y[:, i], s[:, i], pos_label=1)),
                           calibrationError=calibration(y[:, i], s[:, i])["error"]))
    best = s.argmax(1)
    right = y[np.arange(len(y)), best]
    everything = ranking(y.ravel(), s.ravel())
    return dict(
        texts=len(y), labels=labels, micro=scores(y, p, "micro"), macro=scores(y, p, "macro"), weighted=scores(y, p, "weighted"),
        accuracy=float(sk.accuracy_score(y, p)), bestLabelIsRight=float(right.mean()),
        rocAuc=dict(micro=everything["rocAuc"], macro=mean([l["rocAuc"] for l in labels])),
        averagePrecision=dict(micro=everything["averagePrecision"], macro=mean([l["averagePrecision"] for l in labels])),
        brier=float(((s - y) ** 2).sum(1).mean()) if single else float(((s - y) ** 2).mean()),
        calibration=calibration(right, s.max(1)) if single else calibration(y.ravel(), s.ravel()),
        confusion=sk.confusion_matrix(y.argmax(1), best, labels=range(y.shape[1])).tolist() if single else None)


def main():
    r = np.random.default_rng(5)
    n = 60
    y = (r.random((n, 6)) < [0.5, 0.2, 0.1, 0.0, 1.0, 0.3]).astype(int)
    s = np.round(20 * np.clip(0.3 * y + r.random((n, 6)) * 0.7, 0, 1)) / 20
    s[:, 5] = 0.5
    th = [0.5, 0.35, 0.6, 0.5, 0.5, 0.5]
    multi = dict(head="sigmoid", probabilities=s.tolist(), right=[np.flatnonzero(t).tolist() for t in y], thresholds=th,
                 quality=quality(y, s, (s >= th).astype(int), th, False))

    label = r.integers(0, 3, n)             # nobody has the fourth
    y = np.eye(4, dtype=int)[label]
    w = 2.0 * y + r.integers(0, 4, (n, 4))
    s = (w + 1) / (w + 1).sum(1, keepdims=True)
    p = np.eye(4, dtype=int)[s.argmax(1)]   # numpy and we take the first of equals
    single = dict(head="softmax", probabilities=s.tolist(), right=[[int(l)] for l in label], thresholds=[0.5] * 4,
                  quality=quality(y, s, p, [None] * 4, True))
    json.dump(dict(description="scikit-learn's figures; see evaluation.py", sklearn=sklearn.__version__, numpy=np.__version__,
                   cases={"multi-label": multi, "single-label": single}), sys.stdout, separators=(",", ":"))
    print()


if __name__ == "__main__":
    main()
